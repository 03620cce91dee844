/* softmax.h: the exponentials of a softmax and its gradient, once for all instruction sets: softmax_scalar.c on
 * vectors. The 16 chains of a sum are the lanes of one to four vectors. The file that includes it has a lanes_*.h
 * before. */
#ifndef TCI_KERNEL_SOFTMAX_H
#define TCI_KERNEL_SOFTMAX_H

#include "kernel/chains.h"
#include "kernel/exponentials.h"

static inline lanes exponential(lanes x, lanes largest, lanes scale)
{
    return lanes_exp(lanes_mul(lanes_sub(x, largest), scale));
}

void NAMED(softmax)(size_t rows, size_t columns, size_t step, size_t width, float scale, float *x, size_t stride,
                    float *stats)
{
    const lanes factor = lanes_all(scale);
    for (size_t row = 0; row < rows; row++, x += stride, columns += step) {
        size_t whole = columns / TCI_PANEL * TCI_PANEL;
        lanes most[CHAINS], sums[CHAINS];
        EACH_CHAIN(i)
        {
            most[i] = lanes_all(x[0]);
            sums[i] = lanes_all(0.0f);
        }
        for (size_t c = 0; c < whole; c += TCI_PANEL) {
            EACH_CHAIN(i) most[i] = lanes_max(lanes_load(x + c + i * LANES), most[i]);
        }
        if (whole < columns) {
            EACH_CHAIN(i)
            {
                lanes_mask mask = lanes_first(behind(columns - whole, i));
                most[i] = lanes_max(lanes_select(mask, lanes_load(x + whole + i * LANES), most[i]), most[i]);
            }
        }
        float largest = lanes_largest(most);
        const lanes all = lanes_all(largest);
        for (size_t c = 0; c < whole; c += TCI_PANEL) {
            EACH_CHAIN(i)
            {
                lanes e = exponential(lanes_load(x + c + i * LANES), all, factor);
                lanes_store(x + c + i * LANES, e);
                sums[i] = lanes_add(sums[i], e);
            }
        }
        if (whole < columns) {
            EACH_CHAIN(i)
            {
                lanes_mask mask = lanes_first(behind(columns - whole, i));
                lanes e = exponential(lanes_load(x + whole + i * LANES), all, factor);
                e = lanes_select(mask, e, lanes_all(0.0f));
                lanes_store(x + whole + i * LANES, e);
                sums[i] = lanes_add(sums[i], e);
            }
        }
        for (size_t c = TCI_PADDED(columns); c < width; c += LANES)
            lanes_store(x + c, lanes_all(0.0f));
        stats[2 * row] = largest;
        stats[2 * row + 1] = 1.0f / lanes_total(sums);
    }
}

void NAMED(softmax_backward)(size_t rows, size_t columns, size_t step, size_t width, float scale, float *x, float *dx,
                             size_t stride, const float *stats, const float *inner, const float *factors)
{
    const lanes factor = lanes_all(scale), zero = lanes_all(0.0f);
    for (size_t row = 0; row < rows; row++, x += stride, dx += stride, columns += step) {
        const lanes largest = lanes_all(stats[2 * row]), share = lanes_all(stats[2 * row + 1]);
        const lanes less = lanes_all(inner[row]);
        size_t c = 0;
        for (; c < columns; c += LANES) {
            lanes_mask mask = lanes_first(columns - c);
            lanes p = lanes_mul(exponential(lanes_load(x + c), largest, factor), share);
            lanes f = factors ? lanes_load(factors + row * stride + c) : lanes_all(1.0f);
            lanes d = lanes_mul(p, lanes_mul(lanes_sub(lanes_mul(lanes_load(dx + c), f), less), factor));
            lanes_store(x + c, lanes_select(mask, lanes_mul(p, f), zero));
            lanes_store(dx + c, lanes_select(mask, d, zero));
        }
        for (; c < width; c += LANES) {
            lanes_store(x + c, zero);
            lanes_store(dx + c, zero);
        }
    }
}

#endif
