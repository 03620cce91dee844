/* product.h: c += x W^T with W packed in panels, of any element type: the one place that chooses the kernel by the
 * type.
 *
 * F32 and bfloat16 read x as floats. int8 reads rows that were quantized, each by its own largest size: whoever has
 * floats prepares them once for all products of a step, whoever has int8 rows (of an embedding) gives them as they
 * are. */
#ifndef TCI_LAYER_PRODUCT_H
#define TCI_LAYER_PRODUCT_H

#include <stddef.h>

#include "kernel/kernel.h"
#include "tensor/parameters.h"

typedef struct tci_packed {
    tci_element element;
    size_t depth;  /* columns of W */
    void *panels;  /* in the packed form of the type, kernel.h */
    float *scales; /* int8: (columns of the product) */
} tci_packed;

/* Bytes of so many panels. */
size_t tci_packed_bytes(tci_element element, size_t depth, size_t panels);

/* Fills one panel from up to 16 rows of W, `stride` elements apart, and their scales (int8). */
void tci_packed_fill(const tci_packed *packed, const tci_kernels *kernels, size_t panel, size_t count, const void *rows,
                     size_t stride, const float *scales);

/* Rows of x as the product reads them. */
typedef struct tci_operand {
    const float *floats;
    size_t stride;               /* in floats */
    const tci_int8_row *numbers; /* int8: instead of floats */
    size_t numbers_stride;       /* in bytes */
} tci_operand;

/* Bytes of scratch that preparing takes; 0 where nothing is prepared. */
size_t tci_operand_bytes(tci_element element, size_t depth, size_t rows);

/* `x` (rows, stride) for products with `packed`; `scratch` keeps the numbers of int8. */
tci_operand tci_operand_prepare(const tci_packed *packed, const tci_kernels *kernels, size_t rows, const float *x,
                                size_t stride, void *scratch);

/* c (rows, 16·panels) += x W^T in the panels from `first` on; c as in gemm. */
void tci_product(const tci_packed *packed, const tci_kernels *kernels, size_t first, size_t panels, size_t rows,
                 const tci_operand *x, float *c, size_t c_row, size_t c_block);

#endif
