/* norm_rows.h: layer norm and its gradients, once for all instruction sets: layer_norm_scalar.c on vectors, with fused
 * multiply-adds. The 16 chains of a sum are the lanes of one to four vectors. The file that includes it has a lanes_*.h
 * before. */
#ifndef TCI_KERNEL_NORM_ROWS_H
#define TCI_KERNEL_NORM_ROWS_H

#include <math.h>

#include "kernel/chains.h"

/* x - mean of `count` columns from c on, zeros behind. */
static inline lanes centred(const float *x, size_t c, size_t count, lanes mean)
{
    if (count >= LANES)
        return lanes_sub(lanes_load(x + c), mean);
    return lanes_select(lanes_first(count), lanes_sub(lanes_load_some(x + c, count), mean), lanes_all(0.0f));
}

void NAMED(layer_norm)(size_t rows, size_t columns, size_t stride, float epsilon, const float *gain, const float *bias,
                       const float *x, float *y, float *stats)
{
    const float share = 1.0f / (float)columns;
    for (size_t row = 0; row < rows; row++, x += stride, y += stride) {
        lanes sums[CHAINS], squares[CHAINS];
        EACH_CHAIN(i) sums[i] = squares[i] = lanes_all(0.0f);
        for (size_t c = 0; c < columns; c += TCI_PANEL) {
            EACH_CHAIN(i)
            sums[i] = lanes_add(sums[i], lanes_load_some(x + c + i * LANES, behind(columns - c, i)));
        }
        const float mean = lanes_total(sums) * share;
        const lanes middle = lanes_all(mean);
        for (size_t c = 0; c < columns; c += TCI_PANEL) {
            EACH_CHAIN(i)
            {
                lanes d = centred(x, c + i * LANES, behind(columns - c, i), middle);
                squares[i] = lanes_fma(d, d, squares[i]);
            }
        }
        const float deviation = 1.0f / sqrtf(lanes_total(squares) * share + epsilon);
        const lanes scale = lanes_all(deviation);
        for (size_t c = 0; c < TCI_PADDED(columns); c += LANES) {
            size_t count = c < columns ? columns - c : 0;
            lanes n = lanes_mul(centred(x, c, count, middle), scale);
            lanes_store(y + c, lanes_fma(n, lanes_load_some(gain + c, count), lanes_load_some(bias + c, count)));
        }
        if (stats) {
            stats[2 * row] = mean;
            stats[2 * row + 1] = deviation;
        }
    }
}

void NAMED(layer_norm_backward)(size_t rows, size_t columns, size_t stride, const float *gain, const float *x,
                                const float *stats, const float *dy, float *dx, bool add)
{
    const float share = 1.0f / (float)columns;
    for (size_t row = 0; row < rows; row++, x += stride, dy += stride, dx += stride, stats += 2) {
        const lanes middle = lanes_all(stats[0]), scale = lanes_all(stats[1]);
        lanes sums[CHAINS], products[CHAINS];
        EACH_CHAIN(i) sums[i] = products[i] = lanes_all(0.0f);
        for (size_t c = 0; c < columns; c += TCI_PANEL) {
            EACH_CHAIN(i)
            {
                size_t at = c + i * LANES, count = behind(columns - c, i);
                lanes g = lanes_mul(lanes_load_some(dy + at, count), lanes_load_some(gain + at, count));
                sums[i] = lanes_add(sums[i], g);
                products[i] = lanes_fma(g, lanes_mul(centred(x, at, count, middle), scale), products[i]);
            }
        }
        const lanes mean = lanes_all(lanes_total(sums) * share), tilt = lanes_all(lanes_total(products) * -share);
        for (size_t c = 0; c < TCI_PADDED(columns); c += LANES) {
            size_t count = c < columns ? columns - c : 0;
            lanes g = lanes_mul(lanes_load_some(dy + c, count), lanes_load_some(gain + c, count));
            lanes rest = lanes_sub(g, mean);
            rest = lanes_fma(lanes_mul(centred(x, c, count, middle), scale), tilt, rest);
            if (add)
                lanes_store_some(dx + c, lanes_fma(rest, scale, lanes_load_some(dx + c, count)), count);
            else
                lanes_store(dx + c, lanes_select(lanes_first(count), lanes_mul(rest, scale), lanes_all(0.0f)));
        }
    }
}

/* Up to 16 columns, their sums in registers. */
static inline void column_gradients(size_t rows, size_t columns, size_t stride, const float *x, const float *stats,
                                    const float *dy, float *dgain, float *dbias)
{
    lanes gains[CHAINS], biases[CHAINS];
    EACH_CHAIN(i)
    {
        gains[i] = lanes_load_some(dgain + i * LANES, behind(columns, i));
        biases[i] = lanes_load_some(dbias + i * LANES, behind(columns, i));
    }
    for (size_t row = 0; row < rows; row++, x += stride, dy += stride, stats += 2) {
        const lanes middle = lanes_all(stats[0]), scale = lanes_all(stats[1]);
        EACH_CHAIN(i)
        {
            lanes d = lanes_load_some(dy + i * LANES, behind(columns, i));
            lanes n = lanes_mul(centred(x, i * LANES, behind(columns, i), middle), scale);
            gains[i] = lanes_fma(n, d, gains[i]);
            biases[i] = lanes_add(biases[i], d);
        }
    }
    EACH_CHAIN(i)
    {
        lanes_store_some(dgain + i * LANES, gains[i], behind(columns, i));
        lanes_store_some(dbias + i * LANES, biases[i], behind(columns, i));
    }
}

void NAMED(layer_norm_gradients)(size_t rows, size_t columns, size_t stride, const float *x, const float *stats,
                                 const float *dy, float *dgain, float *dbias)
{
    for (size_t c = 0; c < columns; c += TCI_PANEL)
        column_gradients(rows, columns - c < TCI_PANEL ? columns - c : TCI_PANEL, stride, x + c, stats, dy + c,
                         dgain + c, dbias + c);
}

#endif
