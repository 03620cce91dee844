/* gemm_scalar.c: matrix products and sums in plain C.
 *
 * c (rows, 16·panels) += a (rows, depth) · b and c (a_columns, 16·panels) += aᵀ (a_columns, depth) · b. Each element is
 * one chain, c + a₀b₀ + a₁b₁ + ..., a product rounded before it is added. The innermost loop runs over the 16 columns
 * of a panel, so a compiler may use vectors without changing the order within any chain. */
#include "kernel/gemm_start.h"
#include "kernel/kernels_scalar.h"

#include <string.h>

/* One row of one panel: element k of a at a[(k / 16)·a_block + (k % 16)·a_step], b steps by b_row over the depth. */
static void row_of_panel(size_t depth, const float *a, size_t a_block, size_t a_step, const float *b, size_t b_row,
                         float *c)
{
    float sum[TCI_PANEL];
    for (size_t n = 0; n < TCI_PANEL; n++)
        sum[n] = c[n];
    for (size_t k = 0; k < depth; k++) {
        float factor = a[k / TCI_PANEL * a_block + k % TCI_PANEL * a_step];
        const float *line = b + k * b_row;
        for (size_t n = 0; n < TCI_PANEL; n++)
            sum[n] += factor * line[n];
    }
    for (size_t n = 0; n < TCI_PANEL; n++)
        c[n] = sum[n];
}

void tci_gemm_scalar(size_t rows, size_t panels, size_t depth, const float *a, size_t a_row, size_t a_block,
                     const float *b, float *c, size_t c_row, size_t c_block)
{
    for (size_t panel = 0; panel < panels; panel++)
        for (size_t row = 0; row < rows; row++)
            row_of_panel(depth, a + row * a_row, a_block, 1, b + panel * depth * TCI_PANEL, TCI_PANEL,
                         c + row * c_row + panel * c_block);
}

void tci_gemm_from_scalar(size_t rows, size_t panels, size_t depth, const float *a, size_t a_row, size_t a_block,
                          const float *b, const float *start, float *c, size_t c_row, size_t c_block)
{
    start_rows(rows, panels, start, c, c_row, c_block);
    tci_gemm_scalar(rows, panels, depth, a, a_row, a_block, b, c, c_row, c_block);
}

void tci_gemm_transposed_scalar(size_t a_columns, size_t panels, size_t depth, const float *a, size_t a_stride,
                                const float *b, size_t b_row, size_t b_block, float *c, size_t c_row, size_t c_block,
                                float *scratch)
{
    (void)scratch;
    for (size_t panel = 0; panel < panels; panel++)
        for (size_t row = 0; row < a_columns; row++)
            row_of_panel(depth, a + row, TCI_PANEL * a_stride, a_stride, b + panel * b_block, b_row,
                         c + row * c_row + panel * c_block);
}

void tci_sum_rows_scalar(size_t count, const uint32_t *index, const float *src, float *dst)
{
    uint32_t seen = 0; /* the number that appears next for the first time */
    for (size_t i = 0; i < count; i++, src += TCI_PANEL) {
        float *to = dst + (size_t)index[i] * TCI_PANEL;
        bool first = index[i] == seen;
        seen += first;
        for (size_t n = 0; n < TCI_PANEL; n++)
            to[n] = first ? src[n] : to[n] + src[n];
    }
}

void tci_add_scalar(size_t count, const float *src, float *dst)
{
    for (size_t i = 0; i < count; i++)
        dst[i] += src[i];
}

void tci_add_pairs_scalar(size_t count, const uint32_t *rows, const float *norms, const uint8_t *codes, size_t stride,
                          const void *book, float *dst)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < 4; k++) {
            float pair[2];
            memcpy(pair, (const char *)book + 2048 * k + codes[rows[i] * stride + k] * sizeof pair, sizeof pair);
            dst[2 * k] += norms[i] * pair[0];
            dst[2 * k + 1] += norms[i] * pair[1];
        }
    }
}

void tci_add_rows_scalar(size_t rows, size_t columns, const float *src, size_t src_stride, float *dst)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < columns; column++)
            dst[column] += src[row * src_stride + column];
}
