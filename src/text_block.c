/* text_block.c: see text_block.h. When a block is refused its texts are added one by one, so that the line at fault is
 * named, or passed over alone. */
#include "text_block.h"

#include <stdlib.h>
#include <string.h>

#include "messages.h"

#define FULL_BYTES (4u << 20)
#define FULL_TEXTS 65536u

void text_block_init(text_block *block, reader_task task)
{
    *block = (text_block){.task = task, .most = FULL_BYTES};
}

void text_block_free(text_block *block)
{
    free(block->bytes);
    free(block->lengths);
    free(block->lines);
    free(block->weights);
    free(block->label_counts);
    free(block->pointers);
    free(block->numbers);
    free(block->targets);
    text_block_init(block, block->task);
}

/* Room for `needed` elements of `size` bytes at *elements, a pointer to any pointer. */
static bool make_room(void *elements, size_t needed, size_t size, size_t capacity)
{
    void *old = NULL;
    memcpy(&old, elements, sizeof old);
    void *grown = capacity >= needed && capacity <= SIZE_MAX / size ? realloc(old, capacity * size) : NULL;
    if (grown == NULL)
        return false;
    memcpy(elements, &grown, sizeof grown);
    return true;
}

static size_t larger_capacity(size_t capacity, size_t needed)
{
    size_t larger = capacity == 0 ? 1024 : capacity * 2;
    return larger > needed ? larger : needed;
}

/* The same for an array with a capacity of its own. */
static bool reserve(void *elements, size_t needed, size_t size, size_t *capacity)
{
    if (needed <= *capacity)
        return true;
    size_t larger = larger_capacity(*capacity, needed);
    if (!make_room(elements, needed, size, larger))
        return false;
    *capacity = larger;
    return true;
}

static bool reserve_text(text_block *block)
{
    if (block->count < block->capacity)
        return true;
    size_t needed = block->count + 1, larger = larger_capacity(block->capacity, needed);
    if (!make_room(&block->lengths, needed, sizeof *block->lengths, larger) ||
        !make_room(&block->lines, needed, sizeof *block->lines, larger) ||
        !make_room(&block->weights, needed, sizeof *block->weights, larger) ||
        !make_room(&block->label_counts, needed, sizeof *block->label_counts, larger) ||
        !make_room(&block->pointers, needed, sizeof *block->pointers, larger))
        return false;
    block->capacity = larger;
    return true;
}

int text_block_put(text_block *block, const record *text, const uint32_t *numbers, size_t number_count)
{
    size_t target_count = block->task == READ_TARGETS ? text->target_count : 0;
    if (!reserve_text(block) || text->text.length > SIZE_MAX / 4 ||
        !reserve(&block->bytes, block->byte_count + text->text.length, 1, &block->byte_capacity) ||
        !reserve(&block->numbers, block->number_count + number_count, sizeof *numbers, &block->number_capacity) ||
        !reserve(&block->targets, block->target_count + target_count, sizeof *block->targets, &block->target_capacity))
        return fail_memory("texts to encode");
    if (text->text.length > 0)
        memcpy(block->bytes + block->byte_count, text->text.data, text->text.length);
    if (number_count > 0)
        memcpy(block->numbers + block->number_count, numbers, number_count * sizeof *numbers);
    if (target_count > 0)
        memcpy(block->targets + block->target_count, text->targets, target_count * sizeof *block->targets);
    block->byte_count += text->text.length;
    block->number_count += number_count;
    block->target_count += target_count;
    block->lengths[block->count] = text->text.length;
    block->lines[block->count] = text->line;
    block->weights[block->count] = text->weight;
    block->label_counts[block->count++] = number_count;
    return CODE_OK;
}

bool text_block_full(const text_block *block)
{
    return block->byte_count >= block->most || block->count >= FULL_TEXTS;
}

int text_refused(reader *source, uint64_t line, tc_status status)
{
    if (status == TC_ERROR_ENCODING)
        return reader_reject(source, line, tc_last_error());
    return fail("%s, line %llu: %s", reader_name(source), (unsigned long long)line, tc_last_error());
}

static int add_one_by_one(const text_block *block, reader *source, tc_examples *examples)
{
    size_t label = 0, target = 0, each = block->count > 0 ? block->target_count / block->count : 0;
    for (size_t i = 0; i < block->count; i++) {
        const char *text = block->pointers[i];
        size_t length = block->lengths[i], labels = block->label_counts[i];
        float weight = block->weights[i];
        tc_status status = TC_OK;
        if (block->task == READ_TARGETS)
            status = tc_examples_add_targets(examples, text, length, block->targets + target, each, weight);
        else
            status = tc_examples_add_labels(examples, text, length, block->numbers + label, labels, weight);
        int code = status == TC_OK ? CODE_OK : text_refused(source, block->lines[i], status);
        if (code != CODE_OK)
            return code;
        label += labels;
        target += each;
    }
    return CODE_OK;
}

int text_block_add(text_block *block, reader *source, tc_examples *examples)
{
    size_t at = 0;
    for (size_t i = 0; i < block->count; at += block->lengths[i++])
        block->pointers[i] = block->byte_count > 0 ? block->bytes + at : "";
    bool regress = block->task == READ_TARGETS;
    tc_status status =
        tc_examples_add_batch(examples, block->pointers, block->lengths, block->count, regress ? NULL : block->numbers,
                              regress ? NULL : block->label_counts, regress ? block->targets : NULL, block->weights);
    int code = status == TC_OK ? CODE_OK : add_one_by_one(block, source, examples);
    block->count = block->byte_count = block->number_count = block->target_count = 0;
    return code;
}
