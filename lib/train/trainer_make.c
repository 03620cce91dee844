/* trainer_make.c: making a trainer from options: what is trained, by which parts, on which schedule. Must not know of
 * examples: what depends on them (total_steps, balanced class weights) is resolved when the first ones come. */
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
    uint64_t warmup = options->warmup_steps;
    if (warmup == 0) { /* rounded up, as transformers' TrainingArguments.get_warmup_steps() does */
        double steps = options->warmup_ratio * (double)options->total_steps;
        warmup = (uint64_t)steps;
        warmup += (double)warmup < steps;
    }
    return (tci_schedule){kinds[options->schedule], warmup, options->total_steps};
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
        .layer_decay = options->layer_decay,
        .weight_decay = options->weight_decay,
        .sparse_embedding = options->sparse_embedding,
        .schedule = tci_trainer_schedule(options),
        .clip_norm = options->clip_norm,
    };
}

bool tci_trainer_lacks_total_steps(const tci_options *options)
{
    bool rises = options->warmup_steps == 0 && options->warmup_ratio > 0;
    return options->total_steps == 0 && (rises || options->schedule != TCI_CHOICE_CONSTANT);
}

/* Checks the schedule as far as it is known, and gives it to the optimizer where there is one. */
static tc_status set_schedule(tc_trainer *trainer)
{
    tci_schedule schedule = tci_trainer_schedule(&trainer->options);
    if (tci_trainer_lacks_total_steps(&trainer->options))
        return TC_OK;
    return trainer->optimizer ? tci_optimizer_set_schedule(trainer->optimizer, &schedule)
                              : tci_schedule_check(&schedule);
}

static tc_status make_optimizer(tc_trainer *trainer)
{
    char name[TCI_CHOICE_NAME];
    tci_optimizer_options options = optimizer_options(&trainer->options, name);
    if (tci_trainer_lacks_total_steps(&trainer->options))
        options.schedule.total_steps = options.schedule.warmup_steps + 1;
    if (trainer->ngram) /* which takes the steps itself */
        return tci_schedule_check(&options.schedule);
    const tci_network *network = trainer->model->network;
    return tci_optimizer_create(&trainer->memory, network->kernels, &network->parameters, &options,
                                &trainer->optimizer);
}

/* What is frozen must be there. */
static tc_status check_frozen(tc_trainer *trainer)
{
    TCI_RETURN_IF(tci_options_trained_levels(&trainer->options, &trainer->deepest));
    if (trainer->options.lora_rank > 0 && trainer->deepest != SIZE_MAX)
        return tci_fail(TC_ERROR_OPTION, "option 'freeze': with lora_rank above 0 the layers' own weights stand still "
                                         "anyway; leave it out");
    const tci_network *network = trainer->model->network;
    const tci_architecture *architecture = network->architecture;
    if (trainer->options.freeze_embedding && !(architecture->words && architecture->words(network)))
        return tci_fail(TC_ERROR_OPTION, "option 'freeze_embedding': this model of arch %s has no embedding of words",
                        architecture->name);
    return TC_OK;
}

static bool is_frozen(const void *context, size_t index)
{
    const tc_trainer *trainer = context;
    return !tci_model_trains(trainer->model, &trainer->options, trainer->deepest, index);
}

/* What the steps change must be the model's own: a copy, or the place where it was read. */
static tc_status own_parameters(tc_trainer *trainer)
{
    const tci_network *network = trainer->model->network;
    if (!network->architecture->trains_in_place)
        return tci_model_own_parameters(trainer->model);
    for (size_t i = 0; i < network->parameters.tensor_count; i++) {
        if (!is_frozen(trainer, i))
            TCI_RETURN_IF(tci_model_check_writable(trainer->model, i));
    }
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
    tci_parameters_set_trained(&network->parameters, is_frozen, trainer);
    TCI_RETURN_IF(make_optimizer(trainer));
    TCI_RETURN_IF(tci_gradients_create(&trainer->memory, &network->parameters, &trainer->gradients));
    TCI_RETURN_IF(network->architecture->training_create(network, &trainer->options, &trainer->memory, trainer->pool,
                                                        &trainer->training));
    tci_trainer_refresh(trainer);
    return TC_OK;
}

static void free_parts(tc_trainer *trainer)
{
    tci_memory *memory = &trainer->memory;
    tci_direct_free(trainer);
    tci_ngram_training_free(trainer->ngram);
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
    if (trainer->training) /* last: where it packs the weights for prediction, the rest has made room */
        trainer->model->network->architecture->training_free(trainer->training);
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
        if (model->base)
            tci_options_follow_pretrained(&trainer->options, &trainer->options);
    }
    TCI_CHECK(tci_trainer_choose_loss(trainer));
    TCI_CHECK(check_frozen(trainer));
    TCI_CHECK(own_parameters(trainer));
    TCI_CHECK(read_class_weights(trainer));
    TCI_CHECK(tci_pool_create(&trainer->memory, (size_t)trainer->options.threads, &trainer->pool));
    TCI_CHECK(set_schedule(trainer));
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
    if (!tci_trainer_lacks_total_steps(&trainer->options) || trainer->progress.steps > 0)
        return TC_OK;
    trainer->options.total_steps = total_steps;
    tc_status status = set_schedule(trainer);
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
    return trainer->ngram ? tci_ngram_training_floats(trainer->ngram)
                          : tci_trained_floats(&trainer->model->network->parameters);
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
