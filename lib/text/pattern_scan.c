/* pattern_scan.c: the patterns that most byte-level tokenizers split by, as scanners in linear time.
 *
 * GPT-2:    's|'t|'re|'ve|'m|'ll|'d| ?L+| ?N+| ?[^\sLN]+|\s+(?!\S)|\s+
 * CLIP:     's|'t|'re|'ve|'m|'ll|'d|L+|N|[^\sLN]+, with its two special tokens ahead or not; white space is no match
 * cl100k:   (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\nLN]?L+|N{1,3}| ?[^\sLN]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 *           Llama 3's is the same; Qwen's has N in place of N{1,3}, in 3.5 marks are letters, too.
 * o200k:    [^\r\nLN]?U*W+C?|[^\r\nLN]?U+W*C?|N{1,3}| ?[^\sLN]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
 *           (C: (?i:'s|'t|'re|'ve|'m|'ll|'d)); Tekken's has no C, and N in place of N{1,3}.
 * L: \p{L}, N: \p{N}, U: [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}], W: [\p{Ll}\p{Lm}\p{Lo}\p{M}].
 *
 * \s+(?!\S): a run of white space but for its last character, which goes with what follows; the whole run at the end of
 * the text or where it is one character. \s*[\r\n]+: a run up to its last line break. Under (?i) the long s (U+017F) is
 * an s. U*W+: a run of U, and of W behind it; where none follows, up to the last one of the run that is in both. */
#include <string.h>

#include <utf8proc.h>

#include "text/decode.h"
#include "text/pattern.h"

const char tci_gpt2_pattern[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/* Bits, so that a set of classes is a number, too. */
enum { UPPER = 1, LOWER = 2, CASELESS = 4, MARK = 8, NUMBER = 16, SPACE = 32, OTHER = 64 };
#define LETTER (UPPER | LOWER | CASELESS)
#define UPPERS (UPPER | CASELESS | MARK)
#define LOWERS (LOWER | CASELESS | MARK)
#define OTHERS (OTHER | MARK)

#define O OTHER
#define U UPPER
#define L LOWER
#define N NUMBER
#define S SPACE
static const uint8_t ascii_class[128] = {O, O, O, O, O, O, O, O, O, S, S, S, S, S, O, O, O, O, O, O, O, O, O, O, O, O,
                                         O, O, O, O, O, O, S, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, N, N, N, N,
                                         N, N, N, N, N, N, O, O, O, O, O, O, O, U, U, U, U, U, U, U, U, U, U, U, U, U,
                                         U, U, U, U, U, U, U, U, U, U, U, U, U, O, O, O, O, O, O, L, L, L, L, L, L, L,
                                         L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, O, O, O, O, O};
#undef O
#undef U
#undef L
#undef N
#undef S

/* By its first letter, and the second of letters. */
static unsigned class_of_category(char first, char second)
{
    switch (first) {
    case 'L':
        return second == 'u' || second == 't' ? UPPER : second == 'l' ? LOWER : CASELESS;
    case 'M':
        return MARK;
    case 'N':
        return NUMBER;
    case 'Z':
        return SPACE;
    default:
        return OTHER;
    }
}

/* What utf8proc calls unassigned may be younger. */
static unsigned younger_class(uint32_t code)
{
    for (size_t i = 0; i < TCI_YOUNGER_RANGES && code >= tci_younger_ranges[i].first; i++) {
        const tci_younger_range *range = &tci_younger_ranges[i];
        if (code - range->first < range->count)
            return class_of_category(range->category[0], range->category[1]);
    }
    return OTHER;
}

static unsigned class_of(uint32_t code)
{
    if (code >= 0x4E00 && code <= 0x9FFF)
        return CASELESS;
    const char *category = utf8proc_category_string((utf8proc_int32_t)code);
    if (category[0] == 'C')
        return code == 0x85 ? SPACE : category[1] == 'n' ? younger_class(code) : OTHER;
    return class_of_category(category[0], category[1]);
}

/* The class of the code point at `at` < length; *end is behind it. */
static inline unsigned class_at(const uint8_t *text, size_t length, size_t at, size_t *end)
{
    if (text[at] < 0x80) {
        *end = at + 1;
        return ascii_class[text[at]];
    }
    uint32_t code;
    *end = at + tci_decode(text + at, length - at, &code);
    return code == TCI_ILL_FORMED ? OTHER : class_of(code);
}

/* The end of the run of `classes` that goes on at `at`, or, of at most `most` code points, an end before. */
static inline size_t run_end(const uint8_t *text, size_t length, size_t at, unsigned classes, size_t most)
{
    size_t end;
    for (; at < length && most > 0 && (class_at(text, length, at, &end) & classes) != 0; most--)
        at = end;
    return at;
}

/* The length of a contraction ('s, 't, 're, 've, 'm, 'll, 'd) at `at`, or 0. */
static inline size_t contraction(const uint8_t *text, size_t length, size_t at, bool any_case)
{
    uint8_t fold = any_case ? 0x20 : 0;
    if (at + 1 >= length || text[at] != '\'')
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

/* What a class brings along where it begins: others a run of others. */
static inline unsigned run_of(unsigned class)
{
    return class & LETTER ? LETTER : class & OTHERS ? OTHERS : class;
}

static size_t scan_gpt2(const uint8_t *text, size_t length, size_t at)
{
    size_t short_end = contraction(text, length, at, false);
    if (short_end != 0)
        return at + short_end;
    size_t end;
    unsigned class = class_at(text, length, at, &end);
    if (text[at] == ' ' && end < length) {
        size_t begin = end;
        unsigned next = class_at(text, length, begin, &end);
        if (next != SPACE)
            return run_end(text, length, end, run_of(next), SIZE_MAX);
    }
    return class == SPACE ? space_end(text, length, at) : run_end(text, length, end, run_of(class), SIZE_MAX);
}

static size_t scan_clip(const uint8_t *text, size_t length, size_t at)
{
    size_t short_end = contraction(text, length, at, false), end;
    unsigned class = class_at(text, length, at, &end);
    if (short_end != 0)
        return at + short_end;
    if (class == SPACE)
        return at;
    return run_end(text, length, end, run_of(class), class == NUMBER ? 0 : SIZE_MAX);
}

static size_t scan_clip_special(const uint8_t *text, size_t length, size_t at)
{
    static const char *const special[] = {"<|startoftext|>", "<|endoftext|>"};
    for (size_t i = 0; i < 2 && text[at] == '<'; i++) {
        size_t size = strlen(special[i]);
        if (length - at >= size && memcmp(text + at, special[i], size) == 0)
            return at + size;
    }
    return scan_clip(text, length, at);
}

static size_t scan_spaces(const uint8_t *text, size_t length, size_t at)
{
    return run_end(text, length, at, SPACE, SIZE_MAX);
}

static inline bool is_break(uint8_t byte)
{
    return byte == '\r' || byte == '\n';
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

/* ` ?O+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+` at `at`, which is no letter or number, O being `others`; with a / beside \n
 * where one `may_close`. */
static size_t sign_or_space_end(const uint8_t *text, size_t length, size_t at, unsigned others, bool may_close)
{
    size_t begin = at + (text[at] == ' '), end = run_end(text, length, begin, others, SIZE_MAX);
    if (end == begin)
        return break_or_space_end(text, length, at);
    while (end < length && (is_break(text[end]) || (may_close && text[end] == '/')))
        end++;
    return end;
}

static inline size_t scan_cl100k(const uint8_t *text, size_t length, size_t at, unsigned letters, size_t digits)
{
    size_t short_end = contraction(text, length, at, true);
    if (short_end != 0)
        return at + short_end;
    size_t end;
    unsigned class = class_at(text, length, at, &end);
    if (class == NUMBER)
        return run_end(text, length, end, NUMBER, digits - 1);
    if ((class & letters) || !is_break(text[at])) {
        size_t word = run_end(text, length, end, letters, SIZE_MAX);
        if ((class & letters) || word > end)
            return word;
    }
    return sign_or_space_end(text, length, at, OTHERS & ~letters, false);
}

static size_t scan_three_digits(const uint8_t *text, size_t length, size_t at)
{
    return scan_cl100k(text, length, at, LETTER, 3);
}

static size_t scan_one_digit(const uint8_t *text, size_t length, size_t at)
{
    return scan_cl100k(text, length, at, LETTER, 1);
}

static size_t scan_marks(const uint8_t *text, size_t length, size_t at)
{
    return scan_cl100k(text, length, at, LETTER | MARK, 1);
}

/* The end of U*W+ at `at`, or 0; *upper is where U* ends. */
static size_t word_end(const uint8_t *text, size_t length, size_t at, size_t *upper)
{
    size_t both = 0, end;
    for (unsigned class; at < length && ((class = class_at(text, length, at, &end)) & UPPERS) != 0; at = end)
        if (class & LOWERS)
            both = end;
    *upper = at;
    end = run_end(text, length, at, LOWERS, SIZE_MAX);
    return end > at ? end : both;
}

static inline size_t scan_o200k(const uint8_t *text, size_t length, size_t at, bool contracts, size_t digits)
{
    size_t begin, upper, end;
    unsigned class = class_at(text, length, at, &begin);
    if (class == NUMBER)
        return run_end(text, length, begin, NUMBER, digits - 1);
    if (!is_break(text[at])) {
        if (class & LETTER)
            begin = at;
        end = word_end(text, length, begin, &upper);
        if (end == 0 && class == MARK) /* no word begins behind it, but it is one */
            end = begin;
        if (end == 0 && upper > begin)
            end = upper;
        if (end != 0)
            return end + (contracts ? contraction(text, length, end, true) : 0);
    }
    return sign_or_space_end(text, length, at, OTHERS, true);
}

static size_t scan_cased(const uint8_t *text, size_t length, size_t at)
{
    return scan_o200k(text, length, at, true, 3);
}

static size_t scan_tekken(const uint8_t *text, size_t length, size_t at)
{
    return scan_o200k(text, length, at, false, 1);
}

#define CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SIGNS_AND_SPACES " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define CLIP "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"
#define CASED(behind, numbers)                                                                                         \
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+" behind                 \
    "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*" behind "|" numbers    \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

tci_scan tci_scan_of(const char *text, size_t length)
{
    static const struct {
        const char *text;
        tci_scan scan;
    } known[] = {
        {tci_gpt2_pattern, scan_gpt2},
        {CLIP, scan_clip},
        {"<\\|startoftext\\|>|<\\|endoftext\\|>|" CLIP, scan_clip_special},
        {"\\s+", scan_spaces},
        {CONTRACTIONS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|" SIGNS_AND_SPACES, scan_three_digits},
        {"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|"
         "\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
         scan_three_digits},
        {CONTRACTIONS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|" SIGNS_AND_SPACES, scan_one_digit},
        {CONTRACTIONS "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|"
                      "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
         scan_marks},
        {CASED(CONTRACTIONS "?", "\\p{N}{1,3}"), scan_cased},
        {CASED("", "\\p{N}"), scan_tekken},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].text) == length && memcmp(known[i].text, text, length) == 0)
            return known[i].scan;
    return NULL;
}
