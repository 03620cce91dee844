/* trainer.c: making a trainer, gathering gradients, taking steps.
 *
 * backward: forward, loss, gradients of the weighted sum of losses; apply: one division by the gathered weight, then
 * the optimizer. Everything that can fail does so before parameters, moments or counters change. */
#include "train/trainer.h"

#include <string.h>

#include "base/cpu.h"
#include "model/conversion.h"
#include "train/class_weights.h"
#include "train/direct.h"
#include "train/truth.h"

tci_schedule tci_trainer_schedule(const tci_options *options)
{
    static const tci_schedule_kind kinds[] = {TCI_SCHEDULE_CONSTANT, TCI_SCHEDULE_LINEAR, TCI_SCHEDULE_COSINE};
    return (tci_schedule){kinds[options->schedule], options->warmup_steps, options->total_steps};
}

/* `name` is where the optimizer's name is put. */
static tci_optimizer_options optimizer_options(const tci_options *options, char name[TCI_CHOICE_NAME])
{
    return (tci_optimizer_options){
        .name = tci_choice_name("optimizer", options->optimizer, name),
        .learning_rate = options->learning_rate,
        .beta1 = options->beta1,
        .beta2 = options->beta2,
        .epsilon = options->epsilon,
        .momentum = options->momentum,
        .weight_decay = options->weight_decay,
        .sparse_embedding = options->sparse_embedding,
        .freeze_embedding = options->freeze_embedding,
        .schedule = tci_trainer_schedule(options),
        .clip_norm = options->clip_norm,
    };
}

/* A schedule that needs total_steps gets them from the batcher; until then any number stands in, and no step is
 * taken. */
static bool total_steps_missing(const tci_options *options)
{
    return options->schedule != TCI_CHOICE_CONSTANT && options->total_steps == 0;
}

static tc_status check_schedule(const tci_options *options)
{
    tci_schedule schedule = tci_trainer_schedule(options);
    return total_steps_missing(options) ? TC_OK : tci_schedule_check(&schedule);
}

static tc_status make_optimizer(tc_trainer *trainer)
{
    char name[TCI_CHOICE_NAME];
    tci_optimizer_options options = optimizer_options(&trainer->options, name);
    tci_optimizer *optimizer = NULL;
    if (total_steps_missing(&trainer->options))
        options.schedule.total_steps = options.schedule.warmup_steps + 1;
    if (trainer->ngram) /* which takes the steps itself */
        return tci_schedule_check(&options.schedule);
    const tci_network *network = trainer->model->network;
    TCI_RETURN_IF(tci_optimizer_create(&trainer->memory, network->kernels, &network->parameters, &options, &optimizer));
    tci_optimizer_free(trainer->optimizer);
    trainer->optimizer = optimizer;
    return TC_OK;
}

/* What is frozen must be there. */
static tc_status check_frozen(const tc_trainer *trainer)
{
    const tci_network *network = trainer->model->network;
    const tci_architecture *architecture = network->architecture;
    if (trainer->options.freeze_embedding && !(architecture->words && architecture->words(network)))
        return tci_fail(TC_ERROR_OPTION, "option 'freeze_embedding': this model of arch %s has no embedding of words",
                        architecture->name);
    return TC_OK;
}

static tc_status read_class_weights(tc_trainer *trainer)
{
    bool none = false;
    TCI_RETURN_IF(tci_alloc(&trainer->memory, trainer->model->label_count, sizeof(float), "class weights",
                            &trainer->class_weights));
    TCI_RETURN_IF(tci_class_weights_parse(trainer->options.class_weights, trainer->model->labels,
                                          trainer->model->label_count, trainer->class_weights,
                                          &trainer->weights_pending, &none));
    if (none) {
        tci_free(&trainer->memory, trainer->class_weights);
        trainer->class_weights = NULL;
    }
    return TC_OK;
}

static tc_status make_ngram_training(tc_trainer *trainer)
{
    const tci_options *options = &trainer->options;
    char name[TCI_CHOICE_NAME];
    if (options->optimizer != TCI_OPTIMIZER_ADAGRAD)
        return tci_fail(TC_ERROR_UNSUPPORTED, "option 'optimizer': arch ngram is trained by dcd or adagrad, not by %s",
                        tci_choice_name("optimizer", options->optimizer, name));
    if (options->weight_decay > 0)
        return tci_fail(TC_ERROR_OPTION, "option 'weight_decay': arch ngram is trained without; it would move every "
                                         "weight in each step");
    TCI_RETURN_IF(tci_ngram_training_create((tci_ngram_network *)trainer->model->network, &trainer->memory,
                                            trainer->pool, options->task, &trainer->ngram));
    tci_ngram_training_follow(trainer->ngram, &trainer->best);
    return make_optimizer(trainer);
}

/* Forward, backward, gradients and the optimizer that takes them. */
static tc_status make_gradient_parts(tc_trainer *trainer)
{
    tci_network *network = trainer->model->network;
    if (network->architecture == &tci_ngram_architecture)
        return make_ngram_training(trainer);
    TCI_RETURN_IF(make_optimizer(trainer));
    TCI_RETURN_IF(tci_gradients_create(&trainer->memory, &network->parameters, &trainer->gradients));
    trainer->gradients.frozen = trainer->options.freeze_embedding;
    TCI_RETURN_IF(network->architecture->training_create(network, &trainer->memory, trainer->pool, &trainer->training));
    tci_trainer_refresh(trainer);
    return TC_OK;
}

static void free_parts(tc_trainer *trainer)
{
    tci_memory *memory = &trainer->memory;
    tci_direct_free(trainer);
    tci_ngram_training_free(trainer->ngram);
    if (trainer->training)
        trainer->model->network->architecture->training_free(trainer->training);
    tci_pool_free(trainer->pool);
    tci_gradients_free(&trainer->gradients);
    tci_optimizer_free(trainer->optimizer);
    tci_free(memory, trainer->class_weights);
    tci_free(memory, trainer->best);
    tci_free(memory, trainer->rows);
    tci_free(memory, trainer->classes);
    tci_free(memory, trainer->targets);
    tci_free(memory, trainer->weights);
    tci_free(memory, trainer->row_numbers);
    tci_free(memory, trainer->logits);
    tci_free(memory, trainer->dlogits);
}

void tci_trainer_free(tc_trainer *trainer)
{
    if (!trainer)
        return;
    tc_model *model = trainer->model;
    free_parts(trainer);
    tci_object_free(trainer);
    atomic_store(&model->trained, false);
    tci_model_release(model);
}

tc_status tci_trainer_create(tc_model *model, const tci_options *config, tc_trainer **result)
{
    tc_status status = TC_OK;
    tc_trainer *trainer = NULL;
    *result = NULL;
    TCI_RETURN_IF(tci_weights_trainable(&model->options, "training a model"));
    if (atomic_exchange(&model->trained, true))
        return tci_fail(TC_ERROR_BUSY, "another trainer holds this model; free it, or train a clone");
    const tci_options *run = config ? config : &model->options;
    status = tci_object_create(&model->memory.host, (size_t)run->max_memory, sizeof *trainer, "trainer", &trainer);
    if (status != TC_OK) {
        atomic_store(&model->trained, false);
        return status;
    }
    trainer->model = tci_model_keep(model);
    trainer->options = model->options;
    if (config) {
        tci_options_copy_set(&trainer->options, config, TCI_CLASS_TRAINING);
        tci_options_copy_class(&trainer->options, config, TCI_CLASS_RUN);
        if (trainer->options.optimizer != model->options.optimizer)
            tci_options_follow_optimizer(&trainer->options, config);
    }
    TCI_CHECK(tci_model_own_parameters(model));
    TCI_CHECK(tci_trainer_choose_loss(trainer));
    TCI_CHECK(check_frozen(trainer));
    TCI_CHECK(read_class_weights(trainer));
    TCI_CHECK(tci_pool_create(&trainer->memory, (size_t)trainer->options.threads, &trainer->pool));
    TCI_CHECK(check_schedule(&trainer->options));
    TCI_CHECK(tci_direct_create(trainer));
    if (!tci_is_direct(trainer))
        TCI_CHECK(make_gradient_parts(trainer));
    tci_options_copy_class(&model->options, &trainer->options, TCI_CLASS_TRAINING);
    model->options.max_features = trainer->options.max_features = 0; /* it learns of others again */
done:
    if (status != TC_OK) {
        tci_trainer_free(trainer);
        trainer = NULL;
    }
    *result = trainer;
    return status;
}

tc_status tci_trainer_set_total_steps(tc_trainer *trainer, uint64_t total_steps)
{
    uint64_t old = trainer->options.total_steps;
    if (!total_steps_missing(&trainer->options) || trainer->progress.steps > 0)
        return TC_OK;
    trainer->options.total_steps = total_steps;
    tc_status status = trainer->optimizer ? make_optimizer(trainer) : check_schedule(&trainer->options);
    if (status != TC_OK)
        trainer->options.total_steps = old;
    else
        trainer->model->options.total_steps = total_steps;
    return status;
}

float *tci_trainer_state(tc_trainer *trainer, size_t index, const char **name)
{
    if (tci_is_direct(trainer))
        return NULL;
    return trainer->ngram ? tci_ngram_training_state(trainer->ngram, index, name)
                          : tci_optimizer_state(trainer->optimizer, index, name);
}

size_t tci_trainer_block_floats(const tc_trainer *trainer)
{
    return trainer->ngram ? tci_ngram_training_floats(trainer->ngram) : trainer->model->network->parameters.size;
}

void tci_trainer_refresh(tc_trainer *trainer)
{
    if (trainer->dual || trainer->ngram)
        return; /* weights are read as they are */
    if (trainer->bag) {
        tci_model_refresh(trainer->model);
        return;
    }
    tci_float_environment environment = tci_float_enter(); /* packing adds the two biases of each gate */
    trainer->model->network->architecture->training_refresh(trainer->training);
    tci_float_leave(environment);
}

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
    if (!total_steps_missing(&trainer->options))
        return TC_OK;
    return tci_fail(TC_ERROR_OPTION, "schedule %s needs option total_steps",
                    trainer->options.schedule == TCI_CHOICE_LINEAR ? "linear" : "cosine");
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
    char name[TCI_CHOICE_NAME];
    tci_optimizer_options options = optimizer_options(&trainer->options, name);
    double factor = tci_schedule_factor(&options.schedule, trainer->progress.steps + 1);
    tci_ngram_step step = {.scale = 1.0 / trainer->gathered.sum.weight,
                           .rate = options.learning_rate * factor,
                           .epsilon = options.epsilon,
                           .clip_norm = options.clip_norm};
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
