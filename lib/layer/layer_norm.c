/* layer_norm.c: see layer_norm.h; the arithmetic is the kernels'. */
#include "layer/layer_norm.h"

#include <string.h>

void tci_layer_norm_forward(const tci_layer_norm *norm, const tci_kernels *kernels, size_t rows, const float *x,
                            float *y, float *stats)
{
    kernels->layer_norm(rows, norm->columns, TCI_PADDED(norm->columns), norm->epsilon, norm->gain, norm->bias, x, y,
                        stats);
}

void tci_layer_norm_backward(const tci_layer_norm *norm, const tci_kernels *kernels, size_t rows, const float *x,
                             const float *stats, const float *dy, float *dx, bool add)
{
    kernels->layer_norm_backward(rows, norm->columns, TCI_PADDED(norm->columns), norm->gain, x, stats, dy, dx, add);
}

void tci_layer_norm_gradients(const tci_layer_norm *norm, const tci_kernels *kernels, size_t first, size_t last,
                              size_t rows, const float *x, const float *stats, const float *dy, float *dgain,
                              float *dbias, bool add)
{
    if (first >= last)
        return;
    if (!add) {
        memset(dgain + first, 0, (last - first) * sizeof *dgain);
        memset(dbias + first, 0, (last - first) * sizeof *dbias);
    }
    kernels->layer_norm_gradients(rows, last - first, TCI_PADDED(norm->columns), x + first, stats, dy + first,
                                  dgain + first, dbias + first);
}
