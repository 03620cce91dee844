/**
 * @file trainer.h
 * @brief Training: one step on rows that the host chooses, checkpoints, resuming.
 */
#ifndef TEXTCLF_TRAINER_H
#define TEXTCLF_TRAINER_H

#include <stddef.h>
#include <stdint.h>

#include "textclf/config.h"
#include "textclf/examples.h"
#include "textclf/export.h"
#include "textclf/model.h"
#include "textclf/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Optimizer state, gradients and random state of one model's training. Keeps its model alive; a model has at most one
 * trainer. Thread rule: one thread at a time; between steps that thread may also predict, evaluate and save.
 */
typedef struct tc_trainer tc_trainer;

/** What a step did. */
typedef struct tc_step {
    size_t struct_size;   /**< set by #TC_STEP_INIT */
    uint64_t step;        /**< optimizer steps taken so far, this one included */
    double loss;          /**< weighted mean loss over the rows added since the last apply */
    double weight;        /**< sum of weights behind that mean; 0: apply changed nothing */
    double gradient_norm; /**< norm over all parameters before clipping; set by apply */
    double learning_rate; /**< of this step; set by apply */
    uint64_t tokens;      /**< tokens of the rows added since the last apply */
} tc_step;

/** Initializer of a ::tc_step. */
#define TC_STEP_INIT                                                                                                   \
    {                                                                                                                  \
        sizeof(tc_step), 0, 0.0, 0.0, 0.0, 0.0, 0                                                                      \
    }

/**
 * A trainer for `model`.
 *
 * @param config its options of class run, and those of class training that were set on it; all others are the model's
 *               own, as they were when it was created or stored. NULL: all are the model's. What is resolved here is
 *               stored with the model.
 * Errors: #TC_ERROR_BUSY, #TC_ERROR_STATE (weights of a mapped model), #TC_ERROR_UNSUPPORTED (a model whose weights are
 * not f32), #TC_ERROR_OPTION, #TC_ERROR_LIMIT, #TC_ERROR_MEMORY.
 */
TC_EXPORT tc_status tc_trainer_create(tc_model *model, const tc_config *config, tc_trainer **trainer);

/** NULL is a no-op. */
TC_EXPORT void tc_trainer_free(tc_trainer *trainer);

/**
 * One optimizer step on the given rows: tc_trainer_backward() and, when `accumulate_steps` backwards have gathered or
 * the rows are a batcher's last batch of an epoch, tc_trainer_apply().
 *
 * @param rows      `row_count` row numbers of `examples`, in any order, repetitions allowed.
 * @param step      may be NULL.
 * Errors: #TC_ERROR_ARGUMENT (rows, labels that the model lacks), #TC_ERROR_MISMATCH (other text pipeline, task or
 * labels), #TC_ERROR_STATE (optimizer dcd, and examples that tc_trainer_count() has not seen), #TC_ERROR_OPTION (a
 * falling schedule without total_steps), #TC_ERROR_NUMERIC (loss or gradient not finite; names the step),
 * #TC_ERROR_LIMIT (the batch needs more than max_memory; names the bytes), #TC_ERROR_MEMORY. After an error model,
 * optimizer state, step count and random state are as before the call. With `accumulate_steps` above 1 a gradient that
 * is not finite also drops what the calls before had gathered for the same step; a batcher hands those batches out
 * again.
 */
TC_EXPORT tc_status tc_train_step(tc_trainer *trainer, const tc_examples *examples, const size_t *rows,
                                  size_t row_count, tc_step *step);

/**
 * Shows the trainers of arch ngram the texts that they are going to learn from: how often each feature occurs, and with
 * which labels. Optimizer `adagrad` learns without it, less well, and from other texts, too; it may be shown some only.
 * Once for each set of examples, before the first step; a batcher does it by itself. The trainer keeps the examples
 * alive. A trainer of tc_trainer_load() asks for the same examples as before, once more and in any order.
 *
 * Errors: #TC_ERROR_UNSUPPORTED with another optimizer, #TC_ERROR_STATE (after a step, or these examples again),
 * #TC_ERROR_NUMERIC (a target beyond 1e18), #TC_ERROR_MISMATCH (also: the checkpoint was training on others),
 * #TC_ERROR_LIMIT, #TC_ERROR_MEMORY; nothing is counted then.
 */
TC_EXPORT tc_status tc_trainer_count(tc_trainer *trainer, const tc_examples *examples);

/**
 * As tc_trainer_count(), for texts that are too many to be held at once and come in chunks, each a set of examples of
 * its own: their rows are numbered on from the chunks before, and the examples are not kept.
 *
 *     for each chunk:                 tc_trainer_count_chunk(trainer, chunk);         arch ngram only
 *     for each epoch, each chunk:     tc_trainer_begin_chunk(trainer, chunk, first_row);
 *                                     tc_train_step(trainer, chunk, rows, row_count, &step) ...
 *
 * Errors: as tc_trainer_count(), #TC_ERROR_STATE also after tc_trainer_count().
 */
TC_EXPORT tc_status tc_trainer_count_chunk(tc_trainer *trainer, const tc_examples *examples);

/**
 * Makes ready to learn from a chunk: the same texts as when it was counted, encoded anew or kept, in examples of their
 * own. Steps then take rows of these examples, until the next chunk is begun; the trainer keeps them alive that long.
 * Chunks may come in any order. Optimizer dcd keeps 4 bytes for each text and column of the model from epoch to epoch,
 * but none when option `epochs` is 1; other optimizers keep nothing of a text, and do not need this call.
 *
 * @param first_row  number of the chunk's first row among all that were counted.
 * Errors: #TC_ERROR_STATE (chunks that were not counted; with epochs 1, a second pass), #TC_ERROR_ARGUMENT (rows
 * beyond those that were counted), #TC_ERROR_MISMATCH, #TC_ERROR_LIMIT, #TC_ERROR_MEMORY; the chunk is then the one
 * before.
 */
TC_EXPORT tc_status tc_trainer_begin_chunk(tc_trainer *trainer, const tc_examples *examples, size_t first_row);

/** Adds the gradients of these rows to what was gathered since the last apply. Errors: as tc_train_step(). */
TC_EXPORT tc_status tc_trainer_backward(tc_trainer *trainer, const tc_examples *examples, const size_t *rows,
                                        size_t row_count, tc_step *step);

/** Divides by the gathered weight, clips, updates the parameters and starts gathering anew. With a gathered weight of 0
 * nothing changes and step->weight says so. Errors: #TC_ERROR_NUMERIC (a gradient is not finite: what was gathered is
 * dropped, nothing else changes), #TC_ERROR_STATE when nothing was gathered. */
TC_EXPORT tc_status tc_trainer_apply(tc_trainer *trainer, tc_step *step);

/** Writes a checkpoint: model, optimizer, random and batcher state; refused with #TC_ERROR_STATE between a backward and
 * its apply. Crash-safe like tc_model_save(). */
TC_EXPORT tc_status tc_trainer_save(const tc_trainer *trainer, const char *path);

/**
 * Model and trainer from a checkpoint; training goes on with the same bits as if it had never stopped.
 *
 * @param config allocator and run options; options of the other classes that were set on it are compared with the
 *               checkpoint's (#TC_ERROR_MISMATCH), but `epochs` may be raised when the schedule is constant. May be
 *               NULL.
 * @param model  as from tc_model_load(); the caller frees it.
 * Errors: as tc_model_load(), #TC_ERROR_FORMAT also for a model file without a training's state.
 */
TC_EXPORT tc_status tc_trainer_load(const char *path, const tc_config *config, tc_model **model, tc_trainer **trainer);

#ifdef __cplusplus
}
#endif

#endif
