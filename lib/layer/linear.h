/* linear.h: y = x W^T + b over one or two input matrices side by side (the halves of a bidirectional layer). */
#ifndef TCI_LAYER_LINEAR_H
#define TCI_LAYER_LINEAR_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/kernel.h"

typedef struct tci_linear_shape {
    size_t inputs;    /* input matrices: 1 or 2 */
    size_t input_dim; /* columns of each */
    size_t output_dim;
} tci_linear_shape;

typedef struct tci_linear {
    tci_linear_shape shape;
    size_t output_width; /* output_dim rounded up to 16 */
    float *bias;         /* (output_width) */
    float *weight[2];    /* panels, depth input_dim, output_dim columns */
    float *back[2];      /* training only: panels, depth output_dim, input_dim columns */
} tci_linear;

/* Floats of the block that tci_linear_place() divides; and of the one that training adds to a placed layer. */
size_t tci_linear_packed_floats(const tci_linear_shape *shape);
void tci_linear_place(tci_linear *linear, const tci_linear_shape *shape, float *block);
size_t tci_linear_back_floats(const tci_linear_shape *shape);
void tci_linear_place_back(tci_linear *linear, float *block);

/* weight (output_dim, inputs·input_dim), bias (output_dim) */
void tci_linear_pack(const tci_linear *linear, const tci_kernels *kernels, const float *weight, const float *bias);

/* y (rows, output_width) from x[i] (rows, padded input_dim) */
void tci_linear_forward(const tci_linear *linear, const tci_kernels *kernels, size_t rows, const float *const x[2],
                        float *y);

size_t tci_linear_backward_scratch(const tci_linear *linear);

/* From dy (rows, output_width): dx[i] (rows, padded input_dim) overwritten, gradients in PyTorch's layout
 * stored, or with `add` added to. `scratch` holds tci_linear_backward_scratch() floats. */
void tci_linear_backward(const tci_linear *linear, const tci_kernels *kernels, size_t rows, const float *const x[2],
                         const float *dy, float *const dx[2], float *dweight, float *dbias, bool add,
                         float *scratch);

#endif
