/* labels: quick */
/* test_pattern.c: the pieces that patterns cut, by our scanners and by PCRE2; wanted ones are the package's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/failing.h"
#include "text/pattern.h"

#define CL100K                                                                                                         \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"           \
    "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

#define CLIP "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"
#define CLIP_SPECIAL "<\\|startoftext\\|>|<\\|endoftext\\|>|" CLIP
#define CASED(behind, numbers)                                                                                         \
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+" behind                 \
    "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*" behind "|" numbers    \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define O200K CASED("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", "\\p{N}{1,3}")
#define TEKKEN CASED("", "\\p{N}")
#define QWEN35                                                                                                         \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|"  \
    "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/* The matches, and what lies between, with | behind each, into `out`. */
static tc_status cut(tci_memory *memory, const char *pattern, bool is_literal, const char *text, size_t length,
                     char *out, size_t capacity)
{
    tci_pattern *made;
    tci_work work;
    tci_work_init(&work, memory);
    tc_status status = tci_pattern_create(memory, pattern, strlen(pattern), is_literal, &made);
    if (status != TC_OK)
        return status;
    tci_matches matches;
    tci_matches_begin(&matches, made, text, length, &work);
    size_t last = 0, begin, end, used = 0;
    bool found;
    while ((status = tci_matches_next(&matches, &found, &begin, &end)) == TC_OK && found && used + 3 < capacity) {
        if (begin > last)
            used += (size_t)snprintf(out + used, capacity - used, "%.*s|", (int)(begin - last), text + last);
        used += (size_t)snprintf(out + used, capacity - used, "%.*s|", (int)(end - begin), text + begin);
        last = end;
    }
    if (last < length && used < capacity)
        snprintf(out + used, capacity - used, "%.*s|", (int)(length - last), text + last);
    tci_work_free(&work);
    tci_pattern_free(memory, made);
    return status;
}

static void check(const char *pattern, const char *text, const char *wanted)
{
    char out[512] = "";
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    if (cut(&memory, pattern, false, text, strlen(text), out, sizeof out) != TC_OK)
        fail_msg("%s: %s", pattern, tc_last_error());
    assert_string_equal(out, wanted);
    assert_int_equal(memory.used, 0);
}

static void check_refused(const char *pattern, tc_status wanted, const char *why)
{
    char out[64] = "";
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    tc_status status = cut(&memory, pattern, false, "text", 4, out, sizeof out);
    if (status != wanted || !strstr(tc_last_error(), why))
        fail_msg("%s: status %d, %s", pattern, (int)status, status ? tc_last_error() : "accepted");
    assert_int_equal(memory.used, 0);
}

static void the_pattern_of_gpt2_has_a_scanner(void **state)
{
    (void)state;
    assert_non_null(tci_scan_of(tci_gpt2_pattern, strlen(tci_gpt2_pattern)));
    check(tci_gpt2_pattern, "it's I'LL  don't\n\n x 12a½!? \t", "it|'s| I|'|LL| | don|'t|\n\n| x| 12|a|½|!?| \t|");
    check(tci_gpt2_pattern, "a \xC2\xA0 b\xE4\xB8\xAD", "a| \xC2\xA0| b\xE4\xB8\xAD|");
    check(tci_gpt2_pattern, "'", "'|");
    check(tci_gpt2_pattern, "", "");
}

static void the_pattern_of_cl100k_has_a_scanner(void **state)
{
    (void)state;
    assert_non_null(tci_scan_of(CL100K, strlen(CL100K)));
    check(CL100K, "I'LL it'\xC5\xBF 12345 (word)!\r\n\n x  y\n \n",
          "I|'LL| it|'\xC5\xBF| |123|45| (|word|)!\r\n\n| x| | y|\n \n|");
    check(CL100K, " \n  ", " \n|  |");
}

/* By the scanner, and by PCRE2, which knows no pattern in parentheses. */
static void check_both(const char *pattern, const char *text, const char *wanted)
{
    char in_parentheses[512];
    assert_non_null(tci_scan_of(pattern, strlen(pattern)));
    check(pattern, text, wanted);
    snprintf(in_parentheses, sizeof in_parentheses, "(?:%s)", pattern);
    assert_null(tci_scan_of(in_parentheses, strlen(in_parentheses)));
    check(in_parentheses, text, wanted);
}

static void the_pattern_of_o200k_ends_words_before_capitals(void **state)
{
    (void)state;
    check_both(O200K, "HELLOworld iPhone's 'LL 12345 (Word)!/\n/x  y\n ",
               "HELLOworld| i|Phone's| '|LL| |123|45| (|Word|)!/\n/|x| | y|\n| |");
    check_both(O200K, "\xE4\xB8\xAD\xE6\x96\x87" "ABC d", "\xE4\xB8\xAD\xE6\x96\x87|ABC| d|");
    check_both(O200K, "\xE4\xB8\xAD" "ABCd", "\xE4\xB8\xAD" "ABCd|");
    check_both(O200K, "\xCC\x81" "ABC .\xCC\x81" "a", "\xCC\x81|ABC| .\xCC\x81|a|");
    check_both(O200K, "\xC7\x85" "aB a\xCA\xB0" "B'\xC5\xBF", "\xC7\x85" "a|B| a\xCA\xB0|B'\xC5\xBF|");
    check_both(TEKKEN, "don't 12 iPhone/\n", "don|'t| |1|2| i|Phone|/\n|");
}

static void to_the_pattern_of_qwen35_marks_are_letters(void **state)
{
    (void)state;
    check_both(QWEN35, "a\xCC\x81" "b 12 .\xCC\x81 I'LL\n", "a\xCC\x81" "b| |1|2| .|\xCC\x81| I|'LL|\n|");
}

static void the_pattern_of_clip_matches_no_white_space(void **state)
{
    (void)state;
    check_both(CLIP, "it's  I'LL 12 a<|endoftext|>b\n!?", "it|'s|  |I|'|LL| |1|2| |a|<||endoftext||>|b|\n|!?|");
    check_both(CLIP_SPECIAL, "<|startoftext|>a<|endoftext|>.<|endoftext|>",
               "<|startoftext|>|a|<|endoftext|>|.<||endoftext||>|");
    check_both("\\s+", "  a\xC2\xA0\n b\xC2\x85", "  |a|\xC2\xA0\n |b|\xC2\x85|");
}

static void the_scanners_know_letters_of_unicode_16(void **state)
{
    (void)state;
    check(tci_gpt2_pattern, "a\xF0\xAE\xAF\xB0.\xF0\x96\xB5\xB0", "a\xF0\xAE\xAF\xB0|.|\xF0\x96\xB5\xB0|");
}

static void any_other_pattern_goes_to_pcre2(void **state)
{
    (void)state;
    check("\\s{2}", "a  b\xC2\x85", "a|  |b\xC2\x85|");
    check("\\w+", "\xC2\xBD,a_b-c", "\xC2\xBD|,|a_b|-|c|");
    check("[\\w]+", "\xC2\xBD,a", "\xC2\xBD,|a|");
    check("\\p{L}+", "a\xF0\xAE\xAF\xB0.", "a\xF0\xAE\xAF\xB0|.|");
    check("\\P{Han}", "a\xE4\xB8\xAD", "a|\xE4\xB8\xAD|");
    check("\\ba", "a ba a", "a| ba |a|");
    check(" ?[^(\\s|[.,!?])]+", "ab (cd), e", "ab| (|cd|),| e|");
    check("(?=(\\d{3})+(?!\\d))", "12345", "12||345|");
    check("^.", "ab\ncd", "a|b\n|c|d|");
}

static void a_literal_is_no_pattern(void **state)
{
    (void)state;
    char out[64] = "";
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    assert_int_equal(cut(&memory, ".+", true, "a.+.b.+", 7, out, sizeof out), TC_OK);
    assert_string_equal(out, "a|.+|.b|.+|");
    out[0] = 0;
    assert_int_equal(cut(&memory, "", true, "ab", 2, out, sizeof out), TC_OK);
    assert_string_equal(out, "ab|");
    char longest[TCI_LITERAL_MAX + 2] = "";
    memset(longest, 'a', TCI_LITERAL_MAX + 1);
    assert_int_equal(cut(&memory, longest, true, "ab", 2, out, sizeof out), TC_ERROR_LIMIT);
    assert_int_equal(cut(&memory, longest + 1, true, "ab", 2, out, sizeof out), TC_OK);
    assert_int_equal(memory.used, 0);
}

static void what_the_two_read_differently_is_refused_by_name(void **state)
{
    (void)state;
    check_refused("(", TC_ERROR_FORMAT, "byte 1");
    check_refused("[a", TC_ERROR_FORMAT, "byte 2");
    check_refused("a\\", TC_ERROR_UNSUPPORTED, "byte 1");
    check_refused("a\\h", TC_ERROR_UNSUPPORTED, "an escape");
    check_refused("(?<name>a)", TC_ERROR_UNSUPPORTED, "a group");
    check_refused("(*UCP)a", TC_ERROR_UNSUPPORTED, "a verb");
    check_refused("[a&&b]", TC_ERROR_UNSUPPORTED, "an intersection");
    check_refused("[[:alpha:]]", TC_ERROR_UNSUPPORTED, "POSIX");
    check_refused("[\\W]", TC_ERROR_UNSUPPORTED, "a complement");
    check_refused("a{,3}", TC_ERROR_UNSUPPORTED, "a repetition");
    check_refused("a{2}+", TC_ERROR_UNSUPPORTED, "possessive");
    check_refused("\\p{Emoji}", TC_ERROR_UNSUPPORTED, "a property");
    check_refused("\\p{Cn}", TC_ERROR_UNSUPPORTED, "a property");
    check_refused("(?i:miss)", TC_ERROR_UNSUPPORTED, "ss, st");
    check_refused("\xFF", TC_ERROR_FORMAT, "byte 0");
}

static void a_search_that_takes_too_long_is_an_error_with_the_byte(void **state)
{
    (void)state;
    enum { LENGTH = 4000 };
    char *text = malloc(LENGTH);
    char out[16];
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    memset(text, 'a', LENGTH);
    text[0] = 'c';
    assert_int_equal(cut(&memory, "c|(a+)+b", false, text, LENGTH, out, sizeof out), TC_ERROR_LIMIT);
    assert_non_null(strstr(tc_last_error(), "from byte 1 of a piece of 4000 bytes"));
    assert_int_equal(memory.used, 0);
    free(text);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        test_allocator allocator;
        test_allocator_init(&allocator, n, false);
        tc_allocator host = test_allocator_host(&allocator);
        tci_memory memory;
        tci_memory_init(&memory, &host, 0);
        char out[64] = "";
        tc_status status = cut(&memory, "(a|b)+(?!c)", false, "abac d", 6, out, sizeof out);
        if (allocator.failed)
            assert_int_equal(status, TC_ERROR_MEMORY);
        else
            assert_string_equal(out, "ab|ac d|");
        assert_nothing_held(&allocator);
        if (!allocator.failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pattern_of_gpt2_has_a_scanner),
        cmocka_unit_test(the_pattern_of_cl100k_has_a_scanner),
        cmocka_unit_test(the_pattern_of_o200k_ends_words_before_capitals),
        cmocka_unit_test(to_the_pattern_of_qwen35_marks_are_letters),
        cmocka_unit_test(the_pattern_of_clip_matches_no_white_space),
        cmocka_unit_test(the_scanners_know_letters_of_unicode_16),
        cmocka_unit_test(any_other_pattern_goes_to_pcre2),
        cmocka_unit_test(a_literal_is_no_pattern),
        cmocka_unit_test(what_the_two_read_differently_is_refused_by_name),
        cmocka_unit_test(a_search_that_takes_too_long_is_an_error_with_the_byte),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
