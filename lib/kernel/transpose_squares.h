/* transpose_squares.h: a transpose by squares, the same for every instruction set. The file that includes it has
 * before: TCI_SQUARE, the side of a square, and square(src, src_stride, dst, dst_stride, add), which turns one. */
#ifndef TCI_KERNEL_TRANSPOSE_SQUARES_H
#define TCI_KERNEL_TRANSPOSE_SQUARES_H

#include "kernel/kernels_scalar.h"

/* As tci_kernels.transpose. `add` is known where it is inlined. */
static inline __attribute__((always_inline)) void squares(size_t rows, size_t columns, const float *src,
                                                          size_t src_stride, float *dst, size_t dst_stride, bool add)
{
    size_t whole_rows = rows / TCI_SQUARE * TCI_SQUARE, whole_columns = columns / TCI_SQUARE * TCI_SQUARE;
    for (size_t row = 0; row < whole_rows; row += TCI_SQUARE) {
        for (size_t column = 0; column < whole_columns; column += TCI_SQUARE)
            square(src + row * src_stride + column, src_stride, dst + column * dst_stride + row, dst_stride, add);
    }
    /* what is left to the right of the squares, and below them */
    tci_transpose_scalar(rows, columns - whole_columns, src + whole_columns, src_stride,
                         dst + whole_columns * dst_stride, dst_stride, add);
    tci_transpose_scalar(rows - whole_rows, whole_columns, src + whole_rows * src_stride, src_stride, dst + whole_rows,
                         dst_stride, add);
}

#endif
