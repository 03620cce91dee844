/* ngram_counts.h: in how many texts a feature occurs, and in how many of each label: what naive Bayes needs to know
 * before training. Numbers are integers, so it is no matter in what order texts are counted, nor by how many
 * threads. */
#ifndef TCI_MODEL_NGRAM_COUNTS_H
#define TCI_MODEL_NGRAM_COUNTS_H

#include "base/team.h"
#include "model/examples.h"
#include "tensor/index_set.h"

typedef struct tci_ngram_counts {
    tci_memory *memory;
    size_t columns;     /* 0: labels are not counted */
    uint32_t only;      /* the label that a single column is of; 1, the second of two, if nobody says otherwise */
    tci_index_set seen; /* the features */
    uint32_t *cells;    /* (seen, 1 + columns): texts that hold the feature, and how many of these have each label */
    uint64_t text_count;
} tci_ngram_counts;

tc_status tci_ngram_counts_init(tci_ngram_counts *counts, tci_memory *memory, size_t bound, size_t columns);
void tci_ngram_counts_free(tci_ngram_counts *counts);
void tci_ngram_counts_clear(tci_ngram_counts *counts); /* as it was in the beginning */

/* Counts these rows (NULL: the first `row_count`) with the members of `pool` (NULL: the caller alone); on failure
 * nothing is counted. */
tc_status tci_ngram_counts_add(tci_ngram_counts *counts, tci_pool *pool, const tc_examples *examples,
                               const size_t *rows, size_t row_count);

/* Adds all that was seen to a set of the same bound; its ranks are to be counted then. */
void tci_ngram_counts_members(const tci_ngram_counts *counts, tci_index_set *set);

/* In how many texts each feature that was seen occurs, in their order. */
void tci_ngram_counts_texts(const tci_ngram_counts *counts, float *texts);

/* s² of ngram_dual.h (members, columns; one column without columns) for all members of a set, in their order. */
tc_status tci_ngram_counts_scales(const tci_ngram_counts *counts, tci_pool *pool, const tci_index_set *set,
                                  float *scales);

#endif
