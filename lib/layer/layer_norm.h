/* layer_norm.h: y = (x - mean) / √(variance + ε) · gain + bias over the columns of each row (Ba, Kiros, Hinton 2016).
 *
 * Matrices are row-major with rows of `columns` rounded up to 16; padding columns of what is written are zeros. Mean
 * and variance are sums in a fixed order in two passes; gradients of gain and bias are one chain over the rows a
 * column: no bit depends on how rows or columns are dealt out to threads. */
#ifndef TCI_LAYER_LAYER_NORM_H
#define TCI_LAYER_LAYER_NORM_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/kernel.h"

typedef struct tci_layer_norm {
    size_t columns;
    float epsilon;
    const float *gain, *bias; /* (columns), as stored */
} tci_layer_norm;

/* y (rows, width) of x (rows, width); y may be x. stats (rows, 2): mean and 1 / √(variance + ε), for the backward pass;
 * or NULL. */
void tci_layer_norm_forward(const tci_layer_norm *norm, const tci_kernels *kernels, size_t rows, const float *x,
                            float *y, float *stats);

/* dx (rows, width) stored, or with `add` added to, from x and stats of the forward pass and dy. dx may be dy when not
 * added to. */
void tci_layer_norm_backward(const tci_layer_norm *norm, const tci_kernels *kernels, size_t rows, const float *x,
                             const float *stats, const float *dy, float *dx, bool add);

/* dgain and dbias (columns) of columns [first, last), stored, or with `add` added to. `first` is a multiple of 16. */
void tci_layer_norm_gradients(const tci_layer_norm *norm, const tci_kernels *kernels, size_t first, size_t last,
                              size_t rows, const float *x, const float *stats, const float *dy, float *dgain,
                              float *dbias, bool add);

#endif
