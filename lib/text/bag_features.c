/* bag_features.c: tokens are looked up and hashed as they come; runs of words follow from the hashes that were kept, as
 * fastText's getLine, addSubwords and addWordNgrams order them.
 *
 * Remainders by the buckets are taken by multiplication. Knows nothing of which buckets have weights. */
#include "text/bag_features.h"

#include <string.h>

#include "text/tokenize.h"

#define FNV_BEGIN UINT32_C(2166136261)
#define FNV_FACTOR UINT32_C(16777619)
#define RUN_FACTOR UINT64_C(116049371)
#define END_LENGTH (sizeof TCI_BAG_END - 1)
#define LABEL_LENGTH (sizeof TCI_BAG_LABEL - 1)
#define KEPT 5 /* numbers kept of a token: its hash, and with ranges two halves each of its begin and end */

static inline uint32_t hash_byte(uint32_t hash, char byte)
{
    return (hash ^ (((uint8_t)byte ^ 0x80u) - 0x80u)) * FNV_FACTOR;
}

uint32_t tci_bag_hash(const void *bytes, size_t length)
{
    uint32_t hash = FNV_BEGIN;
    for (size_t i = 0; i < length; i++)
        hash = hash_byte(hash, ((const char *)bytes)[i]);
    return hash;
}

bool tci_bag_is_raw(const tci_text_options *options)
{
    return options->ngrams.bag && options->tokenizer == TCI_TOKENIZER_SPACE &&
           options->normalize == TCI_NORMALIZE_NONE && !options->lowercase && !options->clean_controls;
}

static inline bool separates(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r') || byte == '\0';
}

bool tci_bag_is_word(const char *word, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (separates(word[i]))
            return false;
    }
    return length > 0;
}

/* ---- tokens ---- */

typedef struct token_stream {
    tci_token_function function;
    void *context;
    bool ended; /* by a token "</s>" */
} token_stream;

static bool is_end(const char *token, size_t length)
{
    return length == END_LENGTH && memcmp(token, TCI_BAG_END, END_LENGTH) == 0;
}

/* `token` of no separators. */
static inline tc_status give_token(token_stream *stream, const char *token, size_t length, size_t begin, size_t end)
{
    if (stream->ended || length == 0)
        return TC_OK;
    stream->ended = is_end(token, length);
    return stream->ended ? TC_OK : stream->function(stream->context, token, length, begin, end);
}

/* The other tokenizers know NUL as a character like others. */
static tc_status take_token(void *context, const char *token, size_t length, size_t begin, size_t end)
{
    for (const char *nul; length > 0 && (nul = memchr(token, 0, length)) != NULL;) {
        size_t before = (size_t)(nul - token);
        TCI_RETURN_IF(give_token(context, token, before, begin, end));
        token += before + 1;
        length -= before + 1;
    }
    return give_token(context, token, length, begin, end);
}

static tc_status split_bytes(const char *text, size_t length, token_stream *stream)
{
    for (size_t at = 0; at < length && !stream->ended;) {
        size_t begin = at;
        while (at < length && !separates(text[at]))
            at++;
        TCI_RETURN_IF(give_token(stream, text + begin, at - begin, begin, at));
        at++;
    }
    return TC_OK;
}

/* All tokens but the last "</s>". */
static tc_status walk(const tci_text_options *options, tci_memory *memory, const char *text, size_t length,
                      tci_token_function function, void *context)
{
    token_stream stream = {function, context, false};
    if (!tci_bag_is_raw(options))
        return tci_tokenize(options, memory, text, length, take_token, &stream);
    TCI_RETURN_IF(tci_text_check(options, text, length));
    return split_bytes(text, length, &stream);
}

static bool is_label(const char *token, size_t length)
{
    return length >= LABEL_LENGTH && memcmp(token, TCI_BAG_LABEL, LABEL_LENGTH) == 0;
}

static tc_status pass_word(void *context, const char *token, size_t length, size_t begin, size_t end)
{
    const token_stream *to = context;
    return is_label(token, length) ? TC_OK : to->function(to->context, token, length, begin, end);
}

tc_status tci_bag_tokens(const tci_text_options *options, tci_memory *memory, const char *text, size_t length,
                         tci_token_function function, void *context)
{
    token_stream to = {function, context, false};
    TCI_RETURN_IF(walk(options, memory, text, length, pass_word, &to));
    return function(context, TCI_BAG_END, END_LENGTH, length, length);
}

/* ---- features ---- */

typedef struct bag_stream {
    const tci_text_options *options;
    const tci_vocabulary *vocabulary;
    tci_encoded *out;
    uint32_t words, buckets;
    uint64_t reciprocal; /* 2^64 / buckets, rounded up: a remainder without a division (Lemire, Kaser, Kurz 2019) */
    size_t chars_min, chars_max;
    size_t hashed; /* tokens whose hashes are kept */
} bag_stream;

static inline uint32_t bucket_of(const bag_stream *stream, uint32_t hash)
{
    uint64_t low = stream->reciprocal * hash;
    return (uint32_t)(((low >> 32) * stream->buckets + ((low & UINT32_MAX) * stream->buckets >> 32)) >> 32);
}

static inline tc_status reserve(bag_stream *stream, size_t more)
{
    tci_encoded *out = stream->out;
    size_t needed = out->count + more;
    if (needed > out->capacity)
        TCI_RETURN_IF(
            tci_reserve(out->memory, needed, SIZE_MAX / 16, sizeof *out->ids, "features", &out->capacity, &out->ids));
    if (out->with_ranges)
        TCI_RETURN_IF(tci_reserve(out->memory, 2 * needed, SIZE_MAX / 16, sizeof *out->ranges, "feature ranges",
                                  &out->range_capacity, &out->ranges));
    return TC_OK;
}

static void set_ranges(tci_encoded *out, size_t first, uint64_t begin, uint64_t end)
{
    for (size_t i = first; out->with_ranges && i < out->count; i++) {
        out->ranges[2 * i] = begin;
        out->ranges[2 * i + 1] = end;
    }
}

static inline bool continues(char byte)
{
    return ((uint8_t)byte & 0xc0) == 0x80;
}

/* The runs that go on from `hash`, which has `points` code points in it, with the bytes from word[at] on and the ">"
 * behind them: `to` has room for them. Returns the place behind the last. */
static inline uint32_t *put_runs(const bag_stream *stream, uint32_t *to, uint32_t hash, size_t points, const char *word,
                                 size_t length, size_t at)
{
    size_t least = stream->chars_min, most = stream->chars_max;
    while (++points <= most) {
        bool closed = at == length;
        hash = hash_byte(hash, closed ? '>' : word[at]);
        for (at++; at < length && continues(word[at]); at++)
            hash = hash_byte(hash, word[at]);
        if (points >= least)
            *to++ = stream->words + bucket_of(stream, hash);
        if (closed)
            break;
    }
    return to;
}

static tc_status put_characters(bag_stream *stream, const char *word, size_t length)
{
    size_t most = stream->chars_max < length + 2 ? stream->chars_max : length + 2, at = 0;
    if (!tci_multiply(length + 1, most, &most))
        return tci_fail(TC_ERROR_LIMIT, "the parts of a word of %zu bytes do not fit the address space", length);
    TCI_RETURN_IF(reserve(stream, most));
    uint32_t *to = stream->out->ids + stream->out->count, hash = hash_byte(FNV_BEGIN, '<');
    for (; at < length && continues(word[at]); at++) /* which valid UTF-8 does not begin with */
        hash = hash_byte(hash, word[at]);
    to = put_runs(stream, to, hash, 1, word, length, at);
    for (at = 0; at < length; at++) {
        if (!continues(word[at]))
            to = put_runs(stream, to, FNV_BEGIN, 0, word, length, at);
    }
    stream->out->count = (size_t)(to - stream->out->ids);
    return TC_OK;
}

static tc_status keep_hash(bag_stream *stream, uint32_t hash, uint64_t begin, uint64_t end)
{
    tci_encoded *out = stream->out;
    size_t stride = out->with_ranges ? KEPT : 1;
    if ((stream->hashed + 1) * stride > out->scratch_capacity)
        TCI_RETURN_IF(tci_reserve(out->memory, (stream->hashed + 1) * stride, SIZE_MAX / 64, sizeof *out->scratch,
                                  "hashes of tokens", &out->scratch_capacity, &out->scratch));
    uint32_t *to = out->scratch + stride * stream->hashed++;
    to[0] = hash;
    if (out->with_ranges) {
        to[1] = (uint32_t)begin;
        to[2] = (uint32_t)(begin >> 32);
        to[3] = (uint32_t)end;
        to[4] = (uint32_t)(end >> 32);
    }
    return TC_OK;
}

static tc_status put_token(bag_stream *stream, const char *token, size_t length, size_t begin, size_t end)
{
    tci_encoded *out = stream->out;
    uint32_t row = tci_vocabulary_lookup(stream->vocabulary, token, length);
    size_t first = out->count;
    if (row == TCI_MAP_NONE && is_label(token, length))
        return TC_OK;
    TCI_RETURN_IF(reserve(stream, 1));
    if (row != TCI_MAP_NONE)
        out->ids[out->count++] = row;
    if (stream->chars_max > 0 && !is_end(token, length))
        TCI_RETURN_IF(put_characters(stream, token, length));
    set_ranges(out, first, begin, end);
    return stream->options->ngrams.words > 1 ? keep_hash(stream, tci_bag_hash(token, length), begin, end) : TC_OK;
}

static tc_status count_token(void *context, const char *token, size_t length, size_t begin, size_t end)
{
    bag_stream *stream = context;
    size_t most = stream->options->max_length, before = stream->out->tokens++;
    return most > 0 && before >= most ? TC_OK : put_token(stream, token, length, begin, end);
}

static uint64_t wide(const uint32_t halves[2])
{
    return halves[0] | (uint64_t)halves[1] << 32;
}

static uint64_t signed_hash(uint32_t hash)
{
    return (uint64_t)(int64_t)(int32_t)hash;
}

static tc_status put_words(bag_stream *stream)
{
    tci_encoded *out = stream->out;
    size_t stride = out->with_ranges ? KEPT : 1;
    for (size_t i = 0; i < stream->hashed; i++) {
        size_t left = stream->hashed - i, most = stream->options->ngrams.words;
        most = most < left ? most : left;
        const uint32_t *first = out->scratch + i * stride;
        uint64_t hash = signed_hash(*first);
        TCI_RETURN_IF(reserve(stream, most));
        for (size_t n = 1; n < most; n++) {
            const uint32_t *last = first + n * stride;
            hash = hash * RUN_FACTOR + signed_hash(*last);
            out->ids[out->count++] = stream->words + (uint32_t)(hash % stream->buckets);
            if (out->with_ranges)
                set_ranges(out, out->count - 1, wide(first + 1), wide(last + 3));
        }
    }
    return TC_OK;
}

tc_status tci_bag_encode(const tci_text_options *options, const tci_vocabulary *vocabulary, const char *text,
                         size_t length, tci_encoded *encoded)
{
    bag_stream stream = {.options = options,
                         .vocabulary = vocabulary,
                         .out = encoded,
                         .words = (uint32_t)tci_vocabulary_size(vocabulary),
                         .buckets = (uint32_t)options->ngrams.buckets,
                         .chars_min = options->ngrams.chars_min,
                         .chars_max = options->ngrams.chars_max};
    if (stream.buckets > 0)
        stream.reciprocal = UINT64_MAX / stream.buckets + 1;
    encoded->count = encoded->tokens = 0;
    tc_status status = walk(options, encoded->memory, text, length, count_token, &stream);
    if (status == TC_OK)
        status = put_token(&stream, TCI_BAG_END, END_LENGTH, length, length);
    if (status == TC_OK)
        status = put_words(&stream);
    if (status != TC_OK)
        encoded->count = encoded->tokens = 0;
    return status;
}
