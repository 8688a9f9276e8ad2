// Counts flushes of the disk: this fdatasync stands in front of glibc's.

#include "CBench.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/resource.h>
#include <unistd.h>

static _Atomic int64_t flushes;

int fdatasync(int descriptor) {
    atomic_fetch_add_explicit(&flushes, 1, memory_order_relaxed);
    return (int)syscall(SYS_fdatasync, descriptor);
}

int64_t bench_flushes(void) { return atomic_load_explicit(&flushes, memory_order_relaxed); }

double bench_process_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}
