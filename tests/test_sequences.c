/* labels: quick
 * Tokens to sequences: special tokens are never cut, windows overlap and are all full but for the last, and what was
 * used is counted. */
#include "support/testing.h"

#include "support/failing.h"
#include "text/sequences.h"

static const uint32_t cls[] = {901, 902}, sep[] = {903};
static const tci_specials none = {NULL, NULL, 0, 0};
static const tci_specials two = {cls, sep, 1, 1};
static const tci_specials three = {cls, sep, 2, 1};

typedef struct expectation {
    const tci_specials *specials;
    tci_truncate truncate;
    size_t max_length, overlap, words, used, count;
    uint32_t ids[24];
} expectation;

/* Token i of the text is i, from 1, and stands at bytes 2i to 2i + 1. */
static tc_status encode(const tci_text_options *options, const tci_specials *specials, size_t words,
                        tci_encoded *encoded)
{
    tci_sequences sequences;
    TCI_RETURN_IF(tci_sequences_begin(&sequences, options, specials, 2 * words + 2, encoded));
    for (size_t i = 1; i <= words; i++)
        TCI_RETURN_IF(tci_sequences_put(&sequences, (uint32_t)i, 2 * i, 2 * i + 1));
    return tci_sequences_end(&sequences);
}

static void check(const expectation *want)
{
    tci_text_options options = {
        .max_length = want->max_length, .truncate = want->truncate, .window_overlap = want->overlap};
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    for (int with_ranges = 0; with_ranges < 2; with_ranges++) {
        tci_encoded encoded;
        tci_encoded_init(&encoded, &memory, with_ranges);
        assert_ok(tci_sequences_check(&options, want->specials));
        assert_ok(encode(&options, want->specials, want->words, &encoded));
        assert_int_equal(encoded.count, want->count);
        assert_int_equal(encoded.used, want->used);
        assert_int_equal(encoded.tokens, want->words + want->specials->before_count + want->specials->after_count);
        for (size_t i = 0; i < want->count; i++) {
            size_t begin = want->ids[i] > 900 ? 0 : 2 * want->ids[i];
            assert_int_equal(encoded.ids[i], want->ids[i]);
            if (with_ranges)
                assert_int_equal(encoded.ranges[2 * i], begin);
            if (with_ranges)
                assert_int_equal(encoded.ranges[2 * i + 1], begin == 0 ? 0 : begin + 1);
        }
        tci_encoded_free(&encoded);
    }
    assert_int_equal(atomic_load(&memory.used), 0);
}

static void check_all(const expectation *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check(&rows[i]);
}

static void truncation_cuts_text_and_never_special_tokens(void **state)
{
    (void)state;
    static const expectation rows[] = {
        {&two, TCI_TRUNCATE_HEAD, 5, 0, 0, 2, 2, {901, 903}},
        {&two, TCI_TRUNCATE_HEAD, 5, 0, 3, 5, 5, {901, 1, 2, 3, 903}},
        {&two, TCI_TRUNCATE_HEAD, 5, 0, 9, 5, 5, {901, 1, 2, 3, 903}},
        {&two, TCI_TRUNCATE_TAIL, 5, 0, 2, 4, 4, {901, 1, 2, 903}},
        {&two, TCI_TRUNCATE_TAIL, 5, 0, 4, 5, 5, {901, 2, 3, 4, 903}},
        {&two, TCI_TRUNCATE_TAIL, 5, 0, 9, 5, 5, {901, 7, 8, 9, 903}},
        {&two, TCI_TRUNCATE_BOTH, 5, 0, 8, 5, 5, {901, 1, 2, 8, 903}},
        {&three, TCI_TRUNCATE_BOTH, 7, 0, 8, 7, 7, {901, 902, 1, 2, 7, 8, 903}},
        {&three, TCI_TRUNCATE_BOTH, 7, 0, 7, 7, 7, {901, 902, 1, 2, 6, 7, 903}},
        {&three, TCI_TRUNCATE_TAIL, 4, 0, 7, 4, 4, {901, 902, 7, 903}},
        {&two, TCI_TRUNCATE_HEAD, 0, 0, 3, 5, 5, {901, 1, 2, 3, 903}},
    };
    check_all(rows, sizeof rows / sizeof *rows);
}

static void windows_are_full_but_for_the_last_and_overlap(void **state)
{
    (void)state;
    static const expectation rows[] = {
        {&none, TCI_TRUNCATE_WINDOWS, 3, 0, 0, 0, 0, {0}},
        {&none, TCI_TRUNCATE_WINDOWS, 3, 1, 3, 3, 3, {1, 2, 3}},
        {&none, TCI_TRUNCATE_WINDOWS, 3, 0, 7, 7, 7, {1, 2, 3, 4, 5, 6, 7}},
        {&none, TCI_TRUNCATE_WINDOWS, 3, 1, 4, 4, 5, {1, 2, 3, 3, 4}},
        {&none, TCI_TRUNCATE_WINDOWS, 3, 1, 6, 6, 8, {1, 2, 3, 3, 4, 5, 5, 6}},
        {&two, TCI_TRUNCATE_WINDOWS, 5, 1, 0, 2, 2, {901, 903}},
        {&two, TCI_TRUNCATE_WINDOWS, 5, 1, 3, 5, 5, {901, 1, 2, 3, 903}},
        {&two, TCI_TRUNCATE_WINDOWS, 5, 1, 4, 6, 9, {901, 1, 2, 3, 903, 901, 3, 4, 903}},
        {&two, TCI_TRUNCATE_WINDOWS, 5, 1, 5, 7, 10, {901, 1, 2, 3, 903, 901, 3, 4, 5, 903}},
        {&two, TCI_TRUNCATE_WINDOWS, 5, 0, 4, 6, 8, {901, 1, 2, 3, 903, 901, 4, 903}},
        {&three, TCI_TRUNCATE_WINDOWS, 7, 2, 7, 10, 20, {901, 902, 1, 2,   3,   4,   903, 901, 902, 3,
                                                         4,   5,   6, 903, 901, 902, 5,   6,   7,   903}},
        {&two, TCI_TRUNCATE_WINDOWS, 3, 0, 2, 4, 6, {901, 1, 903, 901, 2, 903}},
    };
    check_all(rows, sizeof rows / sizeof *rows);
}

static void a_length_without_room_for_text_is_refused(void **state)
{
    (void)state;
    static const struct {
        const tci_specials *specials;
        tci_truncate truncate;
        size_t max_length, overlap;
        const char *says;
    } rows[] = {
        {&two, TCI_TRUNCATE_HEAD, 2, 0, "option 'max_length' is 2, which the tokenizer's 2 special tokens count in"},
        {&three, TCI_TRUNCATE_WINDOWS, 1, 0, "has to be 4 at least"},
        {&two, TCI_TRUNCATE_WINDOWS, 7, 3, "option 'window_overlap' is 3, more than half of the 5 tokens"},
        {&none, TCI_TRUNCATE_WINDOWS, 0, 0, "windows have a length"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tci_text_options options = {
            .max_length = rows[i].max_length, .truncate = rows[i].truncate, .window_overlap = rows[i].overlap};
        assert_int_equal(tci_sequences_check(&options, rows[i].specials), TC_ERROR_OPTION);
        assert_non_null(strstr(tci_error_text(), rows[i].says));
    }
}

static void memory_that_runs_out_is_a_status(void **state)
{
    (void)state;
    static const tci_truncate ways[] = {TCI_TRUNCATE_TAIL, TCI_TRUNCATE_WINDOWS};
    for (size_t way = 0; way < 2; way++) {
        tci_text_options options = {.max_length = 40, .truncate = ways[way], .window_overlap = 4};
        for (long n = 0;; n++) {
            test_allocator allocator;
            test_allocator_init(&allocator, n, false);
            tc_allocator host = test_allocator_host(&allocator);
            tci_memory memory;
            tci_encoded encoded;
            tci_memory_init(&memory, &host, 0);
            tci_encoded_init(&encoded, &memory, true);
            tc_status status = encode(&options, &three, 500, &encoded);
            assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
            tci_encoded_free(&encoded);
            assert_nothing_held(&allocator);
            if (!allocator.failed)
                break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(truncation_cuts_text_and_never_special_tokens),
        cmocka_unit_test(windows_are_full_but_for_the_last_and_overlap),
        cmocka_unit_test(a_length_without_room_for_text_is_refused),
        cmocka_unit_test(memory_that_runs_out_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
