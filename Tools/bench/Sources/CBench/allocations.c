// Counts allocations: the program's own malloc and its kin stand in front of glibc's.
#include "CBench.h"

#include <errno.h>
#include <stddef.h>

// What glibc's own names lead to; `free` stays glibc's, because the memory is.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

// A thread counts for itself: a server's figure is not its client's.
static __thread int is_counting;
static __thread uint64_t count;

static void note(void) {
    if (is_counting) count++;
}

void *malloc(size_t size) {
    note();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    note();
    return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size) {
    note();
    return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
    note();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    note();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    note();
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) return EINVAL;
    void *memory = __libc_memalign(alignment, size);
    if (!memory) return ENOMEM;
    *result = memory;
    return 0;
}

void bench_count_start(void) {
    count = 0;
    is_counting = 1;
}

uint64_t bench_count_stop(void) {
    is_counting = 0;
    return count;
}
