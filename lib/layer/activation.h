/* activation.h: element-wise functions behind a dense layer, and their gradients.
 *
 *     gelu       x Φ(x), Φ the normal distribution (Hendrycks and Gimpel 2016)
 *     gelu_tanh  x / 2 · (1 + tanh(√(2/π) (x + 0.044715 x³))), which GPT-2 uses
 *     relu       max(x, 0)
 *     tanh */
#ifndef TCI_LAYER_ACTIVATION_H
#define TCI_LAYER_ACTIVATION_H

#include <stddef.h>

#include "kernel/kernel.h"

typedef enum tci_activation {
    TCI_ACTIVATION_NONE = 0,
    TCI_ACTIVATION_GELU,
    TCI_ACTIVATION_GELU_TANH,
    TCI_ACTIVATION_RELU,
    TCI_ACTIVATION_TANH
} tci_activation;

/* y[i] = f(x[i]); y may be x. */
void tci_activation_forward(tci_activation activation, const tci_kernels *kernels, size_t count, const float *x,
                            float *y);

/* dx[i] = dy[i] f'(x[i]); dx may be dy or x. */
void tci_activation_backward(tci_activation activation, const tci_kernels *kernels, size_t count, const float *x,
                             const float *dy, float *dx);

#endif
