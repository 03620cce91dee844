/* bert_text.c: BERT's normalization in one pass, and its words.
 *
 * The package goes over the text once per step; here a code point passes all steps before the next one is read. What
 * stands in the way is canonical decomposition, which reorders runs of marks, and gives them the ranges of the code
 * points in their old order: a run is held back until it ends (marks that are stripped, almost always). */
#include "text/bert_text.h"

#include "text/decode.h"
#include "text/point.h"

/* A mark of a run: in the order of the text, then by class. */
typedef struct held_mark {
    uint32_t code;
    tci_span span; /* of the code point it came from */
    uint8_t combining;
    bool inserted; /* by a decomposition, behind its first code point */
} held_mark;

typedef struct bert_pass {
    const tci_bert_normalizer *self;
    const tci_code_sets *sets;
    tci_aligned *out;
    tci_work *work;
    held_mark *marks;
    size_t count, capacity;
    bool stays;    /* one of the marks is not stripped */
    tci_span last; /* of the code point that was decomposed last */
} bert_pass;

static tc_status put_lower(bert_pass *pass, uint32_t code, tci_span span)
{
    uint32_t lower[2] = {code};
    size_t count = pass->self->lowercase ? tci_code_lower(pass->sets, code, lower) : 1;
    for (size_t i = 0; i < count; i++)
        TCI_RETURN_IF(tci_aligned_put_code(pass->out, lower[i], span));
    return TC_OK;
}

/* Marks of one class keep their order: as many passes over the run as it has classes. */
static tc_status end_run(bert_pass *pass)
{
    if (pass->count == 0)
        return TC_OK;
    size_t count = pass->count, written = 0;
    pass->count = 0;
    if (!pass->stays)
        return TC_OK;
    size_t place = 0; /* of the next code point of the text that no mark stands for yet */
    tci_span span = pass->last;
    for (unsigned next = 1; next < 256 && written < count;) {
        unsigned combining = next, after = 256;
        for (size_t i = 0; i < count; i++) {
            const held_mark *mark = &pass->marks[i];
            if (mark->combining > combining && mark->combining < after)
                after = mark->combining;
            if (mark->combining != combining)
                continue;
            written++;
            if (!mark->inserted) {
                while (pass->marks[place].inserted)
                    place++;
                span = pass->marks[place++].span;
            }
            if (!(tci_code_flags(pass->sets, mark->code) & TCI_CODE_NONSPACING))
                TCI_RETURN_IF(put_lower(pass, mark->code, span));
        }
        next = after;
    }
    return TC_OK;
}

static tc_status hold(bert_pass *pass, uint32_t code, unsigned flags, tci_span span, bool inserted)
{
    if (pass->count == pass->capacity) {
        size_t wanted = pass->capacity ? 2 * pass->capacity : 64;
        TCI_RETURN_IF(tci_work_room(pass->work, TCI_WORK_NORMALIZER, wanted, sizeof *pass->marks, &pass->marks));
        pass->capacity = wanted;
    }
    pass->stays = (pass->count > 0 && pass->stays) || !(flags & TCI_CODE_NONSPACING);
    pass->marks[pass->count++] = (held_mark){code, span, tci_point_of(code).combining, inserted};
    return TC_OK;
}

/* A code point behind canonical decomposition. */
static tc_status put_decomposed(bert_pass *pass, uint32_t code, tci_span span, bool inserted)
{
    unsigned flags = tci_code_flags(pass->sets, code);
    if (flags & TCI_CODE_REORDERS)
        return hold(pass, code, flags, span, inserted);
    TCI_RETURN_IF(end_run(pass));
    pass->last = span;
    return flags & TCI_CODE_NONSPACING ? TC_OK : put_lower(pass, code, span);
}

static tc_status put_stripped(bert_pass *pass, uint32_t code, unsigned flags, tci_span span)
{
    if (!(flags & (TCI_CODE_DECOMPOSES | TCI_CODE_REORDERS | TCI_CODE_NONSPACING)) && pass->count == 0) {
        pass->last = span;
        return put_lower(pass, code, span);
    }
    if (!(flags & TCI_CODE_DECOMPOSES))
        return put_decomposed(pass, code, span, false);
    uint32_t parts[TCI_DECOMPOSED_MAX];
    size_t count = tci_point_decompose(code, false, parts);
    for (size_t i = 0; i < count; i++)
        TCI_RETURN_IF(put_decomposed(pass, parts[i], span, i > 0));
    return TC_OK;
}

static bool is_ideograph(uint32_t code)
{
    return (code >= 0x4E00 && code <= 0x9FFF) || (code >= 0x3400 && code <= 0x4DBF) ||
           (code >= 0xF900 && code <= 0xFAFF) || (code >= 0x20000 && code <= 0x2A6DF) ||
           (code >= 0x2A700 && code <= 0x2B73F) || (code >= 0x2B740 && code <= 0x2B81F) ||
           (code >= 0x2B920 && code <= 0x2CEAF) || (code >= 0x2F800 && code <= 0x2FA1F);
}

static tc_status put_point(bert_pass *pass, uint32_t code, tci_span span)
{
    const tci_bert_normalizer *self = pass->self;
    unsigned flags = tci_code_flags(pass->sets, code);
    if (self->clean_text) {
        if (flags & TCI_CODE_OTHER)
            return TC_OK;
        if (flags & TCI_CODE_SPACE) {
            code = ' ';
            flags = TCI_CODE_SPACE;
        }
    }
    bool apart = self->handle_chinese_chars && is_ideograph(code);
    uint32_t points[3] = {' ', code, ' '};
    for (size_t i = 0; i < 3; i++) {
        if (i != 1 && !apart)
            continue;
        if (self->strip_accents)
            TCI_RETURN_IF(put_stripped(pass, points[i], i == 1 ? flags : TCI_CODE_SPACE, span));
        else
            TCI_RETURN_IF(put_lower(pass, points[i], span));
    }
    return TC_OK;
}

/* The longest run of `in` from `at` on that is ASCII and stays as long as it is: everything but controls. */
static size_t plain_run(const tci_aligned *in, size_t at)
{
    size_t end = at;
    while (end < in->size && (unsigned char)(in->bytes[end] - 0x20) < 0x5F)
        end++;
    return end;
}

static tc_status normalize(const void *self, const tci_aligned *in, tci_aligned *out, tci_work *work)
{
    const tci_bert_normalizer *options = self;
    bert_pass pass = {.self = options, .sets = options->sets, .out = out, .work = work};
    TCI_RETURN_IF(tci_aligned_reserve(out, in->size));
    for (size_t at = 0; at < in->size;) {
        size_t end = plain_run(in, at);
        if (end > at) {
            TCI_RETURN_IF(end_run(&pass));
            size_t written = out->size;
            TCI_RETURN_IF(tci_aligned_copy(out, in, at, end));
            for (size_t i = written; options->lowercase && i < out->size; i++)
                out->bytes[i] = (char)(out->bytes[i] | ((unsigned char)(out->bytes[i] - 'A') < 26) << 5);
            pass.last = tci_aligned_span(in, end - 1);
            at = end;
            continue;
        }
        uint32_t code;
        size_t length = tci_aligned_code(in, at, &code);
        TCI_RETURN_IF(put_point(&pass, code, tci_aligned_span(in, at)));
        at += length;
    }
    return end_run(&pass);
}

const tci_normalizer_kind tci_bert_normalizer_kind = {"BertNormalizer", normalize, NULL};

/* ---- words ---- */

enum { WORD, SPACE, SIGN };

static int class_of(const tci_code_sets *sets, const tci_aligned *text, size_t at, size_t *length)
{
    uint32_t code = (unsigned char)text->bytes[at];
    *length = 1;
    if (code >= 0x80)
        *length = tci_aligned_code(text, at, &code);
    unsigned flags = tci_code_flags(sets, code);
    return flags & TCI_CODE_SPACE ? SPACE : flags & TCI_CODE_PUNCTUATION ? SIGN : WORD;
}

static tc_status split(const void *self, const tci_aligned *text, tci_piece piece, tci_work *work, tci_pieces *out)
{
    const tci_code_sets *sets = ((const tci_bert_pretokenizer *)self)->sets;
    size_t word = piece.begin, length;
    (void)work;
    for (size_t at = piece.begin; at < piece.end; at += length) {
        int class = class_of(sets, text, at, &length);
        if (class == WORD)
            continue;
        TCI_RETURN_IF(tci_pieces_add(out, word, at));
        word = at + length;
        if (class == SIGN)
            TCI_RETURN_IF(tci_pieces_add(out, at, word));
    }
    return tci_pieces_add(out, word, piece.end);
}

const tci_pretokenizer_kind tci_bert_pretokenizer_kind = {"BertPreTokenizer", NULL, split, NULL};
