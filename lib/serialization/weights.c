/* weights.c: all tensors are checked before the first one is written. */
#include "serialization/weights.h"

#include <string.h>

#include "serialization/checksum.h"
#include "serialization/elements.h"
#include "serialization/safetensors.h"

static tc_status check_tensor(const tci_safetensors *file, const tci_tensor_info *wanted)
{
    char there[TCI_SHOWN_SHAPE], here[TCI_SHOWN_SHAPE];
    tci_tensor_view view;
    if (!tci_safetensors_find(file, wanted->name, &view))
        return tci_fail(TC_ERROR_MISMATCH, "the file lacks the tensor '%s' of shape %s", wanted->name,
                        tci_show_shape(wanted->rank, wanted->shape, here));
    if (view.rank != wanted->rank || memcmp(view.shape, wanted->shape, wanted->rank * sizeof *view.shape) != 0)
        return tci_fail(TC_ERROR_MISMATCH, "tensor '%s' has shape %s in the file and %s in the model", wanted->name,
                        tci_show_shape(view.rank, view.shape, there),
                        tci_show_shape(wanted->rank, wanted->shape, here));
    if (!tci_elements_are_real(view.dtype))
        return tci_fail(TC_ERROR_MISMATCH, "tensor '%s' has elements of type %s; F32, F16, BF16 and F64 are accepted",
                        wanted->name, tci_dtype_name(view.dtype));
    size_t first = tci_elements_check(view.dtype, view.data, wanted->count, true);
    if (first != wanted->count)
        return tci_fail(TC_ERROR_NUMERIC, "tensor '%s': element %zu is NaN, infinite, or too large for a 32-bit float",
                        wanted->name, first);
    return TC_OK;
}

tc_status tci_weights_load(tc_model *model, const uint8_t *bytes, size_t size)
{
    tc_status status = TC_OK;
    char digits[TCI_CHECKSUM_DIGITS + 1];
    const tci_options *options = &model->options;
    tci_parameters *parameters = &model->network->parameters;
    tci_safetensors file = {0};
    tci_memory memory;
    tci_memory_init(&memory, &model->memory.host, model->memory.limit);
    if (options->max_file_bytes != 0 && size > options->max_file_bytes)
        return tci_fail(TC_ERROR_LIMIT, "the file has %zu bytes; max_file_bytes is %llu", size,
                        (unsigned long long)options->max_file_bytes);
    if (tci_checksum_marked(bytes, size))
        TCI_RETURN_IF(tci_checksum_verify(bytes, size, digits));
    TCI_CHECK(tci_safetensors_open(&memory, bytes, size, (size_t)options->max_tensors, NULL, NULL, &file));
    for (size_t i = 0; i < parameters->tensor_count; i++)
        TCI_CHECK(check_tensor(&file, &parameters->tensors[i]));
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        tci_tensor_view view;
        if (tci_safetensors_find(&file, tensor->name, &view))
            tci_elements_to_float(view.dtype, view.data, tensor->count, parameters->values + tensor->offset);
    }
    model->format = NULL;
    model->checksum[0] = '\0'; /* no longer the weights of the file it came from */
    tci_model_refresh(model);
done:
    tci_safetensors_close(&file);
    return status;
}
