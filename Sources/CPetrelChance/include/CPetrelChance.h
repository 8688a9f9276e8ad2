// A seeded generator in the place of libsodium's, for one thread at a time: simulations only.
#ifndef PETREL_CHANCE_H
#define PETREL_CHANCE_H

#include <stdint.h>

// From here on, whatever libsodium draws on this thread follows from the seed alone. Other threads,
// and this one after petrel_chance_end, go on drawing from the system.
void petrel_chance_begin(uint64_t seed);

// This thread draws from the system again.
void petrel_chance_end(void);

#endif
