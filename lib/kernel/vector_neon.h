/* vector_neon.h: exp, tanh and sigmoid of 4 floats, inlined into the array functions and the LSTM cell.
 *
 * Formulas, order and fused operations are those of vector_avx2.h, so that the bits are the same. fmin and fmax hand a
 * NaN on, whichever operand it is; comparisons with it are false. */
#ifndef TCI_KERNEL_VECTOR_NEON_H
#define TCI_KERNEL_VECTOR_NEON_H

#include <arm_neon.h>

#include "kernel/constants.h"

/* x = n ln 2 + r: returns p = exp(r) - 1; *n holds n in each integer. */
static inline float32x4_t tci_exp_parts_neon(float32x4_t x, int32x4_t *n)
{
    const float32x4_t magic = vdupq_n_f32(TCI_ROUND_MAGIC);
    float32x4_t shifted = vfmaq_f32(magic, x, vdupq_n_f32(TCI_LOG2_E));
    float32x4_t rounded = vsubq_f32(shifted, magic);
    float32x4_t r = vfmsq_f32(x, rounded, vdupq_n_f32(TCI_LN2_HIGH));
    r = vfmsq_f32(r, rounded, vdupq_n_f32(TCI_LN2_LOW));
    float32x4_t p = vdupq_n_f32(TCI_EXP_P0);
    p = vfmaq_f32(vdupq_n_f32(TCI_EXP_P1), p, r);
    p = vfmaq_f32(vdupq_n_f32(TCI_EXP_P2), p, r);
    p = vfmaq_f32(vdupq_n_f32(TCI_EXP_P3), p, r);
    p = vfmaq_f32(vdupq_n_f32(TCI_EXP_P4), p, r);
    p = vfmaq_f32(vdupq_n_f32(TCI_EXP_P5), p, r);
    *n = vsubq_s32(vreinterpretq_s32_f32(shifted), vdupq_n_s32(TCI_ROUND_MAGIC_BITS));
    return vfmaq_f32(r, p, vmulq_f32(r, r));
}

/* 2^n, -126 <= n <= 127. */
static inline float32x4_t tci_power_of_two_neon(int32x4_t n)
{
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23));
}

/* x with zeros where the mask is set. */
static inline float32x4_t tci_clear_neon(float32x4_t x, uint32x4_t mask)
{
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(x), mask));
}

static inline float32x4_t tci_exp_neon_4(float32x4_t x)
{
    int32x4_t n;
    uint32x4_t dropped = vcltq_f32(x, vdupq_n_f32(TCI_EXP_LEAST));
    float32x4_t p = tci_exp_parts_neon(vminq_f32(vdupq_n_f32(TCI_EXP_CLAMP), x), &n);
    int32x4_t half = vshrq_n_s32(n, 1); /* 2^128 is no float */
    float32x4_t value = vmulq_f32(vaddq_f32(vdupq_n_f32(1.0f), p), tci_power_of_two_neon(half));
    value = vmulq_f32(value, tci_power_of_two_neon(vsubq_s32(n, half)));
    return tci_clear_neon(value, dropped);
}

static inline float32x4_t tci_sigmoid_neon_4(float32x4_t x)
{
    const float32x4_t one = vdupq_n_f32(1.0f);
    int32x4_t n;
    uint32x4_t dropped = vcltq_f32(x, vdupq_n_f32(TCI_EXP_LEAST));
    float32x4_t negative = vsubq_f32(vdupq_n_f32(0.0f), x);
    negative = vmaxq_f32(vdupq_n_f32(TCI_EXP_LEAST), negative);
    /* what is dropped below is only kept from overflowing here */
    negative = vminq_f32(vdupq_n_f32(-TCI_EXP_LEAST), negative);
    float32x4_t p = tci_exp_parts_neon(negative, &n);
    float32x4_t scale = tci_power_of_two_neon(n);
    float32x4_t value = vdivq_f32(one, vfmaq_f32(vaddq_f32(one, scale), scale, p));
    return tci_clear_neon(value, dropped);
}

static inline float32x4_t tci_tanh_neon_4(float32x4_t x)
{
    const float32x4_t one = vdupq_n_f32(1.0f), two = vdupq_n_f32(2.0f);
    const uint32x4_t sign = vdupq_n_u32(0x80000000u);
    float32x4_t size = tci_clear_neon(x, sign);
    float32x4_t z = vmulq_f32(size, size);
    float32x4_t q = vdupq_n_f32(TCI_TANH_Q0);
    q = vfmaq_f32(vdupq_n_f32(TCI_TANH_Q1), q, z);
    q = vfmaq_f32(vdupq_n_f32(TCI_TANH_Q2), q, z);
    q = vfmaq_f32(vdupq_n_f32(TCI_TANH_Q3), q, z);
    q = vfmaq_f32(vdupq_n_f32(TCI_TANH_Q4), q, z);
    float32x4_t below = vfmaq_f32(size, size, vmulq_f32(z, q));
    int32x4_t n;
    float32x4_t p = tci_exp_parts_neon(vmulq_f32(two, vminq_f32(vdupq_n_f32(TCI_TANH_CLAMP), size)), &n);
    float32x4_t scale = tci_power_of_two_neon(n);
    float32x4_t above = vdivq_f32(two, vfmaq_f32(vaddq_f32(one, scale), scale, p));
    above = vsubq_f32(one, above);
    uint32x4_t small = vcltq_f32(size, vdupq_n_f32(TCI_TANH_JOINT));
    return vbslq_f32(sign, x, vbslq_f32(small, below, above)); /* x's sign */
}

#endif
