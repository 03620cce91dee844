/* adam_neon.c: Adam's update of a run of elements with NEON; the formulas are in optimizer/adam.c. The operations are
 * those of adam_avx2.c, fused where they are there, so that the bits are the same. */
#include <arm_neon.h>
#include <string.h>

#include "kernel/kernels_neon.h"

/* Four elements: value, exp_avg and exp_avg_sq in and out. gradient NULL counts as zeros. */
static inline void update(const tci_adam_constants *k, float *value, const float *gradient, float *exp_avg,
                          float *exp_avg_sq)
{
    float32x4_t p = vld1q_f32(value), m = vld1q_f32(exp_avg), v = vld1q_f32(exp_avg_sq);
    float32x4_t d = gradient ? vld1q_f32(gradient) : vdupq_n_f32(0.0f);
    float32x4_t g = vfmaq_f32(vmulq_f32(vdupq_n_f32(k->decay), p), vdupq_n_f32(k->gradient_scale), d);
    m = vfmaq_f32(m, vdupq_n_f32(k->one_minus_beta1), vsubq_f32(g, m));
    v = vfmaq_f32(v, vdupq_n_f32(k->one_minus_beta2), vfmaq_f32(vnegq_f32(v), g, g));
    float32x4_t root = vfmaq_f32(vdupq_n_f32(k->epsilon), vdupq_n_f32(k->root_scale), vsqrtq_f32(v));
    p = vfmsq_f32(vmulq_f32(vdupq_n_f32(k->shrink), p), vdupq_n_f32(k->step_size), vdivq_f32(m, root));
    vst1q_f32(value, p);
    vst1q_f32(exp_avg, m);
    vst1q_f32(exp_avg_sq, v);
}

void tci_adam_neon(const tci_adam_constants *constants, size_t count, float *value, const float *gradient,
                   float *exp_avg, float *exp_avg_sq)
{
    const tci_adam_constants k = *constants; /* nothing that is written aliases it */
    size_t i = 0;
    for (; count - i >= 4; i += 4)
        update(&k, value + i, gradient ? gradient + i : NULL, exp_avg + i, exp_avg_sq + i);
    if (i < count) {
        float p[4] = {0}, g[4] = {0}, m[4] = {0}, v[4] = {0};
        size_t rest = (count - i) * sizeof(float);
        memcpy(p, value + i, rest);
        memcpy(m, exp_avg + i, rest);
        memcpy(v, exp_avg_sq + i, rest);
        if (gradient)
            memcpy(g, gradient + i, rest);
        update(&k, p, gradient ? g : NULL, m, v);
        memcpy(value + i, p, rest);
        memcpy(exp_avg + i, m, rest);
        memcpy(exp_avg_sq + i, v, rest);
    }
}
