/* transformer_features.h: pooled vectors of sequences below which nothing is trained: computed once, kept by the ids of
 * the sequence, and given again as often as training comes by.
 *
 * They are what prediction computes, without dropout, so the same bits whenever they are computed: where memory for
 * more of them is refused, or they pass TCI_FEATURES_BYTES, those that are new are computed each time. */
#ifndef TCI_MODEL_TRANSFORMER_FEATURES_H
#define TCI_MODEL_TRANSFORMER_FEATURES_H

#include "base/map.h"
#include "model/transformer_network.h"

#define TCI_FEATURES_BYTES ((size_t)1 << 30) /* most of it that is kept, ids and vectors */

typedef struct tci_features {
    const tci_transformer *network; /* whose weights stand still up to the pooling */
    tci_memory *memory;
    tci_workspace workspace;
    tci_map *kept;          /* ids of a sequence to the number of its vector */
    float *vectors;         /* (entries of `kept`, width) */
    size_t vector_capacity; /* floats */
    size_t bytes;           /* of ids and vectors that are kept */
    size_t most_bytes;      /* TCI_FEATURES_BYTES, but in tests */
    /* those of a batch that are not kept */
    tci_row *missing;
    size_t *places;
    float *fresh; /* (missing, width) */
    size_t missing_capacity, place_capacity, fresh_capacity;
} tci_features;

/* Zeroed memory to a working object; free takes one that failed, too. */
tc_status tci_features_init(tci_features *features, const tci_transformer *network, tci_memory *memory);
void tci_features_free(tci_features *features);

/* pooled (count, stride) of these sequences. */
tc_status tci_features_fill(tci_features *features, tci_pool *pool, const tci_sequence *sequences, size_t count,
                            float *pooled);

#endif
