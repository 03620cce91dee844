/* truth.c: labels of the examples as classes or targets of a loss. Knows nothing of gradients. */
#include "train/truth.h"

#include <string.h>

/* Whether labels of texts of one label are told apart one by one: of a model of two, one is. */
static bool takes_each_label(const tc_trainer *trainer)
{
    return trainer->options.task == TCI_TASK_CLASSIFY && trainer->options.optimizer == TCI_OPTIMIZER_ADAGRAD &&
           trainer->model->network->architecture == &tci_ngram_architecture && trainer->model->label_count > 2;
}

tc_status tci_trainer_choose_loss(tc_trainer *trainer)
{
    tci_options *options = &trainer->options;
    char task[TCI_CHOICE_NAME], name[TCI_CHOICE_NAME];
    int32_t choice = options->task + TCI_LOSS_CROSS_ENTROPY;
    bool each = takes_each_label(trainer);
    if (each && (options->loss == TCI_LOSS_AUTO || options->loss == TCI_LOSS_BCE))
        choice = TCI_LOSS_BCE;
    if (options->loss != TCI_LOSS_AUTO && options->loss != choice)
        return tci_fail(TC_ERROR_OPTION, "option 'loss': task %s takes %s%s (or auto)",
                        tci_choice_name("task", options->task, task), tci_choice_name("loss", choice, name),
                        each ? " or bce" : "");
    if (options->task != TCI_TASK_CLASSIFY && options->label_smoothing > 0)
        return tci_fail(TC_ERROR_OPTION, "option 'label_smoothing' needs task classify");
    if (options->task != TCI_TASK_CLASSIFY && strcmp(options->class_weights, "none") != 0)
        return tci_fail(TC_ERROR_OPTION, "option 'class_weights' needs task classify");
    if (options->task != TCI_TASK_MULTILABEL && options->tune_thresholds)
        return tci_fail(TC_ERROR_OPTION, "option 'tune_thresholds' needs task multilabel");
    options->loss = choice;
    trainer->loss = tci_loss_find(tci_choice_name("loss", choice, name));
    return TC_OK;
}

tc_status tci_trainer_check_labels(const tc_examples *examples, size_t row)
{
    if (tci_examples_unknown(examples, row))
        return tci_fail(TC_ERROR_ARGUMENT,
                        "row %zu has a label that the model does not have; it can be evaluated, not trained on", row);
    return TC_OK;
}

tc_status tci_trainer_gather_truth(tc_trainer *trainer, const tc_examples *examples, size_t row, size_t i)
{
    size_t labels = trainer->model->label_count;
    TCI_RETURN_IF(tci_trainer_check_labels(examples, row));
    if (examples->task == TCI_TASK_CLASSIFY)
        trainer->classes[i] = examples->classes[row];
    else
        tci_examples_targets(examples, row, labels, trainer->targets + i * labels);
    return TC_OK;
}

static void state_each_label(tc_trainer *trainer, size_t row_count)
{
    size_t labels = trainer->model->label_count;
    float rest = (float)(trainer->options.label_smoothing / (double)labels);
    float own = (float)(1 - trainer->options.label_smoothing) + rest;
    for (size_t r = 0; r < row_count; r++) {
        float *targets = trainer->targets + r * labels;
        for (size_t c = 0; c < labels; c++)
            targets[c] = c == trainer->classes[r] ? own : rest;
        if (trainer->class_weights)
            trainer->weights[r] *= trainer->class_weights[trainer->classes[r]];
    }
}

tci_loss_batch tci_trainer_loss_batch(tc_trainer *trainer, size_t row_count)
{
    size_t labels = trainer->model->label_count;
    if (trainer->options.task == TCI_TASK_CLASSIFY && trainer->options.loss == TCI_LOSS_BCE)
        state_each_label(trainer, row_count);
    return (tci_loss_batch){.rows = row_count,
                            .labels = labels,
                            .logits = trainer->logits,
                            .logits_stride = labels,
                            .classes = trainer->classes,
                            .targets = trainer->targets,
                            .targets_stride = labels,
                            .weights = trainer->weights,
                            .class_weights = trainer->class_weights,
                            .label_smoothing = trainer->options.label_smoothing,
                            .row_numbers = trainer->row_numbers};
}
