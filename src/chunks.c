/* chunks.c: see chunks.h. Random numbers are splitmix64 (Steele, Lea and Flood, OOPSLA 2014), begun anew for each
 * chunk of each epoch. */
#include "chunks.h"

#include <stdlib.h>
#include <string.h>

#include "messages.h"

#define STRETCH 50 /* batches */

void chunks_free(chunks *all)
{
    reader_close(all->source);
    cache_close(all->kept);
    free(all->places);
    *all = (chunks){.source = NULL};
}

size_t chunks_rows(const chunks *all)
{
    return all->count == 0 ? 0 : all->places[all->count - 1].first + all->places[all->count - 1].rows;
}

static int describe(const chunks *all, const tc_examples *examples, chunk_place *at)
{
    *at =
        (chunk_place){.first = all->next == 0 ? 0 : all->places[all->next - 1].first + all->places[all->next - 1].rows};
    if (tc_examples_count(examples, &at->rows) != TC_OK)
        return fail_library(NULL);
    for (size_t row = 0; row < at->rows; row++) {
        size_t tokens = 0;
        if (tc_examples_tokens(examples, row, &tokens) != TC_OK)
            return fail_library(NULL);
        at->tokens += tokens;
    }
    return CODE_OK;
}

static int keep_place(chunks *all, const chunk_place *at)
{
    if (all->count == all->capacity) {
        size_t larger = all->capacity == 0 ? 64 : all->capacity * 2;
        chunk_place *grown = realloc(all->places, larger * sizeof *grown);
        if (grown == NULL)
            return fail_memory("the places of chunks");
        all->places = grown;
        all->capacity = larger;
    }
    all->places[all->count++] = *at;
    return CODE_OK;
}

/* A chunk of the source, or of the cache; NULL at the end. */
static int read_chunk(chunks *all, tc_examples **examples)
{
    if (all->kept_whole)
        return all->next < cache_chunks(all->kept) ? cache_read(all->kept, all->next, all->encoder.model, examples)
                                                   : CODE_OK;
    if (!all->more)
        return CODE_OK;
    int code = data_encode_chunk(&all->encoder, all->source, all->bytes, &all->more);
    *examples = all->encoder.examples;
    all->encoder.examples = NULL;
    return code;
}

/* The first pass is over. */
static int end_first_pass(chunks *all)
{
    all->known = true;
    if (all->source != NULL)
        reader_report_skipped(all->source);
    if (all->kept == NULL || all->kept_whole)
        return CODE_OK;
    int code = cache_finish(all->kept);
    all->kept_whole = code == CODE_OK;
    return code;
}

/* Notes a chunk that is new, or sees that it is the one of the passes before. */
static int check_place(chunks *all, const tc_examples *examples, const chunk_place *at)
{
    if (all->known) {
        bool same = all->next < all->count && memcmp(&all->places[all->next], at, sizeof *at) == 0;
        return same ? CODE_OK : fail("%s: the data changed while they were read again", reader_name(all->source));
    }
    int code = keep_place(all, at);
    if (code == CODE_OK && all->kept != NULL && !all->kept_whole)
        code = cache_add(all->kept, examples);
    return code;
}

int chunks_next(chunks *all, tc_examples **examples, chunk_place *at)
{
    *examples = NULL;
    *at = (chunk_place){0, 0, 0};
    int code = read_chunk(all, examples);
    if (code == CODE_OK && *examples != NULL)
        code = describe(all, *examples, at);
    if (code == CODE_OK && *examples != NULL && at->rows > 0)
        code = check_place(all, *examples, at);
    if (code == CODE_OK && at->rows > 0) {
        all->next++;
        return CODE_OK;
    }
    tc_examples_free(*examples);
    *examples = NULL;
    if (code != CODE_OK)
        return code;
    if (all->known && all->next != all->count)
        return fail("%s: the data changed while they were read again", reader_name(all->source));
    return all->known ? CODE_OK : end_first_pass(all);
}

int chunks_rewind(chunks *all)
{
    all->next = 0;
    all->more = true;
    all->encoder.part.next = 0;
    return all->kept_whole ? CODE_OK : reader_rewind(all->source);
}

/* ---- order ---- */

static uint64_t next_random(uint64_t *state)
{
    uint64_t value = *state += 0x9e3779b97f4a7c15u;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

/* A number below `bound`, which is below 2^32: off by 2^-32 at most. */
static size_t random_below(uint64_t *state, size_t bound)
{
    return (size_t)((next_random(state) >> 32) * bound >> 32);
}

typedef struct row_length {
    size_t length, place, row;
} row_length;

/* Falling length; of the same, as they were. */
static int compare_lengths(const void *a, const void *b)
{
    const row_length *first = a, *second = b;
    if (first->length != second->length)
        return first->length > second->length ? -1 : 1;
    return first->place < second->place ? -1 : first->place > second->place;
}

static void swap_batches(size_t *order, size_t a, size_t b, size_t batch_size)
{
    for (size_t i = 0; a != b && i < batch_size; i++) {
        size_t row = order[a * batch_size + i];
        order[a * batch_size + i] = order[b * batch_size + i];
        order[b * batch_size + i] = row;
    }
}

static int sort_stretches(const tc_examples *examples, size_t rows, size_t batch_size, uint64_t *state, size_t *order)
{
    row_length *keys = malloc((rows + 1) * sizeof *keys);
    if (keys == NULL)
        return fail_memory("the order of a chunk");
    for (size_t i = 0; i < rows; i++) {
        keys[i] = (row_length){.place = i, .row = order[i]};
        (void)tc_examples_tokens(examples, order[i], &keys[i].length);
    }
    size_t stretch = batch_size > rows / STRETCH ? rows : batch_size * STRETCH;
    for (size_t first = 0; first < rows; first += stretch)
        qsort(keys + first, rows - first < stretch ? rows - first : stretch, sizeof *keys, compare_lengths);
    for (size_t i = 0; i < rows; i++)
        order[i] = keys[i].row;
    free(keys);
    for (size_t i = rows / batch_size; i > 1; i--)
        swap_batches(order, i - 1, random_below(state, i), batch_size);
    return CODE_OK;
}

int chunk_order(const tc_examples *examples, size_t rows, size_t batch_size, bool by_length, uint64_t seed,
                uint64_t epoch, size_t chunk, size_t *order)
{
    uint64_t state = seed;
    state = next_random(&state) ^ epoch;
    state = next_random(&state) ^ chunk;
    for (size_t i = 0; i < rows; i++)
        order[i] = i;
    for (size_t i = rows; i > 1; i--) {
        size_t k = random_below(&state, i), row = order[i - 1];
        order[i - 1] = order[k];
        order[k] = row;
    }
    return by_length ? sort_stretches(examples, rows, batch_size, &state, order) : CODE_OK;
}
