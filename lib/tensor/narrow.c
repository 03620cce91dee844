/* narrow.c: see narrow.h. Integers and single float operations, so that every compiler and machine gives the same
 * bits. */
#include "tensor/narrow.h"

#include <string.h>

#include "kernel/constants.h"
#include "kernel/kernel.h"

#define INFINITE UINT32_C(0x7f800000)
#define SIZE_BITS UINT32_C(0x7fffffff)
#define LARGEST_SCALE UINT32_C(0x7c010203) /* the largest float that is finite 127 times */

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void tci_narrow_bf16(size_t count, const float *values, uint16_t *narrow)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = bits_of(values[i]), sign = bits & ~SIZE_BITS, size = bits & SIZE_BITS;
        size = (size + 0x7fff + (size >> 16 & 1)) >> 16;
        if (size >= INFINITE >> 16)
            size = (INFINITE >> 16) - 1;
        narrow[i] = (uint16_t)(sign >> 16 | size);
    }
}

void tci_widen_bf16(size_t count, const uint16_t *narrow, float *values)
{
    for (size_t i = 0; i < count; i++)
        values[i] = float_of((uint32_t)narrow[i] << 16);
}

bool tci_scale_is_good(float scale)
{
    return bits_of(scale) - 1 < LARGEST_SCALE; /* whatever the floating-point mode: 0 wraps, a sign is beyond */
}

/* Bits of the largest size; they are ordered like the floats. */
static uint32_t largest_size(size_t count, const float *values)
{
    uint32_t most = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t size = bits_of(values[i]) & SIZE_BITS;
        most = size > most ? size : most;
    }
    return most;
}

float tci_narrow_int8(size_t count, const float *values, int8_t *narrow)
{
    float most = float_of(largest_size(count, values));
    if (!(most >= TCI_INT8_LEAST)) {
        memset(narrow, 0, count);
        return 1.0f;
    }
    float scale = most / 127.0f, inverse = 127.0f / most;
    if (!tci_scale_is_good(scale)) /* rounded up at the end of the range */
        scale = float_of(LARGEST_SCALE);
    for (size_t i = 0; i < count; i++)
        narrow[i] = (int8_t)((int32_t)bits_of(values[i] * inverse + TCI_ROUND_MAGIC) - TCI_ROUND_MAGIC_BITS);
    return scale;
}

void tci_widen_int8(size_t count, const int8_t *narrow, float scale, float *values)
{
    for (size_t i = 0; i < count; i++)
        values[i] = (float)narrow[i] * scale;
}

static const void *row_of(const tci_parameters *parameters, size_t index, size_t row)
{
    const tci_tensor_info *tensor = &parameters->tensors[index];
    const char *data = tci_parameters_data(parameters, index);
    return data + row * tensor->shape[1] * tci_element_bytes(tensor->element);
}

static void widen_row(const tci_parameters *from, size_t index, size_t row, float *values)
{
    const tci_tensor_info *tensor = &from->tensors[index];
    size_t columns = tensor->shape[1];
    if (tensor->element == TCI_ELEMENT_BF16)
        tci_widen_bf16(columns, row_of(from, index, row), values);
    else if (tensor->element == TCI_ELEMENT_INT8)
        tci_widen_int8(columns, row_of(from, index, row), tci_parameters_read(from, tensor->scales)[row], values);
    else
        memcpy(values, row_of(from, index, row), columns * sizeof *values);
}

static void narrow_row(tci_parameters *to, size_t index, size_t row, const float *values)
{
    const tci_tensor_info *tensor = &to->tensors[index];
    size_t columns = tensor->shape[1];
    void *narrow = (char *)(to->values + tensor->offset) + row * columns * tci_element_bytes(tensor->element);
    if (tensor->element == TCI_ELEMENT_BF16)
        tci_narrow_bf16(columns, values, narrow);
    else if (tensor->element == TCI_ELEMENT_INT8)
        to->values[to->tensors[tensor->scales].offset + row] = tci_narrow_int8(columns, values, narrow);
    else
        memcpy(narrow, values, columns * sizeof *values);
}

static bool is_scales(const tci_tensor_info *tensor)
{
    return strncmp(tensor->name, TCI_SCALE_NAMES, strlen(TCI_SCALE_NAMES)) == 0;
}

static void copy_tensor(const tci_parameters *from, size_t source, tci_parameters *to, size_t index)
{
    const tci_tensor_info *tensor = &to->tensors[index];
    memcpy(to->values + tensor->offset, tci_parameters_data(from, source),
           tensor->count * tci_element_bytes(tensor->element));
    if (tensor->element == TCI_ELEMENT_INT8)
        memcpy(to->values + to->tensors[tensor->scales].offset, tci_parameters_data(from, from->tensors[source].scales),
               tensor->shape[0] * sizeof *to->values);
}

/* `row` has room for a row of the widest tensor. */
static tc_status convert_tensor(const tci_parameters *from, tci_parameters *to, size_t index, float *row)
{
    const tci_tensor_info *tensor = &to->tensors[index], *source = tci_parameters_find(from, tensor->name);
    if (!source || source->count != tensor->count || source->shape[0] != tensor->shape[0])
        return tci_fail(TC_ERROR_INTERNAL, "tensor '%s' is not in both models", tensor->name);
    size_t number = (size_t)(source - from->tensors);
    if (source->element == tensor->element) {
        copy_tensor(from, number, to, index);
        return TC_OK;
    }
    for (size_t r = 0; r < tensor->shape[0]; r++) {
        widen_row(from, number, r, row);
        if (largest_size(tensor->shape[1], row) >= INFINITE)
            return tci_fail(TC_ERROR_NUMERIC, "tensor '%s': row %zu holds a value that is NaN or infinite",
                            tensor->name, r);
        narrow_row(to, index, r, row);
    }
    return TC_OK;
}

tc_status tci_parameters_convert(const tci_parameters *from, tci_parameters *to)
{
    tc_status status = TC_OK;
    float *row = NULL;
    size_t widest = 0;
    for (size_t i = 0; i < to->tensor_count; i++)
        widest = to->tensors[i].shape[1] > widest ? to->tensors[i].shape[1] : widest;
    TCI_CHECK(tci_alloc(to->memory, widest, sizeof *row, "a row of weights", &row));
    for (size_t i = 0; i < to->tensor_count; i++) {
        if (!is_scales(&to->tensors[i]))
            TCI_CHECK(convert_tensor(from, to, i, row));
    }
done:
    tci_free(to->memory, row);
    return status;
}
