/* exponentials.h: exp, sigmoid and tanh of vectors, once for all instruction sets: math_scalar.c with fused
 * multiply-adds. The file that includes it has a lanes_*.h before.
 *
 * NaN passes: max and min return their second operand when one is NaN, and comparisons are false. Each function is a
 * long chain of operations; a processor finds room between them for the chains of other vectors only if it need not
 * look far ahead, so several vectors go step by step side by side. */
#ifndef TCI_KERNEL_EXPONENTIALS_H
#define TCI_KERNEL_EXPONENTIALS_H

#include "kernel/constants.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#if defined(__clang__) /* which keeps a loop of fewer turns than the number says */
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 4")
#endif
#define EACH_FROM(i, first, end) UNROLLED for (size_t i = (first); i < (end); i++)

/* exp(-x) = 2^n (1 + p) of `count` vectors, 4 at most: x becomes p; shifted: n + TCI_POWER_MAGIC. */
ALWAYS_INLINE void exp_parts(size_t count, lanes *x, lanes *shifted)
{
    lanes r[4], p[4];
    EACH_FROM(i, 0, count) shifted[i] = lanes_fma(x[i], lanes_all(-TCI_LOG2_E), lanes_all(TCI_POWER_MAGIC));
    EACH_FROM(i, 0, count) p[i] = lanes_sub(shifted[i], lanes_all(TCI_POWER_MAGIC)); /* n */
    EACH_FROM(i, 0, count) r[i] = lanes_fnms(p[i], lanes_all(TCI_LN2_HIGH), x[i]);
    EACH_FROM(i, 0, count) r[i] = lanes_fnma(p[i], lanes_all(TCI_LN2_LOW), r[i]);
    EACH_FROM(i, 0, count) p[i] = lanes_fma(r[i], lanes_all(TCI_EXP_P0), lanes_all(TCI_EXP_P1));
    EACH_FROM(i, 0, count) p[i] = lanes_fma(p[i], r[i], lanes_all(TCI_EXP_P2));
    EACH_FROM(i, 0, count) p[i] = lanes_fma(p[i], r[i], lanes_all(TCI_EXP_P3));
    EACH_FROM(i, 0, count) p[i] = lanes_fma(p[i], r[i], lanes_all(TCI_EXP_P4));
    EACH_FROM(i, 0, count) x[i] = lanes_fma(p[i], lanes_mul(r[i], r[i]), r[i]);
}

/* tanh of x = |x| with the sign of a number; above: 1 / (1 + exp(2x)). */
ALWAYS_INLINE lanes tanh_of(lanes x, lanes above, lanes sign)
{
    lanes z = lanes_mul(x, x), q = lanes_fma(z, lanes_all(TCI_TANH_Q0), lanes_all(TCI_TANH_Q1));
    q = lanes_fma(q, z, lanes_all(TCI_TANH_Q2));
    lanes below = lanes_fma(lanes_mul(z, q), x, x);
    above = lanes_fnma(above, lanes_all(2.0f), lanes_all(1.0f));
    return lanes_signed(lanes_select(lanes_below(x, lanes_all(TCI_TANH_JOINT)), below, above), sign);
}

/* In place: the sigmoids of some vectors and the tanhs of those behind them, 4 together at most. */
ALWAYS_INLINE void sigmoids_and_tanhs(size_t sigmoids, size_t tanhs, lanes *x)
{
    const lanes one = lanes_all(1.0f);
    size_t all = sigmoids + tanhs;
    lanes shifted[4], from[4], size[4];
    EACH_FROM(i, 0, all) from[i] = x[i];
    /* beyond these bounds results are constant: exponents are only held back from overflowing */
    EACH_FROM(i, 0, sigmoids)
    {
        x[i] = lanes_min(lanes_all(-TCI_EXP_LEAST), lanes_max(lanes_all(TCI_EXP_LEAST), x[i]));
    }
    EACH_FROM(i, sigmoids, all) size[i] = lanes_positive(x[i]);
    EACH_FROM(i, sigmoids, all) x[i] = lanes_mul(lanes_all(-2.0f), lanes_min(lanes_all(TCI_TANH_CLAMP), size[i]));
    exp_parts(all, x, shifted);
    EACH_FROM(i, 0, all) shifted[i] = lanes_power(shifted[i]);
    EACH_FROM(i, 0, all) x[i] = lanes_fma(shifted[i], x[i], lanes_add(shifted[i], one));
    EACH_FROM(i, 0, all) x[i] = lanes_div(one, x[i]);
    EACH_FROM(i, 0, sigmoids) x[i] = lanes_keep(lanes_not_below(from[i], lanes_all(TCI_EXP_LEAST)), x[i]);
    EACH_FROM(i, sigmoids, all) x[i] = tanh_of(size[i], x[i], from[i]);
}

ALWAYS_INLINE lanes lanes_exp(lanes x)
{
    lanes_mask kept = lanes_not_below(x, lanes_all(TCI_EXP_LEAST));
    lanes shifted, p = lanes_sub(lanes_all(0.0f), lanes_min(lanes_all(TCI_EXP_CLAMP), x));
    exp_parts(1, &p, &shifted);
    lanes n = lanes_sub(shifted, lanes_all(TCI_POWER_MAGIC));
    return lanes_keep(kept, lanes_scale(lanes_add(lanes_all(1.0f), p), n));
}

ALWAYS_INLINE lanes lanes_sigmoid(lanes x)
{
    sigmoids_and_tanhs(1, 0, &x);
    return x;
}

ALWAYS_INLINE lanes lanes_tanh(lanes x)
{
    sigmoids_and_tanhs(0, 1, &x);
    return x;
}

#endif
