/* dense.h: y = f(x W + b) [+ residual], weights packed before or on the way, with the gradients.
 *
 * The output is one to three parts side by side (query, key and value of attention), each of output_dim columns
 * rounded up to 16; each part has its own weight and bias. A weight stands as (output_dim, input_dim), as torch.nn
 * .Linear has it, or `input_major` as (input_dim, output_dim), as GPT-2's Conv1D does, with any stride: the parts may
 * be column ranges of one matrix.
 *
 * A part may have an adapter, two thin matrices beside its weight (LoRA, Hu et al. 2021): it then counts as weight +
 * scale · up · down, which is made where the weight is packed and stands nowhere else.
 *
 * With `packed` NULL weights are packed a group of panels at a time into the caller's scratch: for weights that
 * processes share, and for training, where they change with each step and a batch has many rows.
 *
 * Work is dealt out by panels of 16 output columns (input columns for dx), or by rows: an element is one chain over the
 * depth in any case, so no bit depends on it. Nothing here meets other threads. */
#ifndef TCI_LAYER_DENSE_H
#define TCI_LAYER_DENSE_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/kernel.h"
#include "layer/activation.h"

#define TCI_DENSE_PARTS 3

typedef struct tci_dense_adapter {
    size_t rank; /* 0: none */
    float scale;
    const float *down; /* (rank, input_dim) */
    const float *up;   /* (output_dim, rank) */
} tci_dense_adapter;

typedef struct tci_dense {
    size_t input_dim, output_dim; /* output_dim of one part */
    size_t parts;
    bool input_major;
    size_t weight_stride; /* floats from a row of a weight to the next */
    const float *weight[TCI_DENSE_PARTS];
    const float *bias[TCI_DENSE_PARTS]; /* (output_dim); NULL: none */
    tci_dense_adapter adapter[TCI_DENSE_PARTS];
    const float *packed; /* tci_dense_packed_floats() filled by tci_dense_pack(); or NULL */
} tci_dense;

/* Panels of the output, all parts; its columns are 16 times that. */
static inline size_t tci_dense_panels(const tci_dense *dense)
{
    return dense->parts * (TCI_PADDED(dense->output_dim) / TCI_PANEL);
}

static inline size_t tci_dense_width(const tci_dense *dense)
{
    return tci_dense_panels(dense) * TCI_PANEL;
}

size_t tci_dense_packed_floats(const tci_dense *dense);

/* Floats of scratch (64-byte aligned) that each thread brings to the functions below. */
size_t tci_dense_scratch(const tci_dense *dense);

/* Packs all weights into `packed` (64-byte aligned). Biases are read where they stand. */
void tci_dense_pack(const tci_dense *dense, const tci_kernels *kernels, float *packed, float *scratch);

typedef struct tci_dense_output {
    float *y; /* (rows, stride) */
    size_t stride;
    tci_activation activation;
    float *before; /* (rows, stride) keeps what the activation is applied to; NULL: not kept */
    const float
        *residual; /* (rows, residual_stride), added behind the activation; NULL: none. May be y, `before` then NULL */
    size_t residual_stride;
} tci_dense_output;

/* Panels [first, first + count) of y from x (rows, x_stride), of which input_dim columns are read. */
void tci_dense_forward(const tci_dense *dense, const tci_kernels *kernels, size_t first, size_t count, size_t rows,
                       const float *x, size_t x_stride, const tci_dense_output *output, float *scratch);

/* Panels [first, first + count) of dx (rows, dx_stride), stored, or with `add` added to, from dy (rows, dy_stride), the
 * gradient of x W + b. */
void tci_dense_backward_input(const tci_dense *dense, const tci_kernels *kernels, size_t first, size_t count,
                              size_t rows, const float *dy, size_t dy_stride, float *dx, size_t dx_stride, bool add,
                              float *scratch);

/* Gradients of the weights and biases behind panels [first, first + count) of the output, in the layout and with the
 * stride of the weights, stored, or with `add` added to. x (rows, x_stride) with all padding columns. NULL members of
 * dweight or dbias are not wanted. */
void tci_dense_backward_weight(const tci_dense *dense, const tci_kernels *kernels, size_t first, size_t count,
                               size_t rows, const float *x, size_t x_stride, const float *dy, size_t dy_stride,
                               float *const dweight[TCI_DENSE_PARTS], float *const dbias[TCI_DENSE_PARTS], bool add,
                               float *scratch);

/* weight += scale · up · down, for the adapter of part 0: the bits that packing gives them. `weight` is in the layout
 * and with the stride of the dense layer's own. */
void tci_dense_merge(const tci_dense *dense, const tci_kernels *kernels, float *weight, float *scratch);
/* Floats of scratch (64-byte aligned) for that. */
size_t tci_dense_merge_scratch(const tci_dense *dense);

#endif
