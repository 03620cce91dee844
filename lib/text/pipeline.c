/* pipeline.c: the shared pipeline object, and what the ids of a text are made of: words of a vocabulary, pieces of
 * words as a tokenizer.json has them, or n-grams. Where the ids then stand, and which of them are kept, is the business
 * of sequences.c; a pipeline never changes once made. */
#include "text/pipeline.h"

#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "text/bag_features.h"
#include "text/ngrams.h"
#include "text/sequences.h"
#include "text/tokenize.h"

static void hash_u64(tci_hash_stream *stream, uint64_t value)
{
    uint8_t bytes[8];
    tci_store_u64(bytes, value);
    tci_hash_add(stream, bytes, sizeof bytes);
}

static void hash_words(tci_hash_stream *stream, const tci_vocabulary *vocabulary)
{
    size_t rows = tci_vocabulary_size(vocabulary);
    for (uint32_t id = 0; id < rows; id++) {
        size_t length = 0;
        const char *word = tci_vocabulary_word(vocabulary, id, &length);
        tci_hash_add(stream, word, length);
        tci_hash_add(stream, "\n", 1);
    }
}

static uint64_t fingerprint_of(const tci_text_options *options, const tci_vocabulary *vocabulary,
                               const tci_subword *subword)
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
    if (options->truncate == TCI_TRUNCATE_WINDOWS)
        hash_u64(&stream, options->window_overlap);
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
    if (vocabulary)
        hash_words(&stream, vocabulary);
    if (subword) {
        size_t size = 0;
        const char *json = tci_subword_json(subword, &size);
        tci_hash_add(&stream, "subword", 7);
        tci_hash_add(&stream, json, size);
    }
    return tci_hash_end(&stream);
}

static tci_specials specials_of(const tci_subword *subword)
{
    tci_specials specials = {NULL, NULL, 0, 0};
    if (subword) {
        specials.before = tci_subword_before(subword, &specials.before_count);
        specials.after = tci_subword_after(subword, &specials.after_count);
    }
    return specials;
}

/* Takes what it is given over. */
static tc_status create(const tc_allocator *host, size_t limit, const tci_text_options *options,
                        tci_vocabulary *vocabulary, tci_subword *subword, tci_pipeline **pipeline)
{
    tc_status status = TC_OK;
    tci_pipeline *made = NULL;
    tci_memory memory; /* until there is a pipeline to keep it */
    tci_specials specials = specials_of(subword);
    *pipeline = NULL;
    tci_memory_init(&memory, host, limit);
    TCI_CHECK(tci_sequences_check(options, &specials));
    TCI_CHECK(tci_alloc_zero(&memory, 1, sizeof *made, "text pipeline", &made));
    tci_memory_init(&made->memory, host, limit);
    atomic_store(&made->memory.used, atomic_load(&memory.used));
    made->options = *options;
    made->vocabulary = vocabulary;
    made->subword = subword;
    made->fingerprint = fingerprint_of(options, vocabulary, subword);
    atomic_init(&made->references, 1);
    *pipeline = made;
    vocabulary = NULL;
    subword = NULL;
done:
    tci_vocabulary_free(vocabulary);
    tci_subword_free(subword);
    return status;
}

tc_status tci_pipeline_create(const tc_allocator *host, size_t limit, const tci_text_options *options,
                              tci_vocabulary *vocabulary, tci_pipeline **pipeline)
{
    return create(host, limit, options, vocabulary, NULL, pipeline);
}

tc_status tci_pipeline_create_subword(const tc_allocator *host, size_t limit, const tci_text_options *options,
                                      tci_subword *subword, tci_pipeline **pipeline)
{
    return create(host, limit, options, NULL, subword, pipeline);
}

size_t tci_pipeline_rows(const tci_pipeline *pipeline)
{
    return pipeline->subword ? tci_subword_rows(pipeline->subword) : tci_vocabulary_size(pipeline->vocabulary);
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
    tci_subword_free(pipeline->subword);
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
    tci_subword_scratch_free(encoded->subword);
    tci_encoded_init(encoded, encoded->memory, encoded->with_ranges);
}

typedef struct encoding {
    const tci_vocabulary *vocabulary;
    tci_sequences sequences;
} encoding;

static tc_status encode_token(void *context, const char *token, size_t length, size_t begin, size_t end)
{
    encoding *e = context;
    return tci_sequences_put(&e->sequences, tci_vocabulary_find(e->vocabulary, token, length), begin, end);
}

static tc_status encode_words(const tci_pipeline *pipeline, const char *text, size_t length, tci_encoded *encoded)
{
    static const tci_specials none = {NULL, NULL, 0, 0};
    encoding e = {.vocabulary = pipeline->vocabulary};
    TCI_RETURN_IF(tci_sequences_begin(&e.sequences, &pipeline->options, &none, length, encoded));
    TCI_RETURN_IF(tci_tokenize(&pipeline->options, encoded->memory, text, length, encode_token, &e));
    return tci_sequences_end(&e.sequences);
}

static tc_status encode_pieces(void *context, const uint32_t *ids, const uint64_t *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        TCI_RETURN_IF(tci_sequences_put(context, ids[i], (size_t)ranges[2 * i], (size_t)ranges[2 * i + 1]));
    return TC_OK;
}

static tc_status encode_subwords(const tci_pipeline *pipeline, const char *text, size_t length, tci_encoded *encoded)
{
    tci_specials specials = specials_of(pipeline->subword);
    tci_sequences sequences;
    TCI_RETURN_IF(tci_text_check(&pipeline->options, text, length));
    if (!encoded->subword)
        TCI_RETURN_IF(tci_subword_scratch_create(encoded->memory, &encoded->subword));
    TCI_RETURN_IF(tci_sequences_begin(&sequences, &pipeline->options, &specials, length, encoded));
    TCI_RETURN_IF(tci_subword_encode(pipeline->subword, encoded->subword, text, length, encode_pieces, &sequences));
    return tci_sequences_end(&sequences);
}

/* N-grams have the first max_length tokens. */
static tc_status encode_ngrams(const tci_pipeline *pipeline, const char *text, size_t length, tci_encoded *encoded)
{
    const tci_text_options *options = &pipeline->options;
    if (options->ngrams.bag)
        TCI_RETURN_IF(tci_bag_encode(options, pipeline->vocabulary, text, length, encoded));
    else
        TCI_RETURN_IF(tci_ngrams_encode(options, text, length, encoded));
    bool cut = options->max_length > 0 && encoded->tokens > options->max_length;
    encoded->used = cut ? options->max_length : encoded->tokens;
    return TC_OK;
}

tc_status tci_pipeline_encode(const tci_pipeline *pipeline, const char *text, size_t length, tci_encoded *encoded)
{
    const tci_ngram_options *ngrams = &pipeline->options.ngrams;
    tc_status status = pipeline->subword                    ? encode_subwords(pipeline, text, length, encoded)
                       : ngrams->bag || ngrams->buckets > 0 ? encode_ngrams(pipeline, text, length, encoded)
                                                            : encode_words(pipeline, text, length, encoded);
    if (status != TC_OK)
        encoded->count = encoded->tokens = encoded->used = 0;
    return status;
}
