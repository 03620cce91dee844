/* gemm_neon.c: matrix products with NEON: a · b with packed b, and aᵀ · b. Micro-kernels, their registers and the order
 * of loops: gemm_micro_neon.h. For aᵀ · b columns of a are packed, at most 384 at once, as micro-kernels read them. */
#include <string.h>

#include "kernel/gemm_start.h"
#include "kernel/kernels_neon.h"

#define TCI_WEIGHT float
#define TCI_PANELS_AT_ONCE                                                                                             \
    {                                                                                                                  \
        4, 3, 2, 1, 1, 1                                                                                               \
    }
#define TCI_FIRST_LINE(from, step, b0, b1, b2, b3)                                                                     \
    float32x4_t b0 = vld1q_f32(from), b1 = vld1q_f32((from) + 4);                                                      \
    float32x4_t b2 = vld1q_f32((from) + 8), b3 = vld1q_f32((from) + 12);
#define TCI_SECOND_LINE(from, step, b0, b1, b2, b3) TCI_FIRST_LINE(from + step, step, b0, b1, b2, b3)
#include "kernel/gemm_micro_neon.h"

void tci_gemm_neon(size_t rows, size_t panels, size_t depth, const float *a, size_t a_row, size_t a_block,
                   const float *b, float *c, size_t c_row, size_t c_block)
{
    product(rows, panels, depth, depth, a, a_row, a_block, b, c, c_row, c_block);
}

void tci_gemm_from_neon(size_t rows, size_t panels, size_t depth, const float *a, size_t a_row, size_t a_block,
                        const float *b, const float *start, float *c, size_t c_row, size_t c_block)
{
    start_rows(rows, panels, start, c, c_row, c_block);
    tci_gemm_neon(rows, panels, depth, a, a_row, a_block, b, c, c_row, c_block);
}

/* Lays `columns` columns of a out as [micro-kernel][depth][its rows]. */
static void pack_columns(size_t columns, size_t depth, const float *a, size_t a_stride, float *packed)
{
    for (size_t column = 0, taken; column < columns; column += taken) {
        taken = tci_gemm_row_block(columns - column);
        for (size_t k = 0; k < depth; k++, packed += taken) {
            const float *from = a + k * a_stride + column;
            if (taken == MOST_ROWS) { /* a length that the compiler knows */
                memcpy(packed, from, MOST_ROWS * sizeof(float));
                continue;
            }
            for (size_t i = 0; i < taken; i++)
                packed[i] = from[i];
        }
    }
}

/* Panels of c, one by one, for a chunk of packed columns of a. */
static void chunk_of_columns(size_t columns, size_t panels, size_t depth, const float *a, const float *b,
                             size_t panel_step, float *c, size_t c_row, size_t c_block)
{
    for (size_t panel = 0; panel < panels; panel++, b += panel_step, c += c_block)
        for (size_t column = 0, taken; column < columns; column += taken) {
            taken = tci_gemm_row_block(columns - column);
            micro_kernels[taken - 1][0](depth, a + column * depth, 1, taken * TCI_PANEL, taken, b, TCI_PANEL, 0,
                                        c + column * c_row, c_row, 0);
        }
}

#include "kernel/gemm_transposed.h"

void tci_gemm_transposed_neon(size_t a_columns, size_t panels, size_t depth, const float *a, size_t a_stride,
                              const float *b, size_t b_row, size_t b_block, float *c, size_t c_row, size_t c_block,
                              float *scratch)
{
    transposed_product(a_columns, panels, depth, a, a_stride, b, b_row, b_block, c, c_row, c_block, scratch);
}
