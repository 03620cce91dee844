/* labels: quick
 * The threshold of the best F1 against a try of every threshold that makes a difference. */
#include "support/testing.h"

#include "metric/threshold.h"

#define ROWS 12

static uint32_t draw(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* 2·right / (given + support), as a fraction: of given + support in *whole. */
static uint64_t twice_right(const float *scores, const uint8_t *is_true, size_t count, double threshold,
                            uint64_t *whole)
{
    uint64_t right = 0;
    *whole = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t given = (double)scores[i] >= threshold;
        right += given & is_true[i];
        *whole += given + is_true[i];
    }
    return 2 * right;
}

static bool is_more(uint64_t a, uint64_t a_whole, uint64_t b, uint64_t b_whole)
{
    return a * (b_whole ? b_whole : 1) > b * (a_whole ? a_whole : 1);
}

static double best_of(const float *scores, const uint8_t *is_true, size_t count, double preferred)
{
    uint32_t order[2 * ROWS];
    tci_label_scores label = {count, scores, is_true, order};
    return tci_best_threshold(&label, preferred);
}

static void check(const float *scores, const uint8_t *is_true, size_t count, double preferred)
{
    double found = best_of(scores, is_true, count, preferred);
    uint64_t whole = 0, right = twice_right(scores, is_true, count, found, &whole);
    assert_true(found >= 0 && found <= 1);
    for (size_t i = 0; i <= 128; i++) { /* scores are of 64ths: all cuts, and places between them */
        double other = (double)i / 128;
        uint64_t other_whole = 0, other_right = twice_right(scores, is_true, count, other, &other_whole);
        assert_false(is_more(other_right, other_whole, right, whole));
        if (is_more(right, whole, other_right, other_whole))
            continue;
        /* as good: then not nearer, but for what lies within the same gap between two scores */
        double away = found > preferred ? found - preferred : preferred - found;
        double other_away = other > preferred ? other - preferred : preferred - other;
        assert_true(away <= other_away + 0.5);
        if (other == preferred)
            assert_true(found == preferred);
    }
}

static void no_other_threshold_has_a_better_f1(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 3000; seed++) {
        uint32_t random = seed;
        float scores[ROWS];
        uint8_t is_true[ROWS];
        size_t count = draw(&random) % (ROWS + 1);
        uint32_t levels = 1 + draw(&random) % 64, often = 1 + draw(&random) % 4;
        for (size_t i = 0; i < count; i++) {
            scores[i] = (float)(draw(&random) % (levels + 1)) / 64;
            is_true[i] = draw(&random) % often == 0;
        }
        check(scores, is_true, count, (double)(draw(&random) % 65) / 64);
        check(scores, is_true, count, 0.5);
    }
}

static void a_gap_is_parted_in_its_middle(void **state)
{
    (void)state;
    static const float scores[] = {0.125f, 0.875f, 0.25f, 0.0625f};
    static const uint8_t one[] = {0, 1, 1, 0}, none[4] = {0}, all[] = {1, 1, 1, 1};
    assert_true(best_of(scores, one, 4, 0.5) == 0.1875);
    assert_true(best_of(scores, one, 4, 0.25) == 0.25); /* at the score counts */
    assert_true(best_of(scores, one, 4, 0.1875) == 0.1875);
    assert_true(best_of(scores, one, 4, 0.125) == 0.1875); /* at the score below it doesn't */
    assert_true(best_of(scores, all, 4, 0.5) == 0.03125);
    assert_true(best_of(scores, all, 4, 0) == 0);
    assert_true(best_of(scores, none, 4, 0.3) == 0.3);
    assert_true(best_of(scores, one, 0, 0.3) == 0.3);
}

static void of_thresholds_as_good_the_nearest_is_taken_then_the_higher(void **state)
{
    (void)state;
    /* given 1, 2: 1 right of 1, F1 2/3; given 1 to 4: 2 right of 4, F1 2/3 */
    static const float scores[] = {0.875f, 0.625f, 0.375f, 0.25f};
    static const uint8_t is_true[] = {1, 0, 0, 1};
    assert_true(best_of(scores, is_true, 4, 0.5) == 0.125 || best_of(scores, is_true, 4, 0.5) == 0.75);
    assert_true(best_of(scores, is_true, 4, 0.6) == 0.75);
    assert_true(best_of(scores, is_true, 4, 0.3) == 0.125);
    assert_true(best_of(scores, is_true, 4, 0.4375) == 0.75); /* 3/16 from 0.625 and from 0.25 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_other_threshold_has_a_better_f1),
        cmocka_unit_test(a_gap_is_parted_in_its_middle),
        cmocka_unit_test(of_thresholds_as_good_the_nearest_is_taken_then_the_higher),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
