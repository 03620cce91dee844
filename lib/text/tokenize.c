/* tokenize.c: the text pipeline as a chain of stages that each hold one segment or one token at most:
 *
 *     decode -> clean -> normalize -> fold -> normalize -> cut
 *
 * ASCII neither composes backwards nor changes under normalization, so all of an ASCII run but its last letter (to which
 * marks may follow) goes straight to the cutter; so do ideographs, which compose with nothing. */
#include <string.h>

#include "text/cut.h"
#include "text/decode.h"
#include "text/normalize.h"
#include "text/pipeline.h"
#include "text/point.h"

typedef struct stream {
    const tci_text_options *options;
    tci_normalizer first;  /* of the text */
    tci_normalizer second; /* of what folding made of it */
    tci_cutter cutter;
} stream;

static tc_status cut_segment(void *context, const tci_point *points, size_t count, size_t begin, size_t end)
{
    tci_cutter *cutter = context;
    for (size_t i = 0; i < count; i++)
        TCI_RETURN_IF(tci_cutter_put(cutter, points[i], begin, end));
    return TC_OK;
}

static tc_status put_unfolded(stream *s, const tci_point *points, size_t count, size_t begin, size_t end)
{
    if (count == 0)
        return TC_OK;
    if (s->options->normalize == TCI_NORMALIZE_NONE)
        return cut_segment(&s->cutter, points, count, begin, end);
    return tci_normalizer_pass(&s->second, points, count, begin, end);
}

static tc_status put_folded(stream *s, uint32_t code, size_t begin, size_t end)
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
    stream *s = context;
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

static tc_status put_point(stream *s, uint32_t code, size_t begin, size_t end)
{
    tci_point point = tci_point_of(code);
    if (s->options->normalize != TCI_NORMALIZE_NONE)
        return tci_normalizer_push(&s->first, point, begin, end);
    if (s->options->lowercase)
        return fold_segment(s, &point, 1, begin, end);
    return tci_cutter_put(&s->cutter, point, begin, end);
}

static tc_status flush_normalizers(stream *s)
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
static tc_status put_ascii_run(stream *s, const char *text, size_t begin, size_t end)
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

static tc_status put_other(stream *s, uint32_t code, size_t begin, size_t end)
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

static tc_status check_utf8(const char *text, size_t length)
{
    size_t good = tci_utf8_prefix(text, length);
    if (good == length)
        return TC_OK;
    return tci_fail(TC_ERROR_ENCODING,
                    "the text is not valid UTF-8 at byte %zu (value %u); strict_utf8 false would read U+FFFD there",
                    good, (unsigned)(uint8_t)text[good]);
}

tc_status tci_tokenize(const tci_text_options *options, tci_memory *memory, const char *text, size_t length,
                       tci_token_function function, void *context)
{
    (void)memory; /* all state is of fixed size */
    /* Before the first token, so that a refused text leaves no tokens behind. */
    if (options->strict_utf8)
        TCI_RETURN_IF(check_utf8(text, length));
    stream s;
    s.options = options;
    tci_cutter_init(&s.cutter, options->tokenizer, function, context);
    bool compatible = options->normalize == TCI_NORMALIZE_NFKC;
    if (options->lowercase)
        tci_normalizer_init(&s.first, compatible, fold_segment, &s);
    else
        tci_normalizer_init(&s.first, compatible, cut_segment, &s.cutter);
    tci_normalizer_init(&s.second, compatible, cut_segment, &s.cutter);
    for (size_t at = 0; at < length;) {
        if ((uint8_t)text[at] < 0x80) {
            size_t end = ascii_end(text, at, length);
            TCI_RETURN_IF(put_ascii_run(&s, text, at, end));
            at = end;
            continue;
        }
        uint32_t code;
        size_t size = tci_decode((const uint8_t *)text + at, length - at, &code);
        TCI_RETURN_IF(put_other(&s, code == TCI_ILL_FORMED ? TCI_REPLACEMENT : code, at, at + size));
        at += size;
    }
    TCI_RETURN_IF(flush_normalizers(&s));
    return tci_cutter_close(&s.cutter);
}
