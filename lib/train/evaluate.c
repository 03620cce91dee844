/* evaluate.c: predicts rows in stretches on a team, then counts them one by one in the order given, so that figures do
 * not depend on the team. */
#include "train/evaluate.h"

#include <string.h>

#include "base/cpu.h"
#include "layer/loss.h"
#include "metric/classification.h"
#include "metric/multilabel.h"
#include "metric/regression.h"
#include "model/predict_many.h"

#define STRETCH 4096

typedef struct evaluation {
    const tc_model *model;
    tci_training *training;
    const tc_examples *examples;
    tci_memory memory;
    tci_classification *classification;
    tci_multilabel *multilabel;
    tci_regression *regression;
    tci_row *rows;
    float *logits, *targets;
    float *row_logits; /* of one row, where predict gives something else */
    tci_loss_sum loss;
    uint64_t tokens;
} evaluation;

static size_t example_number(const size_t *rows, size_t i)
{
    return rows ? rows[i] : i;
}

static tc_status begin(evaluation *e, size_t row_count, bool with_confusion)
{
    size_t labels = e->model->label_count, stretch = row_count < STRETCH ? row_count : STRETCH, values = 0;
    if (!tci_multiply(stretch, labels, &values))
        return tci_fail(TC_ERROR_LIMIT, "scores of %zu rows do not fit the address space", stretch);
    TCI_RETURN_IF(tci_alloc(&e->memory, stretch, sizeof *e->rows, "rows to evaluate", &e->rows));
    TCI_RETURN_IF(tci_alloc(&e->memory, values, sizeof *e->logits, "scores to evaluate", &e->logits));
    TCI_RETURN_IF(tci_alloc(&e->memory, labels, sizeof *e->targets, "targets to evaluate", &e->targets));
    if (e->model->network->architecture->logits)
        TCI_RETURN_IF(tci_alloc(&e->memory, labels, sizeof *e->row_logits, "logits to evaluate", &e->row_logits));
    switch (e->model->options.task) {
    case TCI_TASK_CLASSIFY:
        return tci_classification_create(&e->memory, labels, with_confusion, &e->classification);
    case TCI_TASK_MULTILABEL:
        return tci_multilabel_create(&e->memory, labels, e->model->options.threshold, e->model->thresholds,
                                     &e->multilabel);
    default:
        return tci_regression_create(&e->memory, labels, &e->regression);
    }
}

/* The plain loss of one row (no smoothing, no class weights), with its sample weight. */
static tc_status add_loss(evaluation *e, size_t example, const float *logits)
{
    size_t labels = e->model->label_count;
    int32_t task = e->model->options.task;
    uint32_t label = task == TCI_TASK_CLASSIFY ? e->examples->classes[example] : 0;
    tci_loss_sum sum = {0, 0};
    if (e->row_logits) {
        memcpy(e->row_logits, logits, labels * sizeof *logits);
        e->model->network->architecture->logits(e->model->network, e->row_logits);
        logits = e->row_logits;
    }
    tci_loss_batch batch = {.rows = 1,
                            .labels = labels,
                            .logits = logits,
                            .logits_stride = labels,
                            .classes = &label,
                            .targets = e->targets,
                            .targets_stride = labels,
                            .weights = &e->examples->weights[example],
                            .row_numbers = &example};
    if (label == TC_LABEL_UNKNOWN)
        return TC_OK;
    if (task != TCI_TASK_CLASSIFY)
        tci_examples_targets(e->examples, example, labels, e->targets);
    TCI_RETURN_IF(tci_task_loss(task)->compute(&batch, &sum, NULL, 0));
    e->loss.weighted_loss += sum.weighted_loss;
    e->loss.weight += sum.weight;
    return TC_OK;
}

static void count_row(evaluation *e, size_t example, const float *scores)
{
    const tc_examples *examples = e->examples;
    if (e->classification)
        (void)tci_classification_add(e->classification, examples->classes[example], scores);
    if (e->multilabel) {
        size_t first = example == 0 ? 0 : examples->list_ends[example - 1];
        tci_multilabel_add(e->multilabel, examples->list + first, examples->list_ends[example] - first, scores);
    }
    if (e->regression)
        tci_regression_add(e->regression, e->targets, scores);
}

/* Logits of the rows at hand. */
static tc_status predict(const evaluation *e, tci_pool *pool, size_t count)
{
    const tci_architecture *architecture = e->model->network->architecture;
    bool kept = false;
    if (e->training && architecture->predict_kept)
        TCI_RETURN_IF(architecture->predict_kept(e->training, e->rows, count, e->logits, &kept));
    return kept ? TC_OK : tci_predict_rows(e->model, pool, e->rows, count, e->logits);
}

static tc_status run(evaluation *e, tci_pool *pool, const size_t *rows, size_t row_count)
{
    size_t labels = e->model->label_count;
    for (size_t first = 0; first < row_count; first += STRETCH) {
        size_t count = row_count - first < STRETCH ? row_count - first : STRETCH;
        for (size_t i = 0; i < count; i++) {
            e->rows[i] = tci_examples_row(e->examples, example_number(rows, first + i));
            e->tokens += e->rows[i].length;
        }
        TCI_RETURN_IF(predict(e, pool, count));
        for (size_t i = 0; i < count; i++)
            TCI_RETURN_IF(add_loss(e, example_number(rows, first + i), e->logits + i * labels));
        TCI_RETURN_IF(tci_model_scores(e->model, count, e->logits));
        for (size_t i = 0; i < count; i++) {
            size_t example = example_number(rows, first + i);
            if (e->regression)
                tci_examples_targets(e->examples, example, labels, e->targets);
            count_row(e, example, e->logits + i * labels);
        }
    }
    return TC_OK;
}

static tc_status finish(const evaluation *e, tc_evaluation *result)
{
    const double none = __builtin_nan("");
    size_t labels = e->model->label_count;
    result->unknown_labels = 0;
    result->accuracy = result->macro_f1 = result->micro_f1 = result->calibration_error = none;
    result->mean_squared_error = result->mean_absolute_error = result->r2 = none;
    result->tokens = e->tokens;
    result->loss = e->loss.weight > 0 ? e->loss.weighted_loss / e->loss.weight : none;
    if (e->classification) {
        tci_classification_result figures;
        TCI_RETURN_IF(tci_classification_finish(e->classification, &figures));
        result->unknown_labels = figures.unknown;
        result->accuracy = figures.accuracy;
        result->macro_f1 = figures.macro_f1;
        result->micro_f1 = figures.micro_f1;
        result->calibration_error = figures.calibration_error;
        if (result->confusion)
            memcpy(result->confusion, tci_classification_confusion(e->classification),
                   labels * labels * sizeof *result->confusion);
    }
    if (e->multilabel) {
        tci_multilabel_result figures;
        TCI_RETURN_IF(tci_multilabel_finish(e->multilabel, &figures));
        result->unknown_labels = figures.unknown;
        result->accuracy = figures.accuracy;
        result->macro_f1 = figures.macro_f1;
        result->micro_f1 = figures.micro_f1;
    }
    if (e->regression) {
        tci_regression_result figures;
        TCI_RETURN_IF(tci_regression_finish(e->regression, &figures));
        result->mean_squared_error = figures.mean_squared_error;
        result->mean_absolute_error = figures.mean_absolute_error;
        result->r2 = figures.r2;
    }
    for (size_t i = 0; result->labels && !e->regression && i < labels; i++)
        result->labels[i] =
            e->classification ? tci_classification_label(e->classification, i) : tci_multilabel_label(e->multilabel, i);
    return TC_OK;
}

static tc_status check_buffers(const tc_model *model, const tc_evaluation *result)
{
    size_t labels = model->label_count, cells = 0;
    if (result->labels && result->label_capacity < labels)
        return tci_fail(TC_ERROR_CAPACITY, "figures of %zu labels do not fit a buffer of %zu", labels,
                        result->label_capacity);
    if (!result->confusion)
        return TC_OK;
    if (model->options.task != TCI_TASK_CLASSIFY)
        return tci_fail(TC_ERROR_UNSUPPORTED, "a confusion matrix needs task classify");
    if (!tci_multiply(labels, labels, &cells) || result->confusion_capacity < cells)
        return tci_fail(TC_ERROR_CAPACITY, "the confusion of %zu labels does not fit a buffer of %zu", labels,
                        result->confusion_capacity);
    return TC_OK;
}

tc_status tci_evaluate(const tc_model *model, tci_pool *pool, tci_training *training, const tc_examples *examples,
                       const size_t *rows, size_t row_count, tc_evaluation *result)
{
    tc_status status = TC_OK;
    evaluation e = {.model = model, .training = training, .examples = examples};
    TCI_RETURN_IF(tci_examples_check(examples, model, rows, row_count));
    TCI_RETURN_IF(check_buffers(model, result));
    if (row_count == 0)
        return tci_fail(TC_ERROR_ARGUMENT, "tc_evaluate: there are no rows to evaluate");
    tci_memory_init(&e.memory, &model->memory.host, model->memory.limit);
    tci_float_environment environment = tci_float_enter();
    TCI_CHECK(begin(&e, row_count, result->confusion != NULL));
    TCI_CHECK(run(&e, pool, rows, row_count));
    TCI_CHECK(finish(&e, result));
    result->examples = row_count;
done:
    tci_float_leave(environment);
    tci_classification_free(e.classification);
    tci_multilabel_free(e.multilabel);
    tci_regression_free(e.regression);
    tci_free(&e.memory, e.rows);
    tci_free(&e.memory, e.logits);
    tci_free(&e.memory, e.targets);
    tci_free(&e.memory, e.row_logits);
    return status;
}
