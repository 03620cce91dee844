/**
 * @file batcher.h
 * @brief Epochs for hosts that do not want a loop of their own: shuffling, length buckets, validation, best weights.
 */
#ifndef TEXTCLF_BATCHER_H
#define TEXTCLF_BATCHER_H

#include <stddef.h>
#include <stdint.h>

#include "textclf/examples.h"
#include "textclf/export.h"
#include "textclf/model.h"
#include "textclf/status.h"
#include "textclf/trainer.h"
#include "textclf/evaluate.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Drives whole epochs of a trainer over one set of examples: holds out a part for validation (validation_split),
 * shuffles and buckets the rest by length, evaluates after each epoch and keeps the best weights. Its place is part of
 * the trainer's checkpoint. Keeps trainer and examples in use: free it before them. Thread rule: the trainer's.
 */
typedef struct tc_batcher tc_batcher;

/** The next batch. */
typedef struct tc_batch {
    size_t struct_size; /**< set by #TC_BATCH_INIT */
    const size_t *rows; /**< row numbers of the examples, valid until the next call */
    size_t row_count;   /**< 0: the epoch is over, call tc_batcher_finish_epoch() */
    uint64_t epoch;     /**< from 1 */
    uint64_t position;  /**< batches of this epoch handed out so far, this one included */
    uint64_t batches;   /**< batches in the epoch */
} tc_batch;

/** Initializer of a ::tc_batch. */
#define TC_BATCH_INIT {sizeof(tc_batch), NULL, 0, 0, 0, 0}

/** What an epoch gave. */
typedef struct tc_epoch {
    size_t struct_size;       /**< set by #TC_EPOCH_INIT */
    uint64_t epoch;           /**< from 1 */
    double loss;              /**< weighted mean training loss of the epoch */
    uint64_t tokens;          /**< tokens trained on */
    int32_t validated;        /**< 1: the validation figures below are set */
    double validation_loss;   /**< mean loss on the validation part */
    double validation_score;  /**< accuracy (classify), micro F1 (multilabel), mean squared error (regress) */
    int32_t improved;         /**< 1: best epoch so far; its weights were kept */
    int32_t finished;         /**< 1: `epochs` are done or `patience` is used up */
    uint64_t best_epoch;      /**< 0 before any validation */
    double best_score;        /**< its validation_score */
} tc_epoch;

/** Initializer of a ::tc_epoch. */
#define TC_EPOCH_INIT {sizeof(tc_epoch), 0, 0.0, 0, 0, 0.0, 0.0, 0, 0, 0, 0.0}

/**
 * A batcher over all rows of `examples`.
 *
 * @param validation examples to validate on instead of a part of `examples`; may be NULL.
 * After tc_trainer_load() the batcher goes on where the checkpoint stood; examples other than those of the checkpoint
 * are #TC_ERROR_MISMATCH. Errors also: #TC_ERROR_ARGUMENT (no rows), #TC_ERROR_STATE (the trainer has a batcher),
 * #TC_ERROR_MEMORY.
 */
TC_EXPORT tc_status tc_batcher_create(tc_trainer *trainer, const tc_examples *examples, const tc_examples *validation,
                                      tc_batcher **batcher);

/** NULL is a no-op. */
TC_EXPORT void tc_batcher_free(tc_batcher *batcher);

/**
 * The next batch of the current epoch, for tc_train_step() (or tc_trainer_backward()) on the same trainer and examples.
 *
 * The next one comes when that call has succeeded on exactly these rows; until then the same batch comes again. A batch
 * that was gathered and whose apply failed comes again, too.
 * Errors: #TC_ERROR_STATE when the epochs are over.
 */
TC_EXPORT tc_status tc_batcher_next(tc_batcher *batcher, tc_batch *batch);

/**
 * Ends the epoch whose batches are used up: validates, keeps the best weights, shuffles for the next epoch.
 *
 * Errors: #TC_ERROR_STATE while batches are left, or while what a host's own tc_trainer_backward() gathered waits for
 * tc_trainer_apply(); #TC_ERROR_NUMERIC, #TC_ERROR_LIMIT, #TC_ERROR_MEMORY from validating: the epoch is then not
 * ended, and the call may be made again.
 */
TC_EXPORT tc_status tc_batcher_finish_epoch(tc_batcher *batcher, tc_epoch *epoch);

/** The rows held out for validation (0 when there are none, or when the host gave its own); valid as long as the
 * batcher. */
TC_EXPORT tc_status tc_batcher_validation_rows(const tc_batcher *batcher, const size_t **rows, size_t *row_count);

/** Puts the best epoch's weights into the model; without any validation the weights stay. */
TC_EXPORT tc_status tc_batcher_restore_best(tc_batcher *batcher);

#ifdef __cplusplus
}
#endif

#endif
