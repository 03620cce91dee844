/* subword_encode.c: one text through a tokenizer: added tokens as they stand, and what is between them through
 * normalizers, added tokens again, pre-tokenizers, model.
 *
 * Where all stages are local, what is between is taken in pieces of some kilobytes, so that working memory stays small
 * and warm. What a short word gave is kept: the same words come again and again, and a model is a function of a word's
 * bytes. Ranges are of the text in hand; where that is the caller's with its ill-formed parts replaced, they are
 * carried over to the caller's at the end. */
#include "base/hash.h"
#include "text/decode.h"
#include "text/subword_internal.h"

#define PIECE_BYTES 16384
#define BATCH 256

/* ---- words seen before ---- */

#define KNOWN_WORDS 8192 /* a power of two */
#define KNOWN_BYTES 26
#define KNOWN_TOKENS 6

/* 64 bytes; `length` 0: free. */
typedef struct known_word {
    uint32_t ids[KNOWN_TOKENS];
    uint8_t begins[KNOWN_TOKENS], ends[KNOWN_TOKENS];
    uint8_t length, count;
    char bytes[KNOWN_BYTES];
} known_word;

struct tci_subword_scratch {
    tci_memory *memory;
    const tci_subword *owner; /* whose words are known: it may be gone */
    uint64_t owner_stamp;
    known_word *known; /* (KNOWN_WORDS) */
    tci_work work;
    tci_aligned repaired, normalized[2], rewritten[2];
    tci_pieces pieces[2];
    tci_word_tokens tokens;
    uint32_t ids[BATCH];
    uint64_t ranges[2 * BATCH];
};

tc_status tci_subword_scratch_create(tci_memory *memory, tci_subword_scratch **scratch)
{
    tci_subword_scratch *made = NULL;
    *scratch = NULL;
    TCI_RETURN_IF(tci_alloc_zero(memory, 1, sizeof *made, "a tokenizer's working memory", &made));
    tc_status status = tci_alloc_zero(memory, KNOWN_WORDS, sizeof *made->known, "words seen before", &made->known);
    made->memory = memory;
    tci_work_init(&made->work, memory);
    tci_aligned_init(&made->repaired, memory);
    for (size_t i = 0; i < 2; i++) {
        tci_aligned_init(&made->normalized[i], memory);
        tci_aligned_init(&made->rewritten[i], memory);
        made->pieces[i].memory = memory;
    }
    made->tokens.memory = memory;
    if (status != TC_OK) {
        tci_subword_scratch_free(made);
        return status;
    }
    *scratch = made;
    return TC_OK;
}

void tci_subword_scratch_free(tci_subword_scratch *scratch)
{
    if (!scratch)
        return;
    tci_free(scratch->memory, scratch->known);
    tci_work_free(&scratch->work);
    tci_aligned_free(&scratch->repaired);
    for (size_t i = 0; i < 2; i++) {
        tci_aligned_free(&scratch->normalized[i]);
        tci_aligned_free(&scratch->rewritten[i]);
        tci_free(scratch->memory, scratch->pieces[i].items);
    }
    tci_free(scratch->memory, scratch->tokens.items);
    tci_free(scratch->memory, scratch);
}

/* ---- tokens out ---- */

typedef struct encoder {
    const tci_subword *subword;
    tci_subword_scratch *scratch;
    const char *text; /* in hand: the caller's, or the repaired one */
    size_t size;
    bool is_repaired;
    bool began;  /* a token was put out */
    size_t most; /* bytes that stages may make of the piece in hand */
    size_t pending;
    tci_subword_function function;
    tci_subword_word_function words; /* not NULL: they alone are wanted */
    void *context;
} encoder;

static tc_status flush(encoder *e)
{
    size_t count = e->pending;
    e->pending = 0;
    return count > 0 ? e->function(e->context, e->scratch->ids, e->scratch->ranges, count) : TC_OK;
}

static bool continues(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

/* `trim_offsets`: white space at the token's ends is counted in its text, and taken off its range in code points. */
static void trim(const encoder *e, tci_token_margin margin, size_t *begin, size_t *end)
{
    size_t before = margin.before, after = margin.after, at = *end;
    if (before > 0 && e->subword->trims_prefix && (!e->began || *begin == 0))
        before--;
    for (; before > 0 && *begin < *end; before--)
        do
            ++*begin;
        while (*begin < *end && continues(e->text[*begin]));
    for (; after > 0 && at > 0; after--)
        do
            at--;
        while (at > 0 && continues(e->text[at]));
    if (after == 0)
        *end = at > *begin ? at : *begin;
}

static tc_status put(encoder *e, uint32_t id, size_t begin, size_t end)
{
    if (e->pending == BATCH)
        TCI_RETURN_IF(flush(e));
    if (e->is_repaired) {
        const tci_span *spans = e->scratch->repaired.spans;
        size_t last = end > begin ? end - 1 : begin;
        end = end > begin ? spans[last].end : begin < e->size ? spans[begin].begin : begin;
        begin = begin < e->size ? spans[begin].begin : end;
    }
    e->scratch->ids[e->pending] = id;
    e->scratch->ranges[2 * e->pending] = begin;
    e->scratch->ranges[2 * e->pending++ + 1] = end;
    e->began = true;
    return TC_OK;
}

static tc_status put_trimmed(encoder *e, uint32_t id, size_t begin, size_t end)
{
    if (e->subword->trims)
        trim(e, e->subword->margins[id], &begin, &end);
    return put(e, id, begin, end);
}

/* An added token that stands in `text`. */
static tc_status put_added(encoder *e, const tci_aligned *text, const tci_added_match *match, size_t base)
{
    if (e->words)
        return TC_OK;
    tci_span span = tci_aligned_range(text, match->begin, match->end);
    size_t begin = base + span.begin, end = base + span.end;
    if (e->subword->trims)
        trim(e, tci_token_margin_of(e->subword->sets, text->bytes + match->begin, match->end - match->begin), &begin,
             &end);
    return put(e, e->subword->added.tokens[match->place].id, begin, end);
}

/* ---- words ---- */

static tc_status put_word_token(encoder *e, const tci_aligned *text, size_t word, tci_word_token token, size_t base)
{
    size_t begin = word + token.begin, end = word + token.end;
    tci_span span = tci_aligned_range(text, begin, end);
    return put_trimmed(e, token.id, base + span.begin, base + span.end);
}

static void keep_word(known_word *known, const char *word, size_t length, const tci_word_tokens *tokens)
{
    if (tokens->count > KNOWN_TOKENS)
        return;
    known->length = (uint8_t)length;
    known->count = (uint8_t)tokens->count;
    memcpy(known->bytes, word, length);
    for (size_t i = 0; i < tokens->count; i++) {
        known->ids[i] = tokens->items[i].id;
        known->begins[i] = (uint8_t)tokens->items[i].begin;
        known->ends[i] = (uint8_t)tokens->items[i].end;
    }
}

static tc_status encode_word(encoder *e, const tci_aligned *text, tci_piece piece, size_t base)
{
    tci_subword_scratch *scratch = e->scratch;
    const char *word = text->bytes + piece.begin;
    size_t length = piece.end - piece.begin;
    known_word *known = NULL;
    if (e->words)
        return e->words(e->context, word, length);
    if (length <= KNOWN_BYTES) {
        known = &scratch->known[tci_hash(word, length, 0) % KNOWN_WORDS];
        if (known->length == length && memcmp(known->bytes, word, length) == 0) {
            for (size_t i = 0; i < known->count; i++) {
                tci_word_token token = {known->ids[i], known->begins[i], known->ends[i]};
                TCI_RETURN_IF(put_word_token(e, text, piece.begin, token, base));
            }
            return TC_OK;
        }
    }
    scratch->tokens.count = 0;
    TCI_RETURN_IF(e->subword->model->tokenize(e->subword->model_self, word, length, &scratch->work, &scratch->tokens));
    if (known)
        keep_word(known, word, length, &scratch->tokens);
    for (size_t i = 0; i < scratch->tokens.count; i++)
        TCI_RETURN_IF(put_word_token(e, text, piece.begin, scratch->tokens.items[i], base));
    return TC_OK;
}

/* What stages may make of `size` bytes, all together: no text becomes as much by a tokenizer that somebody made for
 * texts, and twenty stages that each double it must not fill the memory. */
static size_t most_of(size_t size)
{
    const size_t beside = 1 << 20, factor = 64;
    return size < (TCI_ALIGNED_MAX - beside) / factor ? beside + factor * size : TCI_ALIGNED_MAX;
}

/* The part [begin, end) of normalized text: pre-tokenizers one after the other, each on all pieces, then the model. */
static tc_status encode_words(encoder *e, const tci_aligned *text, size_t begin, size_t end, size_t base)
{
    const tci_subword *subword = e->subword;
    tci_subword_scratch *scratch = e->scratch;
    tci_pieces *pieces = &scratch->pieces[0], *next = &scratch->pieces[1], *swapped;
    pieces->count = 0;
    TCI_RETURN_IF(tci_pieces_add(pieces, begin, end));
    size_t rewrites = 0;
    for (size_t k = 0; k < subword->pretokenizer_count; k++) {
        const tci_pretokenizer_kind *kind = subword->pretokenizers[k].kind;
        const void *self = subword->pretokenizers[k].self;
        if (kind->rewrite) {
            tci_aligned *out = &scratch->rewritten[rewrites++ % 2];
            tci_aligned_clear(out);
            out->most = e->most;
            for (size_t i = 0; i < pieces->count; i++) {
                size_t from = out->size;
                TCI_RETURN_IF(kind->rewrite(self, text, pieces->items[i], base, out));
                pieces->items[i] = (tci_piece){(uint32_t)from, (uint32_t)out->size};
            }
            TCI_RETURN_IF(tci_aligned_check(out));
            text = out;
        }
        if (!kind->split)
            continue;
        next->count = 0;
        for (size_t i = 0; i < pieces->count; i++)
            if (pieces->items[i].begin < pieces->items[i].end)
                TCI_RETURN_IF(kind->split(self, text, pieces->items[i], &scratch->work, next));
        swapped = pieces;
        pieces = next;
        next = swapped;
    }
    for (size_t i = 0; i < pieces->count; i++)
        if (pieces->items[i].begin < pieces->items[i].end)
            TCI_RETURN_IF(encode_word(e, text, pieces->items[i], base));
    return TC_OK;
}

tc_status tci_subword_normalize(const tci_subword *subword, const tci_aligned *text, tci_aligned between[2],
                                tci_work *work, const tci_aligned **result)
{
    *result = text;
    for (size_t i = 0; i < subword->normalizer_count; i++) {
        tci_aligned *out = &between[i % 2];
        tci_aligned_clear(out);
        out->most = most_of(text->size);
        TCI_RETURN_IF(subword->normalizers[i].kind->normalize(subword->normalizers[i].self, *result, out, work));
        TCI_RETURN_IF(tci_aligned_check(out));
        *result = out;
    }
    return TC_OK;
}

/* The bytes [begin, end) of the text in hand, in which no raw added token stands. */
static tc_status encode_piece(encoder *e, size_t begin, size_t end)
{
    tci_subword_scratch *scratch = e->scratch;
    tci_aligned view = tci_aligned_view(e->text + begin, end - begin);
    const tci_aligned *text;
    if (view.size > TCI_ALIGNED_MAX)
        return tci_fail(TC_ERROR_LIMIT, "a text of %zu bytes that cannot be taken in pieces; at most %zu are accepted",
                        view.size, TCI_ALIGNED_MAX);
    e->most = most_of(view.size);
    TCI_RETURN_IF(tci_subword_normalize(e->subword, &view, scratch->normalized, &scratch->work, &text));
    tci_added_search search = {
        &e->subword->added, &e->subword->added.normalized, e->subword->sets, text->bytes, text->size, 0, 0, 0};
    tci_added_match match;
    for (size_t from = 0;; from = search.taken) {
        bool found = tci_added_next(&search, &match);
        size_t to = found ? match.begin : text->size;
        if (from < to)
            TCI_RETURN_IF(encode_words(e, text, from, to, begin));
        if (!found)
            return TC_OK;
        TCI_RETURN_IF(put_added(e, text, &match, begin));
    }
}

static bool is_alphanumeric(char c)
{
    return (unsigned char)((c | 0x20) - 'a') < 26 || (unsigned char)(c - '0') < 10;
}

/* The first place to cut at or behind `at` (stage.h), or `end`. */
static size_t find_cut(const char *text, size_t at, size_t end)
{
    for (; at + 1 < end; at++) {
        const char *space = memchr(text + at, ' ', end - 1 - at);
        if (!space)
            break;
        at = (size_t)(space - text);
        if (is_alphanumeric(text[at - 1]) && is_alphanumeric(text[at + 1]))
            return at;
    }
    return end;
}

static tc_status encode_between(encoder *e, size_t begin, size_t end)
{
    while (begin < end) {
        bool cuts = e->subword->is_local && end - begin > PIECE_BYTES;
        size_t cut = cuts ? find_cut(e->text, begin + PIECE_BYTES, end) : end;
        TCI_RETURN_IF(encode_piece(e, begin, cut));
        begin = cut;
    }
    return TC_OK;
}

/* ---- the text ---- */

/* The caller's text with U+FFFD for each ill-formed part. */
static tc_status repair(encoder *e, const char *text, size_t length, size_t good)
{
    tci_aligned *out = &e->scratch->repaired;
    tci_aligned whole = tci_aligned_view(text, length);
    if (length > TCI_ALIGNED_MAX)
        return tci_fail(TC_ERROR_LIMIT, "a text of %zu bytes that is no UTF-8; at most %zu are accepted", length,
                        TCI_ALIGNED_MAX);
    tci_aligned_clear(out);
    TCI_RETURN_IF(tci_aligned_copy(out, &whole, 0, good));
    TCI_RETURN_IF(tci_aligned_open(out, length - good));
    for (size_t at = good; at < length;) {
        uint32_t code;
        size_t taken = tci_decode((const uint8_t *)text + at, length - at, &code);
        tci_span span = {(uint32_t)at, (uint32_t)(at + taken)};
        TCI_RETURN_IF(tci_aligned_put_code(out, code == TCI_ILL_FORMED ? TCI_REPLACEMENT : code, span));
        at += taken;
    }
    e->text = out->bytes;
    e->size = out->size;
    e->is_repaired = true;
    return TC_OK;
}

static tc_status encode(encoder *e)
{
    const tci_subword *subword = e->subword;
    tci_subword_scratch *scratch = e->scratch;
    size_t good = e->size == 0 ? 0 : tci_utf8_prefix(e->text, e->size);
    if (scratch->owner != subword || scratch->owner_stamp != subword->stamp) {
        memset(scratch->known, 0, KNOWN_WORDS * sizeof *scratch->known);
        scratch->owner = subword;
        scratch->owner_stamp = subword->stamp;
    }
    if (good < e->size)
        TCI_RETURN_IF(repair(e, e->text, e->size, good));
    tci_added_search search = {&subword->added, &subword->added.raw, subword->sets, e->text, e->size, 0, 0, 0};
    tci_added_match match;
    for (size_t from = 0;; from = search.taken) {
        bool found = tci_added_next(&search, &match);
        TCI_RETURN_IF(encode_between(e, from, found ? match.begin : e->size));
        if (!found)
            return flush(e);
        tci_aligned view = tci_aligned_view(e->text + match.begin, match.end - match.begin);
        match.end -= match.begin;
        size_t base = match.begin;
        match.begin = 0;
        TCI_RETURN_IF(put_added(e, &view, &match, base));
    }
}

tc_status tci_subword_encode(const tci_subword *subword, tci_subword_scratch *scratch, const char *text, size_t length,
                             tci_subword_function function, void *context)
{
    encoder e = {.subword = subword, .scratch = scratch, .text = text, .size = length};
    e.function = function;
    e.context = context;
    return encode(&e);
}

tc_status tci_subword_words(const tci_subword *subword, tci_subword_scratch *scratch, const char *text, size_t length,
                            tci_subword_word_function function, void *context)
{
    encoder e = {.subword = subword, .scratch = scratch, .text = text, .size = length};
    e.words = function;
    e.context = context;
    return encode(&e);
}
