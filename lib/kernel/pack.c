/* pack.c: lays a matrix out in panels of 16 columns, [panel][depth][16], the form that gemm reads as one stream. */
#include <string.h>

#include "kernel/gemm_blocks.h"
#include "kernel/kernel.h"

void tci_pack_panels(const tci_kernels *kernels, size_t depth, size_t columns, const float *src, size_t src_stride,
                     bool transposed, float *packed)
{
    for (size_t first = 0; first < columns; first += TCI_PANEL, packed += depth * TCI_PANEL) {
        size_t width = columns - first < TCI_PANEL ? columns - first : TCI_PANEL;
        if (width < TCI_PANEL)
            memset(packed, 0, depth * TCI_PANEL * sizeof *packed);
        if (transposed) {
            kernels->transpose(width, depth, src + first * src_stride, src_stride, packed, TCI_PANEL, false);
            continue;
        }
        if (width == TCI_PANEL) { /* a size that compilers know */
            for (size_t k = 0; k < depth; k++)
                memcpy(packed + k * TCI_PANEL, src + k * src_stride + first, TCI_PANEL * sizeof *packed);
            continue;
        }
        for (size_t k = 0; k < depth; k++)
            memcpy(packed + k * TCI_PANEL, src + k * src_stride + first, width * sizeof *packed);
    }
}

size_t tci_gemm_transposed_scratch(size_t a_columns, size_t panels)
{
    size_t columns = a_columns < TCI_GEMM_COLUMNS ? a_columns : TCI_GEMM_COLUMNS;
    size_t lines = panels < TCI_GEMM_PANELS ? panels : TCI_GEMM_PANELS;
    return (columns + lines * TCI_PANEL) * TCI_GEMM_DEPTH;
}
