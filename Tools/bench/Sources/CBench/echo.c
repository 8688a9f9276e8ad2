// The least that an event-driven UDP server costs: libevent and batches of datagrams, echoed.
#include "CBench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 64, ROOM = 2048, BUFFER = 4 << 20 };

struct batch {
    struct mmsghdr messages[BATCH];
    struct iovec vectors[BATCH];
    struct sockaddr_in names[BATCH];
    uint8_t bytes[BATCH][ROOM];
};

struct server {
    int socket;
    int is_secure;
    struct event_base *base;
    struct batch batch;
    uint8_t key[32];
    uint8_t nonce[12];
    _Atomic uint64_t datagrams;
    uint64_t batches;
    uint64_t failures;
    _Atomic int is_stopping;
    double cpu_seconds;
};

static void prepare(struct batch *batch, int has_names) {
    memset(batch, 0, sizeof *batch);
    for (int i = 0; i < BATCH; i++) {
        batch->vectors[i] = (struct iovec){batch->bytes[i], ROOM};
        struct msghdr *header = &batch->messages[i].msg_hdr;
        header->msg_iov = &batch->vectors[i];
        header->msg_iovlen = 1;
        if (has_names) {
            header->msg_name = &batch->names[i];
            header->msg_namelen = sizeof batch->names[i];
        }
    }
}

static int bound_socket(struct sockaddr_in *name) {
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    *name = (struct sockaddr_in){.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int buffer = BUFFER;
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    socklen_t length = sizeof *name;
    if (bind(descriptor, (struct sockaddr *)name, length) != 0 ||
        getsockname(descriptor, (struct sockaddr *)name, &length) != 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

static int reseal(struct server *server, uint8_t *bytes, unsigned length) {
    unsigned long long count;
    if (crypto_aead_chacha20poly1305_ietf_decrypt(bytes, &count, NULL, bytes, length, NULL, 0,
                                                  server->nonce, server->key))
        return -1;
    return crypto_aead_chacha20poly1305_ietf_encrypt(bytes, &count, bytes, count, NULL, 0, NULL,
                                                     server->nonce, server->key);
}

static void readable(evutil_socket_t descriptor, short what, void *context) {
    (void)what;
    struct server *server = context;
    struct batch *batch = &server->batch;
    for (int i = 0; i < BATCH; i++) {
        batch->vectors[i].iov_len = ROOM;
        batch->messages[i].msg_hdr.msg_namelen = sizeof batch->names[i];
    }
    int count = recvmmsg(descriptor, batch->messages, BATCH, MSG_DONTWAIT, NULL);
    if (count <= 0) return;
    for (int i = 0; i < count; i++) {
        unsigned length = batch->messages[i].msg_len;
        batch->vectors[i].iov_len = length;
        if (server->is_secure && reseal(server, batch->bytes[i], length) != 0) server->failures++;
    }
    for (int sent = 0; sent < count;) {
        int taken = sendmmsg(descriptor, batch->messages + sent, (unsigned)(count - sent), 0);
        if (taken <= 0) break;
        sent += taken;
    }
    server->batches++;
    atomic_fetch_add_explicit(&server->datagrams, (uint64_t)count, memory_order_relaxed);
}

static void ticked(evutil_socket_t descriptor, short what, void *context) {
    (void)descriptor, (void)what;
    struct server *server = context;
    if (server->is_stopping) event_base_loopbreak(server->base);
}

static void *serve(void *context) {
    struct server *server = context;
    bench_pin(1);
    double start = bench_thread_seconds();
    struct event *arrival =
        event_new(server->base, server->socket, EV_READ | EV_PERSIST, readable, server);
    struct event *tick = event_new(server->base, -1, EV_PERSIST, ticked, server);
    struct timeval interval = {0, 20000};
    event_add(arrival, NULL);
    event_add(tick, &interval);
    event_base_dispatch(server->base);
    event_free(arrival);
    event_free(tick);
    server->cpu_seconds = bench_thread_seconds() - start;
    return NULL;
}

/// Keeps up to `window` datagrams under way until `end`, sent in full batches; returns how many
/// were lost.
static uint64_t load(int descriptor, const uint8_t *datagram, int byte_count, int window,
                     double end) {
    static struct batch outgoing, incoming;
    prepare(&outgoing, 0);
    prepare(&incoming, 0);
    for (int i = 0; i < BATCH; i++) {
        memcpy(outgoing.bytes[i], datagram, (size_t)byte_count);
        outgoing.vectors[i].iov_len = (size_t)byte_count;
    }
    int under_way = 0;
    uint64_t lost = 0;
    double now = bench_seconds(), heard = now;
    while (now < end) {
        while (window - under_way >= BATCH) {
            int count = sendmmsg(descriptor, outgoing.messages, BATCH, MSG_DONTWAIT);
            if (count <= 0) break;
            under_way += count;
        }
        bench_wait(descriptor, 1000000);
        int count = recvmmsg(descriptor, incoming.messages, BATCH, MSG_DONTWAIT, NULL);
        now = bench_seconds();
        if (count > 0) {
            under_way -= count;
            heard = now;
        } else if (now - heard > 0.05) {
            lost += (uint64_t)under_way;
            under_way = 0;
            heard = now;
        }
    }
    return lost;
}

static int measure(struct server *server, int client, int byte_count, int window, double seconds,
                   struct bench_echo *result) {
    uint8_t datagram[ROOM] = {0};
    if (server->is_secure) {
        unsigned long long sealed;
        crypto_aead_chacha20poly1305_ietf_encrypt(datagram, &sealed, datagram,
                                                  (unsigned)byte_count - 16u, NULL, 0, NULL,
                                                  server->nonce, server->key);
    }
    pthread_t thread;
    int error = pthread_create(&thread, NULL, serve, server);
    if (error) return error;
    bench_pin(0);
    double start = bench_seconds();
    result->failures = load(client, datagram, byte_count, window, start + seconds);
    server->is_stopping = 1;
    pthread_join(thread, NULL);
    result->seconds = bench_seconds() - start;
    result->server_seconds = server->cpu_seconds;
    result->datagrams = server->datagrams;
    result->batches = server->batches;
    result->failures += server->failures;
    return 0;
}

int bench_echo(int is_secure, int byte_count, int window, double seconds,
               struct bench_echo *result) {
    if (sodium_init() < 0 || byte_count < 16 || byte_count > ROOM || window < BATCH) return EINVAL;
    struct sockaddr_in server_name, client_name;
    struct server *server = calloc(1, sizeof *server);
    if (!server) return ENOMEM;
    prepare(&server->batch, 1);
    server->is_secure = is_secure;
    server->base = event_base_new();
    server->socket = bound_socket(&server_name);
    int client = bound_socket(&client_name), error = 0;
    if (!server->base || server->socket < 0 || client < 0 ||
        connect(client, (struct sockaddr *)&server_name, sizeof server_name) != 0)
        error = errno ? errno : ENOMEM;
    if (!error) error = measure(server, client, byte_count, window, seconds, result);
    if (server->base) event_base_free(server->base);
    if (server->socket >= 0) close(server->socket);
    if (client >= 0) close(client);
    free(server);
    return error;
}
