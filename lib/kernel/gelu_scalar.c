/* gelu_scalar.c: GELU, exact and by tanh, and their slopes, in plain C; formulas in layer/activation.h and constants.h.
 *
 *     gelu' = Φ(x) + x φ(x), φ(x) = exp(-x²/2) / √(2π)
 *     gelu_tanh = x s, s = sigmoid(v), v = x (A + B x²)
 *     gelu_tanh' = s + x s (1 - s) (A + 3 B x²), by way of sigmoid(-|v|), so that 1 - s keeps its digits
 *
 * x is kept from growing where only its sign counts, so that infinities come out right; NaN passes. */
#include "kernel/constants.h"
#include "kernel/kernels_scalar.h"

static float normal_distribution(float x)
{
    if (x >= TCI_PHI_CLAMP)
        return 1.0f;
    if (x <= -TCI_PHI_CLAMP)
        return 0.0f;
    static const float factors[] = {TCI_PHI_P1,  TCI_PHI_P2,  TCI_PHI_P3,  TCI_PHI_P4, TCI_PHI_P5,
                                    TCI_PHI_P6,  TCI_PHI_P7,  TCI_PHI_P8,  TCI_PHI_P9, TCI_PHI_P10,
                                    TCI_PHI_P11, TCI_PHI_P12, TCI_PHI_P13, TCI_PHI_P14};
    float u = x * x * TCI_PHI_SCALE - 1.0f;
    float p = TCI_PHI_P0;
    for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++)
        p = p * u + factors[i];
    return x * p + 0.5f;
}

static float at_least(float x, float least)
{
    return x < least ? least : x;
}

static float clamped(float x)
{
    return at_least(TCI_GELU_CLAMP < x ? TCI_GELU_CLAMP : x, -TCI_GELU_CLAMP);
}

void tci_gelu_scalar(size_t count, const float *src, float *dst)
{
    for (size_t i = 0; i < count; i++)
        dst[i] = at_least(src[i], -TCI_GELU_CLAMP) * normal_distribution(src[i]);
}

void tci_gelu_backward_scalar(size_t count, const float *src, const float *dy, float *dst)
{
    for (size_t i = 0; i < count; i++) {
        float x = clamped(src[i]);
        float density = tci_exp_one(-0.5f * (x * x)) * TCI_PHI_DENSITY;
        dst[i] = dy[i] * (x * density + normal_distribution(x));
    }
}

void tci_gelu_tanh_scalar(size_t count, const float *src, float *dst)
{
    for (size_t i = 0; i < count; i++) {
        float x = at_least(src[i], -TCI_GELU_CLAMP);
        dst[i] = x * tci_sigmoid_one(x * (x * x * TCI_GELU_TANH_B + TCI_GELU_TANH_A));
    }
}

void tci_gelu_tanh_backward_scalar(size_t count, const float *src, const float *dy, float *dst)
{
    for (size_t i = 0; i < count; i++) {
        float x = clamped(src[i]), square = x * x;
        float size = x < 0.0f ? -x : x;
        float t = tci_sigmoid_one(-(size * (square * TCI_GELU_TANH_B + TCI_GELU_TANH_A)));
        float slope = square * (3.0f * TCI_GELU_TANH_B) + TCI_GELU_TANH_A;
        dst[i] = dy[i] * (x * (t * (1.0f - t)) * slope + (x < 0.0f ? t : 1.0f - t));
    }
}
