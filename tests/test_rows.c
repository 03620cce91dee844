/* labels: quick */
/* test_rows.c: the kernels over listed rows of a table: the bits of the scalar table in every other one, odd widths,
 * nothing read or written beside. */
#include "support/testing.h"

#include "support/kernels.h"

static const size_t widths[] = {1, 3, 7, 8, 9, 16, 31, 32, 33, 63, 64, 65, 96, 100, 128, 131, 200, 300};

enum { ROWS = 23, LISTED = 19 };

static void list_rows(uint32_t index[LISTED], uint32_t *state)
{
    for (size_t i = 0; i < LISTED; i++) {
        *state = *state * 1664525u + 1013904223u;
        index[i] = i == 0 ? ROWS - 1 : (*state >> 16) % ROWS;
    }
}

static void assert_same(const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_true(same_float(a[i], b[i]));
}

/* Every table but the scalar one against it. */
static void check_tables(bool scaled)
{
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    uint32_t state = scaled ? 5 : 6, index[LISTED];
    for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++) {
        size_t width = widths[w], first = width / 3, last = width - width / 5;
        list_rows(index, &state);
        float *table = random_block(ROWS * width, &state), *vector = random_block(width, &state);
        float *scales = scaled ? random_block(LISTED, &state) : NULL;
        for (size_t t = 0; t < count; t++) {
            float *sums = copy_block(vector, width), *expected_sums = copy_block(vector, width);
            float dots[LISTED], expected_dots[LISTED];
            float *rows = copy_block(table, ROWS * width), *expected_rows = copy_block(table, ROWS * width);
            tables[t]->gather_rows(LISTED, LISTED, index, scales, table, width, sums);
            tci_kernels_scalar.gather_rows(LISTED, LISTED, index, scales, table, width, expected_sums);
            assert_same(sums, expected_sums, width);
            tables[t]->scatter_rows(LISTED, LISTED, index, scales, vector, rows, width, first, last);
            tci_kernels_scalar.scatter_rows(LISTED, LISTED, index, scales, vector, expected_rows, width, first, last);
            assert_same(rows, expected_rows, ROWS * width);
            tables[t]->dot_rows(LISTED, index, table, width, vector, dots);
            tci_kernels_scalar.dot_rows(LISTED, index, table, width, vector, expected_dots);
            assert_same(dots, expected_dots, LISTED);
            free(sums), free(expected_sums), free(rows), free(expected_rows);
        }
        free(table), free(vector), free(scales);
    }
}

static void every_table_has_the_bits_of_the_scalar_one(void **unused)
{
    (void)unused;
    check_tables(true);
}

static void without_scales_they_are_all_one(void **unused)
{
    (void)unused;
    check_tables(false);
}

static void the_scalar_kernels_compute_what_the_contract_says(void **unused)
{
    (void)unused;
    const float table[3][3] = {{1, 2, 3}, {10, 20, 30}, {100, 200, 300}};
    const uint32_t index[3] = {2, 0, 2};
    const float scales[3] = {1, 2, 0.5F}, vector[3] = {1, 0, -1};
    float sums[3] = {1, 1, 1}, rows[3][3], dots[3];
    tci_kernels_scalar.gather_rows(3, 3, index, scales, table[0], 3, sums);
    assert_true(sums[0] == 153 && sums[1] == 305 && sums[2] == 457);
    memcpy(rows, table, sizeof rows);
    tci_kernels_scalar.scatter_rows(3, 3, index, scales, vector, rows[0], 3, 0, 2);
    assert_true(rows[0][0] == 3 && rows[0][2] == 3 && rows[2][0] == 101.5F && rows[2][1] == 200 && rows[2][2] == 300);
    tci_kernels_scalar.dot_rows(3, index, table[0], 3, vector, dots);
    assert_true(dots[0] == -200 && dots[1] == -2 && dots[2] == -200);
}

static void an_empty_list_changes_nothing(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t t = 0; t < count; t++) {
        float row[5] = {1, 2, 3, 4, 5}, sums[5] = {6, 7, 8, 9, 10};
        tables[t]->gather_rows(0, 0, NULL, NULL, row, 5, sums);
        tables[t]->scatter_rows(0, 0, NULL, NULL, sums, row, 5, 0, 5);
        assert_true(row[0] == 1 && row[4] == 5 && sums[0] == 6 && sums[4] == 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table_has_the_bits_of_the_scalar_one),
        cmocka_unit_test(without_scales_they_are_all_one),
        cmocka_unit_test(the_scalar_kernels_compute_what_the_contract_says),
        cmocka_unit_test(an_empty_list_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
