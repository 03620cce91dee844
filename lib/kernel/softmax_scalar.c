/* softmax_scalar.c: the exponentials of a softmax and its gradient in plain C:
 *
 *     e = exp(scale (x - largest))      p = e / Σ e      dx = p (dp - Σ p dp) scale */
#include "kernel/constants.h"
#include "kernel/kernels_scalar.h"

#define CHAINS 16

void tci_softmax_scalar(size_t rows, size_t columns, size_t step, size_t width, float scale, float *x, size_t stride,
                        float *stats)
{
    for (size_t row = 0; row < rows; row++, x += stride, columns += step) {
        float largest = x[0], sums[CHAINS] = {0};
        for (size_t c = 1; c < columns; c++)
            largest = x[c] > largest ? x[c] : largest;
        for (size_t c = 0; c < columns; c++) {
            x[c] = tci_exp_one((x[c] - largest) * scale);
            sums[c % CHAINS] += x[c];
        }
        for (size_t c = columns; c < width; c++)
            x[c] = 0.0f;
        for (size_t half = CHAINS / 2; half > 0; half /= 2)
            for (size_t i = 0; i < half; i++)
                sums[i] += sums[i + half];
        stats[2 * row] = largest;
        stats[2 * row + 1] = 1.0f / sums[0];
    }
}

void tci_softmax_backward_scalar(size_t rows, size_t columns, size_t step, size_t width, float scale, float *x,
                                 float *dx, size_t stride, const float *stats, const float *inner, const float *factors)
{
    for (size_t row = 0; row < rows; row++, x += stride, dx += stride, columns += step) {
        for (size_t c = 0; c < columns; c++) {
            float p = tci_exp_one((x[c] - stats[2 * row]) * scale) * stats[2 * row + 1];
            float factor = factors ? factors[row * stride + c] : 1.0f;
            x[c] = p * factor;
            dx[c] = p * ((dx[c] * factor - inner[row]) * scale);
        }
        for (size_t c = columns; c < width; c++)
            x[c] = dx[c] = 0.0f;
    }
}
