/* float_check.h: what is promised of exp, tanh and sigmoid, as a check of one result against double.
 * Shared by the sampled and the exhaustive test. */
#ifndef TEST_SUPPORT_FLOAT_CHECK_H
#define TEST_SUPPORT_FLOAT_CHECK_H

#include <float.h>
#include <math.h>

#include "support/kernels.h"

typedef enum float_function { FLOAT_EXP, FLOAT_TANH, FLOAT_SIGMOID } float_function;

static const char *const float_function_names[] = {"exp", "tanh", "sigmoid"};

static inline void apply_float_function(const tci_kernels *kernels, float_function which, size_t count,
                                        const float *src, float *dst)
{
    if (which == FLOAT_EXP)
        kernels->exp(count, src, dst);
    else if (which == FLOAT_TANH)
        kernels->tanh(count, src, dst);
    else
        kernels->sigmoid(count, src, dst);
}

/* The value in double, where double's own error does not matter; cheap where it is constant. */
static inline double float_reference(float_function which, float at)
{
    double x = (double)at;
    if (which == FLOAT_EXP)
        return x < -150.0 ? 0.0 : x > 150.0 ? (double)INFINITY : exp(x);
    if (which == FLOAT_TANH)
        return x > 20.0 ? 1.0 : x < -20.0 ? -1.0 : tanh(x);
    return x < -150.0 ? 0.0 : x > 50.0 ? 1.0 : 1.0 / (1.0 + exp(-x));
}

/* Distance of a result from the exact value in units of the exact value's last place; 0 where the promise is kept
 * without a number: NaN for NaN, infinity above the largest float, at most the least normal float where the value is
 * less. */
static inline double float_error(float at, float result, double exact)
{
    if (at != at)
        return result != result ? 0.0 : (double)INFINITY;
    if (exact > (double)FLT_MAX)
        return result == INFINITY || (result == FLT_MAX && exact < 0x1p128) ? 0.0 : (double)INFINITY;
    double size = fabs(exact);
    if (size < (double)FLT_MIN)
        return fabs((double)result) <= (double)FLT_MIN && (double)result * exact >= 0.0 ? 0.0 : (double)INFINITY;
    uint64_t bits;
    memcpy(&bits, &size, sizeof bits);
    bits = (1023 + 23 + 1023 - (bits >> 52)) << 52; /* 2^(23 - exponent): calls of frexp and ldexp would cost minutes */
    double per_unit;
    memcpy(&per_unit, &bits, sizeof per_unit);
    double error = fabs((double)result - exact) * per_unit;
    return error == error ? error : (double)INFINITY;
}

static inline double float_error_bound(float_function which)
{
    return which == FLOAT_EXP ? 2.0 : 4.0;
}

#endif
