/* batcher.h: whole epochs over a trainer: batches, validation, best weights. What it must remember stands in the
 * trainer's progress, so that a checkpoint at any step resumes with the same bits. */
#ifndef TCI_TRAIN_BATCHER_H
#define TCI_TRAIN_BATCHER_H

#include "textclf/batcher.h"
#include "train/trainer.h"

struct tc_batcher {
    tc_trainer *trainer;
    const tc_examples *examples;
    const tc_examples *validation; /* the host's own, or NULL */
    size_t held_out, training_rows;
    size_t *rows;  /* (held_out + training_rows): validation rows, then training rows */
    size_t *order; /* (training_rows) of this epoch */
    size_t *scratch;
    tci_row *keys; /* twice as many: the second half for sorting */
    uint64_t batches;
};

tc_status tci_batcher_create(tc_trainer *trainer, const tc_examples *examples, const tc_examples *validation,
                             tc_batcher **batcher);
void tci_batcher_free(tc_batcher *batcher);
tc_status tci_batcher_next(tc_batcher *batcher, tc_batch *batch);
tc_status tci_batcher_finish_epoch(tc_batcher *batcher, tc_epoch *epoch);
tc_status tci_batcher_restore_best(tc_batcher *batcher);

#endif
