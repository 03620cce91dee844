/* transpose_scalar.c: the transpose of a matrix in plain C, stored or added. */
#include "kernel/kernels_scalar.h"

void tci_transpose_scalar(size_t rows, size_t columns, const float *src, size_t src_stride, float *dst,
                          size_t dst_stride, bool add)
{
    for (size_t column = 0; column < columns; column++) {
        for (size_t row = 0; row < rows; row++) {
            float *to = dst + column * dst_stride + row;
            *to = src[row * src_stride + column] + (add ? *to : 0.0F);
        }
    }
}
