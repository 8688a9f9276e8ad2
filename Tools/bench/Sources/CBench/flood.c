// A flood of datagrams from many addresses, and what it leaves behind.
#include "CBench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOURCES = 256, JUNK = 4096, LONGEST = 1200, BATCH = 32 };

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static int source(int index, uint16_t port) {
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -errno;
    int small = 4096;
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    struct sockaddr_in own = {.sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(0x7F030000u + (uint32_t)index + 1)};
    struct sockaddr_in server = {.sin_family = AF_INET,
                                 .sin_port = htons(port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(descriptor, (struct sockaddr *)&own, sizeof own) ||
        connect(descriptor, (struct sockaddr *)&server, sizeof server)) {
        int error = errno;
        close(descriptor);
        return -error;
    }
    return descriptor;
}

static uint8_t junk[JUNK][LONGEST];
static uint16_t lengths[JUNK];

void bench_flood_prepare(void) {
    static const uint8_t first[] = {0x40, 0x5A, 0xC4, 0xC8, 0x00};
    uint64_t state = 0x9E3779B97F4A7C15u;
    for (int i = 0; i < JUNK; i++) {
        uint8_t *start = junk[i];
        for (int j = 0; j < LONGEST; j++) start[j] = (uint8_t)next_random(&state);
        lengths[i] = (uint16_t)(1 + next_random(&state) % LONGEST);
        if (i % 4) start[0] = first[next_random(&state) % sizeof first];
        if (start[0] == 0xC4) {
            memcpy(start + 1, "\0\0\0\1", 4);
            lengths[i] = 256;
        }
    }
}

// Who is measured shares this processor, and must not wait for whoever floods.
static void yield_to_others(void) {
    int policy;
    struct sched_param parameters;
    pthread_getschedparam(pthread_self(), &policy, &parameters);
    if (policy == SCHED_RR || policy == SCHED_FIFO) {
        parameters.sched_priority = sched_get_priority_min(policy);
        pthread_setschedparam(pthread_self(), policy, &parameters);
    } else {
        setpriority(PRIO_PROCESS, (id_t)gettid(), 5);
    }
}

int64_t bench_flood(uint16_t port, const uint8_t *datagrams, int byte_count, int count, double rate,
                    double seconds) {
    yield_to_others();
    int sources[SOURCES];
    for (int i = 0; i < SOURCES; i++) {
        sources[i] = source(i, port);
        if (sources[i] < 0) {
            int error = sources[i];
            while (i-- > 0) close(sources[i]);
            return error;
        }
    }
    int64_t sent = 0;
    double start = bench_seconds(), now = start;
    uint64_t turn = 0;
    while (now - start < seconds) {
        while (sent < (int64_t)((now - start) * rate)) {
            struct iovec parts[BATCH];
            struct mmsghdr messages[BATCH];
            memset(messages, 0, sizeof messages);
            for (int i = 0; i < BATCH; i++, turn++) {
                int which = (int)(turn % (uint64_t)(count ? count : JUNK));
                parts[i].iov_base = count ? (void *)(datagrams + (size_t)which * (size_t)byte_count)
                                          : (void *)junk[which];
                parts[i].iov_len = count ? (size_t)byte_count : lengths[which];
                messages[i].msg_hdr.msg_iov = &parts[i];
                messages[i].msg_hdr.msg_iovlen = 1;
            }
            int outcome = sendmmsg(sources[(turn / BATCH) % SOURCES], messages, BATCH, 0);
            // A full buffer costs the flood what it was about to send.
            sent += outcome > 0 ? outcome : BATCH;
            now = bench_seconds();
            if (now - start >= seconds) break;
        }
        usleep(200);
        now = bench_seconds();
    }
    for (int i = 0; i < SOURCES; i++) close(sources[i]);
    return sent;
}

int64_t bench_dropped(uint16_t port) {
    FILE *file = fopen("/proc/net/udp", "r");
    if (!file) return -errno;
    char line[512];
    int64_t dropped = 0;
    while (fgets(line, sizeof line, file)) {
        unsigned address, own;
        if (sscanf(line, " %*d: %x:%x", &address, &own) != 2 || own != port) continue;
        size_t length = strlen(line);
        while (length > 0 && (line[length - 1] == ' ' || line[length - 1] == '\n'))
            line[--length] = '\0';
        char *last = strrchr(line, ' ');
        if (last) dropped += atoll(last + 1);
    }
    fclose(file);
    return dropped;
}

int64_t bench_resident(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file) return -errno;
    long size = 0, resident = 0;
    int fields = fscanf(file, "%ld %ld", &size, &resident);
    fclose(file);
    return fields == 2 ? (int64_t)resident * sysconf(_SC_PAGESIZE) : -EINVAL;
}
