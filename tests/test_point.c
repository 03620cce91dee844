/* labels: quick
 * What is known of code points: kinds, what cleaning drops, and the promises on which the fast ways rest. */
#include "support/testing.h"

#include "text/point.h"

static void assert_kinds(tci_kind kind, const uint32_t *codes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (tci_point_of(codes[i]).kind != kind)
            fail_msg("U+%04X has kind %d, not %d", (unsigned)codes[i], tci_point_of(codes[i]).kind, kind);
}

#define KINDS(kind, ...) \
    assert_kinds(kind, (const uint32_t[]){__VA_ARGS__}, sizeof(uint32_t[]){__VA_ARGS__} / sizeof(uint32_t))

static void white_space_is_unicodes(void **state)
{
    (void)state;
    KINDS(TCI_KIND_SPACE, 9, 10, 11, 12, 13, 0x20, 0x85, 0xA0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005,
          0x2006, 0x2007, 0x2008, 0x2009, 0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000);
    size_t spaces = 0;
    for (uint32_t code = 0; code < 0x110000; code++)
        spaces += tci_point_of(code).kind == TCI_KIND_SPACE;
    assert_int_equal(spaces, 25);
}

static void kinds_go_by_category_and_script(void **state)
{
    (void)state;
    KINDS(TCI_KIND_MARK, 0x300, 0x903, 0x20DD, 0xE34, 0x302A, 0x3099, 0xFE0F, 0xE0100);
    KINDS(TCI_KIND_LETTER, 'A', 'z', '0', 0xE9, 0x2B0, 0x661, 0x2160, 0xB2, 0xBD, 0xAC00, 0x1100, 0x905, 0xFF76,
          0x10400);
    KINDS(TCI_KIND_SOLO, 0x3007, 0x3400, 0x4DBF, 0x4E00, 0x9FFF, 0xF900, 0xFAD9, 0x20000, 0x2A6DF, 0x30000, 0x3042,
          0x30AB, 0x30FC, 0x31F0, 0x31FF, 0xE01, 0xE81, 0x1000, 0x1780, 0xAA60, 0xA9E7);
    KINDS(TCI_KIND_OTHER, 0, '_', '!', '$', 0x1F, 0x7F, 0xAD, 0x200C, 0x200D, 0x3001, 0xE000, 0xFFFD,
          0x1F600, 0x378, 0x10FFFF);
}

static void ascii_kinds_are_those_of_their_code_points(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 128; code++) {
        tci_point point = tci_point_of(code);
        assert_int_equal(tci_ascii_kind[code], point.kind);
        assert_int_equal(point.combining, 0);
        assert_int_equal(point.flags, code >= 'A' && code <= 'Z' ? TCI_POINT_FOLDS : 0);
    }
}

static void cleaning_drops_exactly_these(void **state)
{
    (void)state;
    static const struct {
        uint32_t first, last;
    } dropped[] = {{0, 8},           {0xE, 0x1F},      {0x7F, 0x84},     {0x86, 0x9F},     {0xAD, 0xAD},
                   {0x61C, 0x61C},   {0x200B, 0x200B}, {0x200E, 0x200F}, {0x202A, 0x202E}, {0x2060, 0x2064},
                   {0x2066, 0x206F}, {0xFEFF, 0xFEFF}};
    for (uint32_t code = 0; code < 0x110000; code++) {
        bool expected = false;
        for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++)
            expected = expected || (code >= dropped[i].first && code <= dropped[i].last);
        assert_int_equal(tci_point_is_dropped(code), expected);
    }
}

static void inert_code_points_do_nothing(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0x110000; code++) {
        if (!tci_point_is_inert(code))
            continue;
        tci_point point = tci_point_of(code);
        uint32_t codes[TCI_DECOMPOSED_MAX];
        assert_int_equal(point.flags, 0);
        assert_int_equal(point.combining, 0);
        assert_int_equal(point.kind, code == 0xFFFD ? TCI_KIND_OTHER : TCI_KIND_SOLO);
        assert_false(tci_point_is_dropped(code));
        assert_int_equal(tci_point_decompose(code, true, codes), 1);
    }
}

/* Every canonical composite of a starter with a starter: the second says that it may join back; and nothing joins an
 * inert code point. */
static void whatever_joins_back_says_so(void **state)
{
    (void)state;
    size_t joining = 0;
    for (uint32_t code = 0; code < 0x110000; code++) {
        uint32_t codes[TCI_DECOMPOSED_MAX];
        size_t count = tci_point_decompose(code, false, codes);
        if (count < 2)
            continue;
        tci_point last = tci_point_of(codes[count - 1]);
        for (size_t i = 0; i < count; i++)
            assert_false(tci_point_is_inert(codes[i]));
        if (last.combining != 0 || tci_point_of(codes[0]).combining != 0)
            continue;
        assert_true(last.flags & TCI_POINT_MAY_JOIN_BACK);
        joining++;
    }
    assert_true(joining > 11172);
}

static void no_code_point_becomes_more_than_fit(void **state)
{
    (void)state;
    size_t most = 0;
    for (uint32_t code = 0; code < 0x110000; code++) {
        uint32_t codes[TCI_DECOMPOSED_MAX];
        tci_point point = tci_point_of(code);
        size_t count = tci_point_decompose(code, true, codes);
        most = count > most ? count : most;
        if (point.flags & TCI_POINT_DECOMPOSES_K)
            assert_false(count == 1 && codes[0] == code); /* as it would be if it did not fit */
        if (point.flags & TCI_POINT_FOLDS)
            assert_true(tci_point_fold(code, codes) > 1 || codes[0] != code);
    }
    assert_int_equal(most, TCI_DECOMPOSED_MAX);
}

static void pairs_compose(void **state)
{
    (void)state;
    assert_int_equal(tci_point_compose('e', 0x301), 0xE9);
    assert_int_equal(tci_point_compose('e', 'a'), 0);
    assert_int_equal(tci_point_compose(0x1100, 0x1161), 0xAC00);
    assert_int_equal(tci_point_compose(0x1112, 0x1175), 0xD788);
    assert_int_equal(tci_point_compose(0xD788, 0x11C2), 0xD7A3);
    assert_int_equal(tci_point_compose(0xAC00, 0x11A7), 0);
    assert_int_equal(tci_point_compose(0xAC01, 0x11A8), 0);
    assert_int_equal(tci_point_compose(0x1113, 0x1161), 0);
    assert_int_equal(tci_point_compose(0x1100, 0x1176), 0);
    assert_int_equal(tci_point_compose(0x915, 0x93C), 0); /* excluded */
    assert_int_equal(tci_point_compose(0x308, 0x301), 0);
    assert_int_equal(tci_point_compose(0x11099, 0x110BA), 0x1109A);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(white_space_is_unicodes),
        cmocka_unit_test(kinds_go_by_category_and_script),
        cmocka_unit_test(ascii_kinds_are_those_of_their_code_points),
        cmocka_unit_test(cleaning_drops_exactly_these),
        cmocka_unit_test(inert_code_points_do_nothing),
        cmocka_unit_test(whatever_joins_back_says_so),
        cmocka_unit_test(no_code_point_becomes_more_than_fit),
        cmocka_unit_test(pairs_compose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
