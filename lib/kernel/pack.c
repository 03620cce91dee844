/* pack.c: lays a matrix out in panels of 16 columns, [panel][depth][16], the form that gemm reads as one stream. */
#include "kernel/gemm_blocks.h"
#include "kernel/kernel.h"

void tci_pack_panels(size_t depth, size_t columns, const float *src, size_t depth_stride, size_t column_stride,
                     float *packed)
{
    for (size_t first = 0; first < columns; first += TCI_PANEL) {
        size_t width = columns - first < TCI_PANEL ? columns - first : TCI_PANEL;
        for (size_t k = 0; k < depth; k++) {
            const float *from = src + k * depth_stride + first * column_stride;
            for (size_t n = 0; n < TCI_PANEL; n++)
                packed[n] = n < width ? from[n * column_stride] : 0.0f;
            packed += TCI_PANEL;
        }
    }
}

size_t tci_gemm_transposed_scratch(size_t a_columns, size_t panels)
{
    size_t columns = a_columns < TCI_GEMM_COLUMNS ? a_columns : TCI_GEMM_COLUMNS;
    size_t lines = panels < TCI_GEMM_PANELS ? panels : TCI_GEMM_PANELS;
    return (columns + lines * TCI_PANEL) * TCI_GEMM_DEPTH;
}
