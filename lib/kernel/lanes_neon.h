/* lanes_neon.h: one vector of 4 floats by the names of lanes_avx2.h, with its bits. */
#ifndef TCI_KERNEL_LANES_NEON_H
#define TCI_KERNEL_LANES_NEON_H

#include <arm_neon.h>
#include <string.h>

#include "kernel/kernels_neon.h"

#define LANES 4
#define NAMED(name) tci_##name##_neon

typedef float32x4_t lanes;
typedef uint32x4_t lanes_mask;

static inline lanes lanes_all(float x)
{
    return vdupq_n_f32(x);
}

static inline lanes lanes_load(const float *from)
{
    return vld1q_f32(from);
}

static inline void lanes_store(float *to, lanes x)
{
    vst1q_f32(to, x);
}

static inline lanes lanes_load_some(const float *from, size_t count)
{
    float some[LANES] = {0};
    if (count >= LANES)
        return vld1q_f32(from);
    memcpy(some, from, count * sizeof *some);
    return vld1q_f32(some);
}

static inline void lanes_store_some(float *to, lanes x, size_t count)
{
    float some[LANES];
    vst1q_f32(some, x);
    memcpy(to, some, (count < LANES ? count : LANES) * sizeof *some);
}

static inline lanes_mask lanes_first(size_t count)
{
    static const uint32_t numbers[LANES] = {0, 1, 2, 3};
    return vcltq_u32(vld1q_u32(numbers), vdupq_n_u32((uint32_t)(count < LANES ? count : LANES)));
}

static inline lanes_mask lanes_below(lanes a, lanes b)
{
    return vcltq_f32(a, b);
}

static inline lanes_mask lanes_not_below(lanes a, lanes b)
{
    return vmvnq_u32(vcltq_f32(a, b));
}

static inline lanes lanes_keep(lanes_mask mask, lanes x)
{
    return vreinterpretq_f32_u32(vandq_u32(mask, vreinterpretq_u32_f32(x)));
}

static inline lanes lanes_select(lanes_mask mask, lanes yes, lanes no)
{
    return vbslq_f32(mask, yes, no);
}

static inline lanes lanes_add(lanes a, lanes b)
{
    return vaddq_f32(a, b);
}

static inline lanes lanes_sub(lanes a, lanes b)
{
    return vsubq_f32(a, b);
}

static inline lanes lanes_mul(lanes a, lanes b)
{
    return vmulq_f32(a, b);
}

static inline lanes lanes_fma(lanes a, lanes b, lanes c)
{
    return vfmaq_f32(c, a, b);
}

static inline lanes lanes_fnma(lanes a, lanes b, lanes c)
{
    return vfmsq_f32(c, a, b);
}

static inline lanes lanes_fnms(lanes a, lanes b, lanes c)
{
    return vnegq_f32(vfmaq_f32(c, a, b));
}

static inline lanes lanes_div(lanes a, lanes b)
{
    return vdivq_f32(a, b);
}

static inline lanes lanes_power(lanes shifted)
{
    return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(shifted), 23));
}

static inline lanes lanes_scale(lanes x, lanes n)
{
    const int32x4_t bias = vdupq_n_s32(127);
    int32x4_t whole = vcvtq_s32_f32(n), half = vshrq_n_s32(whole, 1); /* 2^128 is no float */
    x = vmulq_f32(x, vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(half, bias), 23)));
    return vmulq_f32(x, vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vsubq_s32(whole, half), bias), 23)));
}

static inline lanes lanes_positive(lanes x)
{
    return vabsq_f32(x);
}

static inline lanes lanes_signed(lanes x, lanes y)
{
    return vbslq_f32(vdupq_n_u32(0x80000000u), y, x);
}

static inline lanes lanes_max(lanes a, lanes b)
{
    return vmaxq_f32(a, b);
}

static inline lanes lanes_min(lanes a, lanes b)
{
    return vminq_f32(a, b);
}

static inline float lanes_total(const lanes x[4])
{
    lanes four = vaddq_f32(vaddq_f32(x[0], x[2]), vaddq_f32(x[1], x[3]));
    float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

static inline float lanes_largest(const lanes x[4])
{
    return vmaxvq_f32(vmaxq_f32(vmaxq_f32(x[0], x[2]), vmaxq_f32(x[1], x[3])));
}

#endif
