/* pipeline.c: the shared pipeline object, and ids with truncation.
 *
 * Truncation holds no more than what it keeps: the first `head` ids in place, the last ones in a ring behind them that
 * is turned into order at the end. */
#include "text/pipeline.h"

#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "text/bag_features.h"
#include "text/ngrams.h"

static void hash_u64(tci_hash_stream *stream, uint64_t value)
{
    uint8_t bytes[8];
    tci_store_u64(bytes, value);
    tci_hash_add(stream, bytes, sizeof bytes);
}

static uint64_t fingerprint_of(const tci_text_options *options, const tci_vocabulary *vocabulary)
{
    tci_hash_stream stream;
    tci_hash_begin(&stream);
    hash_u64(&stream, options->tokenizer);
    hash_u64(&stream, options->normalize);
    hash_u64(&stream, options->lowercase);
    hash_u64(&stream, options->strict_utf8);
    hash_u64(&stream, options->clean_controls);
    hash_u64(&stream, options->collapse_spaces);
    hash_u64(&stream, options->max_length);
    hash_u64(&stream, options->truncate);
    if (options->ngrams.bag)
        tci_hash_add(&stream, "bag", 3);
    if (options->ngrams.bag || options->ngrams.buckets > 0) {
        hash_u64(&stream, options->ngrams.buckets);
        hash_u64(&stream, options->ngrams.words);
        hash_u64(&stream, options->ngrams.skips);
        hash_u64(&stream, options->ngrams.chars_min);
        hash_u64(&stream, options->ngrams.chars_max);
        hash_u64(&stream, options->ngrams.across);
    }
    size_t rows = tci_vocabulary_size(vocabulary);
    for (uint32_t id = 0; id < rows; id++) {
        size_t length = 0;
        const char *word = tci_vocabulary_word(vocabulary, id, &length);
        tci_hash_add(&stream, word, length);
        tci_hash_add(&stream, "\n", 1);
    }
    return tci_hash_end(&stream);
}

tc_status tci_pipeline_create(const tc_allocator *host, size_t limit, const tci_text_options *options,
                              tci_vocabulary *vocabulary, tci_pipeline **pipeline)
{
    tci_pipeline *made = NULL;
    tci_memory memory; /* until there is a pipeline to keep it */
    *pipeline = NULL;
    tci_memory_init(&memory, host, limit);
    tc_status status = tci_alloc_zero(&memory, 1, sizeof *made, "text pipeline", &made);
    if (status != TC_OK) {
        tci_vocabulary_free(vocabulary);
        return status;
    }
    tci_memory_init(&made->memory, host, limit);
    atomic_store(&made->memory.used, atomic_load(&memory.used));
    made->options = *options;
    made->vocabulary = vocabulary;
    made->fingerprint = fingerprint_of(options, vocabulary);
    atomic_init(&made->references, 1);
    *pipeline = made;
    return TC_OK;
}

tci_pipeline *tci_pipeline_keep(tci_pipeline *pipeline)
{
    atomic_fetch_add_explicit(&pipeline->references, 1, memory_order_relaxed);
    return pipeline;
}

void tci_pipeline_release(tci_pipeline *pipeline)
{
    if (!pipeline || atomic_fetch_sub_explicit(&pipeline->references, 1, memory_order_acq_rel) != 1)
        return;
    tci_vocabulary_free(pipeline->vocabulary);
    tci_memory memory;
    tci_memory_init(&memory, &pipeline->memory.host, pipeline->memory.limit);
    atomic_store(&memory.used, atomic_load(&pipeline->memory.used));
    tci_free(&memory, pipeline);
}

void tci_encoded_init(tci_encoded *encoded, tci_memory *memory, bool with_ranges)
{
    memset(encoded, 0, sizeof *encoded);
    encoded->memory = memory;
    encoded->with_ranges = with_ranges;
}

void tci_encoded_free(tci_encoded *encoded)
{
    tci_free(encoded->memory, encoded->ids);
    tci_free(encoded->memory, encoded->ranges);
    tci_free(encoded->memory, encoded->counts);
    tci_free(encoded->memory, encoded->scratch);
    tci_encoded_init(encoded, encoded->memory, encoded->with_ranges);
}

typedef struct encoding {
    const tci_vocabulary *vocabulary;
    tci_encoded *out;
    size_t head; /* the first so many tokens are kept in place */
    size_t ring; /* and the last so many of the rest behind them */
    size_t next; /* place in the ring of the next one */
    size_t length; /* of the text */
} encoding;

/* Room for token `at`, which begins at byte `begin`. A token has a byte or more, but for a few that come from one code
 * point: more than the rest of the text can hold is not asked for, or ten million tokens would take twice their
 * room. */
static tc_status reserve(const encoding *e, size_t at, size_t begin)
{
    tci_encoded *out = e->out;
    size_t most = at + 64 + at / 16 + (e->length - begin);
    TCI_RETURN_IF(tci_reserve(out->memory, at + 1, most, sizeof *out->ids, "token ids", &out->capacity, &out->ids));
    if (out->with_ranges)
        TCI_RETURN_IF(tci_reserve(out->memory, 2 * (at + 1), 2 * most, sizeof *out->ranges, "token ranges",
                                  &out->range_capacity, &out->ranges));
    return TC_OK;
}

static tc_status encode_token(void *context, const char *token, size_t length, size_t begin, size_t end)
{
    encoding *e = context;
    tci_encoded *out = e->out;
    size_t at = out->tokens++;
    if (at >= e->head) {
        if (e->ring == 0)
            return TC_OK;
        at = e->head + e->next;
        e->next = e->next + 1 == e->ring ? 0 : e->next + 1;
    }
    if (at >= out->count) {
        TCI_RETURN_IF(reserve(e, at, begin));
        out->count = at + 1;
    }
    out->ids[at] = tci_vocabulary_find(e->vocabulary, token, length);
    if (out->with_ranges) {
        out->ranges[2 * at] = begin;
        out->ranges[2 * at + 1] = end;
    }
    return TC_OK;
}

/* Reverses items [begin, end) of the ids and of their ranges. */
static void reverse(tci_encoded *out, size_t begin, size_t end)
{
    for (; begin + 1 < end; begin++) {
        end--;
        uint32_t id = out->ids[begin];
        out->ids[begin] = out->ids[end];
        out->ids[end] = id;
        if (!out->with_ranges)
            continue;
        for (size_t i = 0; i < 2; i++) {
            uint64_t place = out->ranges[2 * begin + i];
            out->ranges[2 * begin + i] = out->ranges[2 * end + i];
            out->ranges[2 * end + i] = place;
        }
    }
}

size_t tci_head_length(const tci_text_options *options)
{
    if (options->max_length == 0)
        return SIZE_MAX;
    switch (options->truncate) {
    case TCI_TRUNCATE_HEAD:
        return options->max_length;
    case TCI_TRUNCATE_TAIL:
        return 0;
    default:
        return options->max_length - options->max_length / 2;
    }
}

tc_status tci_pipeline_encode(const tci_pipeline *pipeline, const char *text, size_t length, tci_encoded *encoded)
{
    const tci_text_options *options = &pipeline->options;
    if (options->ngrams.bag)
        return tci_bag_encode(options, pipeline->vocabulary, text, length, encoded);
    if (options->ngrams.buckets > 0)
        return tci_ngrams_encode(options, text, length, encoded);
    size_t head = tci_head_length(options), ring = options->max_length == 0 ? 0 : options->max_length - head;
    encoding e = {pipeline->vocabulary, encoded, head, ring, 0, length};
    encoded->count = encoded->tokens = 0;
    tc_status status = tci_tokenize(options, encoded->memory, text, length, encode_token, &e);
    if (status != TC_OK) {
        encoded->count = encoded->tokens = 0;
        return status;
    }
    if (encoded->tokens > encoded->count) {
        /* the oldest stands at `next`: turn the ring left by so many, by three reversals */
        reverse(encoded, e.head, e.head + e.next);
        reverse(encoded, e.head + e.next, encoded->count);
        reverse(encoded, e.head, encoded->count);
    }
    return TC_OK;
}
