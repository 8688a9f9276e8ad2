// Clocks, processors, and the cipher alone.
#include "CBench.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sodium.h>
#include <string.h>
#include <time.h>

static double seconds_of(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

double bench_seconds(void) { return seconds_of(CLOCK_MONOTONIC); }

double bench_thread_seconds(void) { return seconds_of(CLOCK_THREAD_CPUTIME_ID); }

static cpu_set_t allowed;

// Before main, when no thread is on a processor of its own yet.
__attribute__((constructor)) static void look(void) {
    sched_getaffinity(0, sizeof allowed, &allowed);
}

int bench_pin(int processor) {
    int wanted = processor % CPU_COUNT(&allowed);
    cpu_set_t chosen;
    CPU_ZERO(&chosen);
    for (int i = 0; i < CPU_SETSIZE; i++) {
        if (!CPU_ISSET(i, &allowed)) continue;
        if (wanted-- == 0) {
            CPU_SET(i, &chosen);
            break;
        }
    }
    return pthread_setaffinity_np(pthread_self(), sizeof chosen, &chosen);
}

int bench_unpin(void) {
    return pthread_setaffinity_np(pthread_self(), sizeof allowed, &allowed);
}

void bench_wait(int descriptor, int64_t nanoseconds) {
    struct pollfd awaited = {.fd = descriptor, .events = POLLIN};
    struct timespec timeout = {.tv_sec = nanoseconds / 1000000000,
                               .tv_nsec = nanoseconds % 1000000000};
    ppoll(&awaited, 1, &timeout, NULL);
}

double bench_cipher(int byte_count, int rounds) {
    if (sodium_init() < 0) return 0;
    uint8_t bytes[2048] = {0}, key[32] = {1}, nonce[12] = {0}, header[12] = {0}, tag[16];
    unsigned long long length = (unsigned long long)byte_count;
    double start = bench_thread_seconds();
    for (int i = 0; i < rounds; i++) {
        memcpy(nonce, &i, sizeof i);
        crypto_aead_chacha20poly1305_ietf_encrypt_detached(bytes, tag, NULL, bytes, length, header,
                                                           sizeof header, NULL, nonce, key);
        if (crypto_aead_chacha20poly1305_ietf_decrypt_detached(bytes, NULL, bytes, length, tag,
                                                               header, sizeof header, nonce, key))
            return 0;
    }
    return (bench_thread_seconds() - start) * 1e9 / rounds;
}

double bench_agreement(int rounds) {
    if (sodium_init() < 0) return 0;
    uint8_t secret[32] = {1}, point[32], agreed[32];
    crypto_scalarmult_base(point, secret);
    double start = bench_thread_seconds();
    for (int i = 0; i < rounds; i++) {
        memcpy(secret, &i, sizeof i);
        if (crypto_scalarmult(agreed, secret, point)) return 0;
    }
    return (bench_thread_seconds() - start) * 1e9 / rounds;
}
