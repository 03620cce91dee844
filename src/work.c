/* work.c: see work.h.
 *
 * The input is read twice, for words and labels and then for the examples, so that texts never fill the memory; a pipe
 * is kept as it comes. Encoded texts that do not fit are left to chunks.h. */
#include "work.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "messages.h"
#include "target.h"

/* Of max_memory: encoded texts may have a quarter where they are all there; else a chunk has an eighth, what the
 * trainer knows of it as much, and the bytes that are read or written, too. */
#define PART_CHUNK 8
#define CHUNKS_WHOLE 2
#define LEAST_CHUNK ((size_t)1 << 20)
#define CACHE_CHUNK ((size_t)64 << 20) /* without max_memory */

int given_option(const arguments *given, const char *key, char *value, size_t capacity)
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

static long long number_of(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

/* What the training begins with: vectors of a file that was named, or a pretrained model. */
static int note_beginning(const training *run)
{
    const arguments *given = run->given;
    char *text = NULL;
    size_t length = 0;
    bool vectors = arguments_gave(given, "pretrained_vectors");
    if (!vectors && given->pretrained == NULL)
        return CODE_OK;
    int code = data_model_text(run->model, &text, &length);
    json_t *object = code == CODE_OK ? json_loadb(text, length, 0, NULL) : NULL;
    const json_t *options = json_object_get(object, "options");
    if (vectors && json_object_get(object, "pretrained_words") != NULL)
        note("vectors of %lld of %lld words were found", number_of(object, "pretrained_words"),
             number_of(object, "vocabulary") - 1);
    if (given->pretrained != NULL && options != NULL)
        note("%s: %s, %lld layers of %lld, %lld parameters, %lld of them trained; up to %lld tokens, pooling %s",
             given->pretrained, json_string_value(json_object_get(options, "family")), number_of(options, "num_layers"),
             number_of(options, "hidden_dim"), number_of(object, "parameters"), number_of(object, "trained_parameters"),
             number_of(options, "max_length"), json_string_value(json_object_get(options, "pooling")));
    json_decref(object);
    free(text);
    return code;
}

/* A folder says what its head was trained for; how the labels of the input are read is never guessed. */
static int check_task(const training *run)
{
    char own[32];
    int code = data_model_option(run->model, "task", own, sizeof own);
    if (code == CODE_OK && data_task(own) != run->task)
        return fail("%s is a model of task %s; give --task %s, or --task with what the labels of %s are",
                    run->given->pretrained, own, own, run->given->input);
    return code;
}

/* With random weights, or those of the folder that was named. */
static int make_model(work *all, const tc_vocab_builder *words)
{
    training *run = &all->run;
    const arguments *given = run->given;
    struct stat target;
    if (given->pretrained != NULL && stat(given->pretrained, &target) == 0 && !S_ISDIR(target.st_mode))
        return fail("--pretrained %s is a file; it takes a folder, which `textclf convert %s FOLDER/` makes of a model "
                    "of arch bert or gpt", given->pretrained, given->pretrained);
    const char *const *names = labels_names(all->known);
    size_t count = labels_count(all->known);
    tc_status status =
        given->pretrained != NULL
            ? tc_model_create_pretrained(given->config, given->pretrained, names, count, 0, &run->model)
            : tc_model_create(given->config, words, names, count, &run->model);
    int code = status == TC_OK ? check_task(run) : fail_library(NULL);
    return code == CODE_OK ? target_check_model(given->output, given->adapters_only, run->model, run->weights) : code;
}

/* First pass: labels, words where the model has none yet, and from them the model. */
static int new_model(work *all, reader *source)
{
    training *run = &all->run;
    const arguments *given = run->given;
    tc_vocab_builder *words = NULL;
    data_summary summary = {0, 0, 0, 0};
    if (given->pretrained == NULL && tc_vocab_builder_create(given->config, &words) != TC_OK)
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
    if (code == CODE_OK)
        code = make_model(all, words);
    tc_vocab_builder_free(words);
    if (code != CODE_OK)
        return code;
    note("%s: %" PRIu64 " texts, %zu %s%s", reader_name(source), summary.texts, labels_count(all->known),
         run->task == READ_TARGETS ? "target" : "label", labels_count(all->known) == 1 ? "" : "s");
    code = note_beginning(run);
    all->skipped = reader_skipped(source);
    return code == CODE_OK ? reader_rewind(source) : code;
}

static int resume_model(work *all)
{
    training *run = &all->run;
    if (tc_trainer_load(run->given->resume, run->given->config, &run->model, &run->trainer) != TC_OK)
        return fail_library(NULL);
    int code = target_check_model(run->given->output, run->given->adapters_only, run->model, run->weights);
    if (code == CODE_OK)
        code = data_model_task(run->model, &run->task);
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

/* Of texts that come in chunks, those that --validation-split holds out, which stay. */
static int hold_out(work *all, size_t most)
{
    training *run = &all->run;
    data_part *part = &all->stream.encoder.part;
    char share[64], seed[32];
    bool more = false;
    size_t rows = 0;
    int code = data_model_option(run->model, "validation_split", share, sizeof share);
    if (code == CODE_OK)
        code = data_model_option(run->model, "seed", seed, sizeof seed);
    if (code != CODE_OK || run->given->validation != NULL || strtod(share, NULL) <= 0)
        return code;
    part->threshold = (uint64_t)(strtod(share, NULL) * 4294967296.0);
    part->seed = strtoull(seed, NULL, 10);
    code = chunks_rewind(&all->stream);
    part->held_out = true;
    if (code == CODE_OK)
        code = data_encode_chunk(&all->stream.encoder, all->stream.source, most, &more);
    run->validation = all->stream.encoder.examples;
    all->stream.encoder.examples = NULL;
    part->held_out = false;
    if (code == CODE_OK && more)
        return fail("--validation-split: the texts held out need more than --max-memory lets them have; take a smaller "
                    "share, or give --validation FILE");
    if (code == CODE_OK && tc_examples_count(run->validation, &rows) != TC_OK)
        return fail_library(NULL);
    if (code == CODE_OK && rows == 0)
        return fail("--validation-split: no text was held out; take a larger share, or give --validation FILE");
    return code;
}

/* The whole input where it fits; else it comes in chunks, from the beginning. */
static int encode_input(work *all, reader *source)
{
    training *run = &all->run;
    chunks *stream = &all->stream;
    bool found = false, more = run->given->cache != NULL;
    size_t whole = all->chunk_bytes < SIZE_MAX / CHUNKS_WHOLE ? all->chunk_bytes * CHUNKS_WHOLE : SIZE_MAX;
    int code = CODE_OK;
    *stream = (chunks){.encoder = {.model = run->model, .task = run->task, .known = all->known},
                       .source = source,
                       .bytes = all->chunk_bytes};
    if (!more)
        code = data_encode_chunk(&stream->encoder, source, whole, &more);
    if (code == CODE_OK && !more) {
        run->examples = stream->encoder.examples;
        stream->encoder.examples = NULL;
        stream->source = NULL;
        reader_report_skipped(source);
        all->skipped = reader_skipped(source);
        reader_close(source);
        return CODE_OK;
    }
    run->stream = stream;
    tc_examples_free(stream->encoder.examples);
    stream->encoder.examples = NULL;
    if (code == CODE_OK)
        code = hold_out(all, whole);
    if (code == CODE_OK && run->given->cache != NULL) {
        const data_part *part = &stream->encoder.part;
        const cache_key key = {all->summary.bytes, all->summary.texts,
                               all->summary.crc + part->threshold * (2 * part->seed + 1), all->chunk_bytes};
        code = cache_open(run->given->cache, &key, &stream->kept, &found);
        stream->kept_whole = found;
    }
    return code == CODE_OK ? chunks_rewind(stream) : code;
}

/* The input of a training that goes on: all at once. */
static int encode_again(work *all, reader *source)
{
    training *run = &all->run;
    data_encoder encoder = {.model = run->model, .task = run->task, .known = all->known};
    int code = data_encode(&encoder, source);
    run->examples = encoder.examples;
    all->skipped = reader_skipped(source);
    reader_close(source);
    return code;
}

int work_read_input(work *all)
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

int work_read_validation(work *all)
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
    data_encoder encoder = {
        .model = run->model, .task = run->task, .known = all->known, .unknown = all->unknown};
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
