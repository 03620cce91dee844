/* math_scalar.c: exp, tanh and sigmoid of floats in plain C.
 *
 * exp(x) = 2^n (1 + p), tanh(x) = 1 - 2 / (1 + 2^n (1 + p)) of 2x above 0.28 and a polynomial below,
 * sigmoid(x) = 1 / (1 + 2^n (1 + p)) of -x; n and p = exp(r) - 1 as constants.h says. NaN passes through each step: the
 * comparisons are written so that they are false for it and keep it. */
#include <string.h>

#include "kernel/constants.h"
#include "kernel/kernels_scalar.h"

static float power_of_two(int32_t exponent)
{
    uint32_t bits = (uint32_t)(exponent + 127) << 23;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* x = n ln 2 + r; returns p = exp(r) - 1. For NaN the answer is NaN and *n is some number in [-150, 150]. */
static float exp_parts(float x, int32_t *n)
{
    float shifted = x * TCI_LOG2_E + TCI_ROUND_MAGIC;
    float rounded = shifted - TCI_ROUND_MAGIC;
    float r = x - rounded * TCI_LN2_HIGH;
    r = r - rounded * TCI_LN2_LOW;
    float p = r * TCI_EXP_P0 + TCI_EXP_P1;
    p = p * r + TCI_EXP_P2;
    p = p * r + TCI_EXP_P3;
    p = p * r + TCI_EXP_P4;
    p = p * (r * r) + r;
    *n = rounded == rounded ? (int32_t)rounded : 0;
    return p;
}

float tci_exp_one(float x)
{
    if (x < TCI_EXP_LEAST)
        return 0.0f;
    int32_t n;
    float p = exp_parts(TCI_EXP_CLAMP < x ? TCI_EXP_CLAMP : x, &n);
    int32_t half = n / 2; /* 2^128 is no float */
    return (1.0f + p) * power_of_two(half) * power_of_two(n - half);
}

float tci_tanh_one(float x)
{
    uint32_t bits, sign;
    memcpy(&bits, &x, sizeof bits);
    sign = bits & 0x80000000u;
    bits ^= sign;
    float size, value;
    memcpy(&size, &bits, sizeof size);
    if (size < TCI_TANH_JOINT) {
        float z = size * size;
        float q = (z * TCI_TANH_Q0 + TCI_TANH_Q1) * z + TCI_TANH_Q2;
        value = size + size * (z * q);
    } else {
        int32_t n;
        float p = exp_parts(2.0f * (TCI_TANH_CLAMP < size ? TCI_TANH_CLAMP : size), &n);
        float scale = power_of_two(n);
        value = 1.0f - 2.0f / ((1.0f + scale) + scale * p);
    }
    memcpy(&bits, &value, sizeof bits);
    bits |= sign;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float tci_sigmoid_one(float x)
{
    if (x < TCI_EXP_LEAST)
        return 0.0f;
    float negative = 0.0f - x;
    int32_t n;
    float p = exp_parts(negative < TCI_EXP_LEAST ? TCI_EXP_LEAST : negative, &n);
    float scale = power_of_two(n);
    return 1.0f / ((1.0f + scale) + scale * p);
}

void tci_exp_scalar(size_t count, const float *src, float *dst)
{
    for (size_t i = 0; i < count; i++)
        dst[i] = tci_exp_one(src[i]);
}

void tci_tanh_scalar(size_t count, const float *src, float *dst)
{
    for (size_t i = 0; i < count; i++)
        dst[i] = tci_tanh_one(src[i]);
}

void tci_sigmoid_scalar(size_t count, const float *src, float *dst)
{
    for (size_t i = 0; i < count; i++)
        dst[i] = tci_sigmoid_one(src[i]);
}
