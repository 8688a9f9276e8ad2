// What the kernel itself can tell of a datagram: which socket it is for, and whether it is junk.
#include "CPetrelLinux.h"

#include <linux/filter.h>
#include <sys/socket.h>

// First bytes of datagrams, as Protocol/transport.md section 3 has them.
enum { HELLO = 0xC4, PROBE = 0xD0, FORM_BITS = 0xC0, DATA = 0x40 };
// A filter of a socket sees the UDP header first; a program of a group of sockets does not.
enum { UDP_HEADER = 8 };

static int attach(int descriptor, int option, struct sock_filter *program, unsigned short count) {
    struct sock_fprog attached = {count, program};
    return setsockopt(descriptor, SOL_SOCKET, option, &attached, sizeof attached);
}

#define ATTACH(descriptor, option, program) \
    attach(descriptor, option, program, sizeof(program) / sizeof((program)[0]))

int petrel_steer(int descriptor, unsigned int workers) {
    // The result is the number of a socket; one that does not exist makes the kernel choose. Of a
    // program that reads beyond the end it is 0.
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, HELLO, 0, 5),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 5),  // its ephemeral key
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, workers),
        BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 1),
        BPF_STMT(BPF_ALU | BPF_OR | BPF_K, 1),
        BPF_STMT(BPF_RET | BPF_A, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROBE, 2, 0),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, FORM_BITS),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DATA, 0, 4),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 1),  // its connection ID
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, workers, 2, 0),
        BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 1),
        BPF_STMT(BPF_RET | BPF_A, 0),
        BPF_STMT(BPF_RET | BPF_K, 1),
    };
    return ATTACH(descriptor, SO_ATTACH_REUSEPORT_CBPF, program);
}

// In both filters the result is how much of the datagram is kept: all, or nothing.

int petrel_admit_packets(int descriptor, unsigned int worker, unsigned int byte_count_min) {
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, UDP_HEADER + byte_count_min, 0, 7),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, UDP_HEADER),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROBE, 2, 0),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, FORM_BITS),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DATA, 0, 3),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, UDP_HEADER + 1),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, worker, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0xFFFFFFFF),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    return ATTACH(descriptor, SO_ATTACH_FILTER, program);
}

int petrel_admit_hellos(int descriptor, unsigned int version, unsigned int byte_count_min,
                        unsigned int byte_count_max) {
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, UDP_HEADER + byte_count_min, 0, 6),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, UDP_HEADER + byte_count_max, 5, 0),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, UDP_HEADER),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, HELLO, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, UDP_HEADER + 1),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, version, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0xFFFFFFFF),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    return ATTACH(descriptor, SO_ATTACH_FILTER, program);
}
