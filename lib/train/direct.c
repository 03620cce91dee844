/* direct.c: making and stepping of trainers that gather no gradients, and counting for all of arch ngram. */
#include "train/direct.h"

#include "base/cpu.h"

/* ---- making ---- */

static tc_status refuse_options(const tci_options *options, const char *name)
{
    const struct {
        const char *key;
        bool is_set;
    } foreign[] = {
        {"accumulate_steps", options->accumulate_steps != 1}, {"clip_norm", options->clip_norm > 0},
        {"label_smoothing", options->label_smoothing > 0},    {"momentum", options->momentum > 0},
        {"weight_decay", options->weight_decay > 0},
    };
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        if (foreign[i].is_set)
            return tci_fail(TC_ERROR_OPTION, "option '%s' is of optimizers that follow a gradient; %s does not",
                            foreign[i].key, name);
    }
    return TC_OK;
}

static tc_status make_dual(tc_trainer *trainer)
{
    const tci_options *options = &trainer->options;
    tci_network *network = trainer->model->network;
    if (network->architecture != &tci_ngram_architecture)
        return tci_fail(TC_ERROR_OPTION,
                        "option 'optimizer': dcd trains arch ngram; arch %s takes adam, adamw, sgd or "
                        "adagrad",
                        network->architecture->name);
    TCI_RETURN_IF(refuse_options(options, "dcd"));
    if (options->schedule != TCI_CHOICE_CONSTANT)
        return tci_fail(TC_ERROR_OPTION, "option 'schedule' is of optimizers that follow a gradient; dcd does not");
    return tci_dual_create((tci_ngram_network *)network, &trainer->memory, trainer->pool, options->task,
                           trainer->class_weights, options->epochs == 1, &trainer->dual);
}

static tc_status make_bag(tc_trainer *trainer)
{
    char name[TCI_CHOICE_NAME];
    const tci_options *options = &trainer->options;
    if (options->optimizer != TCI_OPTIMIZER_SGD)
        return tci_fail(TC_ERROR_OPTION,
                        "option 'optimizer': arch ngram with embedding_dim is trained by sgd, not by %s",
                        tci_choice_name("optimizer", options->optimizer, name));
    TCI_RETURN_IF(refuse_options(options, "sgd text by text"));
    if (options->sparse_embedding)
        return tci_fail(TC_ERROR_OPTION, "option 'sparse_embedding': with averaged embeddings no other rows than those "
                                         "of the text move");
    return tci_bag_trainer_create((tci_bag_network *)trainer->model->network, &trainer->memory, trainer->pool,
                                  trainer->class_weights, options->freeze_embedding, options->seed, &trainer->bag);
}

tc_status tci_direct_create(tc_trainer *trainer)
{
    if (trainer->model->network->architecture == &tci_bag_architecture)
        return make_bag(trainer);
    return trainer->options.optimizer == TCI_OPTIMIZER_DCD ? make_dual(trainer) : TC_OK;
}

void tci_direct_free(tc_trainer *trainer)
{
    tci_dual_free(trainer->dual);
    tci_bag_trainer_free(trainer->bag);
}

tc_status tci_direct_refuse_gradients(const tc_trainer *trainer)
{
    if (trainer->dual)
        return tci_fail(TC_ERROR_UNSUPPORTED, "optimizer dcd has no gradients, optimizer adagrad has; with dcd train"
                                              " with tc_train_step()");
    if (trainer->bag)
        return tci_fail(TC_ERROR_UNSUPPORTED, "arch ngram with embedding_dim learns text by text and gathers no "
                                              "gradients; train with tc_train_step()");
    return TC_OK;
}

/* ---- counting ---- */

tc_status tci_trainer_count(tc_trainer *trainer, const tc_examples *examples, const size_t *rows, size_t row_count)
{
    if (!tci_is_direct(trainer) && !trainer->ngram)
        return tci_fail(TC_ERROR_UNSUPPORTED, "only arch ngram counts features before it is trained");
    TCI_RETURN_IF(tci_examples_check(examples, trainer->model, rows, row_count));
    if (trainer->bag)
        return tci_bag_trainer_count(trainer->bag, examples, rows, row_count);
    if (trainer->ngram)
        return tci_ngram_training_count(trainer->ngram, examples, rows, row_count);
    return tci_dual_count(trainer->dual, examples, rows, row_count);
}

tc_status tci_trainer_count_chunk(tc_trainer *trainer, const tc_examples *examples)
{
    if (!trainer->dual)
        return tci_trainer_count(trainer, examples, NULL, 0); /* which keeps none either */
    TCI_RETURN_IF(tci_examples_check(examples, trainer->model, NULL, 0));
    return tci_dual_count_chunk(trainer->dual, examples);
}

tc_status tci_trainer_begin_chunk(tc_trainer *trainer, const tc_examples *examples, size_t first_row)
{
    TCI_RETURN_IF(tci_examples_check(examples, trainer->model, NULL, 0));
    if (!trainer->dual)
        return TC_OK; /* others ask for nothing but the rows of their step */
    tci_float_environment environment = tci_float_enter();
    tc_status status = tci_dual_begin_chunk(trainer->dual, examples, first_row);
    tci_float_leave(environment);
    return status;
}

static bool is_counted(const tc_trainer *trainer)
{
    if (trainer->bag)
        return tci_bag_trainer_counted(trainer->bag);
    return trainer->dual ? tci_dual_counted(trainer->dual) : tci_ngram_training_counted(trainer->ngram);
}

static tc_status start(tc_trainer *trainer, float **best)
{
    if (trainer->bag)
        return tci_bag_trainer_start(trainer->bag);
    return trainer->dual ? tci_dual_start(trainer->dual, best) : tci_ngram_training_start(trainer->ngram, best);
}

static void forget(tc_trainer *trainer)
{
    if (trainer->bag)
        tci_bag_trainer_forget(trainer->bag);
    else if (trainer->dual)
        tci_dual_forget(trainer->dual);
    else
        tci_ngram_training_forget(trainer->ngram);
}

tc_status tci_trainer_count_all(tc_trainer *trainer, const tc_examples *examples, const size_t *rows, size_t row_count,
                                float **best)
{
    if (!tci_is_direct(trainer) && !trainer->ngram)
        return TC_OK;
    bool counted = is_counted(trainer);
    if (!counted)
        TCI_RETURN_IF(tci_trainer_count(trainer, examples, rows, row_count));
    tci_float_environment environment = tci_float_enter();
    tc_status status = start(trainer, best);
    tci_float_leave(environment);
    if (status != TC_OK && !counted)
        forget(trainer);
    return status;
}

/* ---- steps ---- */

tc_status tci_direct_learn(tc_trainer *trainer, const tc_examples *examples, const size_t *rows, size_t row_count,
                           tci_loss_sum *sum, double *rate)
{
    const tci_options *options = &trainer->options;
    *rate = 0;
    if (trainer->dual)
        return tci_dual_step(trainer->dual, examples, rows, row_count, &sum->weighted_loss, &sum->weight);
    tci_schedule schedule = tci_trainer_schedule(options);
    *rate = options->learning_rate * tci_schedule_factor(&schedule, trainer->progress.steps + 1);
    tc_status status =
        tci_bag_trainer_step(trainer->bag, examples, rows, row_count, *rate, &sum->weighted_loss, &sum->weight);
    if (status == TC_ERROR_NUMERIC)
        return tci_fail_prefix(status, "step %llu", (unsigned long long)trainer->progress.steps + 1);
    return status;
}
