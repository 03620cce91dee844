/* product.c: see product.h. */
#include "layer/product.h"

#include <string.h>

size_t tci_packed_bytes(tci_element element, size_t depth, size_t panels)
{
    if (element == TCI_ELEMENT_INT8)
        return panels * TCI_INT8_PANEL_BYTES(depth);
    return panels * TCI_PANEL * (element == TCI_ELEMENT_BF16 ? TCI_BF16_PADDED(depth) : depth) *
           tci_element_bytes(element);
}

static void *panel_at(const tci_packed *packed, size_t panel)
{
    return (char *)packed->panels + tci_packed_bytes(packed->element, packed->depth, panel);
}

void tci_packed_fill(const tci_packed *packed, const tci_kernels *kernels, size_t panel, size_t count, const void *rows,
                     size_t stride, const float *scales)
{
    void *to = panel_at(packed, panel);
    if (packed->element == TCI_ELEMENT_BF16) {
        tci_pack_panels_bf16(packed->depth, count, rows, 1, stride, to);
    } else if (packed->element == TCI_ELEMENT_INT8) {
        tci_pack_panels_int8(packed->depth, count, rows, 1, stride, to);
        memset(packed->scales + panel * TCI_PANEL, 0, TCI_PANEL * sizeof *scales);
        memcpy(packed->scales + panel * TCI_PANEL, scales, count * sizeof *scales);
    } else {
        tci_pack_panels(kernels, packed->depth, count, rows, stride, true, to);
    }
}

static size_t row_stride(size_t depth)
{
    return TCI_INT8_ROW_BYTES(depth);
}

size_t tci_operand_bytes(tci_element element, size_t depth, size_t rows)
{
    return element == TCI_ELEMENT_INT8 ? rows * row_stride(depth) : 0;
}

tci_operand tci_operand_prepare(const tci_packed *packed, const tci_kernels *kernels, size_t rows, const float *x,
                                size_t stride, void *scratch)
{
    if (packed->element != TCI_ELEMENT_INT8)
        return (tci_operand){.floats = x, .stride = stride};
    kernels->quantize(rows, packed->depth, x, stride, scratch, row_stride(packed->depth));
    return (tci_operand){.numbers = scratch, .numbers_stride = row_stride(packed->depth)};
}

void tci_product(const tci_packed *packed, const tci_kernels *kernels, size_t first, size_t panels, size_t rows,
                 const tci_operand *x, float *c, size_t c_row, size_t c_block)
{
    const void *from = panel_at(packed, first);
    if (packed->element == TCI_ELEMENT_BF16)
        kernels->gemm_bf16(rows, panels, packed->depth, x->floats, x->stride, from, c, c_row, c_block);
    else if (packed->element == TCI_ELEMENT_INT8)
        kernels->gemm_int8(rows, panels, packed->depth, x->numbers, x->numbers_stride, from,
                           packed->scales + first * TCI_PANEL, c, c_row, c_block);
    else
        kernels->gemm(rows, panels, packed->depth, x->floats, x->stride, TCI_PANEL, from, c, c_row, c_block);
}
