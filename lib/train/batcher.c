/* batcher.c: epochs. The trainer counts a batch as done when it has applied the rows that were handed out.
 *
 * All that an epoch has to remember stands in the trainer's progress; order and split are functions of seed, epoch and
 * examples, made anew after a resume. Knows nothing of files. */
#include "train/batcher.h"

#include <string.h>

#include "base/cpu.h"
#include "train/direct.h"
#include "train/evaluate.h"
#include "train/order.h"
#include "train/tune.h"

static void order_epoch(tc_batcher *batcher)
{
    const tc_trainer *trainer = batcher->trainer;
    tci_epoch_order(batcher->examples, batcher->rows + batcher->held_out, batcher->training_rows,
                    (size_t)trainer->options.batch_size, trainer->options.seed, trainer->progress.epoch, batcher->order,
                    batcher->keys, batcher->keys + batcher->training_rows, batcher->scratch);
}

static tc_status check_resume(const tc_trainer *trainer, uint64_t fingerprint)
{
    if (trainer->progress.has_examples && trainer->progress.fingerprint != fingerprint)
        return tci_fail(TC_ERROR_MISMATCH,
                        "the training goes on with other training or validation examples than it began "
                        "with; resume on the same data in the same order");
    return TC_OK;
}

static void begin_epoch(tci_progress *progress)
{
    progress->epoch++;
    progress->position = 0;
    progress->tokens = 0;
    progress->loss_sum = 0;
    progress->loss_weight = 0;
}

static tc_status allocate(tc_batcher *batcher)
{
    tci_memory *memory = &batcher->trainer->memory;
    size_t count = batcher->examples->rows, training = batcher->training_rows;
    TCI_RETURN_IF(tci_alloc(memory, count, sizeof(size_t), "batcher", &batcher->rows));
    TCI_RETURN_IF(tci_alloc(memory, training, sizeof(size_t), "batcher", &batcher->order));
    TCI_RETURN_IF(tci_alloc(memory, count, sizeof(size_t), "batcher", &batcher->scratch));
    TCI_RETURN_IF(tci_alloc(memory, 2 * training, sizeof(tci_row), "batcher", &batcher->keys));
    return TC_OK;
}

static bool validates(const tc_batcher *batcher)
{
    return batcher->held_out > 0 || batcher->validation;
}

static tc_status allocate_best(tc_batcher *batcher)
{
    tc_trainer *trainer = batcher->trainer;
    if (trainer->best || !validates(batcher))
        return TC_OK;
    return tci_alloc_zero(&trainer->memory, tci_trainer_block_floats(trainer), sizeof(float), "best weights",
                          &trainer->best);
}

tc_status tci_batcher_create(tc_trainer *trainer, const tc_examples *examples, const tc_examples *validation,
                             tc_batcher **result)
{
    tc_status status = TC_OK;
    tc_batcher *batcher = NULL;
    const tci_options *options = &trainer->options;
    *result = NULL;
    if (trainer->has_batcher)
        return tci_fail(TC_ERROR_STATE, "the trainer has a batcher already");
    TCI_RETURN_IF(tci_examples_check(examples, trainer->model, NULL, 0));
    if (validation)
        TCI_RETURN_IF(tci_examples_check(validation, trainer->model, NULL, 0));
    if (examples->rows == 0 || (validation && validation->rows == 0))
        return tci_fail(TC_ERROR_ARGUMENT, "there are no %s", examples->rows == 0 ? "examples" : "validation examples");
    if (options->tune_thresholds && !validation && tci_split_size(examples->rows, options->validation_split) == 0)
        return tci_fail(TC_ERROR_OPTION, "option 'tune_thresholds' needs validation texts: of their own, or a share of "
                                         "all (validation_split)");
    uint64_t fingerprint = tci_examples_fingerprint(examples, 0);
    if (validation)
        fingerprint = tci_examples_fingerprint(validation, fingerprint);
    TCI_RETURN_IF(check_resume(trainer, fingerprint));
    TCI_RETURN_IF(tci_alloc_zero(&trainer->memory, 1, sizeof *batcher, "batcher", &batcher));
    batcher->trainer = trainer;
    batcher->examples = examples;
    batcher->validation = validation;
    batcher->held_out = validation ? 0 : tci_split_size(examples->rows, options->validation_split);
    batcher->training_rows = examples->rows - batcher->held_out;
    batcher->batches = (batcher->training_rows + options->batch_size - 1) / options->batch_size;
    TCI_CHECK(allocate(batcher));
    tci_split_rows(examples->rows, batcher->held_out, options->seed, batcher->rows, batcher->scratch);
    TCI_CHECK(tci_trainer_count_all(trainer, examples, batcher->rows + batcher->held_out, batcher->training_rows,
                                    validates(batcher) && !trainer->best ? &trainer->best : NULL));
    TCI_CHECK(allocate_best(batcher));
    uint64_t steps = (batcher->batches + options->accumulate_steps - 1) / options->accumulate_steps;
    TCI_CHECK(tci_trainer_set_total_steps(trainer, steps * options->epochs));
    if (trainer->progress.epoch == 0)
        begin_epoch(&trainer->progress);
    trainer->progress.has_examples = 1;
    trainer->progress.fingerprint = fingerprint;
    trainer->has_batcher = true;
    order_epoch(batcher);
done:
    if (status != TC_OK) {
        tci_batcher_free(batcher);
        batcher = NULL;
    }
    *result = batcher;
    return status;
}

void tci_batcher_free(tc_batcher *batcher)
{
    if (!batcher)
        return;
    tci_memory *memory = &batcher->trainer->memory;
    batcher->trainer->has_batcher = false;
    batcher->trainer->batch = (tci_batch_place){NULL, 0, NULL, false};
    tci_free(memory, batcher->rows);
    tci_free(memory, batcher->order);
    tci_free(memory, batcher->scratch);
    tci_free(memory, batcher->keys);
    tci_free(memory, batcher);
}

tc_status tci_batcher_next(tc_batcher *batcher, tc_batch *batch)
{
    tc_trainer *trainer = batcher->trainer;
    tci_progress *progress = &trainer->progress;
    size_t batch_size = (size_t)trainer->options.batch_size;
    if (progress->finished || progress->epoch > trainer->options.epochs)
        return tci_fail(TC_ERROR_STATE, "the epochs are over (epochs %llu)",
                        (unsigned long long)trainer->options.epochs);
    batch->epoch = progress->epoch;
    batch->batches = batcher->batches;
    uint64_t position = progress->position + trainer->gathered.batches;
    size_t first = (size_t)position * batch_size;
    size_t left = first < batcher->training_rows ? batcher->training_rows - first : 0;
    batch->row_count = left < batch_size ? left : batch_size;
    batch->rows = batcher->order + (left > 0 ? first : 0);
    batch->position = position + (left > 0);
    trainer->batch = (tci_batch_place){left > 0 ? batch->rows : NULL, batch->row_count, batcher->examples,
                                       batch->position == batcher->batches};
    return TC_OK;
}

static bool better(const tc_trainer *trainer, const tc_epoch *epoch)
{
    const tci_progress *progress = &trainer->progress;
    if (progress->best_epoch == 0)
        return true;
    if (epoch->validation_score != progress->best_score)
        return (epoch->validation_score > progress->best_score) == (trainer->options.task != TCI_TASK_REGRESS);
    return epoch->validation_loss < progress->best_loss;
}

static tc_status validate(tc_batcher *batcher, tc_epoch *epoch)
{
    tc_trainer *trainer = batcher->trainer;
    const tc_examples *examples = batcher->validation ? batcher->validation : batcher->examples;
    tc_evaluation evaluation = TC_EVALUATION_INIT;
    TCI_RETURN_IF(tci_evaluate(trainer->model, trainer->pool, trainer->training, examples,
                               batcher->validation ? NULL : batcher->rows,
                               batcher->validation ? examples->rows : batcher->held_out, &evaluation));
    epoch->validated = 1;
    epoch->validation_loss = evaluation.loss;
    epoch->validation_score = trainer->options.task == TCI_TASK_CLASSIFY     ? evaluation.accuracy
                              : trainer->options.task == TCI_TASK_MULTILABEL ? evaluation.micro_f1
                                                                             : evaluation.mean_squared_error;
    return TC_OK;
}

static void keep_best(tc_trainer *trainer, tc_epoch *epoch)
{
    tci_progress *progress = &trainer->progress;
    epoch->improved = better(trainer, epoch);
    progress->since_best++;
    if (epoch->improved) {
        tci_trained_copy(&trainer->model->network->parameters, trainer->best);
        progress->best_epoch = progress->epoch;
        progress->best_score = epoch->validation_score;
        progress->best_loss = epoch->validation_loss;
        progress->since_best = 0;
    }
    if (trainer->options.patience > 0 && progress->since_best >= trainer->options.patience)
        progress->finished = 1;
}

static double mean_loss(const tci_progress *progress)
{
    tci_float_environment environment = tci_float_enter();
    double mean = progress->loss_weight > 0 ? progress->loss_sum / progress->loss_weight : 0;
    tci_float_leave(environment);
    return mean;
}

tc_status tci_batcher_finish_epoch(tc_batcher *batcher, tc_epoch *epoch)
{
    tc_trainer *trainer = batcher->trainer;
    tci_progress *progress = &trainer->progress;
    uint64_t position = progress->position + trainer->gathered.batches;
    if (position < batcher->batches)
        return tci_fail(TC_ERROR_STATE, "%llu batches of epoch %llu are left",
                        (unsigned long long)(batcher->batches - position), (unsigned long long)progress->epoch);
    if (trainer->gathered.backwards > 0)
        return tci_fail(TC_ERROR_STATE, "the gradients of the epoch's last batches are gathered and not applied; call "
                                        "tc_trainer_apply() first");
    epoch->epoch = progress->epoch;
    epoch->loss = mean_loss(progress);
    epoch->tokens = progress->tokens;
    epoch->validated = 0;
    epoch->improved = 0;
    if (batcher->validation || batcher->held_out > 0) {
        TCI_RETURN_IF(validate(batcher, epoch));
        keep_best(trainer, epoch);
    }
    epoch->best_epoch = progress->best_epoch;
    epoch->best_score = progress->best_score;
    epoch->finished = progress->finished || progress->epoch >= trainer->options.epochs;
    begin_epoch(progress);
    order_epoch(batcher);
    return TC_OK;
}

/* The best weights into the model, and its own where those were. */
static void swap_best(tc_trainer *trainer)
{
    tci_trained_swap(&trainer->model->network->parameters, trainer->best);
    tci_trainer_refresh(trainer);
}

tc_status tci_batcher_restore_best(tc_batcher *batcher)
{
    tc_trainer *trainer = batcher->trainer;
    if (trainer->progress.best_epoch == 0)
        return TC_OK;
    swap_best(trainer);
    if (trainer->options.tune_thresholds) {
        const tc_examples *examples = batcher->validation ? batcher->validation : batcher->examples;
        tc_status status =
            tci_tune_thresholds(trainer->model, trainer->pool, examples, batcher->validation ? NULL : batcher->rows,
                                batcher->validation ? examples->rows : batcher->held_out);
        if (status != TC_OK) {
            swap_best(trainer);
            return status;
        }
    }
    tci_trained_copy(&trainer->model->network->parameters, trainer->best);
    trainer->model->checksum[0] = '\0'; /* not the file's weights any more */
    return TC_OK;
}
