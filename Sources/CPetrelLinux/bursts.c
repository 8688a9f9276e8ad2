// Several datagrams of one peer in one message: the kernel divides them and puts them together.
#include "CPetrelLinux.h"

#include <linux/udp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

int petrel_can_segment(int descriptor) {
    int none = 0;
    return setsockopt(descriptor, IPPROTO_UDP, UDP_SEGMENT, &none, sizeof none) == 0;
}

int petrel_coalesce(int descriptor) {
    int yes = 1;
    return setsockopt(descriptor, IPPROTO_UDP, UDP_GRO, &yes, sizeof yes);
}

void petrel_add_segment_size(struct msghdr *message, unsigned short size) {
    char *end = (char *)message->msg_control + message->msg_controllen;
    struct cmsghdr *added = (struct cmsghdr *)(void *)end;
    added->cmsg_level = IPPROTO_UDP;
    added->cmsg_type = UDP_SEGMENT;
    added->cmsg_len = CMSG_LEN(sizeof size);
    memcpy(CMSG_DATA(added), &size, sizeof size);
    message->msg_controllen += CMSG_SPACE(sizeof size);
}

int petrel_segment_size(struct msghdr *message) {
    for (struct cmsghdr *said = CMSG_FIRSTHDR(message); said; said = CMSG_NXTHDR(message, said)) {
        if (said->cmsg_level != IPPROTO_UDP || said->cmsg_type != UDP_GRO) continue;
        int size;
        memcpy(&size, CMSG_DATA(said), sizeof size);
        return size;
    }
    return 0;
}
