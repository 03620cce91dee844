/* narrow.c: see narrow.h. Integers and single float operations, so that every compiler and machine gives the same
 * bits. Knows nothing of architectures: a tensor says itself whether its scales are of rows or of columns. */
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

/* The scale of values of this largest size, and what makes numbers of them: the inverse, 0 where all are to be 0. */
static float scale_of(float most, float *inverse)
{
    *inverse = 0;
    if (!(most >= TCI_INT8_LEAST))
        return 1.0f;
    *inverse = 127.0f / most;
    float scale = most / 127.0f;
    return tci_scale_is_good(scale) ? scale : float_of(LARGEST_SCALE); /* rounded up at the end of the range */
}

static int8_t number_of(float value, float inverse)
{
    return (int8_t)((int32_t)bits_of(value * inverse + TCI_ROUND_MAGIC) - TCI_ROUND_MAGIC_BITS);
}

float tci_narrow_int8(size_t count, const float *values, int8_t *narrow)
{
    float inverse, scale = scale_of(float_of(largest_size(count, values)), &inverse);
    for (size_t i = 0; i < count; i++)
        narrow[i] = number_of(values[i], inverse);
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

void tci_widen_row(const tci_parameters *from, size_t index, size_t row, float *values)
{
    const tci_tensor_info *tensor = &from->tensors[index];
    size_t columns = tensor->shape[1];
    if (tensor->element == TCI_ELEMENT_F32) {
        memcpy(values, row_of(from, index, row), columns * sizeof *values);
        return;
    }
    if (tensor->element == TCI_ELEMENT_BF16) {
        tci_widen_bf16(columns, row_of(from, index, row), values);
        return;
    }
    const float *scales = tci_parameters_read(from, tensor->scales);
    const int8_t *numbers = row_of(from, index, row);
    for (size_t c = 0; tensor->column_scales && c < columns; c++)
        values[c] = (float)numbers[c] * scales[c];
    if (!tensor->column_scales)
        tci_widen_int8(columns, numbers, scales[row], values);
}

/* `inverses` (columns): of a tensor with scales of its columns. */
static void narrow_row(tci_parameters *to, size_t index, size_t row, const float *inverses, const float *values)
{
    const tci_tensor_info *tensor = &to->tensors[index];
    size_t columns = tensor->shape[1];
    void *narrow = (char *)(to->values + tensor->offset) + row * columns * tci_element_bytes(tensor->element);
    int8_t *numbers = narrow;
    if (tensor->element == TCI_ELEMENT_BF16)
        tci_narrow_bf16(columns, values, narrow);
    else if (tensor->element == TCI_ELEMENT_F32)
        memcpy(narrow, values, columns * sizeof *values);
    else if (!tensor->column_scales)
        to->values[to->tensors[tensor->scales].offset + row] = tci_narrow_int8(columns, values, numbers);
    for (size_t c = 0; inverses && c < columns; c++)
        numbers[c] = number_of(values[c], inverses[c]);
}

static bool is_scales(const tci_tensor_info *tensor)
{
    return strncmp(tensor->name, TCI_SCALE_NAMES, strlen(TCI_SCALE_NAMES)) == 0;
}

/* One tensor on its way into another. */
typedef struct conversion {
    const tci_parameters *from;
    size_t source; /* number of the tensor there */
    tci_parameters *to;
    size_t index;         /* and here */
    const uint32_t *rows; /* of the source, or NULL */
    float *row, *sizes;   /* room for a row of the widest tensor, each */
} conversion;

static size_t row_number(const conversion *c, size_t row)
{
    return c->rows ? c->rows[row] : row;
}

static void copy_tensor(const conversion *c)
{
    tci_parameters *to = c->to;
    const tci_tensor_info *tensor = &to->tensors[c->index], *source = &c->from->tensors[c->source];
    size_t bytes = tensor->shape[1] * tci_element_bytes(tensor->element);
    char *data = (char *)(to->values + tensor->offset);
    if (!c->rows)
        memcpy(data, tci_parameters_data(c->from, c->source), tensor->shape[0] * bytes);
    for (size_t r = 0; c->rows && r < tensor->shape[0]; r++)
        memcpy(data + r * bytes, row_of(c->from, c->source, c->rows[r]), bytes);
    if (tensor->element != TCI_ELEMENT_INT8)
        return;
    const tci_tensor_info *scales = &to->tensors[tensor->scales];
    const float *old = tci_parameters_read(c->from, source->scales);
    bool chosen = c->rows && !tensor->column_scales;
    for (size_t i = 0; i < scales->count; i++)
        to->values[scales->offset + i] = old[chosen ? c->rows[i] : i];
}

/* The largest size of each column, then the scales, then (in the same place) their inverses. */
static void find_column_scales(const conversion *c)
{
    const tci_tensor_info *tensor = &c->to->tensors[c->index];
    float *scales = c->to->values + c->to->tensors[tensor->scales].offset;
    memset(c->sizes, 0, tensor->shape[1] * sizeof *c->sizes);
    for (size_t r = 0; r < tensor->shape[0]; r++) {
        tci_widen_row(c->from, c->source, row_number(c, r), c->row);
        for (size_t k = 0; k < tensor->shape[1]; k++) {
            float size = float_of(bits_of(c->row[k]) & SIZE_BITS);
            c->sizes[k] = size > c->sizes[k] ? size : c->sizes[k];
        }
    }
    for (size_t k = 0; k < tensor->shape[1]; k++)
        scales[k] = scale_of(c->sizes[k], &c->sizes[k]);
}

static tc_status convert_tensor(conversion *c)
{
    const tci_tensor_info *tensor = &c->to->tensors[c->index], *source = tci_parameters_find(c->from, tensor->name);
    if (!source || source->shape[1] != tensor->shape[1] || (!c->rows && source->shape[0] != tensor->shape[0]))
        return tci_fail(TC_ERROR_INTERNAL, "tensor '%s' is not in both models", tensor->name);
    c->source = (size_t)(source - c->from->tensors);
    if (source->element == tensor->element) {
        copy_tensor(c);
        return TC_OK;
    }
    bool by_column = tensor->element == TCI_ELEMENT_INT8 && tensor->column_scales;
    if (by_column)
        find_column_scales(c);
    for (size_t r = 0; r < tensor->shape[0]; r++) {
        tci_widen_row(c->from, c->source, row_number(c, r), c->row);
        if (largest_size(tensor->shape[1], c->row) >= INFINITE)
            return tci_fail(TC_ERROR_NUMERIC, "tensor '%s': row %zu holds a value that is NaN or infinite",
                            tensor->name, row_number(c, r));
        narrow_row(c->to, c->index, r, by_column ? c->sizes : NULL, c->row);
    }
    return TC_OK;
}

tc_status tci_parameters_convert(const tci_parameters *from, tci_parameters *to, const uint32_t *rows)
{
    tc_status status = TC_OK;
    conversion c = {.from = from, .to = to};
    size_t widest = 0;
    for (size_t i = 0; i < to->tensor_count; i++)
        widest = to->tensors[i].shape[1] > widest ? to->tensors[i].shape[1] : widest;
    TCI_CHECK(tci_alloc(to->memory, widest, 2 * sizeof *c.row, "a row of weights", &c.row));
    c.sizes = c.row + widest;
    for (c.index = 0; c.index < to->tensor_count; c.index++) {
        c.rows = to->tensors[c.index].rank == 2 ? rows : NULL;
        if (!is_scales(&to->tensors[c.index]))
            TCI_CHECK(convert_tensor(&c));
    }
done:
    tci_free(to->memory, c.row);
    return status;
}
