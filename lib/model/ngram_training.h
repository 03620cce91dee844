/* ngram_training.h: training of an ngram network by gradients, with AdaGrad's steps: texts may come and go, features
 * may turn up at any time.
 *
 * Duchi, Hazan and Singer 2011. G is the gradient, over the texts of a step, of a weight or bias; for a column of both
 * labels that of the difference of their logits. The loss is the trainer's. a is the scale of the network's
 * calibration, 1 unless the network was trained before:
 *
 *     g = G / weight of the texts (and clipped)        sum += g²        w -= rate · s · g / (√sum + epsilon) / a
 *
 * s = TCI_NGRAM_SCALE, or, where texts were counted before the first step, the naive-Bayes scale of ngram_dual.h,
 *
 *     s = (r + 1/2) · √(1 + ln((N + 1) / (df + 1)))
 *
 * which multiplies a feature's part in the margins; in the gradient, which is divided by its own size, it cancels, and
 * is left as a factor of the step. A feature that was not counted has the mean scale of those found in one text. Biases
 * have 1. Sums run in the order of the texts, on one thread. */
#ifndef TCI_MODEL_NGRAM_TRAINING_H
#define TCI_MODEL_NGRAM_TRAINING_H

#include "model/examples.h"
#include "model/ngram_network.h"

#define TCI_NGRAM_SCALE 5.0f /* about what counted features have */

typedef struct tci_ngram_training tci_ngram_training;

/* TC_ERROR_NUMERIC for a network whose calibration is so flat or steep that it could not be trained on. */
tc_status tci_ngram_training_create(tci_ngram_network *network, tci_memory *memory, tci_pool *pool, int32_t task,
                                    tci_ngram_training **training);
void tci_ngram_training_free(tci_ngram_training *training); /* NULL is a no-op */

/* Counts the features of these rows (NULL: all), before the first step. TC_ERROR_STATE after tci_ngram_training_start.
 * On failure nothing is counted. */
tc_status tci_ngram_training_count(tci_ngram_training *training, const tc_examples *examples, const size_t *rows,
                                   size_t row_count);
/* Whether texts were counted, or no more are to be. */
bool tci_ngram_training_counted(const tci_ngram_training *training);

/* Forgets what was counted, unless training has started. */
void tci_ngram_training_forget(tci_ngram_training *training);

/* Makes rows of weights for all that was counted, and the state of the steps; forward does it where it was not asked
 * for. `best` (may be NULL) gets a block as tci_ngram_training_follow() has them. Nothing has changed when it fails. */
tc_status tci_ngram_training_start(tci_ngram_training *training, float **best);
/* The same for a state that is to be read from a checkpoint: with scales or without. */
tc_status tci_ngram_training_resume(tci_ngram_training *training, bool scales);

/* Logits (row_count, labels) of these rows, which are kept for backward. On failure nothing has changed. */
tc_status tci_ngram_training_forward(tci_ngram_training *training, const tci_row *rows, size_t row_count,
                                     float *logits);
/* Adds the gradients for dlogits (row_count, labels) of the last forward; cannot fail. */
void tci_ngram_training_backward(tci_ngram_training *training, const float *dlogits);
/* Forgets the gradients that were gathered. */
void tci_ngram_training_drop(tci_ngram_training *training);

typedef struct tci_ngram_step {
    double scale; /* of the gradients: 1 / the weight of the texts */
    double rate, epsilon;
    double clip_norm;     /* 0: none */
    double gradient_norm; /* out: before clipping */
} tci_ngram_step;

/* One step with what was gathered, and nothing is gathered then. TC_ERROR_NUMERIC for a gradient that is not finite, or
 * too great: nothing has changed then, and the gradients are still there. */
tc_status tci_ngram_training_apply(tci_ngram_training *training, tci_ngram_step *step);

/* State for checkpoints: blocks 0, 1, ... in the layout of the network's parameters; NULL behind the last. *name is
 * "optim.sum", or "optim.scale", where bias is the scale of features that come. */
float *tci_ngram_training_state(const tci_ngram_training *training, size_t index, const char **name);

/* *block, of the trainer's memory, has the layout of the parameters, tci_ngram_training_floats() floats, and zeros
 * behind them, whenever it is not NULL: it grows with them. */
void tci_ngram_training_follow(tci_ngram_training *training, float **block);
size_t tci_ngram_training_floats(const tci_ngram_training *training);

#endif
