/* parameters.c: layout, allocation and clearing of the parameter and gradient blocks.
 *
 * Tensors stand one behind the other, each at a multiple of 16 floats, in the order of their declaration. A block of
 * the trained ones is that layout without what belongs to the frozen ones, the gap behind each included. */
#include "tensor/parameters.h"

#include <string.h>

#define TENSOR_ALIGNMENT 16 /* floats: one cache line */
#define TENSOR_CEILING 65536

void tci_parameters_init(tci_parameters *parameters, tci_memory *memory)
{
    *parameters = (tci_parameters){.memory = memory};
}

void tci_parameters_free(tci_parameters *parameters)
{
    if (!parameters->memory)
        return;
    tci_free(parameters->memory, parameters->tensors);
    tci_free(parameters->memory, parameters->values);
    *parameters = (tci_parameters){.memory = parameters->memory};
}

size_t tci_element_bytes(tci_element element)
{
    static const size_t bytes[] = {sizeof(float), sizeof(uint16_t), sizeof(int8_t), sizeof(uint8_t), sizeof(uint64_t)};
    return bytes[element];
}

static tc_status declare(tci_parameters *parameters, const char *name, tci_tensor_info tensor, size_t *index)
{
    size_t bytes = 0, end = 0;
    TCI_RETURN_IF(tci_reserve(parameters->memory, parameters->tensor_count + 1, TENSOR_CEILING, sizeof(tci_tensor_info),
                              "tensor list", &parameters->tensor_capacity, &parameters->tensors));
    if (strlen(name) >= sizeof tensor.name)
        return tci_fail(TC_ERROR_INTERNAL, "tensor name '%s' is too long", name);
    memcpy(tensor.name, name, strlen(name) + 1);
    tensor.offset = (parameters->size + TENSOR_ALIGNMENT - 1) / TENSOR_ALIGNMENT * TENSOR_ALIGNMENT;
    if (!tci_multiply(tensor.shape[0], tensor.shape[1], &tensor.count) ||
        !tci_multiply(tensor.count, tci_element_bytes(tensor.element), &bytes) ||
        !tci_add(tensor.offset, bytes / sizeof(float) + (bytes % sizeof(float) != 0), &end) ||
        end > SIZE_MAX / sizeof(float) - TENSOR_ALIGNMENT)
        return tci_fail(TC_ERROR_LIMIT, "tensor '%s' of %zu x %zu elements does not fit the address space", name,
                        tensor.shape[0], tensor.shape[1]);
    parameters->size = end;
    if (index)
        *index = parameters->tensor_count;
    parameters->tensors[parameters->tensor_count++] = tensor;
    return TC_OK;
}

tc_status tci_parameters_declare(tci_parameters *parameters, const char *name, size_t rank, size_t rows, size_t columns,
                                 bool sparse_rows, size_t *index)
{
    tci_tensor_info tensor = {.rank = rank, .shape = {rows, rank == 1 ? 1 : columns}, .sparse_rows = sparse_rows};
    return declare(parameters, name, tensor, index);
}

tc_status tci_parameters_declare_matrix(tci_parameters *parameters, tci_element element, const char *name, size_t rows,
                                        size_t columns, bool sparse_rows, size_t *index)
{
    tci_tensor_info tensor = {.rank = 2, .shape = {rows, columns}, .element = element, .sparse_rows = sparse_rows};
    return declare(parameters, name, tensor, index);
}

tc_status tci_parameters_declare_scales(tci_parameters *parameters)
{
    size_t count = parameters->tensor_count;
    for (size_t i = 0; i < count; i++) {
        char name[TCI_TENSOR_NAME];
        if (parameters->tensors[i].element != TCI_ELEMENT_INT8)
            continue;
        size_t length = strlen(parameters->tensors[i].name), prefix = strlen(TCI_SCALE_NAMES), scales = 0;
        if (prefix + length >= sizeof name)
            return tci_fail(TC_ERROR_INTERNAL, "tensor name '%s' is too long", parameters->tensors[i].name);
        memcpy(name, TCI_SCALE_NAMES, prefix);
        memcpy(name + prefix, parameters->tensors[i].name, length + 1);
        const tci_tensor_info *tensor = &parameters->tensors[i];
        TCI_RETURN_IF(tensor->column_scales
                          ? tci_parameters_declare(parameters, name, 2, 1, tensor->shape[1], false, &scales)
                          : tci_parameters_declare(parameters, name, 1, tensor->shape[0], 1, false, &scales));
        parameters->tensors[i].scales = scales;
    }
    return TC_OK;
}

tc_status tci_parameters_allocate(tci_parameters *parameters)
{
    float *block = NULL;
    TCI_RETURN_IF(tci_alloc(parameters->memory, parameters->size, sizeof(float), "model parameters", &block));
    tci_ask_for_large_pages(parameters->memory, block, parameters->size * sizeof *block);
    memset(block, 0, parameters->size * sizeof *block);
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        tci_tensor_info *tensor = &parameters->tensors[i];
        if (tensor->mapped)
            memcpy(block + tensor->offset, tensor->mapped, tensor->count * tci_element_bytes(tensor->element));
        tensor->mapped = NULL;
    }
    parameters->values = block;
    return TC_OK;
}

const tci_tensor_info *tci_parameters_find(const tci_parameters *parameters, const char *name)
{
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        if (strcmp(parameters->tensors[i].name, name) == 0)
            return &parameters->tensors[i];
    }
    return NULL;
}

/* Floats from a tensor to the next one. */
static size_t extent(const tci_parameters *parameters, size_t index)
{
    size_t end = index + 1 < parameters->tensor_count ? parameters->tensors[index + 1].offset : parameters->size;
    return end - parameters->tensors[index].offset;
}

void tci_parameters_set_trained(tci_parameters *parameters, bool (*frozen)(const void *context, size_t index),
                                const void *context)
{
    parameters->skipped = 0;
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        tci_tensor_info *tensor = &parameters->tensors[i];
        tensor->frozen = frozen && frozen(context, i);
        tensor->skipped = parameters->skipped;
        if (tensor->frozen)
            parameters->skipped += extent(parameters, i);
    }
}

void tci_trained_copy(const tci_parameters *parameters, float *block)
{
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        if (!tensor->frozen)
            memcpy(block + tci_trained_offset(tensor), tci_parameters_read(parameters, i),
                   tensor->count * sizeof *block);
    }
}

void tci_trained_swap(tci_parameters *parameters, float *block)
{
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        if (tensor->frozen)
            continue;
        float *values = tci_parameters_write(parameters, i);
        float *others = block + tci_trained_offset(tensor);
        for (size_t k = 0; k < tensor->count; k++) {
            float value = values[k];
            values[k] = others[k];
            others[k] = value;
        }
    }
}

tc_status tci_gradients_create(tci_memory *memory, const tci_parameters *parameters, tci_gradients *gradients)
{
    tc_status status = TC_OK;
    *gradients = (tci_gradients){.memory = memory, .parameters = parameters, .sparse_tensor = SIZE_MAX, .fresh = true};
    TCI_CHECK(tci_alloc_zero(memory, tci_trained_floats(parameters), sizeof(float), "gradients", &gradients->values));
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        if (parameters->tensors[i].sparse_rows && !parameters->tensors[i].frozen)
            gradients->sparse_tensor = i;
    }
    if (gradients->sparse_tensor != SIZE_MAX) {
        size_t rows = parameters->tensors[gradients->sparse_tensor].shape[0];
        TCI_CHECK(tci_alloc(memory, rows, sizeof(uint32_t), "touched embedding rows", &gradients->touched));
        TCI_CHECK(tci_alloc_zero(memory, rows, 1, "touched embedding rows", &gradients->is_touched));
    }
done:
    if (status != TC_OK)
        tci_gradients_free(gradients);
    return status;
}

void tci_gradients_free(tci_gradients *gradients)
{
    if (!gradients->memory)
        return;
    tci_free(gradients->memory, gradients->values);
    tci_free(gradients->memory, gradients->touched);
    tci_free(gradients->memory, gradients->is_touched);
    *gradients = (tci_gradients){.memory = gradients->memory};
}

void tci_gradients_touch(tci_gradients *gradients, uint32_t row)
{
    if (gradients->is_touched[row])
        return;
    gradients->is_touched[row] = 1;
    gradients->touched[gradients->touched_count++] = row;
}

void tci_gradients_clear(tci_gradients *gradients)
{
    gradients->fresh = true;
    if (gradients->sparse_tensor == SIZE_MAX)
        return;
    const tci_tensor_info *tensor = &gradients->parameters->tensors[gradients->sparse_tensor];
    for (size_t t = 0; t < gradients->touched_count; t++) {
        uint32_t row = gradients->touched[t];
        memset(gradients->values + tci_trained_offset(tensor) + row * tensor->shape[1], 0,
               tensor->shape[1] * sizeof(float));
        gradients->is_touched[row] = 0;
    }
    gradients->touched_count = 0;
}
