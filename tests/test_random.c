/* labels: quick. random.c: known answers of Philox and the shape of the distributions. */
#include "support/testing.h"

#include <math.h>

#include "base/random.h"

/* kat_vectors of the Random123 distribution, philox4x32 10. */
static void philox_gives_the_known_answers(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } rows[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t out[4];
        tci_philox(rows[i].key, rows[i].counter, out);
        assert_memory_equal(out, rows[i].out, sizeof out);
    }
}

static void a_stream_is_philox_over_rising_counters(void **state)
{
    (void)state;
    tci_random random;
    tci_random_init(&random, UINT64_C(0x1122334455667788), TCI_RANDOM_SHUFFLE, UINT64_C(0x99AABBCCDDEEFF00));
    for (uint32_t block = 0; block < 3; block++) {
        uint32_t out[4];
        const uint32_t key[2] = {0x55667788, 0x11223344};
        const uint32_t counter[4] = {block, TCI_RANDOM_SHUFFLE, 0xDDEEFF00, 0x99AABBCC};
        tci_philox(key, counter, out);
        for (int i = 0; i < 4; i++)
            assert_int_equal(tci_random_word(&random), out[i]);
    }
}

static void seeds_purposes_and_streams_differ(void **state)
{
    (void)state;
    static const struct {
        uint64_t seed, stream;
        tci_random_purpose purpose;
    } rows[] = {{1, 0, TCI_RANDOM_DROPOUT},
                {2, 0, TCI_RANDOM_DROPOUT},
                {1, 1, TCI_RANDOM_DROPOUT},
                {1, 0, TCI_RANDOM_SPLIT},
                {UINT64_C(1) << 32 | 1, 0, TCI_RANDOM_DROPOUT},
                {1, UINT64_C(1) << 32, TCI_RANDOM_DROPOUT}};
    uint32_t first[6];
    for (size_t i = 0; i < 6; i++) {
        tci_random random;
        tci_random_init(&random, rows[i].seed, rows[i].purpose, rows[i].stream);
        first[i] = tci_random_word(&random);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(first[i], first[j]);
    }
}

static void uniform_numbers_fill_zero_to_one(void **state)
{
    (void)state;
    tci_random random;
    tci_random_init(&random, 5, TCI_RANDOM_INITIALIZE, 0);
    int counts[16] = {0};
    for (int i = 0; i < 160000; i++) {
        float value = tci_random_uniform(&random);
        assert_true(value >= 0.0f && value < 1.0f);
        counts[(int)(value * 16.0f)]++;
    }
    for (int i = 0; i < 16; i++)
        assert_true(abs(counts[i] - 10000) < 500); /* 5 deviations */
}

/* The C library's functions over the same words are the reference. */
static void normal_numbers_follow_box_and_muller(void **state)
{
    (void)state;
    tci_random random, words;
    tci_random_init(&random, 9, TCI_RANDOM_INITIALIZE, 3);
    tci_random_init(&words, 9, TCI_RANDOM_INITIALIZE, 3);
    double sum = 0, squares = 0;
    int beyond_two = 0;
    for (int i = 0; i < 200000; i++) {
        double u = (tci_random_word(&words) + 1.0) / 4294967296.0, turn = tci_random_word(&words) / 4294967296.0;
        double wanted = sqrt(-2.0 * log(u)) * cos(2.0 * 3.141592653589793 * turn);
        float value = tci_random_normal(&random);
        assert_true(fabs((double)value - wanted) <= 6e-8 * fabs(wanted) + 1e-14);
        sum += (double)value;
        squares += (double)value * (double)value;
        beyond_two += fabsf(value) > 2.0f;
    }
    assert_close(sum / 200000, 0.0, 0.01);
    assert_close(squares / 200000, 1.0, 0.02);
    assert_close(beyond_two / 200000.0, 0.0455, 0.003);
}

static void below_is_even_over_its_bound(void **state)
{
    (void)state;
    tci_random random;
    tci_random_init(&random, 11, TCI_RANDOM_SHUFFLE, 0);
    int counts[7] = {0};
    for (int i = 0; i < 70000; i++)
        counts[tci_random_below(&random, 7)]++;
    for (int i = 0; i < 7; i++)
        assert_true(abs(counts[i] - 10000) < 500);
    for (int i = 0; i < 100; i++)
        assert_int_equal(tci_random_below(&random, 1), 0);
    /* Two thirds of 2^64: without drawing again the lower half would come up twice as often as the upper. */
    uint64_t bound = UINT64_C(0xAAAAAAAAAAAAAAAA);
    int low = 0;
    for (int i = 0; i < 10000; i++) {
        uint64_t value = tci_random_below(&random, bound);
        assert_true(value < bound);
        low += value < bound / 2;
    }
    assert_true(abs(low - 5000) < 250);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_known_answers),
        cmocka_unit_test(a_stream_is_philox_over_rising_counters),
        cmocka_unit_test(seeds_purposes_and_streams_differ),
        cmocka_unit_test(uniform_numbers_fill_zero_to_one),
        cmocka_unit_test(normal_numbers_follow_box_and_muller),
        cmocka_unit_test(below_is_even_over_its_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
