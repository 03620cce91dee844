/* ngram_dual_internal.h: what the two files of the dual trainer share: ngram_dual.c, which makes and calibrates it, and
 * ngram_block.c, which takes its steps. */
#ifndef TCI_MODEL_NGRAM_DUAL_INTERNAL_H
#define TCI_MODEL_NGRAM_DUAL_INTERNAL_H

#include "model/ngram_counts.h"
#include "model/ngram_dual.h"

#define TCI_DUAL_BIAS 0.1f /* B: what the bias counts for as a feature */

/* The second half of the texts meets weights that are nearly those of the end, and know nothing of them. */
enum { TCI_MET_EARLY = 1, TCI_MET_LATE = 2 };

/* Texts that were counted, by the examples that hold them. */
typedef struct tci_dual_texts {
    tc_examples *examples; /* kept */
    size_t rows;
    float *alpha;   /* (rows, columns) */
    float *squares; /* Q (rows, columns) */
    float *scales;  /* 1/n (rows) */
    float *seen;    /* (rows, columns) margins of when the text was last met */
    float *own;     /* (rows, columns) alpha Q then: at most what the text itself had added in favour of its label */
    uint8_t *met;   /* (rows) when in the first pass, or 0 */
} tci_dual_texts;

/* One feature of a text of the block. */
typedef struct tci_dual_entry {
    uint32_t row; /* of the weights */
    float x;
} tci_dual_entry;

struct tci_dual {
    tci_ngram_network *network;
    tci_memory *memory;
    int32_t task;
    const float *class_weights;
    size_t columns, labels;
    size_t scale_columns; /* 1 with real targets, else columns */
    tci_ngram_counts counts;
    bool started;
    tci_dual_texts *sets;
    size_t set_count, set_capacity;
    float *scale2; /* s² (rows, scale_columns) */
    double cost;
    uint64_t met, total; /* texts met so far; texts of all sets */
    uint64_t first_met;  /* texts met at all */
    double fresh_loss;   /* of the margins of texts when they were first met, in the second half of the first pass */
    /* of a block */
    tci_dual_entry *entries;
    size_t entry_capacity;
    float *targets;                 /* (TCI_DUAL_BLOCK, labels) */
    float *margins, *after, *steps; /* (TCI_DUAL_BLOCK, columns): before and after the steps */
    double *slopes, *curves;        /* of the dual objective along all steps of a block (columns) */
    /* of the calibration: margins and targets (.., columns), labels */
    float *fit_margins, *fit_targets;
    uint32_t *fit_labels;
};

/* What the column's target is: ±1, or a real value. */
static inline float tci_dual_target(const tci_dual *dual, const float *targets, size_t column)
{
    if (dual->task == TCI_TASK_REGRESS)
        return targets[column];
    bool single = dual->columns < dual->labels;
    return targets[single ? 1 : column] > 0 ? 1.0f : -1.0f;
}

/* Learns from rows, in blocks; entries have room for each block. Adds up weighted losses and weights. */
void tci_dual_learn(tci_dual *dual, tci_dual_texts *texts, const size_t *rows, size_t row_count, double *loss,
                    double *weight);

#endif
