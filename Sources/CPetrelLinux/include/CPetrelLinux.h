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

// Bytes of room for ancillary data that each message points to.
enum { petrel_ancillary_room = 64 };

// Has a socket tell of ECN marks, and send nothing in fragments: datagrams that are too large for
// the interface are refused, whatever the kernel believes of the path. What a kernel cannot do is
// left out.
void petrel_watch_path(int descriptor, int is_v6);

// The two bits of ECN that a received message came with; 0 if nothing is known.
int petrel_received_ecn(const struct petrel_message *message);

// Has a message leave with these two bits of ECN; its name is set, its room for ancillary data is
// there.
void petrel_mark(struct petrel_message *message, int ecn);

// recvmmsg without waiting: how many datagrams arrived, or -1 and errno.
int petrel_receive_batch(int descriptor, struct petrel_message *messages, unsigned int count);

// sendmmsg without waiting: how many datagrams were taken, or -1 and errno for the first of them.
int petrel_send_batch(int descriptor, struct petrel_message *messages, unsigned int count);

// Has the kernel divide datagrams among `workers` sockets that share a port, one of which is
// `descriptor`, in the order of their binding, as Protocol/transport.md section 3.1 says; what that
// says nothing of goes by a hash of the addresses. Returns 0, or -1 and errno.
int petrel_steer(int descriptor, unsigned int workers);

// Takes a connection of a listening socket, which neither blocks nor survives exec; writes the
// address of its other end. Returns -1 and errno.
int petrel_accept(int descriptor, struct sockaddr *name, socklen_t *name_byte_count);

// An eventfd that neither blocks nor survives exec, or -1 and errno.
int petrel_event_descriptor(void);

#endif
