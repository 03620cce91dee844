/* linear.c: the linear layer and its gradient: dW = dy^T x, db = column sums of dy, dx = dy W. */
#include "layer/linear.h"

#include <string.h>

size_t tci_linear_packed_floats(const tci_linear_shape *shape)
{
    return TCI_PADDED(shape->output_dim) * (1 + shape->inputs * shape->input_dim);
}

void tci_linear_place(tci_linear *linear, const tci_linear_shape *shape, float *block)
{
    *linear = (tci_linear){.shape = *shape, .output_width = TCI_PADDED(shape->output_dim), .bias = block};
    block += linear->output_width;
    for (size_t i = 0; i < shape->inputs; i++, block += linear->output_width * shape->input_dim)
        linear->weight[i] = block;
}

size_t tci_linear_back_floats(const tci_linear_shape *shape)
{
    return shape->inputs * shape->output_dim * TCI_PADDED(shape->input_dim);
}

void tci_linear_place_back(tci_linear *linear, float *block)
{
    const tci_linear_shape *shape = &linear->shape;
    for (size_t i = 0; i < shape->inputs; i++, block += shape->output_dim * TCI_PADDED(shape->input_dim))
        linear->back[i] = block;
}

void tci_linear_pack(const tci_linear *linear, const tci_kernels *kernels, const float *weight, const float *bias)
{
    const tci_linear_shape *shape = &linear->shape;
    size_t stride = shape->inputs * shape->input_dim;
    memset(linear->bias, 0, linear->output_width * sizeof *linear->bias);
    memcpy(linear->bias, bias, shape->output_dim * sizeof *bias);
    for (size_t i = 0; i < shape->inputs; i++) {
        const float *half = weight + i * shape->input_dim;
        tci_pack_panels(kernels, shape->input_dim, shape->output_dim, half, stride, true, linear->weight[i]);
        if (linear->back[i])
            tci_pack_panels(kernels, shape->output_dim, shape->input_dim, half, stride, false, linear->back[i]);
    }
}

void tci_linear_forward(const tci_linear *linear, const tci_kernels *kernels, size_t rows, const float *const x[2],
                        float *y)
{
    const tci_linear_shape *shape = &linear->shape;
    size_t width = linear->output_width;
    for (size_t r = 0; r < rows; r++)
        memcpy(y + r * width, linear->bias, width * sizeof *y);
    for (size_t i = 0; i < shape->inputs; i++)
        kernels->gemm(rows, width / TCI_PANEL, shape->input_dim, x[i], TCI_PADDED(shape->input_dim), TCI_PANEL,
                      linear->weight[i], y, width, TCI_PANEL);
}

size_t tci_linear_backward_scratch(const tci_linear *linear)
{
    size_t input_width = TCI_PADDED(linear->shape.input_dim), output_dim = linear->shape.output_dim;
    return TCI_PADDED(linear->output_width + output_dim * input_width) +
           tci_gemm_transposed_scratch(output_dim, input_width / TCI_PANEL);
}

static void put(const tci_kernels *kernels, size_t count, const float *src, float *dst, bool add)
{
    if (add)
        kernels->add(count, src, dst);
    else
        memcpy(dst, src, count * sizeof *dst);
}

void tci_linear_backward(const tci_linear *linear, const tci_kernels *kernels, size_t rows, const float *const x[2],
                         const float *dy, float *const dx[2], float *dweight, float *dbias, bool add,
                         float *scratch)
{
    const tci_linear_shape *shape = &linear->shape;
    size_t width = linear->output_width, input_width = TCI_PADDED(shape->input_dim);
    float *column_sums = scratch, *product = scratch + width;
    float *gemm_scratch = scratch + TCI_PADDED(width + shape->output_dim * input_width);

    memset(column_sums, 0, width * sizeof *column_sums);
    kernels->add_rows(rows, width, dy, width, column_sums);
    put(kernels, shape->output_dim, column_sums, dbias, add);
    for (size_t i = 0; i < shape->inputs; i++) {
        memset(product, 0, shape->output_dim * input_width * sizeof *product);
        kernels->gemm_transposed(shape->output_dim, input_width / TCI_PANEL, rows, dy, width, x[i], input_width,
                                 TCI_PANEL, product, input_width, TCI_PANEL, gemm_scratch);
        for (size_t o = 0; o < shape->output_dim; o++)
            put(kernels, shape->input_dim, product + o * input_width,
                dweight + (o * shape->inputs + i) * shape->input_dim, add);
        memset(dx[i], 0, rows * input_width * sizeof *dx[i]);
        kernels->gemm(rows, input_width / TCI_PANEL, shape->output_dim, dy, width, TCI_PANEL, linear->back[i], dx[i],
                      input_width, TCI_PANEL);
    }
}
