// Gives libsodium numbers from a seed on threads that asked for it, and the system's elsewhere.
//
// The state is thread-local, because simulations run beside tests that need real randomness.
#include "CPetrelChance.h"

#include <sodium.h>
#include <stddef.h>
#include <string.h>

static _Thread_local uint64_t state;
static _Thread_local int is_seeded;

// SplitMix64: equidistributed, and whole in eight bytes.
static uint64_t next_number(void) {
    uint64_t z = (state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static const char *name(void) { return "petrel-chance"; }

static void fill(void *const room, const size_t size) {
    if (!is_seeded) {
        randombytes_sysrandom_implementation.buf(room, size);
        return;
    }
    unsigned char *place = room;
    size_t left = size;
    while (left > 0) {
        uint64_t number = next_number();
        size_t count = left < sizeof number ? left : sizeof number;
        memcpy(place, &number, count);
        place += count;
        left -= count;
    }
}

static uint32_t number(void) {
    uint32_t value;
    fill(&value, sizeof value);
    return value;
}

static void stir(void) {
    if (!is_seeded && randombytes_sysrandom_implementation.stir != NULL) {
        randombytes_sysrandom_implementation.stir();
    }
}

static int finish(void) { return 0; }

static randombytes_implementation implementation = {
    .implementation_name = name,
    .random = number,
    .stir = stir,
    .uniform = NULL,
    .buf = fill,
    .close = finish,
};

void petrel_chance_begin(uint64_t seed) {
    randombytes_set_implementation(&implementation);
    state = seed;
    is_seeded = 1;
}

void petrel_chance_end(void) { is_seeded = 0; }
