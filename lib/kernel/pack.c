/* pack.c: lays a matrix out in panels of 16 columns, [panel][depth][16], the form that gemm reads as one stream. */
#include <string.h>

#include "kernel/gemm_blocks.h"
#include "kernel/kernel.h"

#define TOGETHER 8 /* panels: half a kilobyte of each row, where one panel alone would take a line of every page */

/* Whole panels of b (depth, 16·panels). */
static void pack_rows(size_t depth, size_t panels, const float *src, size_t src_stride, float *packed)
{
    for (size_t k = 0; k < depth; k++, src += src_stride, packed += TCI_PANEL) {
        for (size_t panel = 0; panel < panels; panel++)
            memcpy(packed + panel * depth * TCI_PANEL, src + panel * TCI_PANEL, TCI_PANEL * sizeof *packed);
    }
}

void tci_pack_panels(const tci_kernels *kernels, size_t depth, size_t columns, const float *src, size_t src_stride,
                     bool transposed, float *packed)
{
    for (size_t first = 0, panels = 1; first < columns; first += panels * TCI_PANEL) {
        size_t left = columns - first, width = left < TCI_PANEL ? left : TCI_PANEL;
        float *to = packed + first * depth;
        panels = 1;
        if (width < TCI_PANEL)
            memset(to, 0, depth * TCI_PANEL * sizeof *to);
        if (transposed) {
            kernels->transpose(width, depth, src + first * src_stride, src_stride, to, TCI_PANEL, false);
        } else if (width == TCI_PANEL) {
            panels = left / TCI_PANEL < TOGETHER ? left / TCI_PANEL : TOGETHER;
            pack_rows(depth, panels, src + first, src_stride, to);
        } else {
            for (size_t k = 0; k < depth; k++)
                memcpy(to + k * TCI_PANEL, src + k * src_stride + first, width * sizeof *to);
        }
    }
}

size_t tci_gemm_transposed_scratch(size_t a_columns, size_t panels)
{
    size_t columns = a_columns < TCI_GEMM_COLUMNS ? a_columns : TCI_GEMM_COLUMNS;
    size_t lines = panels < TCI_GEMM_PANELS ? panels : TCI_GEMM_PANELS;
    return (columns + lines * TCI_PANEL) * TCI_GEMM_DEPTH;
}
