/* plain_normalizers.c: one code point becomes one, two or none; ranges go with it. Runs of ASCII, where most text is,
 * are copied whole. Nothing here decomposes or composes: that is text/unicode_forms.c's, and a stage of its own. */
#include "text/plain_normalizers.h"

#include "text/decode.h"

/* Where the run of ASCII at `at` ends. */
static size_t ascii_end(const tci_aligned *in, size_t at)
{
    while (at < in->size && (unsigned char)in->bytes[at] < 0x80)
        at++;
    return at;
}

/* ---- Lowercase ---- */

tc_status tci_lowercase_apply(const tci_code_sets *sets, const tci_aligned *in, tci_aligned *out)
{
    for (size_t at = 0; at < in->size;) {
        size_t end = ascii_end(in, at), put = out->size;
        TCI_RETURN_IF(tci_aligned_copy(out, in, at, end));
        for (; put < out->size; put++)
            if (out->bytes[put] >= 'A' && out->bytes[put] <= 'Z')
                out->bytes[put] = (char)(out->bytes[put] + ('a' - 'A'));
        if (end == in->size)
            break;
        uint32_t code, lower[2];
        at = end + tci_aligned_code(in, end, &code);
        if (!(tci_code_flags(sets, code) & TCI_CODE_UPPER)) {
            TCI_RETURN_IF(tci_aligned_copy(out, in, end, at));
            continue;
        }
        size_t count = tci_code_lower(sets, code, lower);
        tci_span span = tci_aligned_span(in, end);
        for (size_t i = 0; i < count; i++)
            TCI_RETURN_IF(tci_aligned_put_code(out, lower[i], span));
    }
    return TC_OK;
}

typedef struct sets_stage {
    const tci_code_sets *sets;
} sets_stage;

static tc_status lowercase(const void *self, const tci_aligned *in, tci_aligned *out, tci_work *work)
{
    const sets_stage *stage = self;
    (void)work;
    return tci_lowercase_apply(stage->sets, in, out);
}

/* ---- StripAccents ---- */

static tc_status strip_accents(const void *self, const tci_aligned *in, tci_aligned *out, tci_work *work)
{
    const sets_stage *stage = self;
    size_t begin = 0; /* of what is kept */
    (void)work;
    for (size_t at = 0; at < in->size;) {
        uint32_t code;
        size_t end = ascii_end(in, at);
        if (end == in->size)
            break;
        at = end + tci_aligned_code(in, end, &code);
        if (!(tci_code_flags(stage->sets, code) & TCI_CODE_MARK))
            continue;
        TCI_RETURN_IF(tci_aligned_copy(out, in, begin, end));
        begin = at;
    }
    return tci_aligned_copy(out, in, begin, in->size);
}

/* ---- Nmt ---- */

#define DROPPED UINT32_MAX

/* What sentencepiece's rules of translation make of a code point: controls are dropped, many spaces become one kind.
 * U+008F and U+009F alone of the second set of controls. */
static uint32_t nmt_code(uint32_t code)
{
    if (code < 0xA0) {
        if (code == '\t' || code == '\n' || code == '\f' || code == '\r')
            return ' ';
        bool drops = (code >= 0x01 && code < 0x20) || code == 0x7F || code == 0x8F || code == 0x9F;
        return drops ? DROPPED : code;
    }
    switch (code) {
    case 0x1680:
    case 0x200B:
    case 0x200C:
    case 0x200D:
    case 0x200E:
    case 0x200F:
    case 0x2028:
    case 0x2029:
    case 0x2581:
    case 0xFEFF:
    case 0xFFFD:
        return ' ';
    default:
        return code;
    }
}

static tc_status nmt(const void *self, const tci_aligned *in, tci_aligned *out, tci_work *work)
{
    size_t begin = 0; /* of what stays as it is */
    (void)self;
    (void)work;
    for (size_t at = 0, end; at < in->size; at = end) {
        uint32_t code = (unsigned char)in->bytes[at];
        end = at + (code < 0x80 ? 1 : tci_aligned_code(in, at, &code));
        uint32_t becomes = nmt_code(code);
        if (becomes == code)
            continue;
        TCI_RETURN_IF(tci_aligned_copy(out, in, begin, at));
        if (becomes != DROPPED)
            TCI_RETURN_IF(tci_aligned_put_code(out, becomes, tci_aligned_span(in, at)));
        begin = end;
    }
    return tci_aligned_copy(out, in, begin, in->size);
}

/* ---- Strip ---- */

typedef struct strip_stage {
    const tci_code_sets *sets;
    bool left, right;
} strip_stage;

static tc_status strip(const void *self, const tci_aligned *in, tci_aligned *out, tci_work *work)
{
    const strip_stage *stage = self;
    size_t begin = 0, end = in->size;
    uint32_t code;
    (void)work;
    while (stage->left && begin < end) {
        size_t length = tci_aligned_code(in, begin, &code);
        if (!(tci_code_flags(stage->sets, code) & TCI_CODE_SPACE))
            break;
        begin += length;
    }
    while (stage->right && begin < end) {
        size_t at = end - 1;
        while (((unsigned char)in->bytes[at] & 0xC0) == 0x80)
            at--;
        tci_aligned_code(in, at, &code);
        if (!(tci_code_flags(stage->sets, code) & TCI_CODE_SPACE))
            break;
        end = at;
    }
    return tci_aligned_copy(out, in, begin, end);
}

/* ---- Prepend ---- */

typedef struct prepend_stage {
    size_t length;
    char text[];
} prepend_stage;

static tc_status prepend(const void *self, const tci_aligned *in, tci_aligned *out, tci_work *work)
{
    const prepend_stage *stage = self;
    (void)work;
    if (in->size == 0)
        return TC_OK;
    tci_span span = tci_aligned_span(in, 0);
    for (size_t at = 0, length; at < stage->length; at += length) {
        uint32_t code;
        length = tci_decode((const uint8_t *)stage->text + at, stage->length - at, &code);
        TCI_RETURN_IF(tci_aligned_put(out, stage->text + at, length, span));
    }
    return tci_aligned_copy(out, in, 0, in->size);
}

const tci_normalizer_kind tci_lowercase_kind = {"Lowercase", lowercase, NULL};
const tci_normalizer_kind tci_strip_accents_kind = {"StripAccents", strip_accents, NULL};
const tci_normalizer_kind tci_nmt_kind = {"Nmt", nmt, NULL};
const tci_normalizer_kind tci_strip_kind = {"Strip", strip, NULL};
const tci_normalizer_kind tci_prepend_kind = {"Prepend", prepend, NULL};

tc_status tci_sets_stage_create(tci_memory *memory, const tci_code_sets *sets, void **self)
{
    sets_stage *stage;
    TCI_RETURN_IF(tci_alloc(memory, 1, sizeof *stage, "a stage of a tokenizer", &stage));
    stage->sets = sets;
    *self = stage;
    return TC_OK;
}

tc_status tci_strip_create(tci_memory *memory, const tci_code_sets *sets, bool left, bool right, void **self)
{
    strip_stage *stage;
    TCI_RETURN_IF(tci_alloc(memory, 1, sizeof *stage, "a stage of a tokenizer", &stage));
    *stage = (strip_stage){sets, left, right};
    *self = stage;
    return TC_OK;
}

tc_status tci_prepend_create(tci_memory *memory, const char *text, size_t length, void **self)
{
    prepend_stage *stage;
    size_t size = 0;
    if (!tci_add(length, sizeof *stage, &size))
        return tci_fail(TC_ERROR_LIMIT, "a text of %zu bytes is put before each text", length);
    TCI_RETURN_IF(tci_alloc(memory, 1, size, "a stage of a tokenizer", &stage));
    stage->length = length;
    memcpy(stage->text, text, length);
    *self = stage;
    return TC_OK;
}
