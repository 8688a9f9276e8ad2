// Hands Petrel's batches to the kernel, after proving that their layout is the kernel's.
#include "CPetrelLinux.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

_Static_assert(sizeof(struct petrel_message) == sizeof(struct mmsghdr), "size of mmsghdr");
_Static_assert(offsetof(struct petrel_message, header) == offsetof(struct mmsghdr, msg_hdr),
               "place of msg_hdr");
_Static_assert(offsetof(struct petrel_message, byte_count) == offsetof(struct mmsghdr, msg_len),
               "place of msg_len");

// Not in the headers of the C library without its extensions.
enum { ipv6_dontfrag = 62, probe_path = 3 };

static void option(int descriptor, int level, int name, int value) {
    (void)setsockopt(descriptor, level, name, &value, sizeof(value));
}

void petrel_watch_path(int descriptor, int is_v6) {
    // IPv4 speaks on sockets of both families too.
    option(descriptor, IPPROTO_IP, IP_MTU_DISCOVER, probe_path);
    option(descriptor, IPPROTO_IP, IP_RECVTOS, 1);
    if (!is_v6) return;
    option(descriptor, IPPROTO_IPV6, IPV6_MTU_DISCOVER, probe_path);
    option(descriptor, IPPROTO_IPV6, ipv6_dontfrag, 1);
    option(descriptor, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
}

int petrel_received_ecn(const struct petrel_message *message) {
    struct msghdr *header = (struct msghdr *)&message->header;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
        if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_TOS)
            return *CMSG_DATA(part) & 3;
        if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_TCLASS) {
            int value = 0;
            memcpy(&value, CMSG_DATA(part), sizeof(value));
            return value & 3;
        }
    }
    return 0;
}

void petrel_mark(struct petrel_message *message, int ecn) {
    struct msghdr *header = &message->header;
    header->msg_controllen = ecn ? CMSG_SPACE(sizeof(ecn)) : 0;
    if (!ecn) return;
    const struct sockaddr *name = header->msg_name;
    int is_v4 = name->sa_family == AF_INET;
    struct cmsghdr *part = CMSG_FIRSTHDR(header);
    part->cmsg_level = is_v4 ? IPPROTO_IP : IPPROTO_IPV6;
    part->cmsg_type = is_v4 ? IP_TOS : IPV6_TCLASS;
    part->cmsg_len = CMSG_LEN(sizeof(ecn));
    memcpy(CMSG_DATA(part), &ecn, sizeof(ecn));
}

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
