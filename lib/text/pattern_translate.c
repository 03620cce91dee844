/* pattern_translate.c: a regular expression of Oniguruma's Ruby syntax, said in PCRE2's.
 *
 * Most of both is the same. What means something else there is written out (\s, \w, \b, \v, \u, properties of younger
 * code points), and what is left that differs or that tokenizers do without is refused by name: a pattern is never read
 * in another sense. */
#include <string.h>

#include "text/pattern.h"

/* \s as Oniguruma has it, inside of a class; PCRE2's has U+180E, too. */
#define SPACES "\\t-\\r\\x20\\x{85}\\p{Z}"
/* What \w has beside letters, marks, Nd, Nl and Pc: circled letters and, outside of classes alone, signs of Latin-1. */
#define CIRCLED "\\x{24B6}-\\x{24E9}\\x{1F130}-\\x{1F149}\\x{1F150}-\\x{1F169}\\x{1F170}-\\x{1F189}"
#define LATIN_SIGNS "\\x{B2}\\x{B3}\\x{B9}\\x{BC}-\\x{BE}"

typedef struct translation {
    const char *text;
    size_t length, at;
    tci_buffer *out;
    size_t class_depth; /* brackets that are open: a class in a class is a part of it */
    bool any_case;      /* (?i is somewhere in the pattern */
} translation;

static tc_status refuse(size_t at, const char *why)
{
    return tci_fail(TC_ERROR_UNSUPPORTED, "pattern, byte %zu: %s", at, why);
}

static tc_status put(translation *t, const char *text)
{
    return tci_buffer_text(t->out, text);
}

static tc_status take(translation *t, size_t count)
{
    if (count > t->length - t->at)
        count = t->length - t->at;
    TCI_RETURN_IF(tci_buffer_append(t->out, t->text + t->at, count));
    t->at += count;
    return TC_OK;
}

static char peek(const translation *t, size_t ahead)
{
    return t->length - t->at > ahead ? t->text[t->at + ahead] : 0;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static tc_status put_code(translation *t, uint32_t code)
{
    char hex[] = "\\x{000000}";
    for (size_t i = 8; i > 2; i--, code >>= 4)
        hex[i] = "0123456789ABCDEF"[code & 15];
    return put(t, hex);
}

/* The members of a general category (one letter or two) inside of a class, younger ones too. */
static tc_status put_category(translation *t, const char *name)
{
    TCI_RETURN_IF(put(t, "\\p{"));
    TCI_RETURN_IF(put(t, name));
    TCI_RETURN_IF(put(t, "}"));
    for (size_t i = 0; i < TCI_YOUNGER_RANGES; i++) {
        const tci_younger_range *range = &tci_younger_ranges[i];
        if (range->category[0] != name[0] || (name[1] && range->category[1] != name[1]))
            continue;
        TCI_RETURN_IF(put_code(t, range->first));
        TCI_RETURN_IF(put(t, "-"));
        TCI_RETURN_IF(put_code(t, range->first + range->count - 1));
    }
    return TC_OK;
}

static tc_status put_word(translation *t)
{
    static const char *const categories[] = {"L", "M", "Nd", "Nl", "Pc"};
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++)
        TCI_RETURN_IF(put_category(t, categories[i]));
    return put(t, t->class_depth > 0 ? CIRCLED : CIRCLED LATIN_SIGNS);
}

/* Around the members of a set: brackets, unless a class is open already, in which a complement has no place. */
static tc_status open_set(translation *t, bool negated)
{
    if (t->class_depth > 0)
        return negated ? refuse(t->at, "a complement (\\W, \\D, \\P{...}) in a class") : TC_OK;
    return put(t, negated ? "[^" : "[");
}

static tc_status close_set(translation *t)
{
    return t->class_depth > 0 ? TC_OK : put(t, "]");
}

static tc_status word_set(translation *t, bool negated)
{
    TCI_RETURN_IF(open_set(t, negated));
    TCI_RETURN_IF(put_word(t));
    return close_set(t);
}

static tc_status category_set(translation *t, const char *name, bool negated)
{
    TCI_RETURN_IF(open_set(t, negated));
    TCI_RETURN_IF(put_category(t, name));
    return close_set(t);
}

/* Between a word character and none. */
static tc_status word_border(translation *t, bool negated)
{
    static const char *const parts[] = {"(?:(?<=", ")(?!", ")|(?<!", ")(?=", "))"};
    static const char *const none_parts[] = {"(?:(?<=", ")(?=", ")|(?<!", ")(?!", "))"};
    for (size_t i = 0; i < 5; i++) {
        TCI_RETURN_IF(put(t, (negated ? none_parts : parts)[i]));
        if (i < 4)
            TCI_RETURN_IF(word_set(t, false));
    }
    return TC_OK;
}

/* Scripts by their own property (a bare name would take in extensions), with what Unicode 15 to 16 brought. */
static const char *const scripts[][2] = {
    {"Arabic", "\\x{897}\\x{10EC2}-\\x{10EC4}\\x{10EFC}-\\x{10EFF}"},
    {"Cyrillic", "\\x{1C89}\\x{1C8A}\\x{1E030}-\\x{1E06D}\\x{1E08F}"},
    {"Devanagari", "\\x{11B00}-\\x{11B09}"},
    {"Han", "\\x{2B739}\\x{2EBF0}-\\x{2EE5D}\\x{31350}-\\x{323AF}"},
    {"Hiragana", "\\x{1B132}"},
    {"Kannada", "\\x{CF3}"},
    {"Katakana", "\\x{1B155}"},
    {"Lao", "\\x{ECE}"},
    {"Latin", "\\x{A7CB}-\\x{A7CD}\\x{A7DA}-\\x{A7DC}\\x{1DF25}-\\x{1DF2A}"},
    {"Myanmar", "\\x{116D0}-\\x{116E3}"},
    {"Armenian", ""},
    {"Bengali", ""},
    {"Ethiopic", ""},
    {"Georgian", ""},
    {"Greek", ""},
    {"Gujarati", ""},
    {"Gurmukhi", ""},
    {"Hangul", ""},
    {"Hebrew", ""},
    {"Khmer", ""},
    {"Malayalam", ""},
    {"Mongolian", ""},
    {"Sinhala", ""},
    {"Tamil", ""},
    {"Telugu", ""},
    {"Thai", ""},
    {"Tibetan", ""},
};

static bool is_category(const char *name, size_t length)
{
    static const char known[] = "L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp"
                                " Cc Cf Co";
    for (const char *at = known; length <= 2 && *at; at += strcspn(at, " "), at += *at == ' ')
        if (strcspn(at, " ") == length && memcmp(at, name, length) == 0)
            return true;
    return false;
}

/* \p{...}, \P{...}, \p{^...} */
static tc_status property(translation *t)
{
    const char *name = peek(t, 2) == '{' ? t->text + t->at + 3 : NULL;
    const char *close = name ? memchr(name, '}', t->length - t->at - 3) : NULL;
    if (!close)
        return refuse(t->at, "\\p wants a property's name in braces");
    bool negated = peek(t, 1) == 'P';
    size_t length = (size_t)(close - name), behind = 4 + length;
    if (length > 0 && name[0] == '^') {
        negated = !negated;
        name++;
        length--;
    }
    if (is_category(name, length)) {
        char category[3] = {name[0], length > 1 ? name[1] : 0, 0};
        TCI_RETURN_IF(category_set(t, category, negated));
        t->at += behind;
        return TC_OK;
    }
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        if (strlen(scripts[i][0]) != length || memcmp(scripts[i][0], name, length) != 0)
            continue;
        TCI_RETURN_IF(open_set(t, negated));
        TCI_RETURN_IF(put(t, "\\p{sc:"));
        TCI_RETURN_IF(put(t, scripts[i][0]));
        TCI_RETURN_IF(put(t, "}"));
        TCI_RETURN_IF(put(t, scripts[i][1]));
        TCI_RETURN_IF(close_set(t));
        t->at += behind;
        return TC_OK;
    }
    return refuse(t->at, "a property that is neither a general category nor one of the scripts known here");
}

static tc_status hexadecimal(translation *t)
{
    if (peek(t, 1) == 'u') {
        for (size_t i = 2; i < 6; i++)
            if (!is_hex(peek(t, i)))
                return refuse(t->at, "\\u wants four hexadecimal digits");
        TCI_RETURN_IF(put(t, "\\x{"));
        t->at += 2;
        TCI_RETURN_IF(take(t, 4));
        return put(t, "}");
    }
    if (peek(t, 2) == '{')
        return take(t, 3);
    if (peek(t, 2) < '0' || peek(t, 2) > '7' || !is_hex(peek(t, 3)))
        return refuse(t->at, "\\x wants two hexadecimal digits below 80, or braces");
    return take(t, 4);
}

static tc_status escape(translation *t)
{
    char c = peek(t, 1);
    tc_status status;
    switch (c) {
    case 's':
    case 'S':
        status = t->class_depth > 0 ? put(t, c == 's' ? SPACES : "\\S\\x{180E}")
                                    : put(t, c == 's' ? "[" SPACES "]" : "[^" SPACES "]");
        break;
    case 'w':
    case 'W':
        status = word_set(t, c == 'W');
        break;
    case 'd':
    case 'D':
        status = category_set(t, "Nd", c == 'D');
        break;
    case 'v':
        status = put(t, "\\x0B");
        break;
    case 'p':
    case 'P':
        return property(t);
    case 'u':
    case 'x':
        return hexadecimal(t);
    case 'b':
    case 'B':
        if (t->class_depth > 0)
            return refuse(t->at, "\\b in a class");
        status = word_border(t, c == 'B');
        break;
    default:
        if ((uint8_t)c >= 0x80 || c == 0)
            return refuse(t->at, "nothing that a backslash may stand before");
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) {
            if (!strchr(t->class_depth > 0 ? "tnrfae" : "tnrfaeAzZ", c))
                return refuse(t->at, "an escape that Oniguruma and PCRE2 read differently, or that one lacks");
        }
        return take(t, 2);
    }
    t->at += 2;
    return status;
}

/* What stands behind '('. */
static tc_status group(translation *t)
{
    static const char *const same[] = {"(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!", "(?i:"};
    if (peek(t, 1) == '*')
        return refuse(t->at, "a verb");
    if (peek(t, 1) != '?')
        return take(t, 1);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        size_t length = strlen(same[i]);
        if (t->length - t->at >= length && memcmp(t->text + t->at, same[i], length) == 0)
            return take(t, length);
    }
    if (t->at == 0 && t->length >= 4 && memcmp(t->text, "(?i)", 4) == 0)
        return take(t, 4);
    return refuse(t->at, "a group of a kind other than (, (?:, (?i:, (?=, (?!, (?<=, (?<!, (?>");
}

/* '[': a class, or one inside of another, whose members are the outer one's, too. */
static tc_status open_class(translation *t)
{
    size_t at = t->at;
    bool inner = t->class_depth > 0;
    if (inner && (peek(t, 1) == '^' || peek(t, 1) == ':'))
        return refuse(at, "a complement or a POSIX bracket in a class");
    if (inner && t->text[at - 1] == '-')
        return refuse(at, "- before a class in a class");
    t->class_depth++;
    if (inner)
        t->at++;
    else
        TCI_RETURN_IF(take(t, peek(t, 1) == '^' ? 2 : 1));
    return peek(t, 0) == ']' ? refuse(t->at, "] as the first of a class; write \\]") : TC_OK;
}

static tc_status in_class(translation *t)
{
    char c = peek(t, 0);
    if (c == '[')
        return open_class(t);
    if (c == '&' && peek(t, 1) == '&')
        return refuse(t->at, "an intersection of classes");
    if (c != ']')
        return take(t, 1);
    if (--t->class_depth == 0)
        return take(t, 1);
    t->at++;
    return peek(t, 0) == '-' ? refuse(t->at, "- behind a class in a class") : TC_OK;
}

/* {n}, {n,}, {n,m}; a possessive + behind it, and {,m}, mean other things in the two. */
static tc_status braces(translation *t)
{
    if (peek(t, 1) == ',')
        return refuse(t->at, "a repetition without a lower bound; write {0,");
    const char *close = memchr(t->text + t->at, '}', t->length - t->at);
    if (close && close + 1 < t->text + t->length && close[1] == '+')
        return refuse(t->at, "a possessive repetition with bounds");
    return take(t, 1);
}

/* Without regard to case Oniguruma lets some pairs of letters match a ligature, and letters beyond ASCII have cases of
 * their own in each. */
static tc_status check_cases(const translation *t)
{
    uint8_t c = (uint8_t)peek(t, 0), next = (uint8_t)(peek(t, 1) | 0x20);
    if (!t->any_case)
        return TC_OK;
    if (c >= 0x80)
        return refuse(t->at, "a character beyond ASCII in a pattern with (?i");
    c |= 0x20;
    if ((c == 's' && (next == 's' || next == 't')) || (c == 'f' && (next == 'f' || next == 'i' || next == 'l')))
        return refuse(t->at, "ss, st, ff, fi or fl in a pattern with (?i, which may stand for one character");
    return TC_OK;
}

tc_status tci_regex_translate(const char *text, size_t length, tci_buffer *out)
{
    translation t = {.text = text, .length = length, .out = out};
    for (size_t i = 0; i + 2 < length && !t.any_case; i++)
        t.any_case = memcmp(text + i, "(?i", 3) == 0;
    while (t.at < length) {
        char c = text[t.at];
        if (c == '\\') {
            TCI_RETURN_IF(escape(&t));
            continue;
        }
        TCI_RETURN_IF(check_cases(&t));
        if (t.class_depth > 0)
            TCI_RETURN_IF(in_class(&t));
        else if (c == '[')
            TCI_RETURN_IF(open_class(&t));
        else if (c == '(')
            TCI_RETURN_IF(group(&t));
        else if (c == '{')
            TCI_RETURN_IF(braces(&t));
        else
            TCI_RETURN_IF(take(&t, 1));
    }
    return TC_OK;
}
