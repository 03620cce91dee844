/* transpose_neon.c: the transpose of a matrix with NEON, stored or added, by squares of 4 x 4 in registers. */
#include <arm_neon.h>

#include "kernel/kernels_neon.h"

static inline void put(float *to, float32x4_t values, bool add)
{
    vst1q_f32(to, add ? vaddq_f32(values, vld1q_f32(to)) : values);
}

static inline __attribute__((always_inline)) void square(const float *src, size_t src_stride, float *dst,
                                                         size_t dst_stride, bool add)
{
    float32x4_t r0 = vld1q_f32(src), r1 = vld1q_f32(src + src_stride);
    float32x4_t r2 = vld1q_f32(src + 2 * src_stride), r3 = vld1q_f32(src + 3 * src_stride);
    /* 00 10 02 12, 01 11 03 13, and the same of rows 2 and 3 */
    float64x2_t even0 = vreinterpretq_f64_f32(vtrn1q_f32(r0, r1)), odd0 = vreinterpretq_f64_f32(vtrn2q_f32(r0, r1));
    float64x2_t even2 = vreinterpretq_f64_f32(vtrn1q_f32(r2, r3)), odd2 = vreinterpretq_f64_f32(vtrn2q_f32(r2, r3));
    put(dst, vreinterpretq_f32_f64(vtrn1q_f64(even0, even2)), add);
    put(dst + dst_stride, vreinterpretq_f32_f64(vtrn1q_f64(odd0, odd2)), add);
    put(dst + 2 * dst_stride, vreinterpretq_f32_f64(vtrn2q_f64(even0, even2)), add);
    put(dst + 3 * dst_stride, vreinterpretq_f32_f64(vtrn2q_f64(odd0, odd2)), add);
}

void tci_transpose_neon(size_t rows, size_t columns, const float *src, size_t src_stride, float *dst, size_t dst_stride,
                        bool add)
{
    size_t whole_rows = rows / 4 * 4, whole_columns = columns / 4 * 4;
    for (size_t row = 0; row < whole_rows; row += 4) {
        const float *from = src + row * src_stride;
        if (add) {
            for (size_t column = 0; column < whole_columns; column += 4)
                square(from + column, src_stride, dst + column * dst_stride + row, dst_stride, true);
        } else {
            for (size_t column = 0; column < whole_columns; column += 4)
                square(from + column, src_stride, dst + column * dst_stride + row, dst_stride, false);
        }
    }
    /* what is left to the right of the squares, and below them */
    tci_transpose_scalar(rows, columns - whole_columns, src + whole_columns, src_stride,
                         dst + whole_columns * dst_stride, dst_stride, add);
    tci_transpose_scalar(rows - whole_rows, whole_columns, src + whole_rows * src_stride, src_stride, dst + whole_rows,
                         dst_stride, add);
}
