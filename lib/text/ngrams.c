/* ngrams.c: n-grams are made as tokens come, of a window of the last few; then they are sorted by radix and counted.
 *
 * Characters come from a window of the last code points, too: of one token, or of the text. Nothing but the features
 * grows with the text. */
#include "text/ngrams.h"

#include <string.h>

#include "base/hash.h"
#include "text/point.h"

#define MULTIPLIER UINT64_C(0x9e3779b97f4a7c15)
#define KIND_SKIP 101
#define KIND_CHARACTERS 201
#define SEED_EDGE 1
#define SEED_CHARACTERS 2
#define POINT_BYTES 4 /* UTF-8 */

typedef struct place {
    uint64_t hash;
    size_t begin, end;
} place;

typedef struct ngram_stream {
    const tci_text_options *options;
    tci_encoded *out;
    place last[TCI_NGRAM_WORDS]; /* token number i at i % TCI_NGRAM_WORDS, the text's begin being number 0 */
    size_t seen;                 /* of those, the begin included */
    size_t end;                  /* byte behind the last token */
    bool plain;                  /* words and pairs of words are all that is wanted, without ranges */
    /* The last code points: their bytes, how many each has, and where its token begins in the text. */
    char bytes[TCI_NGRAM_CHARACTERS * POINT_BYTES];
    uint8_t sizes[TCI_NGRAM_CHARACTERS];
    size_t begins[TCI_NGRAM_CHARACTERS];
    size_t point_count, byte_count;
} ngram_stream;

/* Room for so many features more. */
static inline tc_status make_room(ngram_stream *stream, size_t more)
{
    tci_encoded *out = stream->out;
    size_t needed = out->count + more;
    if (needed > out->capacity)
        TCI_RETURN_IF(
            tci_reserve(out->memory, needed, SIZE_MAX / 16, sizeof *out->ids, "features", &out->capacity, &out->ids));
    if (!out->with_ranges)
        return TC_OK;
    return tci_reserve(out->memory, 2 * needed, SIZE_MAX / 16, sizeof *out->ranges, "feature ranges",
                       &out->range_capacity, &out->ranges);
}

static inline uint32_t feature_of(uint64_t hash, uint64_t buckets, bool light)
{
    uint64_t mixed = (hash ^ hash >> 32) * MULTIPLIER;
    return TCI_FEATURE((mixed >> 32) * buckets >> 32, light);
}

/* There is room. */
static inline void emit(ngram_stream *stream, uint64_t hash, bool light, size_t begin, size_t end)
{
    tci_encoded *out = stream->out;
    if (out->with_ranges) {
        out->ranges[2 * out->count] = begin;
        out->ranges[2 * out->count + 1] = end;
    }
    out->ids[out->count++] = feature_of(hash, stream->options->ngrams.buckets, light);
}

static inline const place *at(const ngram_stream *stream, size_t number)
{
    return &stream->last[number % TCI_NGRAM_WORDS];
}

/* The hash of the n places that end with the last. */
static inline uint64_t hash_of(const ngram_stream *stream, size_t last, size_t n)
{
    uint64_t hash = n + at(stream, last + 1 - n)->hash;
    for (size_t i = 2; i <= n; i++)
        hash = hash * MULTIPLIER + at(stream, last + i - n)->hash;
    return hash;
}

/* end_ngrams() of a word where these are plain, as those of most models are. */
static inline tc_status end_plain(ngram_stream *stream)
{
    tci_encoded *out = stream->out;
    uint64_t buckets = stream->options->ngrams.buckets;
    if (out->capacity - out->count < 2)
        TCI_RETURN_IF(make_room(stream, 2));
    size_t last = stream->seen - 1;
    uint32_t *ids = out->ids + out->count;
    out->count += 2;
    ids[0] = feature_of(1 + at(stream, last)->hash, buckets, false);
    ids[1] = feature_of(hash_of(stream, last, 2), buckets, false);
    return TC_OK;
}

/* Every n-gram and skip that ends with the place put last. `edge`: it is the text's end, which is none alone. */
static tc_status end_ngrams(ngram_stream *stream, bool edge)
{
    const tci_ngram_options *wanted = &stream->options->ngrams;
    size_t last = stream->seen - 1, most = wanted->words < stream->seen ? wanted->words : stream->seen;
    const place *end = at(stream, last);
    TCI_RETURN_IF(make_room(stream, most + 1));
    if (!edge)
        emit(stream, 1 + end->hash, false, end->begin, end->end);
    if (most >= 2)
        emit(stream, hash_of(stream, last, 2), false, at(stream, last - 1)->begin, end->end);
    for (size_t n = 3; n <= most; n++)
        emit(stream, hash_of(stream, last, n), true, at(stream, last + 1 - n)->begin, end->end);
    if (!wanted->skips || last < 2)
        return TC_OK;
    const place *begin = at(stream, last - 2);
    emit(stream, (KIND_SKIP + begin->hash) * MULTIPLIER + end->hash, true, begin->begin, end->end);
    return TC_OK;
}

static void put_place(ngram_stream *stream, uint64_t hash, size_t begin, size_t end)
{
    stream->last[stream->seen++ % TCI_NGRAM_WORDS] = (place){hash, begin, end};
}

/* Takes the next code point; the oldest makes room for it. Emits what ends with it. */
static tc_status put_point(ngram_stream *stream, const char *bytes, size_t size, size_t begin, size_t end)
{
    const tci_ngram_options *wanted = &stream->options->ngrams;
    if (stream->point_count == wanted->chars_max) {
        size_t oldest = stream->sizes[0];
        memmove(stream->bytes, stream->bytes + oldest, stream->byte_count - oldest);
        memmove(stream->sizes, stream->sizes + 1, stream->point_count - 1);
        memmove(stream->begins, stream->begins + 1, (stream->point_count - 1) * sizeof *stream->begins);
        stream->byte_count -= oldest;
        stream->point_count--;
    }
    memcpy(stream->bytes + stream->byte_count, bytes, size);
    stream->begins[stream->point_count] = begin;
    stream->sizes[stream->point_count++] = (uint8_t)size;
    stream->byte_count += size;
    size_t from = stream->byte_count;
    TCI_RETURN_IF(make_room(stream, stream->point_count));
    for (size_t n = 1; n <= stream->point_count; n++) {
        from -= stream->sizes[stream->point_count - n];
        if (n < wanted->chars_min)
            continue;
        uint64_t hash = KIND_CHARACTERS + tci_hash(stream->bytes + from, stream->byte_count - from, SEED_CHARACTERS);
        emit(stream, hash, true, stream->begins[stream->point_count - n], end);
    }
    return TC_OK;
}

static size_t point_size(char first)
{
    uint8_t byte = (uint8_t)first;
    return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

static tc_status put_points(ngram_stream *stream, const char *token, size_t length, size_t begin, size_t end)
{
    for (size_t i = 0, size; i < length; i += size) {
        size = point_size(token[i]);
        TCI_RETURN_IF(put_point(stream, token + i, size, begin, end));
    }
    return TC_OK;
}

/* The first code point of a token, which is valid UTF-8. */
static uint32_t first_point(const char *token)
{
    size_t size = point_size(token[0]);
    uint32_t code = size == 1 ? (uint8_t)token[0] : (uint8_t)token[0] & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; i++)
        code = code << 6 | ((uint8_t)token[i] & 0x3fu);
    return code;
}

/* Characters of "<token>". What ends before ">" cannot be all of it; what ends with it is, where the window holds no
 * less than the token and its two marks: that one is taken back. */
static tc_status token_characters(ngram_stream *stream, const char *token, size_t length, size_t begin, size_t end)
{
    const tci_ngram_options *wanted = &stream->options->ngrams;
    size_t points = 2;
    if (length == 0 || tci_point_of(first_point(token)).kind != TCI_KIND_LETTER)
        return TC_OK;
    for (size_t i = 0; i < length; i += point_size(token[i]))
        points++;
    stream->point_count = stream->byte_count = 0;
    TCI_RETURN_IF(put_point(stream, "<", 1, begin, end));
    TCI_RETURN_IF(put_points(stream, token, length, begin, end));
    TCI_RETURN_IF(put_point(stream, ">", 1, begin, end));
    if (points >= wanted->chars_min && points <= wanted->chars_max)
        stream->out->count--;
    return TC_OK;
}

static tc_status text_characters(ngram_stream *stream, const char *token, size_t length, size_t begin, size_t end)
{
    if (stream->out->tokens == 0 || begin > stream->end)
        TCI_RETURN_IF(put_point(stream, " ", 1, stream->end, begin));
    stream->end = end;
    return put_points(stream, token, length, begin, end);
}

static tc_status take_token(void *context, const char *token, size_t length, size_t begin, size_t end)
{
    ngram_stream *stream = context;
    const tci_text_options *options = stream->options;
    if (options->max_length > 0 && stream->out->tokens >= options->max_length) {
        stream->out->tokens++;
        return TC_OK;
    }
    put_place(stream, tci_hash(token, length, 0), begin, end);
    TCI_RETURN_IF(stream->plain ? end_plain(stream) : end_ngrams(stream, false));
    if (options->ngrams.chars_max > 0 && options->ngrams.across)
        TCI_RETURN_IF(text_characters(stream, token, length, begin, end));
    else if (options->ngrams.chars_max > 0)
        TCI_RETURN_IF(token_characters(stream, token, length, begin, end));
    stream->out->tokens++;
    return TC_OK;
}

static tc_status end_text(ngram_stream *stream, size_t length)
{
    if (stream->out->tokens == 0)
        return TC_OK;
    put_place(stream, tci_hash("</s>", 4, SEED_EDGE), length, length);
    TCI_RETURN_IF(end_ngrams(stream, true));
    if (stream->options->ngrams.chars_max > 0 && stream->options->ngrams.across)
        return put_point(stream, " ", 1, stream->end, length);
    return TC_OK;
}

/* ---- sorting and counting ---- */

#define FEW 24

static void sort_few(uint32_t *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        uint32_t item = items[i];
        size_t k = i;
        for (; k > 0 && items[k - 1] > item; k--)
            items[k] = items[k - 1];
        items[k] = item;
    }
}

/* How often each value of each byte occurs; of three bytes, as most models have them, in a loop of its own. */
static void count_bytes(const uint32_t *items, size_t count, size_t bytes, uint32_t starts[][256])
{
    memset(starts, 0, bytes * sizeof *starts);
    for (size_t i = 0; bytes == 3 && i < count; i++) {
        starts[0][items[i] & 0xff]++;
        starts[1][items[i] >> 8 & 0xff]++;
        starts[2][items[i] >> 16 & 0xff]++;
    }
    for (size_t i = 0; bytes != 3 && i < count; i++) {
        for (size_t byte = 0; byte < bytes; byte++)
            starts[byte][items[i] >> 8 * byte & 0xff]++;
    }
}

/* By bytes, the lowest first; `bytes` of them differ from 0. The sorted items end up in `items`. */
static void sort_by_bytes(uint32_t *items, uint32_t *scratch, size_t count, size_t bytes)
{
    uint32_t *from = items, *to = scratch, starts[sizeof *items][256];
    count_bytes(items, count, bytes, starts);
    for (size_t byte = 0; byte < bytes; byte++) {
        uint32_t *next = starts[byte], sum = 0;
        for (size_t value = 0; value < 256; value++) {
            uint32_t here = next[value];
            next[value] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++)
            to[next[from[i] >> 8 * byte & 0xff]++] = from[i];
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, count * sizeof *items);
}

/* What occurs several times, side by side, becomes one with its count; without a branch, which nobody would foretell.
 * Returns how many are left. */
static size_t merge_equals(uint32_t *items, uint8_t *counts, size_t count)
{
    size_t kept = 0;
    uint32_t times = 1;
    for (size_t i = 0; i < count; i++) {
        bool same = i > 0 && items[i] == items[kept - 1];
        times = same ? times + (times < TCI_FEATURE_COUNT) : 1;
        kept += !same;
        items[kept - 1] = items[i];
        counts[kept - 1] = (uint8_t)times;
    }
    return kept;
}

static tc_status count_features(const tci_text_options *options, tci_encoded *out)
{
    size_t bytes = 0;
    for (uint64_t most = 2 * options->ngrams.buckets - 1; most > 0; most >>= 8)
        bytes++;
    TCI_RETURN_IF(tci_reserve(out->memory, out->count, SIZE_MAX / 16, sizeof *out->scratch, "features",
                              &out->scratch_capacity, &out->scratch));
    TCI_RETURN_IF(tci_reserve(out->memory, out->count, SIZE_MAX / 16, sizeof *out->counts, "feature counts",
                              &out->count_capacity, &out->counts));
    if (out->count <= FEW)
        sort_few(out->ids, out->count);
    else
        sort_by_bytes(out->ids, out->scratch, out->count, bytes);
    out->count = merge_equals(out->ids, out->counts, out->count);
    return TC_OK;
}

tc_status tci_ngrams_encode(const tci_text_options *options, const char *text, size_t length, tci_encoded *encoded)
{
    const tci_ngram_options *wanted = &options->ngrams;
    ngram_stream stream = {
        .options = options, .out = encoded, .plain = wanted->words == 2 && !wanted->skips && !encoded->with_ranges};
    encoded->count = encoded->tokens = 0;
    put_place(&stream, tci_hash("<s>", 3, SEED_EDGE), 0, 0);
    tc_status status = tci_tokenize(options, encoded->memory, text, length, take_token, &stream);
    if (status == TC_OK)
        status = end_text(&stream, length);
    if (status == TC_OK && !encoded->with_ranges)
        status = count_features(options, encoded);
    if (status != TC_OK)
        encoded->count = encoded->tokens = 0;
    return status;
}
