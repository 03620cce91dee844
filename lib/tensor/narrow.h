/* narrow.h: floats to bfloat16 and int8 and back, row by row, and whole parameters from one element type to another.
 *
 *     bfloat16: the nearest, ties to even; what lies beyond the largest becomes the largest
 *     int8: scale = (largest size of the row) / 127, number = value · 127 / (largest size) to nearest, ties to even
 *
 * A row without a size of TCI_INT8_LEAST becomes zeros with scale 1. Tensors with scales of their columns take each
 * column so instead. Widening is exact for bfloat16 and one
 * multiplication for int8. Callers have set round to nearest (base/cpu.h); the values are finite. */
#ifndef TCI_TENSOR_NARROW_H
#define TCI_TENSOR_NARROW_H

#include "tensor/parameters.h"

void tci_narrow_bf16(size_t count, const float *values, uint16_t *narrow);
void tci_widen_bf16(size_t count, const uint16_t *narrow, float *values);

/* Returns the scale: positive, and 127 times it is a finite float. */
float tci_narrow_int8(size_t count, const float *values, int8_t *narrow);
void tci_widen_int8(size_t count, const int8_t *narrow, float scale, float *values);

/* True for a scale that there can be: positive, and 127 times it finite. The same in any floating-point mode. */
bool tci_scale_is_good(float scale);

/* A row of a tensor of any element type as floats. */
void tci_widen_row(const tci_parameters *from, size_t index, size_t row, float *values);

/* Fills the block of `to` from the tensors of the same names in `from`, which have the same shapes and any element
 * types; a tensor of the same type keeps its bits. `rows`: which rows of the matrices are taken, as many as `to` has
 * there, NULL being all. `to` has a block. TC_ERROR_NUMERIC for a value that is not finite. */
tc_status tci_parameters_convert(const tci_parameters *from, tci_parameters *to, const uint32_t *rows);

#endif
