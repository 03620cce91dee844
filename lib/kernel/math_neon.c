/* math_neon.c: element-wise kernels over arrays, and sums of rows, with NEON. */
#include "kernel/lanes_neon.h"

#include "kernel/arrays.h"
#include "kernel/exponentials.h"

ARRAY_FUNCTION(tci_exp_neon, lanes_exp)
ARRAY_FUNCTION(tci_tanh_neon, lanes_tanh)
ARRAY_FUNCTION(tci_sigmoid_neon, lanes_sigmoid)

void tci_add_neon(size_t count, const float *src, float *dst)
{
    size_t i = 0;
    for (; count - i >= 4; i += 4)
        vst1q_f32(dst + i, vaddq_f32(vld1q_f32(dst + i), vld1q_f32(src + i)));
    for (; i < count; i++)
        dst[i] += src[i];
}

/* A panel at a time: four chains of additions hide their latency, and a line of src is read whole. */
void tci_add_rows_neon(size_t rows, size_t columns, const float *src, size_t src_stride, float *dst)
{
    for (size_t column = 0; column < columns; column += TCI_PANEL) {
        const float *from = src + column;
        float *to = dst + column;
        float32x4_t sum0 = vld1q_f32(to), sum1 = vld1q_f32(to + 4);
        float32x4_t sum2 = vld1q_f32(to + 8), sum3 = vld1q_f32(to + 12);
        for (size_t row = 0; row < rows; row++, from += src_stride) {
            sum0 = vaddq_f32(sum0, vld1q_f32(from));
            sum1 = vaddq_f32(sum1, vld1q_f32(from + 4));
            sum2 = vaddq_f32(sum2, vld1q_f32(from + 8));
            sum3 = vaddq_f32(sum3, vld1q_f32(from + 12));
        }
        vst1q_f32(to, sum0);
        vst1q_f32(to + 4, sum1);
        vst1q_f32(to + 8, sum2);
        vst1q_f32(to + 12, sum3);
    }
}

void tci_sum_rows_neon(size_t count, const uint32_t *index, const float *src, float *dst)
{
    uint32_t seen = 0; /* the number that appears next for the first time */
    for (size_t i = 0; i < count; i++, src += TCI_PANEL) {
        float *to = dst + (size_t)index[i] * TCI_PANEL;
        float32x4_t row0 = vld1q_f32(src), row1 = vld1q_f32(src + 4);
        float32x4_t row2 = vld1q_f32(src + 8), row3 = vld1q_f32(src + 12);
        if (index[i] == seen) {
            seen++;
        } else {
            row0 = vaddq_f32(vld1q_f32(to), row0);
            row1 = vaddq_f32(vld1q_f32(to + 4), row1);
            row2 = vaddq_f32(vld1q_f32(to + 8), row2);
            row3 = vaddq_f32(vld1q_f32(to + 12), row3);
        }
        vst1q_f32(to, row0);
        vst1q_f32(to + 4, row1);
        vst1q_f32(to + 8, row2);
        vst1q_f32(to + 12, row3);
    }
}
