/* labels: quick */
/* test_byte_level.c: the alphabet of bytes, and pieces and ranges of byte-level stages, as the package has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "support/failing.h"
#include "text/byte_level.h"
#include "text/metaspace.h"

/* The pieces that a stage makes of a text, which is one piece, and the range of each piece, like "text[0,3)". */
typedef struct pieces {
    char text[256];
} pieces;

static tc_status run(const tc_allocator *host, const tci_pretokenizer_kind *kind, bool is_byte_level, int how,
                     size_t begin, const char *text, pieces *out)
{
    tci_memory memory;
    tci_memory_init(&memory, host, 0);
    tci_aligned in, rewritten;
    tci_work work;
    tci_pieces list = {&memory, NULL, 0, 0};
    void *self = NULL;
    tci_aligned_init(&in, &memory);
    tci_aligned_init(&rewritten, &memory);
    tci_aligned_clear(&in);
    tci_aligned_clear(&rewritten);
    tci_work_init(&work, &memory);
    tc_status status = is_byte_level ? tci_byte_level_create(&memory, (how & 1) != 0, (how & 2) != 0, &self)
                                     : tci_metaspace_create(&memory, how & 4 ? '_' : 0x2581, (tci_prepend)(how & 3),
                                                            (how & 8) != 0, &self);
    for (size_t i = 0; status == TC_OK && text[i] != 0;) { /* code points of the tests: 1 to 3 bytes */
        size_t length = (uint8_t)text[i] < 0x80 ? 1 : (uint8_t)text[i] < 0xE0 ? 2 : 3;
        status = tci_aligned_put(&in, text + i, length, (tci_span){(uint32_t)i, (uint32_t)(i + length)});
        i += length;
    }
    if (status == TC_OK)
        status = kind->rewrite(self, &in, (tci_piece){(uint32_t)begin, (uint32_t)in.size}, 0, &rewritten);
    if (status == TC_OK)
        status = kind->split(self, &rewritten, (tci_piece){0, (uint32_t)rewritten.size}, &work, &list);
    size_t used = 0;
    for (size_t i = 0; status == TC_OK && i < list.count; i++) {
        tci_span span = tci_aligned_range(&rewritten, list.items[i].begin, list.items[i].end);
        used += (size_t)snprintf(out->text + used, sizeof out->text - used, "%.*s[%u,%u)",
                                 (int)(list.items[i].end - list.items[i].begin), rewritten.bytes + list.items[i].begin,
                                 span.begin, span.end);
    }
    tci_free(&memory, list.items);
    tci_aligned_free(&in);
    tci_aligned_free(&rewritten);
    tci_work_free(&work);
    if (self)
        tci_free(&memory, self);
    return status;
}

static void check(bool is_byte_level, int how, size_t begin, const char *text, const char *wanted)
{
    pieces out = {""};
    assert_int_equal(
        run(NULL, is_byte_level ? &tci_byte_level_kind : &tci_metaspace_kind, is_byte_level, how, begin, text, &out),
        TC_OK);
    assert_string_equal(out.text, wanted);
}

static void every_byte_has_a_letter_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(tci_byte_letter(' '), 0x120);
    assert_int_equal(tci_byte_letter('\n'), 0x10A);
    assert_int_equal(tci_byte_letter(0xAD), 0x143);
    assert_int_equal(tci_byte_of_letter(' '), -1);
    assert_int_equal(tci_byte_of_letter(0x144), -1);
    for (int i = 0; i < 256; i++) {
        char letter[2];
        uint32_t code = tci_byte_letter((uint8_t)i);
        assert_int_equal(tci_byte_of_letter(code), i);
        assert_int_equal(tci_byte_write((uint8_t)i, letter), code < 0x80 ? 1 : 2);
    }
}

static void byte_level_puts_a_space_and_splits_by_the_pattern_of_gpt2(void **state)
{
    (void)state;
    check(true, 3, 0, "H\xC3\xA9  y", " H\xC3\xA9[0,3) [3,4) y[4,6)");
    check(true, 3, 0, " x", " x[0,2)");
    check(true, 3, 0, "\xC3\xA9", " \xC3\xA9[0,2)");
    check(true, 0, 0, "a b\n", "a b\n[0,4)");
}

static void bytes_are_written_as_letters_with_their_ranges(void **state)
{
    (void)state;
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    tci_aligned in, out;
    tci_aligned_init(&in, &memory);
    tci_aligned_init(&out, &memory);
    tci_aligned_clear(&in);
    tci_aligned_clear(&out);
    assert_int_equal(tci_aligned_put(&in, " ", 1, (tci_span){0, 1}), TC_OK);
    assert_int_equal(tci_aligned_put(&in, "\xC3\xA9", 2, (tci_span){1, 3}), TC_OK);
    assert_int_equal(tci_byte_normalizer_kind.normalize(NULL, &in, &out, NULL), TC_OK);
    assert_int_equal(out.size, 6);
    assert_memory_equal(out.bytes, "\xC4\xA0\xC3\x83\xC2\xA9", 6);
    assert_int_equal(tci_aligned_span(&out, 4).begin, 1);
    assert_int_equal(tci_aligned_span(&out, 4).end, 3);
    tci_aligned_free(&in);
    tci_aligned_free(&out);
}

#define M "\xE2\x96\x81"

static void metaspace_writes_spaces_and_splits_before_them(void **state)
{
    (void)state;
    enum { SPLIT = 8, UNDERSCORE = 4 };
    check(false, TCI_PREPEND_ALWAYS | SPLIT, 0, "a  b c", M "a[0,1)" M "[1,2)" M "b[2,4)" M "c[4,6)");
    check(false, TCI_PREPEND_ALWAYS | SPLIT, 0, " ab", M "ab[0,3)");
    check(false, TCI_PREPEND_ALWAYS | SPLIT, 0, M "a", M "a[0,4)");
    check(false, TCI_PREPEND_NEVER | SPLIT, 0, " ab  ", M "ab[0,3)" M "[3,4)" M "[4,5)");
    check(false, TCI_PREPEND_FIRST, 0, "a b", M "a" M "b[0,3)");
    check(false, TCI_PREPEND_FIRST | SPLIT, 2, "a b", "b[2,3)");
    check(false, TCI_PREPEND_ALWAYS | SPLIT, 2, "a b", M "b[2,3)");
    check(false, TCI_PREPEND_ALWAYS | SPLIT | UNDERSCORE, 0, "a_b c", "_a[0,1)_b[1,3)_c[3,5)");
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        for (long n = 0;; n++) {
            test_allocator allocator;
            test_allocator_init(&allocator, n, false);
            tc_allocator host = test_allocator_host(&allocator);
            pieces out = {""};
            tc_status status = run(&host, kind ? &tci_byte_level_kind : &tci_metaspace_kind, kind == 1, kind ? 3 : 8, 0,
                                   "ab cd  e", &out);
            assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
            assert_nothing_held(&allocator);
            if (!allocator.failed)
                break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_has_a_letter_of_its_own),
        cmocka_unit_test(byte_level_puts_a_space_and_splits_by_the_pattern_of_gpt2),
        cmocka_unit_test(bytes_are_written_as_letters_with_their_ranges),
        cmocka_unit_test(metaspace_writes_spaces_and_splits_before_them),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
