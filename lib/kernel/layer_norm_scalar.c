/* layer_norm_scalar.c: layer norm and its gradient in plain C. With n = (x - mean) · deviation, deviation = 1 /
 * √(variance + ε):
 *
 *     y = n gain + bias      g = dy gain      dx = deviation (g - mean(g) - n mean(g n)) */
#include <math.h>

#include "kernel/kernels_scalar.h"

#define CHAINS 16

static float sum_of(float sums[CHAINS])
{
    for (size_t half = CHAINS / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            sums[i] += sums[i + half];
    return sums[0];
}

static void clear(size_t columns, float *y)
{
    for (size_t c = columns; c < TCI_PADDED(columns); c++)
        y[c] = 0.0f;
}

void tci_layer_norm_scalar(size_t rows, size_t columns, size_t stride, float epsilon, const float *gain,
                           const float *bias, const float *x, float *y, float *stats)
{
    float share = 1.0f / (float)columns;
    for (size_t row = 0; row < rows; row++, x += stride, y += stride) {
        float sums[CHAINS] = {0}, squares[CHAINS] = {0};
        for (size_t c = 0; c < columns; c++)
            sums[c % CHAINS] += x[c];
        float mean = sum_of(sums) * share;
        for (size_t c = 0; c < columns; c++) {
            float d = x[c] - mean;
            squares[c % CHAINS] += d * d;
        }
        float deviation = 1.0f / sqrtf(sum_of(squares) * share + epsilon);
        for (size_t c = 0; c < columns; c++)
            y[c] = (x[c] - mean) * deviation * gain[c] + bias[c];
        clear(columns, y);
        if (stats) {
            stats[2 * row] = mean;
            stats[2 * row + 1] = deviation;
        }
    }
}

void tci_layer_norm_backward_scalar(size_t rows, size_t columns, size_t stride, const float *gain, const float *x,
                                    const float *stats, const float *dy, float *dx, bool add)
{
    float share = 1.0f / (float)columns;
    for (size_t row = 0; row < rows; row++, x += stride, dy += stride, dx += stride, stats += 2) {
        float sums[CHAINS] = {0}, products[CHAINS] = {0};
        for (size_t c = 0; c < columns; c++) {
            float g = dy[c] * gain[c];
            sums[c % CHAINS] += g;
            products[c % CHAINS] += g * ((x[c] - stats[0]) * stats[1]);
        }
        float mean = sum_of(sums) * share, tilt = sum_of(products) * share;
        for (size_t c = 0; c < columns; c++) {
            float rest = dy[c] * gain[c] - mean - (x[c] - stats[0]) * stats[1] * tilt;
            dx[c] = add ? dx[c] + rest * stats[1] : rest * stats[1];
        }
        if (!add)
            clear(columns, dx);
    }
}

void tci_layer_norm_gradients_scalar(size_t rows, size_t columns, size_t stride, const float *x, const float *stats,
                                     const float *dy, float *dgain, float *dbias)
{
    for (size_t row = 0; row < rows; row++, x += stride, dy += stride, stats += 2) {
        for (size_t c = 0; c < columns; c++) {
            dgain[c] += (x[c] - stats[0]) * stats[1] * dy[c];
            dbias[c] += dy[c];
        }
    }
}
