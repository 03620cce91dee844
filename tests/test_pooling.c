/* Last state, mean, maximum: over windows as over one, in either direction, and the gradient back. labels: quick */
#include "support/testing.h"

#include "layer/pooling.h"

#define WIDTH 16
#define ROWS 4

/* Lengths 5, 3, 3, 0; h of token t of row r in column k is value(r, t, k). */
static const tci_row rows[ROWS] = {{.length = 5}, {.length = 3}, {.length = 3}, {.length = 0}};

static float value(size_t row, size_t token, size_t column)
{
    return (float)((row * 7 + token * 5 + column * 3) % 11) - 5.0f;
}

typedef struct laid_out {
    tci_window window;
    uint32_t starts[6];
    float h[11 * WIDTH];
} laid_out;

/* Steps [first, first + count) with their states. */
static void lay_out(laid_out *l, size_t first, size_t count)
{
    uint32_t token = 0;
    for (size_t t = 0; t < count; t++) {
        l->starts[t] = token;
        for (size_t r = 0; r < tci_rows_live(rows, ROWS, first + t); r++, token++) {
            for (size_t k = 0; k < WIDTH; k++)
                l->h[token * WIDTH + k] = value(r, first + t, k);
        }
    }
    l->starts[count] = token;
    l->window = (tci_window){.first_step = first, .step_count = count, .token_count = token, .step_start = l->starts};
}

typedef struct pooled {
    float values[ROWS * WIDTH];
    uint32_t argmax[ROWS * WIDTH];
} pooled;

/* Pools in windows of `steps` steps, each member of a team of two in its turn. */
static pooled pool(tci_pooling_kind kind, bool reverse, size_t steps)
{
    pooled p;
    laid_out l;
    memset(&p, 0x55, sizeof p); /* nothing may count on zeros */
    const tci_pooling pooling = {.kind = kind,
                                 .reverse = reverse,
                                 .width = WIDTH,
                                 .rows = rows,
                                 .row_count = ROWS,
                                 .pooled = p.values,
                                 .argmax = p.argmax};
    const tci_team teams[2] = {{0, 2, NULL}, {1, 2, NULL}};
    for (size_t m = 0; m < 2; m++)
        tci_pooling_begin(&pooling, &teams[m]);
    for (size_t i = 0; i < 5; i += steps) {
        size_t first = reverse ? (5 - 1 - i) / steps * steps : i, count = 5 - first < steps ? 5 - first : steps;
        lay_out(&l, first, count);
        for (size_t m = 0; m < 2; m++)
            tci_pooling_window(&pooling, &l.window, l.h, &teams[m]);
    }
    for (size_t m = 0; m < 2; m++)
        tci_pooling_end(&pooling, &teams[m]);
    return p;
}

static void the_mean_is_over_the_tokens_of_each_text(void **state)
{
    pooled p = pool(TCI_POOL_MEAN, false, 5);
    (void)state;
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t k = 0; k < WIDTH; k++) {
            float sum = 0.0f;
            for (size_t t = 0; t < rows[r].length; t++)
                sum += value(r, t, k);
            assert_close(p.values[r * WIDTH + k], rows[r].length ? sum / (float)rows[r].length : 0.0f, 1e-6);
        }
    }
}

static void the_maximum_knows_its_earliest_token(void **state)
{
    (void)state;
    for (int reverse = 0; reverse < 2; reverse++) {
        pooled p = pool(TCI_POOL_MAX, reverse != 0, 5);
        for (size_t r = 0; r < ROWS; r++) {
            for (size_t k = 0; k < WIDTH; k++) {
                size_t best = 0;
                for (size_t t = 1; t < rows[r].length; t++)
                    best = value(r, t, k) > value(r, best, k) ? t : best;
                assert_true(p.values[r * WIDTH + k] == (rows[r].length ? value(r, best, k) : 0.0f));
                if (rows[r].length)
                    assert_int_equal(p.argmax[r * WIDTH + k], best);
            }
        }
    }
}

static void of_equal_values_the_earlier_token_counts_in_both_directions(void **state)
{
    const tci_row one = {.length = 3};
    uint32_t starts[] = {0, 1, 2, 3}, argmax[WIDTH];
    float h[3 * WIDTH], best[WIDTH];
    const tci_window window = {.step_count = 3, .token_count = 3, .step_start = starts};
    (void)state;
    for (size_t i = 0; i < 3 * WIDTH; i++)
        h[i] = -2.0f;
    for (int reverse = 0; reverse < 2; reverse++) {
        const tci_pooling pooling = {TCI_POOL_MAX, reverse != 0, WIDTH, &one, 1, best, argmax};
        tci_pooling_begin(&pooling, &tci_team_alone);
        tci_pooling_window(&pooling, &window, h, &tci_team_alone);
        tci_pooling_end(&pooling, &tci_team_alone);
        for (size_t k = 0; k < WIDTH; k++) {
            assert_true(best[k] == -2.0f);
            assert_int_equal(argmax[k], 0);
        }
    }
}

static void many_windows_pool_the_bits_of_one(void **state)
{
    static const tci_pooling_kind kinds[] = {TCI_POOL_MEAN, TCI_POOL_MAX};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        pooled whole = pool(kinds[i / 2], i % 2 != 0, 5);
        for (size_t steps = 1; steps < 5; steps++) {
            pooled parts = pool(kinds[i / 2], i % 2 != 0, steps);
            assert_memory_equal(parts.values, whole.values, sizeof parts.values);
            if (kinds[i / 2] == TCI_POOL_MAX)
                assert_memory_equal(parts.argmax, whole.argmax, 3 * WIDTH * sizeof *parts.argmax);
        }
    }
}

static void last_states_stay_but_those_of_empty_texts_are_zero(void **state)
{
    float states[ROWS * WIDTH];
    laid_out l;
    const tci_pooling pooling = {
        .kind = TCI_POOL_LAST, .width = WIDTH, .rows = rows, .row_count = ROWS, .pooled = states};
    (void)state;
    for (size_t i = 0; i < ROWS * WIDTH; i++)
        states[i] = (float)i + 1.0f;
    lay_out(&l, 0, 5);
    tci_pooling_begin(&pooling, &tci_team_alone);
    tci_pooling_window(&pooling, &l.window, l.h, &tci_team_alone);
    tci_pooling_end(&pooling, &tci_team_alone);
    for (size_t i = 0; i < ROWS * WIDTH; i++)
        assert_true(states[i] == (i < 3 * WIDTH ? (float)i + 1.0f : 0.0f));
}

static void the_gradient_goes_to_all_tokens_or_to_the_greatest(void **state)
{
    static const tci_pooling_kind kinds[] = {TCI_POOL_MEAN, TCI_POOL_MAX};
    float dpooled[ROWS * WIDTH], dh[11 * WIDTH];
    laid_out l;
    (void)state;
    for (size_t i = 0; i < ROWS * WIDTH; i++)
        dpooled[i] = (float)i - 20.0f;
    lay_out(&l, 0, 5);
    for (size_t i = 0; i < 2; i++) {
        pooled p = pool(kinds[i], false, 5);
        const tci_pooling pooling = {kinds[i], false, WIDTH, rows, ROWS, p.values, p.argmax};
        memset(dh, 0x55, sizeof dh);
        tci_pooling_backward(&pooling, &l.window, dpooled, dh, &(tci_team){0, 2, NULL});
        tci_pooling_backward(&pooling, &l.window, dpooled, dh, &(tci_team){1, 2, NULL});
        for (size_t t = 0; t < 5; t++) {
            for (size_t r = 0; r < tci_window_live(&l.window, t); r++) {
                for (size_t k = 0; k < WIDTH; k++) {
                    float whole = dpooled[r * WIDTH + k];
                    float part = kinds[i] == TCI_POOL_MEAN      ? whole / (float)rows[r].length
                                 : p.argmax[r * WIDTH + k] == t ? whole
                                                                : 0.0f;
                    assert_true(dh[(l.starts[t] + r) * WIDTH + k] == part);
                }
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mean_is_over_the_tokens_of_each_text),
        cmocka_unit_test(the_maximum_knows_its_earliest_token),
        cmocka_unit_test(of_equal_values_the_earlier_token_counts_in_both_directions),
        cmocka_unit_test(many_windows_pool_the_bits_of_one),
        cmocka_unit_test(last_states_stay_but_those_of_empty_texts_are_zero),
        cmocka_unit_test(the_gradient_goes_to_all_tokens_or_to_the_greatest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
