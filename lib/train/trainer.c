/* trainer.c: gathering gradients and taking steps.
 *
 * backward: forward, loss, gradients of the weighted sum of losses; apply: one division by the gathered weight, then
 * the optimizer. Everything that can fail does so before parameters, moments or counters change. */
#include "train/trainer.h"

#include <string.h>

#include "base/cpu.h"
#include "train/class_weights.h"
#include "train/direct.h"
#include "train/truth.h"

static tc_status reserve_rows(tc_trainer *trainer, size_t row_count)
{
    tci_memory *memory = &trainer->memory;
    size_t values = 0, labels = trainer->model->label_count;
    if (row_count <= trainer->row_capacity)
        return TC_OK;
    if (row_count > UINT32_MAX / 2 || !tci_multiply(row_count, labels, &values))
        return tci_fail(TC_ERROR_LIMIT, "%zu rows in one batch; the limit is %u", row_count, UINT32_MAX / 2);
    TCI_RETURN_IF(tci_resize(memory, 2 * row_count, sizeof(tci_row), "batch", &trainer->rows));
    TCI_RETURN_IF(tci_resize(memory, row_count, sizeof(uint32_t), "batch labels", &trainer->classes));
    TCI_RETURN_IF(tci_resize(memory, values, sizeof(float), "batch targets", &trainer->targets));
    TCI_RETURN_IF(tci_resize(memory, row_count, sizeof(float), "batch weights", &trainer->weights));
    TCI_RETURN_IF(tci_resize(memory, row_count, sizeof(size_t), "batch rows", &trainer->row_numbers));
    TCI_RETURN_IF(tci_resize(memory, values, sizeof(float), "batch logits", &trainer->logits));
    TCI_RETURN_IF(tci_resize(memory, values, sizeof(float), "batch gradients", &trainer->dlogits));
    trainer->row_capacity = row_count;
    return TC_OK;
}

/* Collects the batch in the sorted order; row.position is the row's place since the last apply. */
static tc_status gather_batch(tc_trainer *trainer, const tc_examples *examples, const size_t *rows, size_t row_count,
                              uint64_t *tokens)
{
    *tokens = 0;
    for (size_t i = 0; i < row_count; i++) {
        trainer->rows[i] = tci_examples_row(examples, rows[i]);
        trainer->rows[i].position = (uint32_t)i;
        *tokens += trainer->rows[i].length;
    }
    tci_rows_sort(trainer->rows, trainer->rows + row_count, row_count);
    for (size_t i = 0; i < row_count; i++) {
        size_t row = rows[trainer->rows[i].position];
        trainer->row_numbers[i] = row;
        trainer->weights[i] = examples->weights[row];
        trainer->rows[i].position += (uint32_t)trainer->gathered.rows;
        TCI_RETURN_IF(tci_trainer_gather_truth(trainer, examples, row, i));
    }
    return TC_OK;
}

/* Balanced class weights come from the first examples; `text` is their resolved form. */
static tc_status balance_class_weights(tc_trainer *trainer, const tc_examples *examples, char *text)
{
    if (!trainer->weights_pending || trainer->gathered.backwards > 0)
        return TC_OK;
    return tci_class_weights_balance(examples, trainer->model->labels, trainer->class_weights, text,
                                     TCI_OPTION_TEXT_SIZE);
}

/* The first backward of a step succeeded: its balanced weights hold for the step. */
static void hold_class_weights(tc_trainer *trainer, const char *text)
{
    if (trainer->weights_pending && trainer->gathered.backwards == 0)
        memcpy(trainer->options.class_weights, text, strlen(text) + 1);
}

/* The step was taken: they are the model's. */
static void store_class_weights(tc_trainer *trainer)
{
    if (!trainer->weights_pending)
        return;
    memcpy(trainer->model->options.class_weights, trainer->options.class_weights, TCI_OPTION_TEXT_SIZE);
    trainer->weights_pending = false;
}

static void report(const tc_trainer *trainer, tc_step *step)
{
    const tci_loss_sum *sum = &trainer->gathered.sum;
    if (!step)
        return;
    step->step = trainer->progress.steps;
    step->weight = sum->weight;
    step->loss = sum->weight > 0 ? sum->weighted_loss / sum->weight : 0;
    step->tokens = trainer->gathered.tokens;
}

/* The rows may be a copy: what counts is that they are those that the batcher handed out. */
static bool is_batch(const tci_batch_place *batch, const tc_examples *examples, const size_t *rows, size_t row_count)
{
    return batch->rows && row_count == batch->count && examples == batch->examples &&
           memcmp(rows, batch->rows, row_count * sizeof *rows) == 0;
}

static void add_loss(tci_loss_sum *to, const tci_loss_sum *sum)
{
    to->weighted_loss += sum->weighted_loss;
    to->weight += sum->weight;
}

static void count_gathered(tci_gathered *gathered, size_t row_count, uint64_t tokens, const tci_loss_sum *sum)
{
    add_loss(&gathered->sum, sum);
    gathered->rows += row_count;
    gathered->tokens += tokens;
    gathered->backwards++;
}

/* The batcher's batch is gathered: the next one may be handed out. */
static void count_batch(tc_trainer *trainer, uint64_t tokens, const tci_loss_sum *sum)
{
    add_loss(&trainer->gathered.batch_sum, sum);
    trainer->gathered.batch_tokens += tokens;
    trainer->gathered.batches++;
    trainer->batch = (tci_batch_place){NULL, 0, NULL, false};
}

/* What was gathered is applied: its batches are done. */
static void finish_batches(tci_progress *progress, const tci_gathered *gathered)
{
    progress->position += gathered->batches;
    progress->tokens += gathered->batch_tokens;
    progress->loss_sum += gathered->batch_sum.weighted_loss;
    progress->loss_weight += gathered->batch_sum.weight;
}

/* Logits of the batch at hand. */
static tc_status run_forward(tc_trainer *trainer, size_t row_count)
{
    tci_step_context context = {trainer->options.seed, trainer->progress.steps};
    if (trainer->ngram)
        return tci_ngram_training_forward(trainer->ngram, trainer->rows, row_count, trainer->logits);
    return trainer->model->network->architecture->forward(trainer->training, &context, trainer->rows, row_count,
                                                          trainer->logits);
}

static void run_backward(tc_trainer *trainer)
{
    if (trainer->ngram)
        tci_ngram_training_backward(trainer->ngram, trainer->dlogits);
    else
        trainer->model->network->architecture->backward(trainer->training, trainer->dlogits, &trainer->gradients);
}

static tc_status check_total_steps(const tc_trainer *trainer)
{
    if (!tci_trainer_lacks_total_steps(&trainer->options))
        return TC_OK;
    static const char *const what[] = {"warmup_ratio", "schedule linear", "schedule cosine"};
    return tci_fail(TC_ERROR_OPTION, "%s needs option total_steps", what[trainer->options.schedule]);
}

tc_status tci_trainer_backward(tc_trainer *trainer, const tc_examples *examples, const size_t *rows, size_t row_count,
                               tc_step *step)
{
    tc_status status = TC_OK;
    char balanced[TCI_OPTION_TEXT_SIZE];
    uint64_t tokens = 0;
    TCI_RETURN_IF(tci_direct_refuse_gradients(trainer));
    TCI_RETURN_IF(check_total_steps(trainer));
    TCI_RETURN_IF(tci_examples_check(examples, trainer->model, rows, row_count));
    TCI_RETURN_IF(reserve_rows(trainer, row_count));
    TCI_RETURN_IF(gather_batch(trainer, examples, rows, row_count, &tokens));
    size_t labels = trainer->model->label_count;
    tci_loss_sum sum = {0, 0};
    tci_loss_batch batch;
    tci_float_environment environment = tci_float_enter();
    TCI_CHECK(balance_class_weights(trainer, examples, balanced));
    TCI_CHECK(run_forward(trainer, row_count));
    batch = tci_trainer_loss_batch(trainer, row_count);
    status = trainer->loss->compute(&batch, &sum, trainer->dlogits, labels);
    if (status != TC_OK) {
        status = tci_fail_prefix(status, "step %llu", (unsigned long long)trainer->progress.steps + 1);
        goto done;
    }
    run_backward(trainer);
    hold_class_weights(trainer, balanced);
    count_gathered(&trainer->gathered, row_count, tokens, &sum);
    if (is_batch(&trainer->batch, examples, rows, row_count))
        count_batch(trainer, tokens, &sum);
    report(trainer, step);
done:
    tci_float_leave(environment);
    return status;
}

static void drop_gathered(tc_trainer *trainer)
{
    if (trainer->ngram)
        tci_ngram_training_drop(trainer->ngram);
    else
        tci_gradients_clear(&trainer->gradients);
    trainer->gathered = (tci_gathered){.rows = 0};
}

static tc_status apply_ngram(tc_trainer *trainer, tci_optimizer_result *result)
{
    const tci_options *options = &trainer->options;
    tci_schedule schedule = tci_trainer_schedule(options);
    double factor = tci_schedule_factor(&schedule, trainer->progress.steps + 1);
    tci_ngram_step step = {.scale = 1.0 / trainer->gathered.sum.weight,
                           .rate = options->learning_rate * factor,
                           .epsilon = options->epsilon,
                           .clip_norm = options->clip_norm};
    TCI_RETURN_IF(tci_ngram_training_apply(trainer->ngram, &step));
    *result = (tci_optimizer_result){.gradient_norm = step.gradient_norm, .learning_rate = step.rate};
    return TC_OK;
}

/* The optimizer's step; on failure parameters and moments are as they were. */
static tc_status take_step(tc_trainer *trainer, tci_optimizer_result *result)
{
    tc_status status =
        trainer->ngram ? apply_ngram(trainer, result)
                       : tci_optimizer_apply(trainer->optimizer, trainer->pool, &trainer->model->network->parameters,
                                             &trainer->gradients, 1.0 / trainer->gathered.sum.weight, result);
    if (status != TC_OK)
        return tci_fail_prefix(status, "step %llu", (unsigned long long)trainer->progress.steps + 1);
    tci_trainer_refresh(trainer);
    trainer->model->checksum[0] = '\0'; /* not the file's weights any more */
    trainer->progress.steps++;
    store_class_weights(trainer);
    return TC_OK;
}

tc_status tci_trainer_apply(tc_trainer *trainer, tc_step *step)
{
    tc_status status = TC_OK;
    tci_optimizer_result result = {0, 0};
    TCI_RETURN_IF(tci_direct_refuse_gradients(trainer));
    if (trainer->gathered.backwards == 0)
        return tci_fail(TC_ERROR_STATE, "nothing was gathered since the last apply; call tc_trainer_backward() first");
    tci_float_environment environment = tci_float_enter();
    if (trainer->gathered.sum.weight > 0)
        TCI_CHECK(take_step(trainer, &result));
    if (trainer->gathered.sum.weight > 0)
        trainer->model->untrained_head = false;
    finish_batches(&trainer->progress, &trainer->gathered);
    report(trainer, step);
    if (step) {
        step->gradient_norm = result.gradient_norm;
        step->learning_rate = result.learning_rate;
    }
done:
    tci_float_leave(environment);
    drop_gathered(trainer);
    return status;
}

/* One step of a trainer that gathers no gradients. */
static tc_status direct_step(tc_trainer *trainer, const tc_examples *examples, const size_t *rows, size_t row_count,
                             tc_step *step)
{
    char balanced[TCI_OPTION_TEXT_SIZE];
    uint64_t tokens = 0;
    double rate = 0;
    tci_loss_sum sum = {0, 0};
    TCI_RETURN_IF(check_total_steps(trainer));
    TCI_RETURN_IF(tci_examples_check(examples, trainer->model, rows, row_count));
    for (size_t i = 0; i < row_count; i++) {
        TCI_RETURN_IF(tci_trainer_check_labels(examples, rows[i]));
        tokens += tci_examples_row(examples, rows[i]).length;
    }
    TCI_RETURN_IF(balance_class_weights(trainer, examples, balanced));
    tci_float_environment environment = tci_float_enter();
    tc_status status = tci_direct_learn(trainer, examples, rows, row_count, &sum, &rate);
    tci_float_leave(environment);
    if (status != TC_OK)
        return status;
    hold_class_weights(trainer, balanced);
    trainer->model->checksum[0] = '\0'; /* not the file's weights any more */
    trainer->progress.steps++;
    store_class_weights(trainer);
    count_gathered(&trainer->gathered, row_count, tokens, &sum);
    if (is_batch(&trainer->batch, examples, rows, row_count))
        count_batch(trainer, tokens, &sum);
    finish_batches(&trainer->progress, &trainer->gathered);
    report(trainer, step);
    if (step)
        step->learning_rate = rate;
    trainer->gathered = (tci_gathered){.rows = 0};
    return TC_OK;
}

tc_status tci_trainer_step(tc_trainer *trainer, const tc_examples *examples, const size_t *rows, size_t row_count,
                           tc_step *step)
{
    if (tci_is_direct(trainer))
        return direct_step(trainer, examples, rows, row_count, step);
    bool ends_epoch = trainer->batch.last && is_batch(&trainer->batch, examples, rows, row_count);
    TCI_RETURN_IF(tci_trainer_backward(trainer, examples, rows, row_count, step));
    if (trainer->gathered.backwards < trainer->options.accumulate_steps && !ends_epoch)
        return TC_OK;
    return tci_trainer_apply(trainer, step);
}
