/* labels: quick
 * Segments: where they end, what range they carry, what bounds them. That the code points are right is for
 * test_unicode_oracle.c. */
#include "support/testing.h"

#include "text/normalize.h"

/* Segments as "E9:0-2 62:2-3": code points joined by commas, then the range. */
static char segments[4096];

static tc_status list_segment(void *context, const tci_point *points, size_t count, size_t begin, size_t end)
{
    (void)context;
    size_t used = strlen(segments);
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(segments + used, sizeof segments - used, "%s%X", i ? "," : used ? " " : "",
                                 (unsigned)points[i].code);
    snprintf(segments + used, sizeof segments - used, ":%zu-%zu", begin, end);
    return TC_OK;
}

/* Each code point is one byte long here. */
static const char *segments_of(bool compatible, const uint32_t *codes, size_t count)
{
    tci_normalizer normalizer;
    tci_decompositions cache;
    segments[0] = 0;
    tci_normalizer_init(&normalizer, &cache, compatible, list_segment, NULL);
    for (size_t i = 0; i < count; i++)
        assert_ok(tci_normalizer_push(&normalizer, tci_point_of(codes[i]), i, i + 1));
    assert_ok(tci_normalizer_flush(&normalizer));
    return segments;
}

#define NFC(...) segments_of(false, (const uint32_t[]){__VA_ARGS__}, sizeof(uint32_t[]){__VA_ARGS__} / sizeof(uint32_t))
#define NFKC(...) segments_of(true, (const uint32_t[]){__VA_ARGS__}, sizeof(uint32_t[]){__VA_ARGS__} / sizeof(uint32_t))

static void a_starter_ends_the_segment_before_it(void **state)
{
    (void)state;
    assert_string_equal(NFC('a', 'b'), "61:0-1 62:1-2");
    assert_string_equal(NFC('e', 0x301, 'b'), "E9:0-2 62:2-3");
    assert_string_equal(NFC('q', 0x301, 0x316), "71,316,301:0-3");
    assert_string_equal(NFC(0x301, 'a'), "301:0-1 61:1-2");
}

static void a_starter_that_composes_does_not(void **state)
{
    (void)state;
    assert_string_equal(NFC(0x1112, 0x1161, 0x11AB, 'a'), "D55C:0-3 61:3-4");
    assert_string_equal(NFC(0xD558, 0x11AB), "D55C:0-2");
    assert_string_equal(NFC(0x9C7, 0x9BE, 0x9BE), "9CB:0-2 9BE:2-3");
    assert_string_equal(NFC(0x9C7, 0x334, 0x9BE), "9C7,334:0-2 9BE:2-3"); /* a mark between blocks it */
}

static void the_code_point_below_the_trailing_consonants_composes_with_nothing(void **state)
{
    (void)state;
    assert_string_equal(NFC(0xAC00, 0x11A7), "AC00:0-1 11A7:1-2");
    assert_string_equal(NFC(0xAC01, 0x11A8), "AC01:0-1 11A8:1-2");
}

static void one_code_point_may_become_many(void **state)
{
    (void)state;
    assert_string_equal(NFKC(0xFB01), "66,69:0-1");
    assert_string_equal(NFKC(0xFB01, 0x301), "66,ED:0-2");
    assert_string_equal(NFC(0xFB01, 0x301), "FB01,301:0-2");
    assert_string_equal(NFKC(0x327C), "CC38,ACE0:0-1");     /* circled: jamo that compose among themselves */
    assert_string_equal(NFKC(0xFF76, 0xFF9E), "30AC:0-2");  /* half width: a starter that becomes a mark */
    assert_string_equal(NFC(0x958), "915,93C:0-1");         /* excluded from composition */
    assert_string_equal(NFC(0xF73, 'a'), "F71,F72:0-1 61:1-2"); /* a starter made of marks */
}

static void a_mark_opens_what_was_finished(void **state)
{
    (void)state;
    assert_string_equal(NFC(0xE9, 0x323), "1EB9,301:0-2");
    assert_string_equal(NFC(0x1ED9, 0x302), "1ED9,302:0-2");
    assert_string_equal(NFC(0xE9, 0xE9, 0x323, 0xE9), "E9:0-1 1EB9,301:1-3 E9:3-4");
}

static void the_31st_mark_in_a_row_begins_a_segment(void **state)
{
    (void)state;
    uint32_t codes[64] = {'q'};
    char expected[1024] = "71";
    for (size_t i = 1; i <= 31; i++)
        codes[i] = 0x316;
    for (size_t i = 1; i <= 30; i++)
        strcat(expected, ",316");
    assert_string_equal(segments_of(false, codes, 31), strcat(expected, ":0-31"));
    assert_string_equal(segments_of(false, codes, 32), strcat(expected, " 316:31-32"));
}

static void a_decomposition_is_not_split_by_that_bound(void **state)
{
    (void)state;
    uint32_t codes[31];
    char expected[1024] = "316";
    for (size_t i = 0; i < 30; i++)
        codes[i] = i < 29 ? 0x316 : 0x344; /* 29 marks, then one that is two */
    for (size_t i = 1; i < 29; i++)
        strcat(expected, ",316");
    assert_string_equal(segments_of(false, codes, 30), strcat(expected, ":0-29 308,301:29-30"));
}

typedef struct code_list {
    uint32_t codes[64];
    size_t count;
} code_list;

static tc_status list_codes(void *context, const tci_point *points, size_t count, size_t begin, size_t end)
{
    code_list *list = context;
    assert_true(begin < end);
    for (size_t i = 0; i < count; i++)
        list->codes[list->count++] = points[i].code;
    return TC_OK;
}

static void passing_what_is_normalized_is_pushing_it(void **state)
{
    (void)state;
    static const uint32_t rows[][5] = {
        {'a', 'b', 0xE9}, {0xE9, 0x316}, {0x301, 'a'}, {0x9BE, 'x'}, {'x', 0x316, 0x301, 'y'},
        {0x9C7},          {0x1100},      {0x1161},     {0x323, 'a'}};
    enum { ROWS = sizeof rows / sizeof *rows };
    for (size_t pair = 0; pair < ROWS * ROWS; pair++) {
        tci_normalizer passing, pushing;
        tci_decompositions caches[2];
        code_list passed = {.count = 0}, pushed = {.count = 0};
        tci_normalizer_init(&passing, &caches[0], false, list_codes, &passed);
        tci_normalizer_init(&pushing, &caches[1], false, list_codes, &pushed);
        for (size_t half = 0; half < 2; half++) {
            const uint32_t *row = rows[half ? pair / ROWS : pair % ROWS];
            tci_point points[5];
            size_t count = 0;
            for (; count < 5 && row[count]; count++) {
                points[count] = tci_point_of(row[count]);
                assert_ok(tci_normalizer_push(&pushing, points[count], half, half + 1));
            }
            assert_ok(tci_normalizer_pass(&passing, points, count, half, half + 1));
        }
        assert_ok(tci_normalizer_flush(&passing));
        assert_ok(tci_normalizer_flush(&pushing));
        assert_int_equal(passed.count, pushed.count);
        assert_memory_equal(passed.codes, pushed.codes, pushed.count * sizeof *pushed.codes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_starter_ends_the_segment_before_it),
        cmocka_unit_test(a_starter_that_composes_does_not),
        cmocka_unit_test(the_code_point_below_the_trailing_consonants_composes_with_nothing),
        cmocka_unit_test(one_code_point_may_become_many),
        cmocka_unit_test(a_mark_opens_what_was_finished),
        cmocka_unit_test(the_31st_mark_in_a_row_begins_a_segment),
        cmocka_unit_test(a_decomposition_is_not_split_by_that_bound),
        cmocka_unit_test(passing_what_is_normalized_is_pushing_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
