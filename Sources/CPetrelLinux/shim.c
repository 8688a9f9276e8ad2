// Hands Petrel's batches to the kernel, after proving that their layout is the kernel's.
#include "CPetrelLinux.h"

#include <linux/filter.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

_Static_assert(sizeof(struct petrel_message) == sizeof(struct mmsghdr), "size of mmsghdr");
_Static_assert(offsetof(struct petrel_message, header) == offsetof(struct mmsghdr, msg_hdr),
               "place of msg_hdr");
_Static_assert(offsetof(struct petrel_message, byte_count) == offsetof(struct mmsghdr, msg_len),
               "place of msg_len");

int petrel_receive_batch(int descriptor, struct petrel_message *messages, unsigned int count) {
    return recvmmsg(descriptor, (struct mmsghdr *)messages, count, MSG_DONTWAIT, NULL);
}

int petrel_send_batch(int descriptor, struct petrel_message *messages, unsigned int count) {
    return sendmmsg(descriptor, (struct mmsghdr *)messages, count, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int petrel_steer(int descriptor, unsigned int workers) {
    // Bytes are those of the datagram. The result is the number of a socket; one that does not
    // exist makes the kernel choose, and so does the hash of a program that reads beyond the end.
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xC4, 0, 3),  // a HELLO: its ephemeral key
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 5),
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, workers),
        BPF_STMT(BPF_RET | BPF_A, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xD0, 2, 0),  // a PROBE: its connection ID
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xC0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x40, 0, 2),  // a data packet: likewise
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 1),
        BPF_STMT(BPF_RET | BPF_A, 0),
        BPF_STMT(BPF_RET | BPF_K, 0xFFFFFFFF),
    };
    struct sock_fprog attached = {sizeof(program) / sizeof(program[0]), program};
    return setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &attached,
                      sizeof(attached));
}

int petrel_accept(int descriptor, struct sockaddr *name, socklen_t *name_byte_count) {
    return accept4(descriptor, name, name_byte_count, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int petrel_event_descriptor(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
