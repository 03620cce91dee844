/* direct.h: trainers that change weights text by text and gather no gradients: optimizer dcd, and averaged embeddings.
 * What they share, as the trainer and the batcher see it. */
#ifndef TCI_TRAIN_DIRECT_H
#define TCI_TRAIN_DIRECT_H

#include "train/trainer.h"

/* Makes the trainer's direct part if its model and options ask for one. */
tc_status tci_direct_create(tc_trainer *trainer);
void tci_direct_free(tc_trainer *trainer);

static inline bool tci_is_direct(const tc_trainer *trainer)
{
    return trainer->dual || trainer->bag;
}

/* TC_ERROR_UNSUPPORTED where there are no gradients. */
tc_status tci_direct_refuse_gradients(const tc_trainer *trainer);

/* For the batcher, with any trainer of arch ngram: counts these rows unless the host has counted, and makes ready for
 * the first step. `best` (may be NULL) grows with the parameters of optimizer dcd. What is counted here is forgotten
 * when there is no memory to go on with it. */
tc_status tci_trainer_count_all(tc_trainer *trainer, const tc_examples *examples, const size_t *rows, size_t row_count,
                                float **best);

/* One step: the sums of losses and weights, and the learning rate (0: there is none). */
tc_status tci_direct_learn(tc_trainer *trainer, const tc_examples *examples, const size_t *rows, size_t row_count,
                           tci_loss_sum *sum, double *rate);

#endif
