/* gemm_transposed.h: the loops of aᵀ · b, the same for every instruction set. The file that includes it has before:
 *
 *     rows_over_panels(...)   few rows over all panels, a and b as they stand
 *     pack_columns(...)       columns of a as [micro-kernel][depth][its columns]
 *     chunk_of_columns(...)   some panels of c for packed columns of a
 *
 * Order of loops: 256 deep { 384 columns of a, packed { all panels of b where they are blocked, else 6, packed {
 * columns of a micro-kernel } } }. */
#ifndef TCI_KERNEL_GEMM_TRANSPOSED_H
#define TCI_KERNEL_GEMM_TRANSPOSED_H

#include <string.h>

#include "kernel/gemm_blocks.h"

/* Lays panels of b out as [panel][depth][16]. Several at once, because a line of b is a page away from the next. */
static void pack_lines(size_t panels, size_t depth, const float *b, size_t b_row, size_t b_block, float *packed)
{
    for (size_t k = 0; k < depth; k++) {
        for (size_t panel = 0; panel < panels; panel++)
            memcpy(packed + (panel * depth + k) * TCI_PANEL, b + k * b_row + panel * b_block,
                   TCI_PANEL * sizeof *packed);
    }
}

/* As tci_kernels.gemm_transposed. */
static void transposed_product(size_t a_columns, size_t panels, size_t depth, const float *a, size_t a_stride,
                               const float *b, size_t b_row, size_t b_block, float *c, size_t c_row, size_t c_block,
                               float *scratch)
{
    if (a_columns == 0)
        return;
    if (a_columns < 4) { /* nothing to gain from packing */
        rows_over_panels(a_columns, panels, depth, a, 1, TCI_PANEL * a_stride, a_stride, b, b_row, b_block, c, c_row,
                         c_block);
        return;
    }
    float *lines = scratch, *packed = scratch + tci_gemm_least(panels, TCI_GEMM_PANELS) * TCI_GEMM_DEPTH * TCI_PANEL;
    for (size_t k = 0, block; k < depth; k += block) {
        block = tci_gemm_depth_block(depth - k);
        for (size_t column = 0, chunk; column < a_columns; column += chunk) {
            size_t left = a_columns - column;
            /* what a chunk leaves is not so few columns that micro-kernels run slow */
            chunk = left <= TCI_GEMM_COLUMNS ? left : left < TCI_GEMM_COLUMNS + 12 ? left - 12 : TCI_GEMM_COLUMNS;
            pack_columns(chunk, block, a + k * a_stride + column, a_stride, packed);
            for (size_t panel = 0, some; panel < panels; panel += some) {
                const float *from = b + k * b_row + panel * b_block;
                size_t step = b_block;
                const bool blocked = b_row == TCI_PANEL;
                some = blocked ? panels : tci_gemm_least(panels - panel, TCI_GEMM_PANELS);
                if (!blocked) {
                    pack_lines(some, block, from, b_row, b_block, lines);
                    from = lines;
                    step = block * TCI_PANEL;
                }
                chunk_of_columns(chunk, some, block, packed, from, step, c + column * c_row + panel * c_block, c_row,
                                 c_block);
            }
        }
    }
}

#endif
