/* cut.c: the tokenizers `word`, `char` and `space`, and the one loop that obeys their rules; ASCII in a loop of its
 * own. */
#include "text/cut.h"

#include "text/decode.h"

enum rule {
    RULE_SKIP, /* ends the open token */
    RULE_MARK, /* joins the open token; without one, begins a token as RULE_GROW or RULE_ALONE do */
    RULE_GROW, /* joins an open token that grows; else begins one */
    RULE_ALONE /* a token of its own, to which marks may come */
};

static const uint8_t tokenizer_rules[][TCI_KIND_COUNT] = {
    [TCI_TOKENIZER_WORD] = {[TCI_KIND_SPACE] = RULE_SKIP,
                            [TCI_KIND_MARK] = RULE_MARK,
                            [TCI_KIND_LETTER] = RULE_GROW,
                            [TCI_KIND_SOLO] = RULE_ALONE,
                            [TCI_KIND_OTHER] = RULE_ALONE},
    [TCI_TOKENIZER_CHAR] = {[TCI_KIND_SPACE] = RULE_SKIP,
                            [TCI_KIND_MARK] = RULE_MARK,
                            [TCI_KIND_LETTER] = RULE_ALONE,
                            [TCI_KIND_SOLO] = RULE_ALONE,
                            [TCI_KIND_OTHER] = RULE_ALONE},
    [TCI_TOKENIZER_SPACE] = {[TCI_KIND_SPACE] = RULE_SKIP,
                             [TCI_KIND_MARK] = RULE_MARK,
                             [TCI_KIND_LETTER] = RULE_GROW,
                             [TCI_KIND_SOLO] = RULE_GROW,
                             [TCI_KIND_OTHER] = RULE_GROW},
};

void tci_cutter_init(tci_cutter *cutter, tci_tokenizer tokenizer, tci_token_function function, void *context)
{
    cutter->rules = tokenizer_rules[tokenizer];
    cutter->function = function;
    cutter->context = context;
    cutter->is_open = cutter->grows = false;
    cutter->begin = cutter->end = 0;
    cutter->length = 0;
}

tc_status tci_cutter_close(tci_cutter *cutter)
{
    if (!cutter->is_open)
        return TC_OK;
    cutter->is_open = false;
    size_t length = cutter->length <= TCI_TOKEN_BYTES ? cutter->length : 0;
    return cutter->function(cutter->context, cutter->bytes, length, cutter->begin, cutter->end);
}

static tc_status open_token(tci_cutter *cutter, bool grows, size_t begin)
{
    TCI_RETURN_IF(tci_cutter_close(cutter));
    cutter->is_open = true;
    cutter->grows = grows;
    cutter->begin = begin;
    cutter->length = 0;
    return TC_OK;
}

tc_status tci_cutter_put(tci_cutter *cutter, tci_point point, size_t begin, size_t end)
{
    switch (cutter->rules[point.kind]) {
    case RULE_SKIP:
        return tci_cutter_close(cutter);
    case RULE_MARK:
        if (!cutter->is_open)
            TCI_RETURN_IF(open_token(cutter, cutter->rules[TCI_KIND_LETTER] == RULE_GROW, begin));
        break;
    case RULE_GROW:
        if (!cutter->is_open || !cutter->grows)
            TCI_RETURN_IF(open_token(cutter, true, begin));
        break;
    default:
        TCI_RETURN_IF(open_token(cutter, false, begin));
        break;
    }
    if (cutter->length <= TCI_TOKEN_BYTES)
        cutter->length += tci_encode(point.code, cutter->bytes + cutter->length);
    cutter->end = end;
    return TC_OK;
}

static char lowered(char byte, bool lower)
{
    return lower && byte >= 'A' && byte <= 'Z' ? (char)(byte + 32) : byte;
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))
#define HIGH EACH(0x80)

/* The high bit of each byte that is at least `first` and at most `last`; all bytes are ASCII. */
static uint64_t in_range(uint64_t eight, uint8_t first, uint8_t last)
{
    return (eight + EACH(0x80u - first)) & ~(eight + EACH(0x7fu - last)) & HIGH;
}

/* Eight bytes of text, the first in the lowest; written out, so that compilers see one load. */
static uint64_t load_eight(const char *text)
{
    const uint8_t *b = (const uint8_t *)text;
    return (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16 | (uint64_t)b[3] << 24 | (uint64_t)b[4] << 32 |
           (uint64_t)b[5] << 40 | (uint64_t)b[6] << 48 | (uint64_t)b[7] << 56;
}

static void store_eight(char *to, uint64_t eight)
{
    uint8_t *b = (uint8_t *)to;
    b[0] = (uint8_t)eight;
    b[1] = (uint8_t)(eight >> 8);
    b[2] = (uint8_t)(eight >> 16);
    b[3] = (uint8_t)(eight >> 24);
    b[4] = (uint8_t)(eight >> 32);
    b[5] = (uint8_t)(eight >> 40);
    b[6] = (uint8_t)(eight >> 48);
    b[7] = (uint8_t)(eight >> 56);
}

/* Lowers eight ASCII bytes at once and stores them; returns how many of the first are letters and digits. */
static size_t copy_eight(char *to, const char *text, bool lower)
{
    uint64_t eight = load_eight(text);
    uint64_t upper = in_range(eight, 'A', 'Z'), folded = eight + (upper >> 2); /* 0x80 to the 0x20 between the cases */
    uint64_t other = ~(in_range(folded, 'a', 'z') | in_range(eight, '0', '9')) & HIGH;
    store_eight(to, lower ? folded : eight);
    uint64_t below = (other & (0 - other)) - 1; /* all bits below the first other byte's, or all */
    return other == 0 ? 8 : (size_t)((below >> 7 & EACH(1)) * EACH(1) >> 56);
}

/* The bytes from `at` that are ASCII letters and digits join the open, growing token; returns where they end. */
static size_t grow_ascii(tci_cutter *cutter, const char *text, size_t at, size_t end, bool lower)
{
    size_t length = cutter->length;
    while (end - at >= 8 && length <= TCI_TOKEN_BYTES) {
        size_t count = copy_eight(cutter->bytes + length, text + at, lower);
        length += count;
        at += count;
        if (count < 8) {
            cutter->length = length;
            cutter->end = at;
            return at;
        }
    }
    while (at < end && tci_ascii_kind[(uint8_t)text[at]] == TCI_KIND_LETTER) {
        if (length <= TCI_TOKEN_BYTES)
            cutter->bytes[length++] = lowered(text[at], lower);
        at++;
    }
    cutter->length = length;
    cutter->end = at;
    return at;
}

/* Few bytes are worth the call. */
static inline bool is_dropped_ascii(uint8_t byte)
{
    return (byte < ' ' || byte == 0x7f) && tci_point_is_dropped(byte);
}

tc_status tci_cutter_put_ascii(tci_cutter *cutter, const char *text, size_t begin, size_t end, bool lower, bool clean)
{
    size_t at = begin;
    while (at < end) {
        uint8_t byte = (uint8_t)text[at];
        switch (cutter->rules[tci_ascii_kind[byte]]) {
        case RULE_SKIP:
            TCI_RETURN_IF(tci_cutter_close(cutter));
            at++;
            break;
        case RULE_GROW:
            if (clean && is_dropped_ascii(byte)) {
                at++;
                break;
            }
            if (!cutter->is_open || !cutter->grows)
                TCI_RETURN_IF(open_token(cutter, true, at));
            if (tci_ascii_kind[byte] != TCI_KIND_LETTER) { /* of tokenizer `space` */
                if (cutter->length <= TCI_TOKEN_BYTES)
                    cutter->bytes[cutter->length++] = text[at];
                cutter->end = ++at;
                break;
            }
            at = grow_ascii(cutter, text, at, end, lower);
            break;
        default:
            if (clean && is_dropped_ascii(byte)) {
                at++;
                break;
            }
            TCI_RETURN_IF(open_token(cutter, false, at));
            cutter->bytes[0] = lowered(text[at], lower);
            cutter->length = 1;
            cutter->end = ++at;
            break;
        }
    }
    return TC_OK;
}
