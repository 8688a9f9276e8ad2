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
