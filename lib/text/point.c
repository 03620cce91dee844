/* point.c: properties of code points, from utf8proc's per-code-point calls. Of its property record only the fields are
 * read whose meaning has been the same in every version. Hangul is computed (Unicode 15, section 3.12): utf8proc 2.8
 * takes U+11A7 for a trailing consonant. */
#include "text/point.h"

#include <utf8proc.h>

#define NONE UINT16_MAX

enum {
    L_BASE = 0x1100,
    V_BASE = 0x1161,
    T_BASE = 0x11A7,
    S_BASE = 0xAC00,
    L_COUNT = 19,
    V_COUNT = 21,
    T_COUNT = 28,
    S_COUNT = 11172
};

#define S TCI_KIND_SPACE
#define L TCI_KIND_LETTER
#define O TCI_KIND_OTHER
const uint8_t tci_ascii_kind[128] = {
    O, O, O, O, O, O, O, O, O, S, S, S, S, S, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
    S, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, L, L, L, L, L, L, L, L, L, L, O, O, O, O, O, O,
    O, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, O, O, O, O, O,
    O, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, O, O, O, O, O};
#undef S
#undef L
#undef O

typedef struct code_range {
    uint32_t first, last;
} code_range;

/* Where each code point that is no mark, space, punctuation or symbol stands alone. In rising order. */
static const code_range solo_letters[] = {
    {0x0E00, 0x0E7F},   /* Thai */
    {0x0E80, 0x0EFF},   /* Lao */
    {0x1000, 0x109F},   /* Myanmar */
    {0x1780, 0x17FF},   /* Khmer */
    {0x3007, 0x3007},   /* ideographic zero (category Nl) */
    {0x3040, 0x30FF},   /* hiragana, katakana */
    {0x31F0, 0x31FF},   /* katakana phonetic extensions */
    {0x3400, 0x4DBF},   /* ideographs, extension A */
    {0x4E00, 0x9FFF},   /* ideographs */
    {0xA9E0, 0xA9FF},   /* Myanmar extended B */
    {0xAA60, 0xAA7F},   /* Myanmar extended A */
    {0xF900, 0xFAFF},   /* compatibility ideographs */
    {0x20000, 0x3FFFF}, /* planes 2 and 3 */
};

static bool is_solo(uint32_t code)
{
    if (code < solo_letters[0].first)
        return false;
    for (size_t i = 0; i < sizeof solo_letters / sizeof *solo_letters; i++)
        if (code <= solo_letters[i].last)
            return code >= solo_letters[i].first;
    return false;
}

static tci_kind kind_of(uint32_t code, int category)
{
    switch (category) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return TCI_KIND_SPACE;
    case UTF8PROC_CATEGORY_CC:
        return (code >= 0x09 && code <= 0x0D) || code == 0x85 ? TCI_KIND_SPACE : TCI_KIND_OTHER;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
        return TCI_KIND_MARK;
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return is_solo(code) ? TCI_KIND_SOLO : TCI_KIND_LETTER;
    default:
        return TCI_KIND_OTHER;
    }
}

static bool is_trailing_jamo(uint32_t code)
{
    return (code >= V_BASE && code < V_BASE + V_COUNT) || (code > T_BASE && code < T_BASE + T_COUNT);
}

tci_point tci_point_of(uint32_t code)
{
    const utf8proc_property_t *property = utf8proc_get_property((utf8proc_int32_t)code);
    tci_point point = {code, (uint8_t)property->combining_class, 0, 0};
    tci_kind kind = kind_of(code, property->category);
    unsigned flags = 0;
    if (property->casefold_seqindex != NONE)
        flags |= TCI_POINT_FOLDS;
    if (property->decomp_seqindex != NONE)
        flags |= property->decomp_type ? TCI_POINT_DECOMPOSES_K : TCI_POINT_DECOMPOSES | TCI_POINT_DECOMPOSES_K;
    /* In the first plane only jamo and marks do; in others letters might (Kirat Rai, Unicode 16), so those are asked
     * for. */
    if (point.combining == 0 &&
        (kind == TCI_KIND_MARK || (kind == TCI_KIND_LETTER && code >= 0x10000) || is_trailing_jamo(code)))
        flags |= TCI_POINT_MAY_JOIN_BACK;
    point.kind = (uint8_t)kind;
    point.flags = (uint8_t)flags;
    return point;
}

bool tci_point_is_dropped(uint32_t code)
{
    if (code < 0xAD)
        return code < 0x20 ? code < 0x09 || code > 0x0D : code >= 0x7F && code <= 0x9F && code != 0x85;
    switch (code) {
    case 0x00AD: /* soft hyphen */
    case 0x061C: /* Arabic letter mark */
    case 0x200B: /* zero width space */
    case 0x200E: /* left-to-right mark */
    case 0x200F: /* right-to-left mark */
    case 0xFEFF: /* zero width no-break space, byte order mark */
        return true;
    default:
        /* embeddings and overrides; word joiner, invisible operators, isolates, deprecated format characters */
        return (code >= 0x202A && code <= 0x202E) || (code >= 0x2060 && code <= 0x206F && code != 0x2065);
    }
}

size_t tci_point_decompose(uint32_t code, bool compatible, uint32_t decomposed[TCI_DECOMPOSED_MAX])
{
    utf8proc_int32_t points[TCI_DECOMPOSED_MAX];
    utf8proc_option_t options = UTF8PROC_DECOMPOSE;
    if (compatible)
        options |= UTF8PROC_COMPAT;
    utf8proc_ssize_t count =
        utf8proc_decompose_char((utf8proc_int32_t)code, points, TCI_DECOMPOSED_MAX, options, NULL);
    if (count <= 0 || count > TCI_DECOMPOSED_MAX) {
        decomposed[0] = code;
        return 1;
    }
    for (utf8proc_ssize_t i = 0; i < count; i++)
        decomposed[i] = (uint32_t)points[i];
    return (size_t)count;
}

size_t tci_point_fold(uint32_t code, uint32_t folded[TCI_DECOMPOSED_MAX])
{
    utf8proc_int32_t points[TCI_DECOMPOSED_MAX];
    utf8proc_ssize_t count =
        utf8proc_decompose_char((utf8proc_int32_t)code, points, TCI_DECOMPOSED_MAX, UTF8PROC_CASEFOLD, NULL);
    if (count <= 0 || count > TCI_DECOMPOSED_MAX) {
        folded[0] = code;
        return 1;
    }
    for (utf8proc_ssize_t i = 0; i < count; i++)
        folded[i] = (uint32_t)points[i];
    return (size_t)count;
}

uint32_t tci_point_compose(uint32_t first, uint32_t second)
{
    if (second < 0x300)
        return 0;
    if (is_trailing_jamo(second)) {
        if (second < T_BASE) {
            if (first < L_BASE || first >= L_BASE + L_COUNT)
                return 0;
            return S_BASE + ((first - L_BASE) * V_COUNT + (second - V_BASE)) * T_COUNT;
        }
        if (first < S_BASE || first >= S_BASE + S_COUNT || (first - S_BASE) % T_COUNT != 0)
            return 0;
        return first + (second - T_BASE);
    }
    if (second == T_BASE)
        return 0;
    /* utf8proc has no call for one pair; its composition of a sequence of two, in place, is that. STABLE keeps
     * composition exclusions out. */
    utf8proc_int32_t pair[2] = {(utf8proc_int32_t)first, (utf8proc_int32_t)second};
    return utf8proc_normalize_utf32(pair, 2, UTF8PROC_COMPOSE | UTF8PROC_STABLE) == 1 ? (uint32_t)pair[0] : 0;
}

const char *tci_unicode_version(void)
{
    return utf8proc_unicode_version();
}
