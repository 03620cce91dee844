/* elements.h: the values of foreign tensors: which are not finite, and as floats. Bytes may have any alignment. */
#ifndef TCI_SERIALIZATION_ELEMENTS_H
#define TCI_SERIALIZATION_ELEMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "serialization/safetensors.h"
#include "tensor/parameters.h"

/* The type under which elements of parameters stand in a file. */
tci_dtype tci_element_dtype(tci_element element);

/* True for F32, F16, BF16 and F64. */
bool tci_elements_are_real(tci_dtype dtype);

/* The number of the first of `count` real elements that is NaN or infinite, or `count`. With `narrow` also an F64 value
 * counts that no finite float is nearest to. */
size_t tci_elements_check(tci_dtype dtype, const uint8_t *data, size_t count, bool narrow);

/* Real elements as floats, rounded to nearest, ties to even, by integer arithmetic: the same in any floating-point
 * mode. */
void tci_elements_to_float(tci_dtype dtype, const uint8_t *data, size_t count, float *values);

#endif
