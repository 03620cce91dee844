/* labels: quick. The kernels that add: sums of listed rows and of coded pairs, at any address, in every table the bits
 * of the scalar one. */
#include "support/testing.h"

#include "support/kernels.h"

#define ROWS 300
#define COLUMNS 130

static float number(size_t i)
{
    return (float)((int)(i * 2654435761u % 2000) - 1000) / 37.0f;
}

/* Each row added by itself, at addresses that no float may have, up to the last byte of a block. */
static void listed_rows_are_added_one_after_the_other(void **state)
{
    (void)state;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t columns = 1; columns <= COLUMNS; columns++) {
        for (size_t shift = 0; shift < 4; shift++) {
            size_t bytes = ROWS * columns * sizeof(float);
            char *block = malloc(bytes + shift);
            assert_non_null(block);
            for (size_t i = 0; i < ROWS * columns; i++)
                memcpy(block + shift + i * sizeof(float), &(float){number(i)}, sizeof(float));
            const uint32_t rows[6] = {ROWS - 1, 0, 7, 7, 255, ROWS - 1};
            float wanted[COLUMNS], sums[COLUMNS + 1];
            for (size_t c = 0; c < columns; c++) {
                wanted[c] = 0.5f;
                for (size_t i = 0; i < 6; i++)
                    wanted[c] += number(rows[i] * columns + c);
            }
            for (size_t t = 0; t < count; t++) {
                for (size_t c = 0; c <= columns; c++)
                    sums[c] = 0.5f;
                tables[t]->gather_rows(2, 2, rows, NULL, block + shift, columns, sums);
                tables[t]->gather_rows(0, 0, rows, NULL, block + shift, columns, sums);
                tables[t]->gather_rows(4, 0, rows + 2, NULL, block + shift, columns, sums);
                assert_memory_equal(sums, wanted, columns * sizeof *sums);
                assert_true(sums[columns] == 0.5f);
            }
            free(block);
        }
    }
}

static void coded_pairs_are_added_times_their_norms(void **state)
{
    (void)state;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t shift = 0; shift < 4; shift++) {
        char *book = malloc(4 * 2048 + shift);
        assert_non_null(book);
        for (size_t i = 0; i < 4 * 512; i++)
            memcpy(book + shift + i * sizeof(float), &(float){number(i)}, sizeof(float));
        enum { STRIDE = 5 };
        const uint8_t codes[3 * STRIDE] = {0, 255, 3, 128, 9, 255, 0, 77, 1, 9, 4, 4, 4, 4, 9};
        const uint32_t rows[4] = {2, 0, 1, 0};
        const float norms[4] = {1.0f, 0.3f, -2.5f, 7.0f};
        float wanted[8] = {0};
        for (size_t i = 0; i < 4; i++) {
            for (size_t n = 0; n < 8; n++) {
                float product = norms[i] * number(512 * (n / 2) + 2 * (size_t)codes[rows[i] * STRIDE + n / 2] + n % 2);
                wanted[n] += product;
            }
        }
        for (size_t t = 0; t < count; t++) {
            float sums[8] = {0};
            tables[t]->add_pairs(4, rows, norms, codes, STRIDE, book + shift, sums);
            assert_memory_equal(sums, wanted, sizeof sums);
        }
        free(book);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listed_rows_are_added_one_after_the_other),
        cmocka_unit_test(coded_pairs_are_added_times_their_norms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
