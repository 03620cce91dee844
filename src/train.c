/* train.c: `textclf train`: data to a model file.
 *
 * The input is read twice, for words and labels and then for the examples, so that texts never fill the memory; a pipe
 * is kept in memory as it comes. What would fail at the end (a folder that is not there) is tried before training.
 * Weights other than f32, and fewer features, are made of the trained ones when the model is written. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "clock.h"
#include "commands.h"
#include "data.h"
#include "epochs.h"
#include "interrupt.h"
#include "messages.h"
#include "output.h"

/* Of max_memory: encoded texts may have a quarter where they are all there; else a chunk has an eighth, what the
 * trainer knows of it as much, and the bytes that are read or written, too. */
#define PART_CHUNK 8
#define CHUNKS_WHOLE 2
#define LEAST_CHUNK ((size_t)1 << 20)
#define CACHE_CHUNK ((size_t)64 << 20) /* without max_memory */

typedef struct work {
    training run;
    labels *known;
    labels *unknown; /* in the validation data */
    uint64_t skipped;
    data_summary summary; /* of the input */
    size_t chunk_bytes;   /* of encoded texts in a chunk; SIZE_MAX: all may be there at once */
    chunks stream;
} work;

/* A file that will be written when the training is over must be possible now. */
static int check_target(const char *option, const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0) {
        if (S_ISDIR(status.st_mode))
            return fail("cannot write %s (%s): it is a folder; name a file in it", path, option);
        if (!S_ISREG(status.st_mode))
            return CODE_OK;
    }
    char folder[4096] = ".";
    const char *slash = strrchr(path, '/');
    size_t length = slash != NULL ? (size_t)(slash - path) : 0;
    if (length >= sizeof folder)
        return fail("cannot write %s (%s): the path is too long", path, option);
    if (slash != NULL) {
        memcpy(folder, path, length);
        folder[length] = '\0';
        if (length == 0)
            memcpy(folder, "/", 2);
    }
    if (access(folder, W_OK | X_OK) != 0)
        return fail("cannot write %s (%s): folder %s: %s", path, option, folder, strerror(errno));
    return CODE_OK;
}

static int check_arguments(const arguments *given)
{
    if (given->operand_count > 0)
        return misuse("train: %s is not expected here; the data is named with --input", given->operands[0]);
    if (given->input == NULL || given->output == NULL)
        return misuse("train: --%s is missing; usage: textclf train --input FILE --output MODEL "
                      "[--OPTION VALUE ...]",
                      given->input == NULL ? "input" : "output");
    if (given->checkpoint_every != 0 && given->checkpoint == NULL)
        return misuse("train: --checkpoint-every needs --checkpoint FILE to say where");
    if (given->validation != NULL && strcmp(given->validation, "-") == 0 && strcmp(given->input, "-") == 0)
        return misuse("train: only one of --input and --validation can be standard input");
    if (given->cache != NULL && given->resume != NULL)
        return misuse("train: --resume goes on with texts that are all in memory, without --cache");
    if (given->validation != NULL && arguments_gave(given, "validation_split"))
        return misuse("train: give either --validation or --validation-split, not both");
    if (given->checkpoint != NULL && strcmp(given->checkpoint, given->output) == 0)
        return misuse("train: --checkpoint and --output are both %s; give them different files", given->output);
    int code = check_target("--output", given->output);
    if (code == CODE_OK && given->checkpoint != NULL)
        code = check_target("--checkpoint", given->checkpoint);
    if (code == CODE_OK && given->cache != NULL)
        code = check_target("--cache", given->cache);
    return code;
}

static int given_option(const arguments *given, const char *key, char *value, size_t capacity)
{
    size_t length = 0;
    return tc_config_get(given->config, key, capacity, value, &length) == TC_OK ? CODE_OK : fail_library(NULL);
}

/* Targets have no names in the data: "target", or "target1", "target2", ... */
static int name_targets(labels *names, size_t count)
{
    int code = CODE_OK;
    for (size_t i = 0; code == CODE_OK && i < count; i++) {
        char name[32];
        int length =
            count == 1 ? snprintf(name, sizeof name, "target") : snprintf(name, sizeof name, "target%zu", i + 1);
        code = labels_insert(names, (span){name, (size_t)length});
    }
    return code;
}

/* How many words begin with a vector of the file that was named. */
static int note_vectors(const training *run)
{
    char *text = NULL;
    size_t length = 0;
    if (!arguments_gave(run->given, "pretrained_vectors"))
        return CODE_OK;
    int code = data_model_text(run->model, &text, &length);
    json_t *object = code == CODE_OK ? json_loadb(text, length, 0, NULL) : NULL;
    const json_t *found = json_object_get(object, "pretrained_words");
    const json_t *words = json_object_get(object, "vocabulary");
    if (found != NULL && words != NULL)
        note("vectors of %lld of %lld words were found", (long long)json_integer_value(found),
             (long long)json_integer_value(words) - 1);
    json_decref(object);
    free(text);
    return code;
}

/* First pass: words, labels, and from them a model with random weights. */
static int new_model(work *all, reader *source)
{
    training *run = &all->run;
    const arguments *given = run->given;
    tc_vocab_builder *words = NULL;
    data_summary summary = {0, 0, 0, 0};
    if (tc_vocab_builder_create(given->config, &words) != TC_OK)
        return fail_library(NULL);
    int code = labels_create(&all->known);
    if (code == CODE_OK)
        code = data_gather(source, run->task, given->cache != NULL, words, all->known, &summary);
    all->summary = summary;
    if (code == CODE_OK && summary.texts == 0)
        code = fail("%s holds no texts to learn from", reader_name(source));
    if (code == CODE_OK && run->task == READ_TARGETS)
        code = name_targets(all->known, summary.target_count);
    else if (code == CODE_OK)
        labels_sort(all->known);
    if (code == CODE_OK && labels_count(all->known) == 0)
        code = fail("%s holds no labels to learn", reader_name(source));
    if (code == CODE_OK &&
        tc_model_create(given->config, words, labels_names(all->known), labels_count(all->known), &run->model) != TC_OK)
        code = fail_library(NULL);
    tc_vocab_builder_free(words);
    if (code != CODE_OK)
        return code;
    note("%s: %" PRIu64 " texts, %zu %s%s", reader_name(source), summary.texts, labels_count(all->known),
         run->task == READ_TARGETS ? "target" : "label", labels_count(all->known) == 1 ? "" : "s");
    code = note_vectors(run);
    all->skipped = reader_skipped(source);
    return code == CODE_OK ? reader_rewind(source) : code;
}

static int resume_model(work *all)
{
    training *run = &all->run;
    if (tc_trainer_load(run->given->resume, run->given->config, &run->model, &run->trainer) != TC_OK)
        return fail_library(NULL);
    int code = data_model_task(run->model, &run->task);
    if (code == CODE_OK)
        code = data_model_labels(run->model, &all->known);
    return code;
}

/* How much of the encoded texts may be in memory: a part of what all may take. */
static int choose_chunk_bytes(work *all)
{
    const arguments *given = all->run.given;
    char text[32];
    int code = given_option(given, "max_memory", text, sizeof text);
    uint64_t most = code == CODE_OK ? strtoull(text, NULL, 10) : 0;
    all->chunk_bytes = given->cache != NULL ? CACHE_CHUNK : SIZE_MAX;
    if (given->resume == NULL && most != 0)
        all->chunk_bytes = most / PART_CHUNK < LEAST_CHUNK ? LEAST_CHUNK : (size_t)(most / PART_CHUNK);
    return code;
}

/* The whole input where it fits; else it comes in chunks, from the beginning. */
static int encode_input(work *all, reader *source)
{
    training *run = &all->run;
    chunks *stream = &all->stream;
    bool found = false, more = false;
    int code = CODE_OK;
    *stream = (chunks){.encoder = {run->model, run->task, all->known, NULL, NULL}, .bytes = all->chunk_bytes};
    if (run->given->cache != NULL) {
        const cache_key key = {all->summary.bytes, all->summary.texts, all->summary.crc, all->chunk_bytes};
        code = cache_open(run->given->cache, &key, &stream->kept, &found);
        stream->kept_whole = found;
    }
    stream->source = source;
    size_t whole = all->chunk_bytes < SIZE_MAX / CHUNKS_WHOLE ? all->chunk_bytes * CHUNKS_WHOLE : SIZE_MAX;
    if (code == CODE_OK && run->given->cache == NULL)
        code = data_encode_chunk(&stream->encoder, source, whole, &more);
    if (code != CODE_OK || more || run->given->cache != NULL) {
        run->stream = stream;
        tc_examples_free(stream->encoder.examples);
        stream->encoder.examples = NULL;
        return code == CODE_OK ? chunks_rewind(stream) : code;
    }
    run->examples = stream->encoder.examples;
    stream->encoder.examples = NULL;
    stream->source = NULL;
    reader_report_skipped(source);
    all->skipped = reader_skipped(source);
    reader_close(source);
    return code;
}

/* The input of a training that goes on: all at once. */
static int encode_again(work *all, reader *source)
{
    training *run = &all->run;
    data_encoder encoder = {run->model, run->task, all->known, NULL, NULL};
    int code = data_encode(&encoder, source);
    run->examples = encoder.examples;
    all->skipped = reader_skipped(source);
    reader_close(source);
    return code;
}

static int read_input(work *all)
{
    training *run = &all->run;
    bool resumes = run->given->resume != NULL;
    char task[32];
    int code = resumes ? resume_model(all) : given_option(run->given, "task", task, sizeof task);
    if (code == CODE_OK)
        code = choose_chunk_bytes(all);
    if (code != CODE_OK)
        return code;
    if (!resumes)
        run->task = data_task(task);
    reader_options options = data_reader_options(run->given, run->task);
    options.again = !resumes;
    options.spool = run->given->cache;
    options.most_kept = all->chunk_bytes < SIZE_MAX ? all->chunk_bytes * CHUNKS_WHOLE : 0;
    reader *source = NULL;
    code = reader_open(run->given->input, &options, &source);
    if (code != CODE_OK)
        return code;
    if (resumes)
        return encode_again(all, source);
    code = new_model(all, source);
    if (code == CODE_OK)
        return encode_input(all, source);
    reader_close(source);
    return code;
}

static int read_validation(work *all)
{
    training *run = &all->run;
    const char *path = run->given->validation;
    if (path == NULL)
        return CODE_OK;
    reader_options options = data_reader_options(run->given, run->task);
    const char *by_name = reader_format_of(path);
    if (by_name != NULL)
        options.format = by_name;
    options.target_count = run->task == READ_TARGETS ? labels_count(all->known) : 0;
    reader *source = NULL;
    int code = labels_create(&all->unknown);
    if (code == CODE_OK)
        code = reader_open(path, &options, &source);
    data_encoder encoder = {run->model, run->task, all->known, all->unknown, NULL};
    if (code == CODE_OK)
        code = data_encode(&encoder, source);
    run->validation = encoder.examples;
    if (code == CODE_OK && labels_count(all->unknown) > 0) {
        labels_sort(all->unknown);
        note("%s: the label \"%s\"%s does not occur in the training data and counts as wrong", path,
             labels_names(all->unknown)[0], labels_count(all->unknown) > 1 ? " (and others)" : "");
    }
    reader_close(source);
    return code;
}

static int number_option(const training *run, const char *key, uint64_t *number)
{
    char value[64];
    int code = arguments_gave(run->given, key) ? given_option(run->given, key, value, sizeof value)
                                               : data_model_option(run->model, key, value, sizeof value);
    if (code == CODE_OK)
        *number = strtoull(value, NULL, 10);
    return code;
}

static int start_training(training *run)
{
    if (run->stream != NULL) {
        int code = number_option(run, "epochs", &run->epochs);
        return code == CODE_OK ? number_option(run, "accumulate_steps", &run->accumulate) : code;
    }
    if (run->trainer == NULL && tc_trainer_create(run->model, run->given->config, &run->trainer) != TC_OK)
        return fail_library(NULL);
    if (tc_batcher_create(run->trainer, run->examples, run->validation, &run->batcher) != TC_OK)
        return fail_library(NULL);
    int code = number_option(run, "epochs", &run->epochs);
    return code == CODE_OK ? number_option(run, "accumulate_steps", &run->accumulate) : code;
}

/* What the converted model makes of the texts that the epochs were judged by. */
static tc_status judge(training *run, const tc_model *converted)
{
    const size_t *rows = NULL;
    size_t row_count = 0;
    tc_evaluation figures = TC_EVALUATION_INIT;
    if (run->best_epoch == 0)
        return TC_OK;
    tc_status status = run->validation != NULL ? tc_examples_count(run->validation, &row_count)
                                               : tc_batcher_validation_rows(run->batcher, &rows, &row_count);
    if (status == TC_OK)
        status = tc_evaluate(converted, run->validation != NULL ? run->validation : run->examples,
                             run->validation != NULL ? NULL : rows, row_count, &figures);
    if (status != TC_OK)
        return status;
    run->judged = true;
    run->file_loss = figures.loss;
    run->file_score = run->task == READ_LABELS    ? figures.micro_f1
                      : run->task == READ_TARGETS ? figures.mean_squared_error
                                                  : figures.accuracy;
    note("the model in the file: validation loss %.4f, %s %.4f", run->file_loss, epochs_score_title(run->task),
         run->file_score);
    return TC_OK;
}

/* The model with the weights and features that were asked for. */
static int save_model(training *run)
{
    tc_model *converted = NULL;
    if (strcmp(run->weights, "f32") == 0 && strcmp(run->max_features, "0") == 0)
        return tc_model_save(run->model, run->given->output) == TC_OK ? CODE_OK : fail_library(NULL);
    tc_status status = tc_config_set(run->given->config, "weights", run->weights);
    if (status == TC_OK)
        status = tc_config_set(run->given->config, "max_features", run->max_features);
    if (status == TC_OK)
        status = tc_model_convert(run->model, run->given->config, &converted);
    if (status == TC_OK)
        status = judge(run, converted);
    if (status == TC_OK)
        status = tc_model_save(converted, run->given->output);
    tc_model_free(converted);
    return status == TC_OK ? CODE_OK : fail_library(NULL);
}

/* The best weights, or the current ones where nothing was validated, into the model file. */
static int write_model(training *run)
{
    if (run->stream == NULL && tc_batcher_restore_best(run->batcher) != TC_OK)
        return fail_library(NULL);
    int code = save_model(run);
    if (code != CODE_OK)
        return code;
    char which[64] = "the model as it is after the last step";
    if (run->best_epoch > 0)
        snprintf(which, sizeof which, "the best model, of epoch %" PRIu64 ",", run->best_epoch);
    if (!run->interrupted)
        note("wrote %s to %s", run->best_epoch > 0 ? which : "the model", run->given->output);
    else if (run->given->checkpoint != NULL)
        note("interrupted: wrote %s to %s and the checkpoint to %s", which, run->given->output, run->given->checkpoint);
    else
        note("interrupted: wrote %s to %s", which, run->given->output);
    return CODE_OK;
}

static void put_json(const work *all, size_t examples, size_t validation_examples)
{
    const training *run = &all->run;
    json_output json = {0};
    emit_begin(&json, '{');
    emit_key_text(&json, "model", run->given->output);
    emit_key_unsigned(&json, "examples", examples);
    emit_key_unsigned(&json, "validation_examples", validation_examples);
    emit_key_unsigned(&json, "skipped_lines", all->skipped);
    emit_key(&json, "epochs");
    emit_begin(&json, '[');
    for (size_t i = 0; i < run->record_count; i++) {
        const epoch_record *entry = &run->records[i];
        emit_begin(&json, '{');
        emit_key_unsigned(&json, "epoch", entry->result.epoch);
        emit_key_double(&json, "loss", entry->result.loss);
        emit_key_double(&json, "seconds", entry->seconds);
        emit_key_double(&json, "tokens_per_second",
                        entry->seconds > 0.0 ? (double)entry->tokens / entry->seconds : 0.0);
        if (entry->result.validated != 0) {
            emit_key(&json, "validation");
            emit_begin(&json, '{');
            emit_key_double(&json, "loss", entry->result.validation_loss);
            emit_key_double(&json, epochs_score_name(run->task), entry->result.validation_score);
            emit_key_bool(&json, "best", entry->result.improved != 0);
            emit_end(&json, '}');
        }
        emit_end(&json, '}');
    }
    emit_end(&json, ']');
    emit_key(&json, "best_epoch");
    if (run->best_epoch > 0)
        emit_unsigned(&json, run->best_epoch);
    else
        emit_null(&json);
    if (run->judged) {
        emit_key(&json, "file_validation");
        emit_begin(&json, '{');
        emit_key_double(&json, "loss", run->file_loss);
        emit_key_double(&json, epochs_score_name(run->task), run->file_score);
        emit_end(&json, '}');
    }
    emit_key_unsigned(&json, "steps", run->steps);
    emit_key_unsigned(&json, "tokens", run->tokens);
    emit_key_double(&json, "seconds", run->seconds);
    emit_key_double(&json, "tokens_per_second", run->seconds > 0.0 ? (double)run->tokens / run->seconds : 0.0);
    emit_key_bool(&json, "interrupted", run->interrupted);
    emit_end(&json, '}');
    putchar('\n');
}

static int report(const work *all)
{
    const training *run = &all->run;
    size_t examples = 0;
    size_t validation = 0;
    const size_t *rows = NULL;
    if (run->stream != NULL)
        examples = chunks_rows(run->stream);
    else if (tc_examples_count(run->examples, &examples) != TC_OK)
        return fail_library(NULL);
    tc_status status = TC_OK;
    if (run->validation != NULL)
        status = tc_examples_count(run->validation, &validation);
    else if (run->stream == NULL)
        status = tc_batcher_validation_rows(run->batcher, &rows, &validation);
    if (status != TC_OK)
        return fail_library(NULL);
    put_json(all, examples, validation);
    return CODE_OK;
}

static int work_through(work *all)
{
    training *run = &all->run;
    int code = read_input(all);
    if (code == CODE_OK)
        code = read_validation(all);
    if (code == CODE_OK)
        code = start_training(run);
    if (code == CODE_OK)
        code = run->stream != NULL ? chunk_epochs_run(run) : epochs_run(run);
    if (run->stream != NULL && run->stream->source != NULL && reader_skipped(run->stream->source) > all->skipped)
        all->skipped = reader_skipped(run->stream->source);
    if (code == CODE_OK)
        code = write_model(run);
    if (code == CODE_OK && run->given->json)
        code = report(all);
    if (code == CODE_OK && run->interrupted)
        code = CODE_INTERRUPTED;
    else if (code == CODE_INTERRUPTED)
        note("interrupted before training began; nothing was written");
    return code;
}

/* Keeps what was asked for of the file's model, and takes it out of the config that makes model and trainer. */
static int train_whole(training *run, arguments *given)
{
    int code = given_option(given, "weights", run->weights, sizeof run->weights);
    if (code == CODE_OK)
        code = given_option(given, "max_features", run->max_features, sizeof run->max_features);
    if (code == CODE_OK && arguments_gave(given, "weights") && tc_config_set(given->config, "weights", "f32") != TC_OK)
        code = fail_library(NULL);
    if (code == CODE_OK && arguments_gave(given, "max_features") &&
        tc_config_set(given->config, "max_features", "0") != TC_OK)
        code = fail_library(NULL);
    return code;
}

int train(arguments *given)
{
    int code = check_arguments(given);
    if (code == CODE_OK)
        code = arguments_default_threads(given, 0);
    if (code != CODE_OK)
        return code;
    interrupt_install();
    work all = {.run = {.given = given}};
    code = train_whole(&all.run, given);
    if (code == CODE_OK)
        code = work_through(&all);
    tc_batcher_free(all.run.batcher);
    tc_trainer_free(all.run.trainer);
    tc_examples_free(all.run.examples);
    tc_examples_free(all.run.validation);
    tc_model_free(all.run.best);
    chunks_free(&all.stream);
    tc_model_free(all.run.model);
    labels_free(all.known);
    labels_free(all.unknown);
    free(all.run.records);
    return code;
}
