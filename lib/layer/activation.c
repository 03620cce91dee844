/* activation.c: see activation.h. What the kernels lack is plain enough for the compiler's own vectors. */
#include "layer/activation.h"

#include <string.h>

#define TANH_BLOCK 256

void tci_activation_forward(tci_activation activation, const tci_kernels *kernels, size_t count, const float *x,
                            float *y)
{
    switch (activation) {
    case TCI_ACTIVATION_GELU:
        kernels->gelu(count, x, y);
        break;
    case TCI_ACTIVATION_GELU_TANH:
        kernels->gelu_tanh(count, x, y);
        break;
    case TCI_ACTIVATION_RELU:
        for (size_t i = 0; i < count; i++)
            y[i] = x[i] < 0.0f ? 0.0f : x[i]; /* NaN stays */
        break;
    case TCI_ACTIVATION_TANH:
        kernels->tanh(count, x, y);
        break;
    default:
        if (y != x)
            memcpy(y, x, count * sizeof *y);
        break;
    }
}

static void tanh_backward(const tci_kernels *kernels, size_t count, const float *x, const float *dy, float *dx)
{
    float t[TANH_BLOCK];
    for (size_t i = 0, some; i < count; i += some) {
        some = count - i < TANH_BLOCK ? count - i : TANH_BLOCK;
        kernels->tanh(some, x + i, t);
        for (size_t k = 0; k < some; k++)
            dx[i + k] = dy[i + k] * (1.0f - t[k] * t[k]);
    }
}

void tci_activation_backward(tci_activation activation, const tci_kernels *kernels, size_t count, const float *x,
                             const float *dy, float *dx)
{
    switch (activation) {
    case TCI_ACTIVATION_GELU:
        kernels->gelu_backward(count, x, dy, dx);
        break;
    case TCI_ACTIVATION_GELU_TANH:
        kernels->gelu_tanh_backward(count, x, dy, dx);
        break;
    case TCI_ACTIVATION_RELU:
        for (size_t i = 0; i < count; i++)
            dx[i] = x[i] <= 0.0f ? 0.0f : dy[i];
        break;
    case TCI_ACTIVATION_TANH:
        tanh_backward(kernels, count, x, dy, dx);
        break;
    default:
        if (dx != dy)
            memcpy(dx, dy, count * sizeof *dx);
        break;
    }
}
