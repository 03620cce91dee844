/* ngram_training_internal.h: the state of a training by steps, which ngram_training_start.c makes and ngram_training.c
 * goes on with. */
#ifndef TCI_MODEL_NGRAM_TRAINING_INTERNAL_H
#define TCI_MODEL_NGRAM_TRAINING_INTERNAL_H

#include "model/ngram_counts.h"
#include "model/ngram_rows.h"
#include "model/ngram_training.h"

/* A feature of a text of the batch; row TCI_INDEX_SET_NONE: it has none yet. */
typedef struct tci_ngram_entry {
    uint32_t bucket, row;
    float x;
} tci_ngram_entry;

struct tci_ngram_training {
    tci_ngram_network *network;
    tci_memory *memory;
    tci_pool *pool;
    size_t columns, labels;
    bool counts_labels;
    bool started, counted;
    tci_ngram_counts counts;
    tci_ngram_rows rows;
    float *sum;   /* of squared gradients, in the layout of the parameters */
    float *scale; /* s, likewise; NULL: all TCI_NGRAM_SCALE */
    /* of the batch */
    tci_ngram_entry *entries;
    size_t entry_capacity;
    size_t *ends; /* of each text's entries */
    size_t text_count, end_capacity;
    float *slopes; /* (columns) gradient of a text's margins */
    double *means; /* (columns) */
    /* gathered; rows.marks is the place of a row in here, plus one */
    uint32_t *touched; /* (touched_count) buckets */
    size_t touched_count, touched_capacity;
    float *gradients; /* (touched_count, columns) */
    size_t gradient_capacity;
    float *bias_gradient; /* (columns) */
};

static inline size_t tci_ngram_bias_offset(const tci_ngram_training *training)
{
    return training->network->base.parameters.tensors[TCI_NGRAM_BIAS].offset;
}

static inline size_t tci_ngram_weight_offset(const tci_ngram_training *training)
{
    return training->network->base.parameters.tensors[TCI_NGRAM_WEIGHT].offset;
}

#endif
