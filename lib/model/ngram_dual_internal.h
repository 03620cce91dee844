/* ngram_dual_internal.h: what the two files of the dual trainer share: ngram_dual.c, which makes and calibrates it, and
 * ngram_block.c, which takes its steps. */
#ifndef TCI_MODEL_NGRAM_DUAL_INTERNAL_H
#define TCI_MODEL_NGRAM_DUAL_INTERNAL_H

#include "model/margin_fit.h"
#include "model/ngram_counts.h"
#include "model/ngram_dual.h"

#define TCI_DUAL_BIAS 0.1f /* B: what the bias counts for as a feature */

/* The second half of the texts meets weights that are nearly those of the end, and know nothing of them. */
enum { TCI_MET_EARLY = 1, TCI_MET_LATE = 2 };

/* Texts that were counted, by the examples that hold them. */
typedef struct tci_dual_texts {
    tc_examples *examples; /* kept; NULL: of a checkpoint, not counted again yet */
    size_t rows;
    size_t first;         /* number of the first among all texts */
    uint64_t fingerprint; /* of a checkpoint: what the examples have to be */
    float *alpha;         /* (rows, columns) */
    float *squares;       /* Q (rows, columns) */
    float *scales;        /* 1/n (rows) */
    uint32_t *features;   /* (entries of the examples) twice the feature's row of weights, plus 1 where it is light */
    uint32_t *cuts;       /* (rows, ranges - 1) where in a text's entries the second range of features begins, ... */
    uint8_t *met;         /* (rows) whether they were; NULL for a chunk, whose texts come once a pass */
    bool owns_alpha;      /* else it is a part of the trainer's, as `met` always is */
} tci_dual_texts;

/* Every stride-th text of all: what a calibration is fitted on. */
typedef struct tci_dual_samples {
    size_t stride, count;
    float *seen;      /* (count, columns) margins of when the text was last met */
    float *own;       /* (count, columns) alpha Q then: at most what the text itself had added in favour of its label */
    float *targets;   /* (count, columns) */
    uint32_t *labels; /* (count) classify */
    uint8_t *met;     /* (count) when in the first pass, or 0 */
} tci_dual_samples;

#define TCI_DUAL_NO_FEATURE UINT32_MAX /* one that was not counted */
#define TCI_DUAL_RANGES 8              /* of features, shared by the threads; 1 of TCI_DUAL_WIDE columns and more */
#define TCI_DUAL_WIDE 256
#define TCI_DUAL_ALONE 4096

/* The features of one text, as x. */
typedef struct tci_dual_entries {
    const uint32_t *features;
    const uint8_t *counts;
    const float *amounts; /* (2, TCI_FEATURE_COUNT + 1) by light and count */
    float scale;
} tci_dual_entries;

struct tci_dual {
    tci_ngram_network *network;
    tci_memory *memory;
    int32_t task;
    tci_pool *pool; /* or NULL */
    const float *class_weights;
    size_t columns, labels;
    size_t ranges;        /* of features */
    size_t alone_below;   /* products of a block that are not worth a meeting of threads */
    size_t scale_columns; /* 1 with real targets, else columns */
    tci_ngram_counts counts;
    bool started;
    tci_dual_texts *sets;
    size_t set_count, set_capacity;
    bool chunked, one_pass; /* texts come in chunks; once each, so that none needs to be remembered */
    tci_dual_texts chunk;   /* the one at hand */
    float *alpha;           /* (rows, columns) of all texts; none of chunks that come once */
    uint8_t *met_rows;      /* (rows) of all sets; none of chunks */
    uint64_t *set_words;    /* (set_count, 2) for a checkpoint: rows and fingerprint */
    size_t rows;            /* of all sets or chunks */
    float *scale2;          /* s² (rows, scale_columns) */
    double cost;            /* 0: not known yet */
    bool compares;          /* there were weights before, and no text has been compared with them yet */
    bool known;             /* the texts are no news to the weights they began with */
    uint64_t met, total;    /* texts met so far; texts of all sets */
    uint64_t first_met;     /* texts met at all */
    double fresh_loss;      /* of the margins of texts when they were first met, in the second half of the first pass */
    /* of a block */
    float *targets;          /* (TCI_DUAL_BLOCK, labels) */
    float *margins, *steps;  /* (TCI_DUAL_BLOCK, columns) */
    float *own;              /* (TCI_DUAL_BLOCK, columns) alpha Q before the steps */
    float *before, *during;  /* (ranges, TCI_DUAL_BLOCK, columns) parts of margins, before and within the steps */
    double *slopes, *curves; /* of the dual objective along all steps of a block (columns) */
    double weights[TCI_DUAL_BLOCK]; /* of the texts */
    tci_dual_samples samples;
    /* of the calibration: margins and targets (.., columns), labels */
    float *fit_margins, *fit_targets;
    uint32_t *fit_labels;
};

/* Room for all that a started trainer keeps of the texts that were counted. */
tc_status tci_dual_allocate(tci_dual *dual);
/* What that and tci_dual_start() made. */
void tci_dual_drop(tci_dual *dual);
/* What is found of the texts of examples: features among the members of `set`, scales and squares, whose sum is put
 * into *total. After a failure there are none. */
tc_status tci_dual_find_texts(tci_dual *dual, const tci_index_set *set, tci_dual_texts *texts, double *total);
void tci_dual_drop_texts(tci_dual *dual, tci_dual_texts *texts);
/* Examples that a checkpoint asks for. TC_ERROR_MISMATCH for others. */
tc_status tci_dual_attach(tci_dual *dual, const tc_examples *examples);
/* Scale and shift that make the first `count` texts of what was gathered most likely. */
tci_margin_fit tci_dual_fit(const tci_dual *dual, size_t count, const tci_margin_fit *from);

/* What the column's target is: ±1, or a real value. */
static inline float tci_dual_target(const tci_dual *dual, const float *targets, size_t column)
{
    if (dual->task == TCI_TASK_REGRESS)
        return targets[column];
    bool single = dual->columns < dual->labels;
    return targets[single ? 1 : column] > 0 ? 1.0f : -1.0f;
}

static inline size_t tci_dual_length(const tci_dual_texts *texts, size_t row)
{
    const size_t *ends = texts->examples->ends;
    return ends[row] - (row == 0 ? 0 : ends[row - 1]);
}

static inline tci_dual_entries tci_dual_entries_of(const tci_dual *dual, const tci_dual_texts *texts, size_t row)
{
    size_t begin = row == 0 ? 0 : texts->examples->ends[row - 1];
    const uint8_t *counts = texts->examples->counts; /* NULL where there are no features at all */
    return (tci_dual_entries){texts->features + begin, counts ? counts + begin : NULL, dual->network->amounts[0],
                              texts->scales[row]};
}

static inline float tci_dual_value(const tci_dual_entries *entries, size_t k)
{
    return entries->scale * entries->amounts[(entries->features[k] & 1) * (TCI_FEATURE_COUNT + 1) + entries->counts[k]];
}

/* Learns from rows, in blocks. Adds up weighted losses and weights. */
void tci_dual_learn(tci_dual *dual, tci_dual_texts *texts, const size_t *rows, size_t row_count, double *loss,
                    double *weight);

#endif
