/* adam_scalar.c: Adam's update of a run of elements in plain C; the formulas are in optimizer/adam.c. */
#include "kernel/kernels_scalar.h"

#include <math.h>

void tci_adam_scalar(const tci_adam_constants *constants, size_t count, float *restrict value,
                     const float *restrict gradient, float *restrict exp_avg, float *restrict exp_avg_sq)
{
    const tci_adam_constants k = *constants;
    for (size_t i = 0; i < count; i++) {
        float scaled = gradient ? k.gradient_scale * gradient[i] : 0.0F;
        float g = scaled + k.decay * value[i];
        float m = exp_avg[i] + k.one_minus_beta1 * (g - exp_avg[i]);
        float v = exp_avg_sq[i] + k.one_minus_beta2 * (g * g - exp_avg_sq[i]);
        exp_avg[i] = m;
        exp_avg_sq[i] = v;
        value[i] = k.shrink * value[i] - k.step_size * (m / (k.root_scale * sqrtf(v) + k.epsilon));
    }
}
