/* long_text.c: counting once, then tokenizing again from remembered places.
 *
 * Where the array of places is full, every second one is dropped and segments become twice as long, so that from then
 * on there are 64 to 128 of them. Places lie between pieces of the stream, and a stream put back takes the same pieces
 * again: a segment always has the tokens that were counted. Truncation is a gap in the count: kept ids from `head` on
 * are those of tokens `skipped` further. */
#include "text/long_text.h"

#include <string.h>

#include "text/tokenize.h"

#define PLACES 128
#define NO_SEGMENT SIZE_MAX

/* Between two pieces of the text. */
typedef struct place {
    tci_stream stream;
    size_t at;     /* bytes taken */
    size_t tokens; /* tokens given */
} place;

struct tci_long_text {
    tci_memory *memory;
    const tci_vocabulary *vocabulary;
    const char *text;
    size_t length;
    size_t tokens; /* of the whole text */
    size_t head, skipped;
    tci_decompositions caches[2];
    place now; /* the places' streams are copies of this one's */
    place places[PLACES];
    size_t place_count;
    /* ids of the tokens [first, first + count), which are segment `held` */
    uint32_t *ids;
    size_t capacity, first, count, held;
};

bool tci_text_is_long(const tci_text_options *options, size_t length)
{
    return length > TCI_LONG_TEXT_BYTES && options->ngrams.buckets == 0 && !options->ngrams.bag &&
           options->truncate != TCI_TRUNCATE_WINDOWS &&
           (options->max_length == 0 || options->max_length > TCI_LONG_TEXT_SEGMENT);
}

tc_status tci_long_text_create(tci_memory *memory, tci_long_text **long_text)
{
    TCI_RETURN_IF(tci_alloc(memory, 1, sizeof **long_text, "places in a long text", long_text));
    (*long_text)->memory = memory; /* the rest begins with a text */
    (*long_text)->ids = NULL;
    (*long_text)->capacity = 0;
    return TC_OK;
}

void tci_long_text_free(tci_long_text *t)
{
    if (!t)
        return;
    tci_free(t->memory, t->ids);
    tci_free(t->memory, t);
}

size_t tci_long_text_bytes(const tci_long_text *t)
{
    return t ? sizeof *t + t->capacity * sizeof *t->ids : 0;
}

static tc_status take_token(void *context, const char *token, size_t length, size_t begin, size_t end)
{
    tci_long_text *t = context;
    size_t at = t->now.tokens++ - t->first;
    (void)begin;
    (void)end;
    if (at < t->count)
        t->ids[at] = tci_vocabulary_find(t->vocabulary, token, length);
    return TC_OK;
}

static size_t segment_end(const tci_long_text *t, size_t segment)
{
    return segment + 1 < t->place_count ? t->places[segment + 1].tokens : t->tokens;
}

/* Puts a place here, after at least `segment` tokens; answers how many there must be before the next. */
static size_t put_place(tci_long_text *t, size_t segment)
{
    if (t->place_count == PLACES) {
        t->place_count = PLACES / 2;
        for (size_t i = 1; i < t->place_count; i++)
            t->places[i] = t->places[2 * i];
        segment *= 2;
    }
    t->places[t->place_count++] = t->now;
    return segment;
}

static tc_status count_tokens(tci_long_text *t, size_t segment)
{
    place *now = &t->now;
    t->place_count = t->first = t->count = 0;
    t->held = NO_SEGMENT;
    now->at = now->tokens = 0;
    (void)put_place(t, segment);
    while (now->at < t->length) {
        TCI_RETURN_IF(tci_stream_take(&now->stream, t->text, t->length, &now->at));
        if (now->tokens - t->places[t->place_count - 1].tokens >= segment)
            segment = put_place(t, segment);
    }
    TCI_RETURN_IF(tci_stream_end(&now->stream));
    t->tokens = now->tokens;
    return TC_OK;
}

tc_status tci_long_text_begin(tci_long_text *t, const tci_pipeline *pipeline, const char *text, size_t length,
                              size_t segment, size_t *tokens, size_t *count)
{
    const tci_text_options *options = &pipeline->options;
    size_t longest = 0;
    TCI_RETURN_IF(tci_text_check(options, text, length));
    t->vocabulary = pipeline->vocabulary;
    t->text = text;
    t->length = length;
    tci_stream_begin(&t->now.stream, options, t->caches, take_token, t);
    TCI_RETURN_IF(count_tokens(t, segment));
    for (size_t i = 0; i < t->place_count; i++) {
        size_t length_of = segment_end(t, i) - t->places[i].tokens;
        longest = length_of > longest ? length_of : longest;
    }
    TCI_RETURN_IF(tci_reserve(t->memory, longest, longest + longest / 16 + 16, sizeof *t->ids, "ids of a long text",
                              &t->capacity, &t->ids));
    t->head = tci_head_length(options);
    t->skipped = options->max_length != 0 && t->tokens > options->max_length ? t->tokens - options->max_length : 0;
    *tokens = t->tokens;
    *count = t->tokens - t->skipped;
    return TC_OK;
}

/* Makes the ids of a segment. */
static tc_status load(tci_long_text *t, size_t segment)
{
    place *now = &t->now;
    size_t end = segment_end(t, segment);
    *now = t->places[segment];
    t->first = now->tokens;
    t->count = end - t->first;
    t->held = NO_SEGMENT;
    while (now->tokens < end && now->at < t->length)
        TCI_RETURN_IF(tci_stream_take(&now->stream, t->text, t->length, &now->at));
    if (now->tokens < end)
        TCI_RETURN_IF(tci_stream_end(&now->stream));
    if (now->tokens != end)
        return tci_fail(TC_ERROR_ARGUMENT,
                        "the text changed while it was read: tokens %zu to %zu end at token %zu; it must stay as it is "
                        "until the call returns",
                        t->first, end, now->tokens);
    t->held = segment;
    return TC_OK;
}

/* Those of the tokens [first, end) that are in the segment at hand. */
static void copy_held(const tci_long_text *t, size_t first, size_t end, uint32_t *ids)
{
    size_t from = first > t->first ? first : t->first;
    size_t to = end < t->first + t->count ? end : t->first + t->count;
    if (t->held != NO_SEGMENT && from < to)
        memcpy(ids + (from - first), t->ids + (from - t->first), (to - from) * sizeof *ids);
}

/* Begins with the segment at hand, then makes others: that is the next one in whichever direction is read. */
static tc_status read_tokens(tci_long_text *t, size_t first, size_t end, uint32_t *ids)
{
    size_t had = t->held, segment = 0;
    copy_held(t, first, end, ids);
    while (segment + 1 < t->place_count && t->places[segment + 1].tokens <= first)
        segment++;
    for (; segment < t->place_count && t->places[segment].tokens < end; segment++) {
        if (segment == had)
            continue;
        TCI_RETURN_IF(load(t, segment));
        copy_held(t, first, end, ids);
    }
    return TC_OK;
}

tc_status tci_long_text_read(tci_long_text *t, size_t first, size_t count, uint32_t *ids)
{
    size_t end = first + count;
    if (first < t->head)
        TCI_RETURN_IF(read_tokens(t, first, end < t->head ? end : t->head, ids));
    if (end <= t->head)
        return TC_OK;
    size_t behind = first > t->head ? first : t->head;
    return read_tokens(t, behind + t->skipped, end + t->skipped, ids + (behind - first));
}
