/* random.h: counter-based random numbers, Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy
 * as 1, 2, 3", SC 2011). A number depends on its key and counter only, never on which thread asks, or when. */
#ifndef TCI_BASE_RANDOM_H
#define TCI_BASE_RANDOM_H

#include <stdint.h>

/* What a number is drawn for: part of the key, so that purposes never share a stream. */
typedef enum tci_random_purpose {
    TCI_RANDOM_INITIALIZE = 1,
    TCI_RANDOM_DROPOUT = 2,
    TCI_RANDOM_SHUFFLE = 3,
    TCI_RANDOM_SPLIT = 4
} tci_random_purpose;

/* Four 32-bit words for (key, counter). */
void tci_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]);

/* A stream for one (seed, purpose, stream number): draws words one after the other. */
typedef struct tci_random {
    uint32_t key[2];
    uint32_t counter[4];
    uint32_t words[4];
    uint32_t left; /* of words */
} tci_random;

void tci_random_init(tci_random *random, uint64_t seed, tci_random_purpose purpose, uint64_t stream);
uint32_t tci_random_word(tci_random *random);
/* Uniform in [0, 1), 24 bits. */
float tci_random_uniform(tci_random *random);
/* Normal with mean 0 and deviation 1 (Box-Muller with the library's own log, sin and cos, computed in double). */
float tci_random_normal(tci_random *random);
/* Uniform in [0, bound), without bias; bound > 0. */
uint64_t tci_random_below(tci_random *random, uint64_t bound);

#endif
