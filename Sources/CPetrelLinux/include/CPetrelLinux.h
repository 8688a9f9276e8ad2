// Linux calls that Swift's Glibc module does not show: datagrams in batches, and eventfd.
//
// No GNU feature is turned on here: it would change the shape of system types under Swift's feet.
#ifndef PETREL_LINUX_H
#define PETREL_LINUX_H

#include <sys/socket.h>
#include <sys/uio.h>

// The layout of the kernel's mmsghdr, which shim.c asserts.
struct petrel_message {
    struct msghdr header;
    // Bytes received into, or sent from, the message.
    unsigned int byte_count;
};

// Has a socket tell of ECN marks, and send nothing in fragments: datagrams that are too large for
// the interface are refused, whatever the kernel believes of the path. What a kernel cannot do is
// left out.
void petrel_watch_path(int descriptor, int is_v6);

// The two bits of ECN that a received message came with; 0 if nothing is known.
int petrel_received_ecn(const struct petrel_message *message);

// Has a message leave with these two bits of ECN; its name is set, and its control buffer, in which
// nothing else is said yet.
void petrel_mark(struct petrel_message *message, int ecn);

// recvmmsg without waiting: how many datagrams arrived, or -1 and errno.
int petrel_receive_batch(int descriptor, struct petrel_message *messages, unsigned int count);

// sendmmsg without waiting: how many datagrams were taken, or -1 and errno for the first of them.
int petrel_send_batch(int descriptor, struct petrel_message *messages, unsigned int count);

// Whether the kernel can divide a message into datagrams when it is sent.
int petrel_can_segment(int descriptor);

// Has the kernel hand over what one peer sends in a row as one message. Returns 0, or -1 and errno.
int petrel_coalesce(int descriptor);

// Says in the control buffer of `message`, which has room, that it is to be divided into datagrams
// of `size` bytes, but for the last.
void petrel_add_segment_size(struct msghdr *message, unsigned short size);

// The bytes of each datagram in a message that was received, but for the last; 0 if it is one.
int petrel_segment_size(struct msghdr *message);

// Has the kernel divide datagrams among the sockets that share a port, one of which is `descriptor`,
// as Protocol/transport.md section 3.1 says: of `workers` pairs in the order of their binding, the
// first of a pair gets its worker's data packets and PROBEs, the second all else. Returns 0, or -1
// and errno.
int petrel_steer(int descriptor, unsigned int workers);

// Has the kernel drop what reaches the socket, but data packets and PROBEs for `worker` with
// `byte_count_min` bytes or more. Returns 0, or -1 and errno.
int petrel_admit_packets(int descriptor, unsigned int worker, unsigned int byte_count_min);

// Has the kernel drop what reaches the socket, but what begins as a HELLO of `version` does and has
// between `byte_count_min` and `byte_count_max` bytes. Returns 0, or -1 and errno.
int petrel_admit_hellos(int descriptor, unsigned int version, unsigned int byte_count_min,
                        unsigned int byte_count_max);

// Takes a connection of a listening socket, which neither blocks nor survives exec; writes the
// address of its other end. Returns -1 and errno.
int petrel_accept(int descriptor, struct sockaddr *name, socklen_t *name_byte_count);

// An eventfd that neither blocks nor survives exec, or -1 and errno.
int petrel_event_descriptor(void);

#endif
