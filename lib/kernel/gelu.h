/* gelu.h: GELU, exact and by tanh, and their slopes, once for all instruction sets: gelu_scalar.c on vectors, with
 * fused multiply-adds. The file that includes it has a lanes_*.h before. */
#ifndef TCI_KERNEL_GELU_H
#define TCI_KERNEL_GELU_H

#include "kernel/arrays.h"
#include "kernel/exponentials.h"

static inline lanes normal_distribution(lanes x)
{
    const lanes one = lanes_all(1.0f);
    lanes u = lanes_fma(lanes_mul(x, x), lanes_all(TCI_PHI_SCALE), lanes_all(-1.0f));
    lanes p = lanes_fma(lanes_all(TCI_PHI_P0), u, lanes_all(TCI_PHI_P1));
    p = lanes_fma(p, u, lanes_all(TCI_PHI_P2));
    p = lanes_fma(p, u, lanes_all(TCI_PHI_P3));
    p = lanes_fma(p, u, lanes_all(TCI_PHI_P4));
    p = lanes_fma(p, u, lanes_all(TCI_PHI_P5));
    p = lanes_fma(p, u, lanes_all(TCI_PHI_P6));
    p = lanes_fma(p, u, lanes_all(TCI_PHI_P7));
    p = lanes_fma(p, u, lanes_all(TCI_PHI_P8));
    p = lanes_fma(p, u, lanes_all(TCI_PHI_P9));
    p = lanes_fma(p, u, lanes_all(TCI_PHI_P10));
    p = lanes_fma(p, u, lanes_all(TCI_PHI_P11));
    p = lanes_fma(p, u, lanes_all(TCI_PHI_P12));
    p = lanes_fma(p, u, lanes_all(TCI_PHI_P13));
    p = lanes_fma(p, u, lanes_all(TCI_PHI_P14));
    p = lanes_fma(x, p, lanes_all(0.5f));
    p = lanes_select(lanes_below(x, lanes_all(TCI_PHI_CLAMP)), p, lanes_min(one, x)); /* NaN stays */
    return lanes_select(lanes_below(lanes_all(-TCI_PHI_CLAMP), x), p, lanes_max(lanes_all(0.0f), x));
}

static inline lanes clamped(lanes x)
{
    return lanes_max(lanes_all(-TCI_GELU_CLAMP), lanes_min(lanes_all(TCI_GELU_CLAMP), x));
}

static inline lanes gelu_of(lanes x)
{
    return lanes_mul(lanes_max(lanes_all(-TCI_GELU_CLAMP), x), normal_distribution(x));
}

static inline lanes gelu_slope(lanes src, lanes dy)
{
    lanes x = clamped(src);
    lanes density = lanes_mul(lanes_exp(lanes_mul(lanes_all(-0.5f), lanes_mul(x, x))), lanes_all(TCI_PHI_DENSITY));
    return lanes_mul(dy, lanes_fma(x, density, normal_distribution(x)));
}

static inline lanes gelu_tanh_of(lanes src)
{
    lanes x = lanes_max(lanes_all(-TCI_GELU_CLAMP), src);
    lanes slope = lanes_fma(lanes_mul(x, x), lanes_all(TCI_GELU_TANH_B), lanes_all(TCI_GELU_TANH_A));
    return lanes_mul(x, lanes_sigmoid(lanes_mul(x, slope)));
}

static inline lanes gelu_tanh_slope(lanes src, lanes dy)
{
    const lanes zero = lanes_all(0.0f);
    lanes x = clamped(src), square = lanes_mul(x, x), minus = lanes_sub(zero, x);
    lanes_mask negative = lanes_below(x, zero);
    lanes v = lanes_fma(square, lanes_all(TCI_GELU_TANH_B), lanes_all(TCI_GELU_TANH_A));
    lanes t = lanes_sigmoid(lanes_mul(lanes_select(negative, x, minus), v)), rest = lanes_sub(lanes_all(1.0f), t);
    lanes slope = lanes_fma(square, lanes_all(3.0f * TCI_GELU_TANH_B), lanes_all(TCI_GELU_TANH_A));
    slope = lanes_fma(lanes_mul(x, lanes_mul(t, rest)), slope, lanes_select(negative, t, rest));
    return lanes_mul(dy, slope);
}

ARRAY_FUNCTION(NAMED(gelu), gelu_of)
ARRAY_FUNCTION(NAMED(gelu_tanh), gelu_tanh_of)

#define SLOPES(name, function)                                                                                         \
    void NAMED(name)(size_t count, const float *src, const float *dy, float *dst)                                      \
    {                                                                                                                  \
        size_t i = 0;                                                                                                  \
        for (; count - i >= LANES; i += LANES)                                                                         \
            lanes_store(dst + i, function(lanes_load(src + i), lanes_load(dy + i)));                                   \
        if (i < count) {                                                                                               \
            lanes slope = function(lanes_load_some(src + i, count - i), lanes_load_some(dy + i, count - i));           \
            lanes_store_some(dst + i, slope, count - i);                                                               \
        }                                                                                                              \
    }
SLOPES(gelu_backward, gelu_slope)
SLOPES(gelu_tanh_backward, gelu_tanh_slope)

#endif
