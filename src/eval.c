/* eval.c: `textclf eval`: a model's figures on labelled texts, as a table for people or one JSON object. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "commands.h"
#include "data.h"
#include "messages.h"
#include "output.h"

/* Above this many labels the confusion counts (their square) are left out. */
#define CONFUSION_LABELS 2000

typedef struct evaluation {
    reader_task task;
    tc_model *model;
    labels *known;
    labels *unknown;
    reader *source;
    data_encoder encoder;
    tc_evaluation figures;
    double seconds;
} evaluation;

static int measure(evaluation *work)
{
    size_t count = labels_count(work->known);
    tc_evaluation *figures = &work->figures;
    figures->label_capacity = count;
    figures->labels = calloc(count + 1, sizeof *figures->labels);
    if (work->task == READ_LABEL && count <= CONFUSION_LABELS) {
        figures->confusion_capacity = count * count;
        figures->confusion = calloc(count * count + 1, sizeof *figures->confusion);
    }
    if (figures->labels == NULL || (figures->confusion_capacity > 0 && figures->confusion == NULL))
        return fail_memory("the figures");
    size_t examples = 0;
    if (tc_examples_count(work->encoder.examples, &examples) != TC_OK)
        return fail_library(NULL);
    double start = clock_seconds();
    if (tc_evaluate(work->model, work->encoder.examples, NULL, examples, figures) != TC_OK)
        return fail_library(NULL);
    work->seconds = clock_seconds() - start;
    return CODE_OK;
}

static double tokens_per_second(const evaluation *work)
{
    return work->seconds > 0.0 ? (double)work->figures.tokens / work->seconds : 0.0;
}

static void put_json_labels(json_output *json, const evaluation *work)
{
    const tc_evaluation *figures = &work->figures;
    size_t count = labels_count(work->known);
    emit_key(json, "labels");
    emit_begin(json, '[');
    for (size_t i = 0; i < count; i++) {
        const tc_label_metrics *label = &figures->labels[i];
        emit_begin(json, '{');
        emit_key_text(json, work->task == READ_TARGETS ? "target" : "label", labels_names(work->known)[i]);
        if (work->task != READ_TARGETS) {
            emit_key_double(json, "precision", label->precision);
            emit_key_double(json, "recall", label->recall);
            emit_key_double(json, "f1", label->f1);
            emit_key_unsigned(json, "support", label->support);
        }
        emit_end(json, '}');
    }
    emit_end(json, ']');
    emit_key(json, "confusion");
    if (figures->confusion == NULL) {
        emit_null(json);
        return;
    }
    emit_begin(json, '[');
    for (size_t row = 0; row < count; row++) {
        emit_begin(json, '[');
        for (size_t column = 0; column < count; column++)
            emit_unsigned(json, figures->confusion[row * count + column]);
        emit_end(json, ']');
    }
    emit_end(json, ']');
}

static void put_json(const evaluation *work)
{
    const tc_evaluation *figures = &work->figures;
    json_output json = {0};
    emit_begin(&json, '{');
    emit_key_unsigned(&json, "examples", figures->examples);
    emit_key_double(&json, "loss", figures->loss);
    emit_key_double(&json, "accuracy", figures->accuracy);
    emit_key_double(&json, "macro_f1", figures->macro_f1);
    emit_key_double(&json, "micro_f1", figures->micro_f1);
    emit_key_double(&json, "calibration_error", figures->calibration_error);
    emit_key_double(&json, "mean_squared_error", figures->mean_squared_error);
    emit_key_double(&json, "mean_absolute_error", figures->mean_absolute_error);
    emit_key_double(&json, "r2", figures->r2);
    put_json_labels(&json, work);
    emit_key_unsigned(&json, "unknown_labels", figures->unknown_labels);
    emit_key(&json, "unknown_label_names");
    emit_begin(&json, '[');
    for (size_t i = 0; i < labels_count(work->unknown); i++)
        emit_text(&json, labels_names(work->unknown)[i], strlen(labels_names(work->unknown)[i]));
    emit_end(&json, ']');
    emit_key_unsigned(&json, "skipped_lines", reader_skipped(work->source));
    emit_key_unsigned(&json, "tokens", figures->tokens);
    emit_key_double(&json, "seconds", work->seconds);
    emit_key_double(&json, "tokens_per_second", tokens_per_second(work));
    emit_end(&json, '}');
    putchar('\n');
}

static void put_figure(const char *name, double value)
{
    if (!isnan(value))
        printf("%-20s %.4f\n", name, value);
}

/* The confusion as rows of counts, where it fits a screen; columns are numbered like the rows. */
static void put_confusion(const evaluation *work)
{
    size_t count = labels_count(work->known);
    if (work->figures.confusion == NULL || count > 12)
        return;
    printf("\nconfusion: row = true label, column = predicted label, in the same order\n");
    for (size_t row = 0; row < count; row++) {
        for (size_t column = 0; column < count; column++)
            printf("%8llu", (unsigned long long)work->figures.confusion[row * count + column]);
        printf("  %s\n", labels_names(work->known)[row]);
    }
}

static void put_table(const evaluation *work)
{
    const tc_evaluation *figures = &work->figures;
    printf("%-20s %llu\n", "examples", (unsigned long long)figures->examples);
    put_figure("loss", figures->loss);
    put_figure("accuracy", figures->accuracy);
    put_figure("macro F1", figures->macro_f1);
    put_figure("micro F1", figures->micro_f1);
    put_figure("calibration error", figures->calibration_error);
    put_figure("mean squared error", figures->mean_squared_error);
    put_figure("mean absolute error", figures->mean_absolute_error);
    put_figure("R2", figures->r2);
    printf("%-20s %.0f\n", "tokens a second", tokens_per_second(work));
    if (work->task == READ_TARGETS)
        return;
    printf("\nprecision   recall       F1  support  label\n");
    for (size_t i = 0; i < labels_count(work->known); i++) {
        const tc_label_metrics *label = &figures->labels[i];
        printf("%9.4f%9.4f%9.4f%9llu  %s\n", label->precision, label->recall, label->f1,
               (unsigned long long)label->support, labels_names(work->known)[i]);
    }
    put_confusion(work);
}

static void report_unknown(const evaluation *work)
{
    size_t count = labels_count(work->unknown);
    if (count == 0)
        return;
    const char *const *names = labels_names(work->unknown);
    note("%s: %llu text%s counted as wrong: the model has no label \"%s\"%s%s%s%s", reader_name(work->source),
         (unsigned long long)work->figures.unknown_labels, work->figures.unknown_labels == 1 ? "" : "s", names[0],
         count > 1 ? ", \"" : "", count > 1 ? names[1] : "", count > 1 ? "\"" : "", count > 2 ? ", ..." : "");
}

static int work_through(evaluation *work, arguments *given)
{
    int code = arguments_default_threads(given, 0);
    if (code != CODE_OK)
        return code;
    if (tc_model_load_with(given->model, given->config, 0, &work->model) != TC_OK)
        return fail_library(NULL);
    code = data_model_trained(work->model, given->model);
    if (code == CODE_OK)
        code = data_model_task(work->model, &work->task);
    if (code == CODE_OK)
        code = data_model_labels(work->model, &work->known);
    if (code == CODE_OK)
        code = labels_create(&work->unknown);
    if (code != CODE_OK)
        return code;
    reader_options options = data_reader_options(given, work->task);
    options.target_count = work->task == READ_TARGETS ? labels_count(work->known) : 0;
    code = reader_open(given->input, &options, &work->source);
    if (code != CODE_OK)
        return code;
    work->encoder = (data_encoder){
        .model = work->model, .task = work->task, .known = work->known, .unknown = work->unknown};
    code = data_encode(&work->encoder, work->source);
    if (code == CODE_OK)
        code = measure(work);
    if (code != CODE_OK)
        return code;
    labels_sort(work->unknown);
    report_unknown(work);
    if (given->json)
        put_json(work);
    else
        put_table(work);
    return CODE_OK;
}

int eval(arguments *given)
{
    if (given->operand_count > 0)
        return misuse("eval: %s is not expected here; the data is named with --input", given->operands[0]);
    if (given->model == NULL || given->input == NULL)
        return misuse("eval: --%s is missing; usage: textclf eval --model MODEL --input FILE [--json]",
                      given->model == NULL ? "model" : "input");
    evaluation work = {.figures = TC_EVALUATION_INIT};
    int code = work_through(&work, given);
    free(work.figures.labels);
    free(work.figures.confusion);
    tc_examples_free(work.encoder.examples);
    reader_close(work.source);
    labels_free(work.unknown);
    labels_free(work.known);
    tc_model_free(work.model);
    return code;
}
