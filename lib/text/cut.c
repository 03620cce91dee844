/* cut.c: the tokenizers `word`, `char` and `space`, and the one loop that obeys their rules; ASCII in a loop of its
 * own. */
#include "text/cut.h"

#include "text/decode.h"

enum rule {
    RULE_SKIP,  /* ends the open token */
    RULE_MARK,  /* joins the open token; without one, begins a token as RULE_GROW or RULE_ALONE do */
    RULE_GROW,  /* joins an open token that grows; else begins one */
    RULE_ALONE  /* a token of its own, to which marks may come */
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

/* The bytes from `at` that are ASCII letters and digits join the open, growing token; returns where they end. */
static size_t grow_ascii(tci_cutter *cutter, const char *text, size_t at, size_t end, bool lower)
{
    size_t length = cutter->length;
    while (at < end && tci_ascii_kind[(uint8_t)text[at]] == TCI_KIND_LETTER) {
        if (length <= TCI_TOKEN_BYTES)
            cutter->bytes[length++] = lowered(text[at], lower);
        at++;
    }
    cutter->length = length;
    cutter->end = at;
    return at;
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
            if (clean && tci_point_is_dropped(byte)) {
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
            if (clean && tci_point_is_dropped(byte)) {
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
