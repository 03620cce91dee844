/* safetensors_write.c: laying a safetensors file out: order, offsets and header. The data itself is never copied. */
#include "serialization/safetensors.h"

#include <string.h>

#include "base/json.h"
#include "base/sort.h"

#define DATA_ALIGNMENT 64

static int by_size_and_name(const void *context, uint32_t a, uint32_t b)
{
    const tci_tensor_source *left = (const tci_tensor_source *)context + a;
    const tci_tensor_source *right = (const tci_tensor_source *)context + b;
    size_t left_bits = tci_dtype_bits(left->dtype), right_bits = tci_dtype_bits(right->dtype);
    if (left_bits != right_bits)
        return left_bits > right_bits ? -1 : 1;
    return strcmp(left->name, right->name);
}

static tc_status order_sources(tci_memory *memory, tci_tensor_source *sources, size_t count)
{
    tc_status status = TC_OK;
    uint32_t *order = NULL;
    tci_tensor_source *old = NULL;
    TCI_CHECK(tci_alloc(memory, count, 2 * sizeof *order, "tensor order", &order));
    TCI_CHECK(tci_alloc(memory, count, sizeof *old, "tensor order", &old));
    for (size_t i = 0; i < count; i++) {
        order[i] = (uint32_t)i;
        old[i] = sources[i];
    }
    tci_sort(order, order + count, count, by_size_and_name, old);
    for (size_t i = 0; i < count; i++)
        sources[i] = old[order[i]];
done:
    tci_free(memory, order);
    tci_free(memory, old);
    return status;
}

static tc_status source_size(tci_tensor_source *source)
{
    size_t count = 1, bits = 0;
    bool fits = true;
    for (size_t i = 0; i < source->rank; i++)
        fits = fits && tci_multiply(count, source->shape[i], &count);
    fits = fits && tci_multiply(count, tci_dtype_bits(source->dtype), &bits);
    if (!fits || bits % 8 != 0)
        return tci_fail(TC_ERROR_LIMIT, "tensor '%s' does not fit the address space in whole bytes", source->name);
    source->size = bits / 8;
    return TC_OK;
}

static tc_status write_tensor(tci_json_writer *json, const tci_tensor_source *source, size_t *offset)
{
    size_t end = 0;
    if (!tci_add(*offset, source->size, &end))
        return tci_fail(TC_ERROR_LIMIT, "tensor '%s' does not fit the address space", source->name);
    TCI_RETURN_IF(tci_json_key(json, source->name));
    TCI_RETURN_IF(tci_json_begin(json, '{'));
    TCI_RETURN_IF(tci_json_key(json, "dtype"));
    TCI_RETURN_IF(tci_json_string(json, tci_dtype_name(source->dtype)));
    TCI_RETURN_IF(tci_json_key(json, "shape"));
    TCI_RETURN_IF(tci_json_begin(json, '['));
    for (size_t i = 0; i < source->rank; i++)
        TCI_RETURN_IF(tci_json_unsigned_value(json, source->shape[i]));
    TCI_RETURN_IF(tci_json_end(json, ']'));
    TCI_RETURN_IF(tci_json_key(json, "data_offsets"));
    TCI_RETURN_IF(tci_json_begin(json, '['));
    TCI_RETURN_IF(tci_json_unsigned_value(json, *offset));
    TCI_RETURN_IF(tci_json_unsigned_value(json, end));
    TCI_RETURN_IF(tci_json_end(json, ']'));
    *offset = end;
    return tci_json_end(json, '}');
}

static tc_status write_metadata(tci_json_writer *json, const tci_metadata_pair *pairs, size_t count)
{
    TCI_RETURN_IF(tci_json_key(json, "__metadata__"));
    TCI_RETURN_IF(tci_json_begin(json, '{'));
    for (size_t i = 0; i < count; i++) {
        TCI_RETURN_IF(tci_json_key(json, pairs[i].key));
        TCI_RETURN_IF(tci_json_string(json, pairs[i].value));
    }
    return tci_json_end(json, '}');
}

tc_status tci_safetensors_layout(tci_memory *memory, const tci_metadata_pair *pairs, size_t pair_count,
                                 tci_tensor_source *sources, size_t source_count, tci_buffer *header)
{
    uint8_t length[8] = {0};
    size_t offset = 0;
    tci_json_writer json;
    tci_json_writer_init(&json, header);
    TCI_RETURN_IF(order_sources(memory, sources, source_count));
    TCI_RETURN_IF(tci_buffer_append(header, length, sizeof length));
    TCI_RETURN_IF(tci_json_begin(&json, '{'));
    if (pair_count > 0)
        TCI_RETURN_IF(write_metadata(&json, pairs, pair_count));
    for (size_t i = 0; i < source_count; i++) {
        TCI_RETURN_IF(source_size(&sources[i]));
        TCI_RETURN_IF(write_tensor(&json, &sources[i], &offset));
    }
    TCI_RETURN_IF(tci_json_end(&json, '}'));
    while (header->size % DATA_ALIGNMENT != 0)
        TCI_RETURN_IF(tci_buffer_append(header, " ", 1));
    if (header->size - 8 > TCI_SAFETENSORS_HEADER_MAX)
        return tci_fail(TC_ERROR_LIMIT, "a header of %zu bytes; safetensors holds at most %u", header->size - 8,
                        TCI_SAFETENSORS_HEADER_MAX);
    tci_store_u64(length, header->size - 8);
    memcpy(header->data, length, sizeof length);
    return TC_OK;
}
