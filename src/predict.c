/* predict.c: `textclf predict`: one line of labels a text, in input order.
 *
 * Texts are gathered into blocks and scored together on all threads. A block is scored early when waiting for more
 * input would hold back answers, so that a program may write a line and read its answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "commands.h"
#include "data.h"
#include "messages.h"
#include "output.h"

#define BLOCK_TEXTS 1024
#define BLOCK_BYTES (1u << 20)
#define BLOCK_SCORES (1u << 22)

typedef struct ranked {
    float score;
    uint32_t label;
} ranked;

typedef struct prediction {
    const arguments *given;
    tc_model *model;
    reader_task task;
    size_t label_count;
    const char **labels;
    double *thresholds; /* (label_count), of sets of labels */
    reader *source; /* NULL: texts from the command line */
    /* the block */
    char *bytes;
    size_t size;
    size_t capacity;
    const char *texts[BLOCK_TEXTS];
    size_t offsets[BLOCK_TEXTS];
    size_t lengths[BLOCK_TEXTS];
    uint64_t lines[BLOCK_TEXTS];
    size_t count;
    size_t most; /* texts in a block: fewer where labels are very many */
    float *scores; /* (count, label_count), grown as needed */
    size_t score_capacity;
    ranked *order;
    json_output json;
    uint64_t examples;
    double start;
} prediction;

static int by_score(const void *a, const void *b)
{
    const ranked *left = a;
    const ranked *right = b;
    if (left->score != right->score)
        return left->score > right->score ? -1 : 1;
    return left->label < right->label ? -1 : 1;
}

/* How many entries of work->order, which this fills, are to be printed. */
static size_t choose(prediction *work, const float *scores)
{
    size_t count = work->label_count;
    for (size_t i = 0; i < count; i++)
        work->order[i] = (ranked){scores[i], (uint32_t)i};
    if (work->task == READ_TARGETS)
        return count;
    size_t wanted = work->given->top != 0 ? (size_t)work->given->top : 1;
    if (work->task == READ_LABEL && wanted == 1) {
        size_t best = 0;
        for (size_t i = 1; i < count; i++)
            if (scores[i] > scores[best])
                best = i;
        work->order[0] = (ranked){scores[best], (uint32_t)best};
        return 1;
    }
    qsort(work->order, count, sizeof *work->order, by_score);
    if (work->task == READ_LABELS && work->given->top == 0) {
        wanted = 0;
        for (size_t i = 0; i < count; i++)
            if ((double)work->order[i].score >= work->thresholds[work->order[i].label])
                work->order[wanted++] = work->order[i];
    }
    return wanted < count ? wanted : count;
}

static void put_line(const prediction *work, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char score[FLOAT_TEXT];
        size_t length = print_float(work->order[i].score, score);
        if (i > 0)
            putchar('\t');
        fputs(work->labels[work->order[i].label], stdout);
        putchar('\t');
        fwrite(score, 1, length, stdout);
    }
    putchar('\n');
}

static void put_json(prediction *work, size_t count)
{
    bool targets = work->task == READ_TARGETS;
    json_output *json = &work->json;
    emit_begin(json, '{');
    emit_key(json, targets ? "targets" : "labels");
    emit_begin(json, '[');
    for (size_t i = 0; i < count; i++) {
        emit_begin(json, '{');
        emit_key_text(json, targets ? "target" : "label", work->labels[work->order[i].label]);
        emit_key(json, targets ? "value" : "score");
        emit_float(json, work->order[i].score);
        emit_end(json, '}');
    }
    emit_end(json, ']');
    emit_end(json, '}');
}

static void put(prediction *work, const float *scores)
{
    size_t count = choose(work, scores);
    if (work->given->json)
        put_json(work, count);
    else
        put_line(work, count);
    work->examples++;
}

/* The batch call named no text: finds the one that it could not score. A text that is not UTF-8 is a bad line. */
static int predict_singly(prediction *work)
{
    for (size_t i = 0; i < work->count; i++) {
        size_t count = 0;
        tc_status status =
            tc_predict(work->model, work->texts[i], work->lengths[i], work->label_count, work->scores, &count);
        if (status == TC_OK) {
            put(work, work->scores);
            continue;
        }
        if (work->source == NULL)
            return fail("text %llu: %s", (unsigned long long)work->lines[i], tc_last_error());
        if (status != TC_ERROR_ENCODING)
            return fail("%s, line %llu: %s", reader_name(work->source), (unsigned long long)work->lines[i],
                        tc_last_error());
        int code = reader_reject(work->source, work->lines[i], tc_last_error());
        if (code != CODE_OK)
            return code;
    }
    return CODE_OK;
}

/* Scores and prints the block, and empties it. */
static int finish_block(prediction *work)
{
    if (work->count == 0)
        return CODE_OK;
    size_t needed = work->count * work->label_count;
    if (needed > work->score_capacity) {
        float *grown = realloc(work->scores, needed * sizeof *grown);
        if (grown == NULL)
            return fail_memory("the scores");
        work->scores = grown;
        work->score_capacity = needed;
    }
    for (size_t i = 0; work->source != NULL && i < work->count; i++)
        work->texts[i] = work->bytes + work->offsets[i];
    size_t count = 0;
    tc_status status =
        tc_predict_batch(work->model, work->texts, work->lengths, work->count, needed, work->scores, &count);
    int code = CODE_OK;
    for (size_t i = 0; status == TC_OK && i < work->count; i++)
        put(work, work->scores + i * work->label_count);
    if (status != TC_OK)
        code = predict_singly(work);
    work->count = work->size = 0;
    return code;
}

static int append(prediction *work, const record *next)
{
    size_t length = next->text.length;
    if (work->capacity - work->size < length || work->capacity == 0) {
        size_t larger = work->capacity == 0 ? BLOCK_BYTES : work->capacity;
        while (larger - work->size < length)
            larger = larger <= SIZE_MAX / 2 ? larger * 2 : SIZE_MAX;
        char *grown = realloc(work->bytes, larger);
        if (grown == NULL)
            return fail("%s, line %llu: not enough memory for a text of %zu bytes", reader_name(work->source),
                        (unsigned long long)next->line, length);
        work->bytes = grown;
        work->capacity = larger;
    }
    if (length > 0)
        memcpy(work->bytes + work->size, next->text.data, length);
    work->offsets[work->count] = work->size;
    work->lengths[work->count] = length;
    work->lines[work->count++] = next->line;
    work->size += length;
    return CODE_OK;
}

static int predict_input(prediction *work)
{
    bool more = true;
    while (more) {
        record next;
        if (reader_would_wait(work->source)) {
            int code = finish_block(work);
            if (code == CODE_OK && !work->given->json)
                code = output_flush();
            if (code != CODE_OK)
                return code;
        }
        int code = reader_next(work->source, &next, &more);
        if (code == CODE_OK && more)
            code = append(work, &next);
        if (code == CODE_OK && (!more || work->count == work->most || work->size >= BLOCK_BYTES))
            code = finish_block(work);
        if (code == CODE_OK && ferror(stdout))
            code = output_flush();
        if (code != CODE_OK)
            return code;
    }
    reader_report_skipped(work->source);
    return CODE_OK;
}

static int predict_operands(prediction *work)
{
    for (size_t i = 0; i < work->given->operand_count; i++) {
        work->texts[work->count] = work->given->operands[i];
        work->lengths[work->count] = strlen(work->given->operands[i]);
        work->lines[work->count++] = i + 1;
        if (work->count == work->most || i + 1 == work->given->operand_count) {
            int code = finish_block(work);
            if (code != CODE_OK)
                return code;
        }
    }
    return CODE_OK;
}

/* Mapped, which starts faster; what cannot be mapped (a pipe, say) is read. */
static int open_model(prediction *work)
{
    tc_status status = tc_model_load_with(work->given->model, work->given->config, TC_LOAD_MAPPED, &work->model);
    if (status == TC_ERROR_IO)
        status = tc_model_load_with(work->given->model, work->given->config, 0, &work->model);
    if (status != TC_OK)
        return fail_library(NULL);
    int code = data_model_trained(work->model, work->given->model);
    if (code == CODE_OK)
        code = data_model_task(work->model, &work->task);
    if (code != CODE_OK)
        return code;
    if (work->task == READ_TARGETS && work->given->top != 0)
        return misuse("predict: --top does not apply; the task of %s is regress, and all targets are printed",
                      work->given->model);
    if (tc_model_label_count(work->model, &work->label_count) != TC_OK)
        return fail_library(NULL);
    work->most = BLOCK_SCORES / (work->label_count + 1) + 1;
    if (work->most > BLOCK_TEXTS)
        work->most = BLOCK_TEXTS;
    work->labels = calloc(work->label_count + 1, sizeof *work->labels);
    work->order = calloc(work->label_count + 1, sizeof *work->order);
    work->thresholds = calloc(work->label_count + 1, sizeof *work->thresholds);
    if (work->labels == NULL || work->order == NULL || work->thresholds == NULL)
        return fail_memory("the labels");
    size_t count = 0;
    if (work->task == READ_LABELS &&
        tc_model_thresholds(work->model, work->label_count, work->thresholds, &count) != TC_OK)
        return fail_library(NULL);
    for (size_t i = 0; i < work->label_count; i++)
        if (tc_model_label(work->model, i, &work->labels[i]) != TC_OK)
            return fail_library(NULL);
    return CODE_OK;
}

static int work_through(prediction *work)
{
    const arguments *given = work->given;
    int code = open_model(work);
    if (code == CODE_OK && given->operand_count == 0) {
        reader_options options = data_reader_options(given, READ_TEXTS);
        code = reader_open(given->input != NULL ? given->input : "-", &options, &work->source);
        if (code == CODE_OK && given->input == NULL && isatty(STDIN_FILENO) && status_on_terminal())
            note("reading texts from the terminal, one a line; Ctrl-D ends");
    }
    if (code != CODE_OK)
        return code;
    work->start = clock_seconds();
    if (given->json) {
        emit_begin(&work->json, '{');
        emit_key(&work->json, "predictions");
        emit_begin(&work->json, '[');
    }
    code = work->source != NULL ? predict_input(work) : predict_operands(work);
    if (code == CODE_OK && given->json) {
        emit_end(&work->json, ']');
        emit_key_unsigned(&work->json, "examples", work->examples);
        emit_key_unsigned(&work->json, "skipped_lines", work->source != NULL ? reader_skipped(work->source) : 0);
        emit_key_double(&work->json, "seconds", clock_seconds() - work->start);
        emit_end(&work->json, '}');
        putchar('\n');
    }
    return code;
}

int predict(arguments *given)
{
    if (given->model == NULL)
        return misuse("predict: --model is missing; usage: textclf predict --model MODEL "
                      "[--input FILE | TEXT ...]");
    if (given->input != NULL && given->operand_count > 0)
        return misuse("predict: give either --input or texts, not both (the first text is \"%s\")",
                      given->operands[0]);
    int code = arguments_default_threads(given, given->operand_count);
    if (code != CODE_OK)
        return code;
    prediction *work = calloc(1, sizeof *work);
    if (work == NULL)
        return fail_memory("predicting");
    work->given = given;
    code = work_through(work);
    free(work->bytes);
    free(work->scores);
    free(work->order);
    free(work->thresholds);
    free(work->labels);
    reader_close(work->source);
    tc_model_free(work->model);
    free(work);
    return code;
}
