/* Rows by length, windows of time steps, distinct ids by appearance. labels: quick */
#include "support/testing.h"

#include "tensor/ragged.h"

/* Rows a0 a1 a2, b0 b1, c0 of the figure in ragged.h, in another order, and an empty one. */
static const uint32_t a[] = {7, 9, 7}, b[] = {9, 3}, c[] = {7};

static tci_row row_of(const uint32_t *ids, size_t length, uint32_t position)
{
    return (tci_row){.ids = ids, .length = length, .position = position};
}

typedef struct placed {
    tci_window window;
    void *block;
} placed;

/* The bytes around the window's own are the address sanitizer's. */
static placed place(size_t tokens, size_t steps)
{
    placed p;
    p.block = malloc(tci_window_bytes(tokens, steps));
    assert_non_null(p.block);
    tci_window_place(&p.window, p.block, tokens, steps);
    return p;
}

static void rows_stand_by_falling_length_and_equals_by_position(void **state)
{
    enum { MANY = 200 };
    tci_row rows[MANY], scratch[MANY];
    (void)state;
    for (size_t count = 0; count <= MANY; count = count < 5 ? count + 1 : count * 2 + 1) {
        for (size_t i = 0; i < count; i++)
            rows[i] = row_of(NULL, i * i * 31 % 13, (uint32_t)i);
        tci_rows_sort(rows, scratch, count);
        bool seen[MANY] = {false};
        for (size_t i = 0; i < count; i++) {
            assert_false(seen[rows[i].position]);
            seen[rows[i].position] = true;
            assert_int_equal(rows[i].length, (size_t)rows[i].position * rows[i].position * 31 % 13);
            if (i > 0)
                assert_true(rows[i - 1].length > rows[i].length ||
                            (rows[i - 1].length == rows[i].length && rows[i - 1].position < rows[i].position));
        }
    }
}

static void a_row_lives_while_a_step_is_below_its_length(void **state)
{
    const tci_row rows[] = {row_of(NULL, 5, 0), row_of(NULL, 5, 1), row_of(NULL, 2, 2), row_of(NULL, 0, 3)};
    const size_t live[] = {3, 3, 2, 2, 2, 0, 0};
    (void)state;
    for (size_t step = 0; step < 7; step++)
        assert_int_equal(tci_rows_live(rows, 4, step), live[step]);
    assert_int_equal(tci_rows_live(rows, 0, 0), 0);
}

static void a_window_is_time_major_and_shrinks_as_texts_end(void **state)
{
    const tci_row rows[] = {row_of(a, 3, 0), row_of(b, 2, 1), row_of(c, 1, 2), row_of(NULL, 0, 3)};
    const uint32_t starts[] = {0, 3, 5, 6}, ids[] = {7, 9, 7, 9, 3, 7}, distinct[] = {7, 9, 3};
    placed p = place(6, 3);
    (void)state;
    tci_window_fill(&p.window, rows, 4, 0, 3);
    assert_int_equal(p.window.step_count, 3);
    assert_int_equal(p.window.token_count, 6);
    assert_memory_equal(p.window.step_start, starts, sizeof starts);
    assert_int_equal(p.window.distinct_count, 3);
    assert_memory_equal(p.window.distinct, distinct, sizeof distinct); /* in order of first appearance */
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(p.window.distinct[p.window.index[i]], ids[i]);
    assert_int_equal(tci_window_live(&p.window, 0), 3);
    assert_int_equal(tci_window_live(&p.window, 2), 1);
    free(p.block);
}

static void a_later_window_begins_at_its_own_step(void **state)
{
    const tci_row rows[] = {row_of(a, 3, 0), row_of(b, 2, 1), row_of(c, 1, 2)};
    placed p = place(3, 2);
    (void)state;
    tci_window_fill(&p.window, rows, 3, 1, 2);
    assert_int_equal(p.window.first_step, 1);
    assert_int_equal(p.window.token_count, 3);
    assert_int_equal(p.window.distinct[p.window.index[0]], 9); /* a1 */
    assert_int_equal(p.window.distinct[p.window.index[1]], 3); /* b1 */
    assert_int_equal(p.window.distinct[p.window.index[2]], 7); /* a2 */
    free(p.block);
}

static void windows_cover_every_token_once_within_their_bound(void **state)
{
    enum { ROWS = 9, LONGEST = 40 };
    uint32_t ids[ROWS][LONGEST];
    tci_row rows[ROWS], scratch[ROWS];
    (void)state;
    for (size_t most = 1; most < 70; most += 3) {
        size_t tokens = 0, seen[ROWS] = {0};
        for (uint32_t r = 0; r < ROWS; r++) {
            rows[r] = row_of(ids[r], r * 29 % (LONGEST + 1), r);
            tokens += rows[r].length;
            for (uint32_t i = 0; i < LONGEST; i++)
                ids[r][i] = r * 1000 + i;
        }
        tci_rows_sort(rows, scratch, ROWS);
        size_t room = most > ROWS ? most : ROWS, covered = 0;
        placed p = place(room, room);
        for (size_t step = 0; step < rows[0].length;) {
            size_t steps = tci_window_steps(rows, ROWS, step, most);
            assert_true(steps >= 1);
            tci_window_fill(&p.window, rows, ROWS, step, steps);
            assert_true(p.window.token_count <= most || steps == 1);
            for (size_t t = 0; t < steps; t++) {
                for (size_t r = 0; r < tci_window_live(&p.window, t); r++) {
                    uint32_t id = p.window.distinct[p.window.index[p.window.step_start[t] + r]];
                    assert_int_equal(id, rows[r].position * 1000 + step + t);
                    seen[rows[r].position]++;
                }
            }
            covered += p.window.token_count;
            step += steps;
        }
        assert_int_equal(covered, tokens);
        for (size_t r = 0; r < ROWS; r++)
            assert_int_equal(seen[r], r * 29 % (LONGEST + 1));
        free(p.block);
    }
}

static void windows_take_as_many_steps_as_fit(void **state)
{
    const tci_row rows[] = {row_of(NULL, 10, 0), row_of(NULL, 4, 1)};
    (void)state;
    assert_int_equal(tci_window_steps(rows, 2, 0, 1), 1); /* two tokens, but a step at least */
    assert_int_equal(tci_window_steps(rows, 2, 0, 5), 2);
    assert_int_equal(tci_window_steps(rows, 2, 0, 6), 3);
    assert_int_equal(tci_window_steps(rows, 2, 0, 9), 5); /* 2 2 2 2 1 */
    assert_int_equal(tci_window_steps(rows, 2, 3, 3), 2);
    assert_int_equal(tci_window_steps(rows, 2, 9, 100), 1);
    assert_int_equal(tci_window_steps(rows, 2, 10, 100), 0);
    assert_int_equal(tci_window_steps(rows, 0, 0, 100), 0);
}

static void ids_that_meet_in_the_table_stay_apart(void **state)
{
    enum { COUNT = 3000 };
    static uint32_t ids[COUNT];
    const tci_row row = row_of(ids, COUNT, 0);
    placed p = place(COUNT, COUNT);
    (void)state;
    for (uint32_t i = 0; i < COUNT; i++)
        ids[i] = i % 1500 * 65536u; /* equal in their low bits */
    tci_window_fill(&p.window, &row, 1, 0, COUNT);
    assert_int_equal(p.window.distinct_count, 1500);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(p.window.index[i], i % 1500);
    free(p.block);
}

static void a_batch_without_tokens_is_an_empty_window(void **state)
{
    const tci_row rows[] = {row_of(NULL, 0, 0), row_of(NULL, 0, 1)};
    placed p = place(0, 0);
    (void)state;
    tci_window_fill(&p.window, rows, 2, 0, 0);
    assert_int_equal(p.window.token_count, 0);
    assert_int_equal(p.window.distinct_count, 0);
    assert_int_equal(p.window.step_start[0], 0);
    free(p.block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_stand_by_falling_length_and_equals_by_position),
        cmocka_unit_test(a_row_lives_while_a_step_is_below_its_length),
        cmocka_unit_test(a_window_is_time_major_and_shrinks_as_texts_end),
        cmocka_unit_test(a_later_window_begins_at_its_own_step),
        cmocka_unit_test(windows_cover_every_token_once_within_their_bound),
        cmocka_unit_test(windows_take_as_many_steps_as_fit),
        cmocka_unit_test(ids_that_meet_in_the_table_stay_apart),
        cmocka_unit_test(a_batch_without_tokens_is_an_empty_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
