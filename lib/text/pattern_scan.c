/* pattern_scan.c: the patterns that most byte-level tokenizers split by, as scanners in linear time.
 *
 * GPT-2:    's|'t|'re|'ve|'m|'ll|'d| ?L+| ?N+| ?[^\sLN]+|\s+(?!\S)|\s+
 * cl100k:   (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\nLN]?L+|N{1,3}| ?[^\sLN]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 *           (L: \p{L}, N: \p{N}); Llama 3's is the same, Qwen's has N in place of N{1,3}.
 *
 * Each matches wherever it is asked to, so matches lie side by side. \s+(?!\S): a run of white space but for its last
 * character, which goes with what follows; the whole run at the end of the text or where it is one character.
 * \s*[\r\n]+: a run up to its last line break. Under (?i) the long s (U+017F) is an s. */
#include <string.h>

#include <utf8proc.h>

#include "text/decode.h"
#include "text/pattern.h"

const char tci_gpt2_pattern[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

typedef enum point_class { OTHER, LETTER, NUMBER, SPACE } point_class;

#define O OTHER
#define L LETTER
#define N NUMBER
#define S SPACE
static const uint8_t ascii_class[128] = {O, O, O, O, O, O, O, O, O, S, S, S, S, S, O, O, O, O, O, O, O, O, O, O, O, O,
                                         O, O, O, O, O, O, S, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, N, N, N, N,
                                         N, N, N, N, N, N, O, O, O, O, O, O, O, L, L, L, L, L, L, L, L, L, L, L, L, L,
                                         L, L, L, L, L, L, L, L, L, L, L, L, L, O, O, O, O, O, O, L, L, L, L, L, L, L,
                                         L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, O, O, O, O, O};

#undef O
#undef L
#undef N
#undef S

/* What utf8proc calls unassigned may be younger. */
static point_class younger_class(uint32_t code)
{
    for (size_t i = 0; i < TCI_YOUNGER_RANGES && code >= tci_younger_ranges[i].first; i++) {
        const tci_younger_range *range = &tci_younger_ranges[i];
        if (code - range->first < range->count)
            return range->category[0] == 'L' ? LETTER : range->category[0] == 'N' ? NUMBER : OTHER;
    }
    return OTHER;
}

static point_class class_of(uint32_t code)
{
    if (code >= 0x4E00 && code <= 0x9FFF)
        return LETTER;
    switch (utf8proc_get_property((utf8proc_int32_t)code)->category) {
    case UTF8PROC_CATEGORY_CN:
        return younger_class(code);
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
        return LETTER;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return NUMBER;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return SPACE;
    default:
        return code == 0x85 ? SPACE : OTHER;
    }
}

/* The class of the code point at `at` < length; *end is behind it. */
static inline point_class class_at(const uint8_t *text, size_t length, size_t at, size_t *end)
{
    if (text[at] < 0x80) {
        *end = at + 1;
        return (point_class)ascii_class[text[at]];
    }
    uint32_t code;
    *end = at + tci_decode(text + at, length - at, &code);
    return code == TCI_ILL_FORMED ? OTHER : class_of(code);
}

/* The end of the run of `class` that goes on at `at`, or, of at most `most` code points, an end before. */
static inline size_t run_end(const uint8_t *text, size_t length, size_t at, point_class class, size_t most)
{
    size_t end;
    for (; at < length && most > 0 && class_at(text, length, at, &end) == class; most--)
        at = end;
    return at;
}

/* The length of a contraction ('s, 't, 're, 've, 'm, 'll, 'd) at `at`, or 0. */
static inline size_t contraction(const uint8_t *text, size_t length, size_t at, bool any_case)
{
    uint8_t fold = any_case ? 0x20 : 0;
    if (text[at] != '\'' || length - at < 2)
        return 0;
    uint8_t first = text[at + 1] | fold;
    if (first == 's' || first == 't' || first == 'm' || first == 'd')
        return 2;
    if (length - at < 3)
        return 0;
    if (any_case && text[at + 1] == 0xC5 && text[at + 2] == 0xBF)
        return 3;
    uint8_t second = text[at + 2] | fold;
    return (first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l') ? 3
                                                                                                                 : 0;
}

/* The end of the white space at `at` by \s+(?!\S)|\s+. */
static size_t space_end(const uint8_t *text, size_t length, size_t at)
{
    size_t last = at, end = at, next;
    while (end < length && class_at(text, length, end, &next) == SPACE) {
        last = end;
        end = next;
    }
    return end == length || last == at ? end : last;
}

static size_t scan_gpt2(const uint8_t *text, size_t length, size_t at)
{
    size_t short_end = contraction(text, length, at, false);
    if (short_end != 0)
        return at + short_end;
    size_t end;
    point_class class = class_at(text, length, at, &end);
    if (text[at] == ' ' && end < length) {
        size_t begin = end;
        point_class next = class_at(text, length, begin, &end);
        if (next != SPACE)
            return run_end(text, length, end, next, SIZE_MAX);
    }
    return class == SPACE ? space_end(text, length, at) : run_end(text, length, end, class, SIZE_MAX);
}

static inline bool is_break(uint8_t byte)
{
    return byte == '\r' || byte == '\n';
}

/* The end of ` ?[^\sLN]+[\r\n]*` whose first [^\sLN] ends at `at`. */
static size_t others_end(const uint8_t *text, size_t length, size_t at)
{
    at = run_end(text, length, at, OTHER, SIZE_MAX);
    while (at < length && is_break(text[at]))
        at++;
    return at;
}

/* The end of the white space at `at` by \s*[\r\n]+|\s+(?!\S)|\s+. */
static size_t break_or_space_end(const uint8_t *text, size_t length, size_t at)
{
    size_t behind_break = 0, last = at, end = at, next;
    while (end < length && class_at(text, length, end, &next) == SPACE) {
        if (is_break(text[end]))
            behind_break = next;
        last = end;
        end = next;
    }
    if (behind_break != 0)
        return behind_break;
    return end == length || last == at ? end : last;
}

static inline size_t scan_cl100k(const uint8_t *text, size_t length, size_t at, size_t digits)
{
    size_t short_end = contraction(text, length, at, true);
    if (short_end != 0)
        return at + short_end;
    size_t end, second_end;
    point_class class = class_at(text, length, at, &end);
    if (class == LETTER)
        return run_end(text, length, end, LETTER, SIZE_MAX);
    if (class == NUMBER)
        return run_end(text, length, end, NUMBER, digits - 1);
    point_class second = end < length ? class_at(text, length, end, &second_end) : SPACE;
    if (second == LETTER && !is_break(text[at]))
        return run_end(text, length, second_end, LETTER, SIZE_MAX);
    if (class == OTHER)
        return others_end(text, length, end);
    if (text[at] == ' ' && second == OTHER)
        return others_end(text, length, second_end);
    return break_or_space_end(text, length, at);
}

static size_t scan_three_digits(const uint8_t *text, size_t length, size_t at)
{
    return scan_cl100k(text, length, at, 3);
}

static size_t scan_one_digit(const uint8_t *text, size_t length, size_t at)
{
    return scan_cl100k(text, length, at, 1);
}

tci_scan tci_scan_of(const char *text, size_t length)
{
    static const struct {
        const char *text;
        tci_scan scan;
    } known[] = {
        {tci_gpt2_pattern, scan_gpt2},
        {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
         "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
         scan_three_digits},
        {"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|"
         "\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
         scan_three_digits},
        {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
         "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
         scan_one_digit},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].text) == length && memcmp(known[i].text, text, length) == 0)
            return known[i].scan;
    return NULL;
}
