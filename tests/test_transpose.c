/* labels: quick */
/* test_transpose.c: the transpose of every table, stored and added, at every small size; nothing beside it is
 * touched. */
#include "support/testing.h"

#include "support/kernels.h"

static void check(const tci_kernels *kernels, size_t rows, size_t columns, bool add)
{
    uint32_t state = (uint32_t)(rows * 97 + columns);
    size_t src_stride = columns + rows % 5, dst_stride = rows + columns % 7;
    size_t src_count = (rows - 1) * src_stride + columns, dst_count = (columns - 1) * dst_stride + rows;
    float *src = random_block(src_count, &state), *before = random_block(dst_count, &state);
    float *dst = copy_block(before, dst_count);
    kernels->transpose(rows, columns, src, src_stride, dst, dst_stride, add);
    for (size_t i = 0; i < dst_count; i++) {
        size_t column = i / dst_stride, row = i % dst_stride;
        float wanted = row >= rows ? before[i] : src[row * src_stride + column] + (add ? before[i] : 0.0f);
        assert_int_equal(bits_of(dst[i]), bits_of(wanted));
    }
    free(src), free(before), free(dst);
}

static void rows_become_columns_and_nothing_else_changes(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++)
        for (size_t rows = 1; rows <= 26; rows++)
            for (size_t columns = 1; columns <= 26; columns++) {
                check(tables[i], rows, columns, false);
                check(tables[i], rows, columns, true);
            }
}

static void an_empty_matrix_is_fine(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    float one = 3.0f;
    for (size_t i = 0; i < count; i++) {
        tables[i]->transpose(0, 5, &one, 5, &one, 1, true);
        tables[i]->transpose(5, 0, &one, 1, &one, 5, false);
        assert_true(one == 3.0f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_become_columns_and_nothing_else_changes),
        cmocka_unit_test(an_empty_matrix_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
