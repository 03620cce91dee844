/* tokenize.c: the text pipeline as a chain of stages that each hold one segment or one token at most:
 *
 *     decode -> clean -> normalize -> fold -> normalize -> cut
 *
 * ASCII neither composes backwards nor changes under normalization, so all of an ASCII run but its last letter (to
 * which marks may follow) goes straight to the cutter; so do ideographs, which compose with nothing. */
#include "text/tokenize.h"

#include <string.h>

#include "text/decode.h"
#include "text/point.h"

#define ASCII_PIECE 4096 /* bytes of a run that are taken at once */

static tc_status cut_segment(void *context, const tci_point *points, size_t count, size_t begin, size_t end)
{
    tci_cutter *cutter = context;
    for (size_t i = 0; i < count; i++)
        TCI_RETURN_IF(tci_cutter_put(cutter, points[i], begin, end));
    return TC_OK;
}

static tc_status put_unfolded(tci_stream *s, const tci_point *points, size_t count, size_t begin, size_t end)
{
    if (count == 0)
        return TC_OK;
    if (s->options->normalize == TCI_NORMALIZE_NONE)
        return cut_segment(&s->cutter, points, count, begin, end);
    return tci_normalizer_pass(&s->second, points, count, begin, end);
}

static tc_status put_folded(tci_stream *s, uint32_t code, size_t begin, size_t end)
{
    uint32_t folded[TCI_DECOMPOSED_MAX];
    size_t count = tci_point_fold(code, folded);
    for (size_t i = 0; i < count; i++) {
        tci_point point = tci_point_of(folded[i]);
        if (s->options->normalize == TCI_NORMALIZE_NONE)
            TCI_RETURN_IF(tci_cutter_put(&s->cutter, point, begin, end));
        else
            TCI_RETURN_IF(tci_normalizer_push(&s->second, point, begin, end));
    }
    return TC_OK;
}

static tc_status fold_segment(void *context, const tci_point *points, size_t count, size_t begin, size_t end)
{
    tci_stream *s = context;
    size_t unfolded = 0; /* from where nothing folds */
    for (size_t i = 0; i < count; i++) {
        if (!(points[i].flags & TCI_POINT_FOLDS))
            continue;
        TCI_RETURN_IF(put_unfolded(s, points + unfolded, i - unfolded, begin, end));
        TCI_RETURN_IF(put_folded(s, points[i].code, begin, end));
        unfolded = i + 1;
    }
    return put_unfolded(s, points + unfolded, count - unfolded, begin, end);
}

static tc_status put_point(tci_stream *s, uint32_t code, size_t begin, size_t end)
{
    tci_point point = tci_point_of(code);
    if (s->options->normalize != TCI_NORMALIZE_NONE)
        return tci_normalizer_push(&s->first, point, begin, end);
    if (s->options->lowercase)
        return fold_segment(s, &point, 1, begin, end);
    return tci_cutter_put(&s->cutter, point, begin, end);
}

static tc_status flush_normalizers(tci_stream *s)
{
    TCI_RETURN_IF(tci_normalizer_flush(&s->first));
    return tci_normalizer_flush(&s->second);
}

/* Where the run of ASCII that begins at `at` ends. */
static size_t ascii_end(const char *text, size_t at, size_t length)
{
    while (at < length) {
        uint64_t eight;
        if (length - at >= sizeof eight) {
            memcpy(&eight, text + at, sizeof eight);
            if (!(eight & 0x8080808080808080u)) {
                at += sizeof eight;
                continue;
            }
        }
        if ((uint8_t)text[at] >= 0x80)
            break;
        at++;
    }
    return at;
}

/* An ASCII run [begin, end). Controls that cleaning drops leave no trace: a mark after them goes to what was before. */
static tc_status put_ascii_run(tci_stream *s, const char *text, size_t begin, size_t end)
{
    const tci_text_options *options = s->options;
    size_t last = end;
    while (options->clean_controls && last > begin && tci_point_is_dropped((uint8_t)text[last - 1]))
        last--;
    if (last == begin)
        return TC_OK;
    TCI_RETURN_IF(flush_normalizers(s));
    TCI_RETURN_IF(tci_cutter_put_ascii(&s->cutter, text, begin, last - 1, options->lowercase, options->clean_controls));
    return put_point(s, (uint8_t)text[last - 1], last - 1, last);
}

static tc_status put_other(tci_stream *s, uint32_t code, size_t begin, size_t end)
{
    if (tci_point_is_inert(code)) {
        tci_point point = {code, 0, code == TCI_REPLACEMENT ? TCI_KIND_OTHER : TCI_KIND_SOLO, 0};
        TCI_RETURN_IF(flush_normalizers(s));
        return tci_cutter_put(&s->cutter, point, begin, end);
    }
    if (s->options->clean_controls && tci_point_is_dropped(code))
        return TC_OK;
    return put_point(s, code, begin, end);
}

tc_status tci_text_check(const tci_text_options *options, const char *text, size_t length)
{
    size_t good = options->strict_utf8 ? tci_utf8_prefix(text, length) : length;
    if (good == length)
        return TC_OK;
    return tci_fail(TC_ERROR_ENCODING,
                    "the text is not valid UTF-8 at byte %zu (value %u); strict_utf8 false would read U+FFFD there",
                    good, (unsigned)(uint8_t)text[good]);
}

void tci_stream_begin(tci_stream *s, const tci_text_options *options, tci_decompositions caches[2],
                      tci_token_function function, void *context)
{
    bool compatible = options->normalize == TCI_NORMALIZE_NFKC;
    s->options = options;
    tci_cutter_init(&s->cutter, options->tokenizer, function, context);
    if (options->lowercase)
        tci_normalizer_init(&s->first, &caches[0], compatible, fold_segment, s);
    else
        tci_normalizer_init(&s->first, &caches[0], compatible, cut_segment, &s->cutter);
    tci_normalizer_init(&s->second, &caches[1], compatible, cut_segment, &s->cutter);
}

/* The piece that begins at `begin`; *end is behind it. */
static inline tc_status take(tci_stream *s, const char *text, size_t length, size_t begin, size_t *end)
{
    if ((uint8_t)text[begin] < 0x80) {
        *end = ascii_end(text, begin, length - begin > ASCII_PIECE ? begin + ASCII_PIECE : length);
        return put_ascii_run(s, text, begin, *end);
    }
    uint32_t code;
    *end = begin + tci_decode((const uint8_t *)text + begin, length - begin, &code);
    return put_other(s, code == TCI_ILL_FORMED ? TCI_REPLACEMENT : code, begin, *end);
}

tc_status tci_stream_take(tci_stream *s, const char *text, size_t length, size_t *at)
{
    return take(s, text, length, *at, at);
}

tc_status tci_stream_end(tci_stream *s)
{
    TCI_RETURN_IF(flush_normalizers(s));
    return tci_cutter_close(&s->cutter);
}

tc_status tci_tokenize(const tci_text_options *options, tci_memory *memory, const char *text, size_t length,
                       tci_token_function function, void *context)
{
    (void)memory; /* all state is of fixed size */
    tci_stream stream;
    tci_decompositions caches[2];
    TCI_RETURN_IF(tci_text_check(options, text, length));
    tci_stream_begin(&stream, options, caches, function, context);
    for (size_t at = 0; at < length;)
        TCI_RETURN_IF(take(&stream, text, length, at, &at));
    return tci_stream_end(&stream);
}
