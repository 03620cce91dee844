/* native_info.h: what a model is, as JSON text for people and programs (tc_model_info, `textclf info`). */
#ifndef TCI_SERIALIZATION_NATIVE_INFO_H
#define TCI_SERIALIZATION_NATIVE_INFO_H

#include "base/bytes.h"
#include "model/classifier.h"

/* Appends one JSON object on one line: "architecture", "task", "labels", "options" (all that are stored), "tensors"
 * (name, dtype, shape), "parameters" (numbers in them, scales of int8 weights apart), "vocabulary" (words),
 * "file_bytes" (of a saved file), "checksum" (null when the weights are not those of a file), "unicode_version" and
 * "unicode_note" (null when the running library has the same version). `out` is not NUL-terminated. */
tc_status tci_model_describe(const tc_model *model, tci_buffer *out);

#endif
