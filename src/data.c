/* data.c: see data.h. Texts stream through: only words, labels and encoded examples stay in memory. */
#include "data.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>
#include <zlib.h>

#include "messages.h"
#include "text_block.h"

/* What encoded texts take: about, and no less for long. */
#define TOKEN_BYTES 5
#define ROW_BYTES 24
#define BLOCKS 16 /* of text in a chunk, at least */

reader_task data_task(const char *task)
{
    if (strcmp(task, "multilabel") == 0)
        return READ_LABELS;
    return strcmp(task, "regress") == 0 ? READ_TARGETS : READ_LABEL;
}

int data_model_option(const tc_model *model, const char *key, char *value, size_t capacity)
{
    size_t length = 0;
    return tc_model_option(model, key, capacity, value, &length) == TC_OK ? CODE_OK : fail_library(NULL);
}

int data_model_task(const tc_model *model, reader_task *task)
{
    char value[32];
    int code = data_model_option(model, "task", value, sizeof value);
    if (code == CODE_OK)
        *task = data_task(value);
    return code;
}

int data_model_text(const tc_model *model, char **text, size_t *length)
{
    tc_status status = tc_model_info(model, 0, NULL, length);
    *text = NULL;
    if (status != TC_ERROR_CAPACITY)
        return fail_library(NULL);
    *text = malloc(*length + 1);
    if (*text == NULL)
        return fail_memory("the description of the model");
    return tc_model_info(model, *length + 1, *text, length) == TC_OK ? CODE_OK : fail_library(NULL);
}

int data_model_trained(const tc_model *model, const char *path)
{
    char *text = NULL;
    size_t length = 0;
    struct stat status;
    bool folder = stat(path, &status) == 0 && S_ISDIR(status.st_mode);
    int code = data_model_text(model, &text, &length);
    json_t *object = code == CODE_OK ? json_loadb(text, length, 0, NULL) : NULL;
    if (json_is_true(json_object_get(object, "untrained_head")))
        code = fail("%s has no classification head yet; `textclf train --pretrained %s --input FILE --output MODEL` "
                    "trains one%s", path, folder ? path : "FOLDER",
                    folder ? "" : ", FOLDER being the one that the file was made from");
    json_decref(object);
    free(text);
    return code;
}

int data_model_labels(const tc_model *model, labels **known)
{
    size_t count = 0;
    if (tc_model_label_count(model, &count) != TC_OK)
        return fail_library(NULL);
    int code = labels_create(known);
    for (size_t i = 0; code == CODE_OK && i < count; i++) {
        const char *label = NULL;
        if (tc_model_label(model, i, &label) != TC_OK)
            return fail_library(NULL);
        code = labels_insert(*known, (span){label, strlen(label)});
    }
    return code;
}

reader_options data_reader_options(const arguments *given, reader_task task)
{
    return (reader_options){.format = given->format,
                            .text_column = given->text_column,
                            .label_column = given->label_column,
                            .header = given->header,
                            .skip_bad_lines = given->skip_bad_lines,
                            .task = task};
}

static uint64_t add_bytes(uint64_t crc, const void *data, size_t length)
{
    for (const Bytef *from = data; length > 0;) {
        uInt part = length > 1u << 30 ? 1u << 30 : (uInt)length;
        crc = crc32((uLong)crc, from, part);
        from += part;
        length -= part;
    }
    return crc;
}

/* The CRC with a record and its bounds added to it. */
static uint64_t add_record(uint64_t crc, const record *next)
{
    const uint64_t sizes[3] = {next->text.length, next->label_count, next->target_count};
    crc = add_bytes(crc, sizes, sizeof sizes);
    crc = add_bytes(crc, next->text.data, next->text.length);
    for (size_t i = 0; i < next->label_count; i++) {
        crc = add_bytes(crc, &next->labels[i].length, sizeof next->labels[i].length);
        crc = add_bytes(crc, next->labels[i].data, next->labels[i].length);
    }
    crc = add_bytes(crc, next->targets, next->target_count * sizeof *next->targets);
    return add_bytes(crc, &next->weight, sizeof next->weight);
}

int data_gather(reader *source, reader_task task, bool identify, tc_vocab_builder *words, labels *found,
                data_summary *summary)
{
    *summary = (data_summary){0, 0, 0, 0};
    for (;;) {
        record next;
        bool more = false;
        int code = reader_next(source, &next, &more);
        if (code != CODE_OK || !more)
            return code;
        tc_status status =
            words != NULL ? tc_vocab_builder_add(words, next.text.data, next.text.length) : TC_OK;
        if (status != TC_OK) {
            code = text_refused(source, next.line, status);
            if (code != CODE_OK)
                return code;
            continue;
        }
        for (size_t i = 0; code == CODE_OK && i < next.label_count; i++)
            code = labels_insert(found, next.labels[i]);
        if (code != CODE_OK)
            return code;
        summary->texts++;
        summary->bytes += next.text.length;
        if (identify)
            summary->crc = add_record(summary->crc, &next);
        if (task == READ_TARGETS)
            summary->target_count = next.target_count;
    }
}

static int unknown_label(const data_encoder *encoder, const reader *source, const record *text, span label)
{
    if (encoder->unknown != NULL)
        return labels_insert(encoder->unknown, label);
    return fail("%s, line %llu: the label \"%.*s\" is new; the data changed since the labels were read",
                reader_name(source), (unsigned long long)text->line, (int)(label.length < 100 ? label.length : 100),
                label.data);
}

/* Label numbers of a record in `numbers`, which grows: each once, but every label that the model lacks for itself,
 * since each is a miss. */
static int number_labels(const data_encoder *encoder, const reader *source, const record *text, uint32_t **numbers,
                         size_t *capacity, size_t *count)
{
    if (text->label_count > *capacity) {
        uint32_t *grown = realloc(*numbers, text->label_count * sizeof **numbers);
        if (grown == NULL)
            return fail_memory("the labels of a text");
        *numbers = grown;
        *capacity = text->label_count;
    }
    *count = 0;
    for (size_t i = 0; i < text->label_count; i++) {
        uint32_t number = labels_find(encoder->known, text->labels[i]);
        if (number == LABEL_NONE) {
            int code = unknown_label(encoder, source, text, text->labels[i]);
            if (code != CODE_OK)
                return code;
            number = TC_LABEL_UNKNOWN;
        }
        size_t same = 0;
        while (same < *count && ((*numbers)[same] != number || number == TC_LABEL_UNKNOWN))
            same++;
        if (same == *count)
            (*numbers)[(*count)++] = number;
    }
    return CODE_OK;
}

/* Whether the next record is of the part: by a mix of its number and the seed (the finalizer of splitmix64). */
static bool takes(data_part *part)
{
    if (part->threshold == 0)
        return true;
    uint64_t value = part->seed * 0x9e3779b97f4a7c15u + part->next++ + 1;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    value = (value ^ value >> 31) >> 32;
    return (value < part->threshold) == part->held_out;
}

/* Reads records until the block is full; *more is false when there are no further ones. */
static int fill_block(data_encoder *encoder, reader *source, text_block *block, bool *more)
{
    uint32_t *numbers = NULL;
    size_t capacity = 0;
    int code = CODE_OK;
    *more = true;
    while (code == CODE_OK && *more && !text_block_full(block)) {
        record next;
        size_t count = 0;
        code = reader_next(source, &next, more);
        if (code != CODE_OK || !*more)
            break;
        if (!takes(&encoder->part))
            continue;
        code = number_labels(encoder, source, &next, &numbers, &capacity, &count);
        if (code == CODE_OK)
            code = text_block_put(block, &next, numbers, count);
    }
    free(numbers);
    return code;
}

/* Bytes of encoded rows from `*row` on, which moves to the end. */
static int count_bytes(const tc_examples *examples, size_t *row, size_t *bytes)
{
    size_t rows = 0;
    if (tc_examples_count(examples, &rows) != TC_OK)
        return fail_library(NULL);
    for (; *row < rows; ++*row) {
        size_t tokens = 0;
        if (tc_examples_tokens(examples, *row, &tokens) != TC_OK)
            return fail_library(NULL);
        *bytes += ROW_BYTES + tokens * TOKEN_BYTES;
    }
    return CODE_OK;
}

int data_encode_chunk(data_encoder *encoder, reader *source, size_t bytes, bool *more)
{
    if (tc_examples_create(encoder->model, &encoder->examples) != TC_OK)
        return fail_library(NULL);
    text_block block;
    size_t row = 0, used = 0;
    int code = CODE_OK;
    text_block_init(&block, encoder->task);
    if (bytes / BLOCKS < block.most)
        block.most = bytes / BLOCKS;
    *more = true;
    while (code == CODE_OK && *more && used < bytes) {
        code = fill_block(encoder, source, &block, more);
        if (code == CODE_OK)
            code = text_block_add(&block, source, encoder->examples);
        if (code == CODE_OK && bytes < SIZE_MAX)
            code = count_bytes(encoder->examples, &row, &used);
    }
    text_block_free(&block);
    return code;
}

int data_encode(data_encoder *encoder, reader *source)
{
    size_t texts = 0;
    bool more = true;
    int code = data_encode_chunk(encoder, source, SIZE_MAX, &more);
    if (code != CODE_OK)
        return code;
    reader_report_skipped(source);
    if (tc_examples_count(encoder->examples, &texts) != TC_OK)
        return fail_library(NULL);
    return texts > 0 ? CODE_OK : fail("%s holds no texts", reader_name(source));
}
