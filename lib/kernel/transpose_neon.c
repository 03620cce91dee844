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

#define TCI_SQUARE 4
#include "kernel/transpose_squares.h"

void tci_transpose_neon(size_t rows, size_t columns, const float *src, size_t src_stride, float *dst, size_t dst_stride,
                        bool add)
{
    if (add)
        squares(rows, columns, src, src_stride, dst, dst_stride, true);
    else
        squares(rows, columns, src, src_stride, dst, dst_stride, false);
}
