/* weights.h: the weights of a foreign safetensors file (PyTorch's, say) into a model that is already there. */
#ifndef TCI_SERIALIZATION_WEIGHTS_H
#define TCI_SERIALIZATION_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

#include "model/classifier.h"

/* Fills every parameter of the model from the tensor of its name and shape (F32, F16, BF16 or F64) and packs them;
 * other tensors are passed over. A model file of the library's own needs a right checksum here, too.
 *
 * TC_ERROR_FORMAT, _CHECKSUM, _LIMIT (the model's max_file_bytes, max_tensors, max_memory), _MISMATCH for a missing
 * tensor, another shape or type, _NUMERIC for a value that is not finite or that no float holds, _MEMORY; the model is
 * then as before. */
tc_status tci_weights_load(tc_model *model, const uint8_t *bytes, size_t size);

#endif
