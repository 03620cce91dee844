/* Dropout masks: their share, their scale, and what they are keyed by. labels: quick */
#include "support/testing.h"

#include <math.h>

#include "layer/dropout.h"
#include "support/kernels.h"

#define WIDTH 64

static const tci_dropout plain = {.rate = 0.3, .seed = 5, .step = 2, .layer = 1, .first_unit = 0, .width = WIDTH};

/* The mask of a row's own vector. */
static void mask_row(const tci_dropout *dropout, uint32_t position, float mask[WIDTH])
{
    const tci_row row = {.position = position, .length = 1};
    for (size_t k = 0; k < WIDTH; k++)
        mask[k] = 1.0f;
    tci_dropout_rows(dropout, &row, 1, mask);
}

/* The mask of one token, in a window of its own. */
static void mask_token(const tci_dropout *dropout, uint32_t position, size_t token, float mask[WIDTH])
{
    const tci_row row = {.position = position, .length = token + 1};
    uint32_t starts[2] = {0, 1};
    const tci_window window = {.first_step = token, .step_count = 1, .token_count = 1, .step_start = starts};
    for (size_t k = 0; k < WIDTH; k++)
        mask[k] = 1.0f;
    tci_dropout_tokens(dropout, &row, &window, mask, &tci_team_alone);
}

static bool same(const float *one, const float *other)
{
    return memcmp(one, other, WIDTH * sizeof *one) == 0;
}

static void kept_values_are_scaled_and_the_share_dropped_is_the_rate(void **state)
{
    static const double rates[] = {0.1, 0.3, 0.5, 0.9};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        tci_dropout dropout = plain;
        dropout.rate = rates[i];
        size_t dropped = 0, rows = 2000;
        for (uint32_t r = 0; r < rows; r++) {
            float mask[WIDTH];
            mask_row(&dropout, r, mask);
            for (size_t k = 0; k < WIDTH; k++) {
                assert_true(mask[k] == 0.0f || mask[k] == (float)(1.0 / (1.0 - rates[i])));
                dropped += mask[k] == 0.0f;
            }
        }
        double count = (double)(rows * WIDTH), deviation = sqrt(rates[i] * (1.0 - rates[i]) / count);
        assert_true(fabs((double)dropped / count - rates[i]) < 5.0 * deviation);
    }
}

static void a_mask_is_the_same_each_time_it_is_made(void **state)
{
    float one[WIDTH], other[WIDTH];
    (void)state;
    mask_row(&plain, 3, one);
    mask_row(&plain, 3, other);
    assert_true(same(one, other));
    mask_token(&plain, 3, 8, one);
    mask_token(&plain, 3, 8, other);
    assert_true(same(one, other));
}

static void every_part_of_the_key_makes_another_mask(void **state)
{
    float base[WIDTH], other[WIDTH];
    tci_dropout changed[] = {plain, plain, plain, plain, plain, plain, plain};
    (void)state;
    changed[0].seed = 6;
    changed[1].seed = 5 + (UINT64_C(1) << 32);
    changed[2].step = 3;
    changed[3].step = 2 + (UINT64_C(1) << 32);
    changed[4].layer = 2;
    changed[5].first_unit = WIDTH;
    mask_token(&plain, 3, 8, base);
    for (size_t i = 0; i < 6; i++) {
        mask_token(&changed[i], 3, 8, other);
        if (same(base, other))
            fail_msg("part %zu of the key does not count", i);
    }
    mask_token(&plain, 4, 8, other);
    assert_false(same(base, other));
    mask_token(&plain, 3, 9, other);
    assert_false(same(base, other));
    mask_row(&plain, 3, other);
    assert_false(same(base, other));
}

static void units_of_the_second_direction_go_on_where_the_first_ends(void **state)
{
    tci_dropout wide = plain, second = plain;
    float both[2 * WIDTH], half[WIDTH];
    const tci_row row = {.position = 1, .length = 1};
    (void)state;
    wide.width = 2 * WIDTH;
    for (size_t k = 0; k < 2 * WIDTH; k++)
        both[k] = 1.0f;
    tci_dropout_rows(&wide, &row, 1, both);
    second.first_unit = WIDTH;
    mask_row(&second, 1, half);
    assert_true(same(half, both + WIDTH));
}

static void a_token_drops_the_same_in_every_window_and_team(void **state)
{
    const tci_row rows[2] = {{.position = 9, .length = 4}, {.position = 2, .length = 3}};
    uint32_t starts[] = {0, 2, 4, 6, 7};
    float whole[7 * WIDTH], shared[7 * WIDTH], one[WIDTH];
    const tci_window window = {.step_count = 4, .token_count = 7, .step_start = starts};
    (void)state;
    for (size_t i = 0; i < 7 * WIDTH; i++)
        whole[i] = shared[i] = 1.0f;
    tci_dropout_tokens(&plain, rows, &window, whole, &tci_team_alone);
    for (size_t m = 0; m < 3; m++)
        tci_dropout_tokens(&plain, rows, &window, shared, &(tci_team){m, 3, NULL});
    assert_memory_equal(whole, shared, sizeof whole);
    for (size_t t = 0; t < 4; t++) {
        for (size_t r = 0; r < tci_window_live(&window, t); r++) {
            mask_token(&plain, rows[r].position, t, one);
            assert_true(same(one, whole + (starts[t] + r) * WIDTH));
        }
    }
}

static void rate_0_keeps_everything(void **state)
{
    tci_dropout none = plain;
    float mask[WIDTH];
    (void)state;
    none.rate = 0.0;
    mask_row(&none, 0, mask);
    for (size_t k = 0; k < WIDTH; k++)
        assert_true(mask[k] == 1.0f);
}

static void every_instruction_set_drops_the_same(void **state)
{
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    uint32_t random = 1;
    (void)state;
    for (size_t width = 16; width <= 208; width += 16) {
        float *values = random_block(width, &random), *wanted = copy_block(values, width);
        tci_dropout dropout = {.rate = 0.37, .seed = 0x123456789AULL, .step = 7, .layer = 3, .first_unit = 32};
        dropout.width = width;
        tci_dropout_vector(&dropout, 11, 5, wanted);
        for (size_t t = 0; t < count; t++) {
            float *got = copy_block(values, width);
            dropout.kernels = tables[t];
            tci_dropout_vector(&dropout, 11, 5, got);
            assert_memory_equal(got, wanted, width * sizeof *got);
            free(got);
        }
        free(values);
        free(wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_values_are_scaled_and_the_share_dropped_is_the_rate),
        cmocka_unit_test(a_mask_is_the_same_each_time_it_is_made),
        cmocka_unit_test(every_part_of_the_key_makes_another_mask),
        cmocka_unit_test(units_of_the_second_direction_go_on_where_the_first_ends),
        cmocka_unit_test(a_token_drops_the_same_in_every_window_and_team),
        cmocka_unit_test(rate_0_keeps_everything),
        cmocka_unit_test(every_instruction_set_drops_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
