// The limits of this machine, measured without Petrel, and what Swift cannot reach for measuring.
#pragma once

#include <stdint.h>

/// Counts the allocations of the calling thread from now on, from 0.
void bench_count_start(void);
/// Stops counting; returns how many allocations the calling thread made.
uint64_t bench_count_stop(void);

/// Seconds on the monotonic clock.
double bench_seconds(void);
/// CPU seconds that the calling thread has used.
double bench_thread_seconds(void);
/// Keeps the calling thread on one processor, modulo those that there are; returns 0 on success.
int bench_pin(int processor);
/// Lets the calling thread, and those that it starts, run on any processor; returns 0 on success.
int bench_unpin(void);
/// Sleeps until `descriptor` can be read, or that many nanoseconds have passed.
void bench_wait(int descriptor, int64_t nanoseconds);

/// What an echo server and its load did.
struct bench_echo {
    /// Seconds of the measurement.
    double seconds;
    /// CPU seconds of the server's thread in that time.
    double server_seconds;
    /// Datagrams that the server echoed in that time.
    uint64_t datagrams;
    /// Batches that they came in.
    uint64_t batches;
    /// Datagrams that the server could not open, or that did not come back.
    uint64_t failures;
};

/// Runs an echo server of libevent, recvmmsg and sendmmsg on loopback, on processor 1, and keeps
/// up to `window` datagrams (64 or more) of `byte_count` bytes on their way to it and back, from
/// processor 0.
///
/// If `is_secure`, the server opens and seals each datagram (ChaCha20-Poly1305) before it goes
/// back. Returns 0, or the error number of what failed.
int bench_echo(int is_secure, int byte_count, int window, double seconds,
               struct bench_echo *result);

/// CPU nanoseconds that libsodium takes to seal and open `byte_count` bytes (ChaCha20-Poly1305).
double bench_cipher(int byte_count, int rounds);

/// CPU nanoseconds that libsodium takes to agree on a secret with one other key (X25519).
double bench_agreement(int rounds);

/// Writes 4 KiB and flushes (fdatasync), over and over, for `seconds`, into a file of `directory`.
///
/// The latencies in microseconds go to `latencies`, at most `capacity` of them. Returns how many, or
/// the negative error number of what failed.
int bench_flush(const char *directory, double seconds, double *latencies, int capacity);

/// Puts `batch` rows of `byte_count` bytes into an LMDB of `directory` in each transaction, for
/// `seconds`; keys are a random log of 1,000 and a rising number.
///
/// The latencies of the transactions in microseconds go to `latencies`, at most `capacity` of them.
/// Returns how many, or the negative error number of what failed.
int bench_lmdb(const char *directory, int batch, int byte_count, double seconds, double *latencies,
               int capacity);

/// Makes the random bytes of floods, in memory that is kept.
void bench_flood_prepare(void);
/// Sends `rate` datagrams a second to `port` on 127.0.0.1 for `seconds`, from 256 sockets on as many
/// addresses of 127.3.0.0/16, and reads nothing. The thread yields to others on its processor.
///
/// The datagrams are `count` of `byte_count` bytes each, in turns; if `count` is 0, the random bytes
/// that were prepared, of random lengths, most of which begin like a packet. Returns how many were
/// sent, or the negative error number of what failed.
int64_t bench_flood(uint16_t port, const uint8_t *datagrams, int byte_count, int count, double rate,
                    double seconds);
/// Datagrams that the kernel has dropped because the socket on `port` of 127.0.0.1 was full.
int64_t bench_dropped(uint16_t port);
/// Bytes of memory that the process has.
int64_t bench_resident(void);

/// Flushes (fdatasync) that the process has asked for.
int64_t bench_flushes(void);
/// CPU seconds that all threads of the process have used.
double bench_process_seconds(void);
