// Hands Petrel's batches to the kernel, after proving that their layout is the kernel's.
#include "CPetrelLinux.h"

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

int petrel_accept(int descriptor, struct sockaddr *name, socklen_t *name_byte_count) {
    return accept4(descriptor, name, name_byte_count, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int petrel_event_descriptor(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
