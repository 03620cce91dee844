/* loss.h: what a batch of logits costs, its gradient, and the scores that logits stand for.
 *
 * Losses are PyTorch's, with sample weights w multiplied in; one file and one row of the table in loss.c each. compute
 * gives the sums Σ w·c·L and Σ w·c, c being the true label's class weight (1 for other losses than cross-entropy); the
 * mean is their quotient, so that batches and parts of batches add up. Everything is computed row by row in double in a
 * fixed order: a row's numbers do not depend on its neighbours. */
#ifndef TCI_LAYER_LOSS_H
#define TCI_LAYER_LOSS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct tci_loss_batch {
    size_t rows;
    size_t labels;
    const float *logits;     /* (rows, labels) */
    size_t logits_stride;    /* floats from row to row */
    const uint32_t *classes; /* (rows), each below `labels`: cross_entropy */
    const float *targets;    /* (rows, labels), 0 or 1 (bce) or values (mse) */
    size_t targets_stride;
    const float *weights;       /* (rows), NULL: all 1 */
    const float *class_weights; /* (labels), NULL: all 1; cross_entropy only */
    double label_smoothing;     /* 0 to 1; cross_entropy only */
    const size_t *row_numbers;  /* (rows) what errors call the rows, NULL: 0, 1, ... */
} tci_loss_batch;

typedef struct tci_loss_sum {
    double weighted_loss; /* Σ w·c·L */
    double weight;        /* Σ w·c */
} tci_loss_sum;

typedef struct tci_loss {
    const char *name; /* "cross_entropy", "bce", "mse" */

    /* Sets *sum, and dlogits (rows, labels) to the gradient of sum->weighted_loss unless it is NULL. TC_ERROR_NUMERIC,
     * naming the row, when a logit, the loss or a gradient is not finite; *sum is then untouched. A row
     * of weight 0 counts nothing and has gradient 0, but its logits are checked. */
    tc_status (*compute)(const tci_loss_batch *batch, tci_loss_sum *sum, float *dlogits, size_t dlogits_stride);

    /* scores (labels) of one row of logits: softmax, sigmoid or the values. scores may be logits. TC_ERROR_NUMERIC when
     * a logit is not finite. */
    tc_status (*scores)(size_t labels, const float *logits, float *scores);
} tci_loss;

/* NULL when there is none of that name. */
const tci_loss *tci_loss_find(const char *name);

extern const tci_loss tci_cross_entropy;
extern const tci_loss tci_binary_cross_entropy;
extern const tci_loss tci_mean_squared_error;

/* For the losses: what errors call row `row`. */
size_t tci_loss_row_number(const tci_loss_batch *batch, size_t row);

/* For the losses: TC_OK when all `count` values are finite; names the row otherwise. */
tc_status tci_loss_check_finite(const char *what, size_t row, size_t count, const float *values);

#endif
