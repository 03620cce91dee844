/* safetensors.c: reading a safetensors header from hostile bytes.
 *
 * One pass of the pull reader over the header, which refuses repeated keys, then one sort of the tensors by offset,
 * which shows that they cover the data. What grows is bounded by the header: 24 bytes a tensor, 8 a dimension, and its
 * name. */
#include "serialization/safetensors.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/sort.h"

#define METADATA "__metadata__"

static const struct dtype_row {
    const char *name;
    size_t bits;
} dtypes[] = {
#define DTYPE_ROW(name, bits) {#name, bits},
    TCI_DTYPES(DTYPE_ROW)
#undef DTYPE_ROW
};

#define DTYPE_COUNT (sizeof dtypes / sizeof dtypes[0])

const char *tci_dtype_name(tci_dtype dtype)
{
    return dtypes[dtype].name;
}

size_t tci_dtype_bits(tci_dtype dtype)
{
    return dtypes[dtype].bits;
}

const char *tci_show_text(const char *text, size_t length, char shown[TCI_SHOWN])
{
    size_t at = 0, end = 0;
    while (at < length && end < 64) {
        size_t sequence = tci_utf8_sequence(text + at, length - at);
        bool plain = sequence > 1 || (sequence == 1 && (uint8_t)text[at] >= 0x20 && text[at] != 0x7F);
        if (plain && end + sequence > 64)
            break;
        if (plain)
            memcpy(shown + end, text + at, sequence);
        else
            shown[end] = '?';
        end += plain ? sequence : 1;
        at += sequence == 0 ? 1 : sequence;
    }
    memcpy(shown + end, at < length ? "..." : "", at < length ? 4 : 1);
    return shown;
}

const char *tci_show_shape(size_t rank, const size_t *shape, char shown[TCI_SHOWN_SHAPE])
{
    size_t end = 1;
    shown[0] = '(';
    for (size_t i = 0; i < rank; i++)
        end += (size_t)snprintf(shown + end, TCI_SHOWN_SHAPE - end, i == 0 ? "%zu" : ", %zu", shape[i]);
    memcpy(shown + end, ")", 2);
    return shown;
}

/* The header while it is read. Messages count bytes from the header's begin. */
typedef struct header_reader {
    tci_json_reader json;
    tci_safetensors *file;
    tci_metadata_function metadata;
    void *context;
    size_t max_tensors;
    size_t record_capacity, dimension_count, dimension_capacity;
} header_reader;

static const char *shown_text(const tci_json_reader *json, char shown[TCI_SHOWN])
{
    return tci_show_text(json->text.data, json->text.size, shown);
}

static tc_status read_metadata(header_reader *reader)
{
    tci_json_reader *json = &reader->json;
    TCI_RETURN_IF(tci_json_expect(json, TCI_JSON_OBJECT_BEGIN, "'" METADATA "'"));
    for (size_t count = 0;; count++) {
        char key[TCI_SAFETENSORS_NAME + 1];
        tci_json_event event;
        TCI_RETURN_IF(tci_json_next(json, &event));
        if (event == TCI_JSON_OBJECT_END)
            return TC_OK;
        if (count == TCI_SAFETENSORS_METADATA)
            return tci_fail(TC_ERROR_LIMIT, "byte %zu: more than %d metadata keys", json->start,
                            TCI_SAFETENSORS_METADATA);
        size_t length = json->text.size;
        memcpy(key, json->text.data, length + 1);
        TCI_RETURN_IF(tci_json_expect(json, TCI_JSON_STRING, "a metadata value"));
        if (reader->metadata)
            TCI_RETURN_IF(reader->metadata(reader->context, key, length, json->text.data, json->text.size));
    }
}

static tc_status read_dtype(header_reader *reader, uint8_t *dtype)
{
    tci_json_reader *json = &reader->json;
    char shown[TCI_SHOWN];
    TCI_RETURN_IF(tci_json_expect(json, TCI_JSON_STRING, "dtype"));
    for (size_t i = 0; i < DTYPE_COUNT; i++) {
        if (tci_json_is(json, dtypes[i].name)) {
            *dtype = (uint8_t)i;
            return TC_OK;
        }
    }
    return tci_fail(TC_ERROR_FORMAT, "byte %zu: dtype '%s' is none of safetensors (F32, F16, I64, ...)", json->start,
                    shown_text(json, shown));
}

static tc_status read_shape(header_reader *reader, tci_tensor_record *record)
{
    tci_json_reader *json = &reader->json;
    TCI_RETURN_IF(tci_json_expect(json, TCI_JSON_ARRAY_BEGIN, "shape"));
    record->dimensions = (uint32_t)reader->dimension_count;
    for (record->rank = 0;; record->rank++) {
        tci_json_event event;
        uint64_t dimension = 0;
        TCI_RETURN_IF(tci_json_next(json, &event));
        if (event == TCI_JSON_ARRAY_END)
            return TC_OK;
        if (event != TCI_JSON_NUMBER)
            return tci_fail(TC_ERROR_FORMAT, "byte %zu: a shape holds numbers", json->start);
        if (record->rank == TCI_SAFETENSORS_RANK)
            return tci_fail(TC_ERROR_FORMAT, "byte %zu: a shape of more than %d dimensions", json->start,
                            TCI_SAFETENSORS_RANK);
        TCI_RETURN_IF(tci_json_unsigned(json, "a dimension", &dimension));
        if (dimension > SIZE_MAX)
            return tci_fail(TC_ERROR_FORMAT, "byte %zu: a dimension that does not fit the address space", json->start);
        TCI_RETURN_IF(tci_reserve(reader->file->memory, reader->dimension_count + 1, SIZE_MAX, sizeof(size_t),
                                  "tensor shapes", &reader->dimension_capacity, &reader->file->dimensions));
        reader->file->dimensions[reader->dimension_count++] = (size_t)dimension;
    }
}

static tc_status read_offsets(header_reader *reader, tci_tensor_record *record)
{
    tci_json_reader *json = &reader->json;
    uint64_t *ends[2] = {&record->begin, &record->end};
    TCI_RETURN_IF(tci_json_expect(json, TCI_JSON_ARRAY_BEGIN, "data_offsets"));
    for (int i = 0; i < 2; i++) {
        TCI_RETURN_IF(tci_json_expect(json, TCI_JSON_NUMBER, "data_offsets"));
        TCI_RETURN_IF(tci_json_unsigned(json, "a data offset", ends[i]));
    }
    TCI_RETURN_IF(tci_json_expect(json, TCI_JSON_ARRAY_END, "data_offsets"));
    if (record->begin > record->end || record->end > reader->file->data_size)
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: data_offsets %llu to %llu do not lie within the %zu bytes of data",
                        json->start, (unsigned long long)record->begin, (unsigned long long)record->end,
                        reader->file->data_size);
    return TC_OK;
}

/* NULL for a scalar: a file of scalars alone has no dimensions at all. */
static const size_t *shape_of(const tci_safetensors *file, const tci_tensor_record *record)
{
    return record->rank > 0 ? file->dimensions + record->dimensions : NULL;
}

/* The elements of the shape fill the bytes exactly. */
static tc_status check_size(const header_reader *reader, const tci_tensor_record *record)
{
    const size_t *shape = shape_of(reader->file, record);
    size_t count = 1, bits = 0;
    bool fits = true;
    for (size_t i = 0; i < record->rank; i++)
        fits = fits && tci_multiply(count, shape[i], &count);
    fits = fits && tci_multiply(count, dtypes[record->dtype].bits, &bits);
    if (fits && bits % 8 == 0 && bits / 8 == record->end - record->begin)
        return TC_OK;
    char shown[TCI_SHOWN_SHAPE];
    return tci_fail(TC_ERROR_FORMAT, "%s elements of shape %s do not fill the %llu bytes of its data_offsets",
                    dtypes[record->dtype].name, tci_show_shape(record->rank, shape, shown),
                    (unsigned long long)(record->end - record->begin));
}

/* The object behind a tensor's name: each of its three members once, and no other. */
static tc_status read_record(header_reader *reader, tci_tensor_record *record)
{
    enum { DTYPE = 1, SHAPE = 2, OFFSETS = 4 };
    tci_json_reader *json = &reader->json;
    char shown[TCI_SHOWN];
    int seen = 0;
    TCI_RETURN_IF(tci_json_expect(json, TCI_JSON_OBJECT_BEGIN, "a tensor"));
    for (;;) {
        tci_json_event event;
        TCI_RETURN_IF(tci_json_next(json, &event));
        if (event == TCI_JSON_OBJECT_END)
            break;
        int member = tci_json_is(json, "dtype")          ? DTYPE
                     : tci_json_is(json, "shape")        ? SHAPE
                     : tci_json_is(json, "data_offsets") ? OFFSETS
                                                         : 0;
        if (member == 0)
            return tci_fail(TC_ERROR_FORMAT, "byte %zu: '%s' is not known; a tensor has dtype, shape and data_offsets",
                            json->start, shown_text(json, shown));
        seen |= member;
        if (member == DTYPE)
            TCI_RETURN_IF(read_dtype(reader, &record->dtype));
        else if (member == SHAPE)
            TCI_RETURN_IF(read_shape(reader, record));
        else
            TCI_RETURN_IF(read_offsets(reader, record));
    }
    if (seen != (DTYPE | SHAPE | OFFSETS))
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: the tensor lacks its %s", json->start,
                        !(seen & DTYPE)   ? "dtype"
                        : !(seen & SHAPE) ? "shape"
                                          : "data_offsets");
    return check_size(reader, record);
}

static tc_status read_tensor(header_reader *reader)
{
    tci_safetensors *file = reader->file;
    uint32_t entry = 0;
    if (file->count == reader->max_tensors)
        return tci_fail(TC_ERROR_LIMIT, "byte %zu: more tensors than max_tensors (%zu)", reader->json.start,
                        reader->max_tensors);
    TCI_RETURN_IF(tci_map_insert(file->names, reader->json.text.data, reader->json.text.size, &entry, NULL));
    TCI_RETURN_IF(tci_reserve(file->memory, file->count + 1, UINT32_MAX / TCI_SAFETENSORS_RANK, sizeof *file->records,
                              "tensor records", &reader->record_capacity, &file->records));
    tci_tensor_record record = {0};
    tc_status status = read_record(reader, &record);
    if (status != TC_OK) {
        char shown[TCI_SHOWN];
        size_t length = 0;
        const char *name = tci_map_key(file->names, entry, &length);
        return tci_fail_prefix(status, "tensor '%s'", tci_show_text(name, length, shown));
    }
    file->records[file->count++] = record;
    return TC_OK;
}

static tc_status read_header(header_reader *reader)
{
    TCI_RETURN_IF(tci_json_expect(&reader->json, TCI_JSON_OBJECT_BEGIN, "the header"));
    for (;;) {
        tci_json_event event;
        TCI_RETURN_IF(tci_json_next(&reader->json, &event));
        if (event == TCI_JSON_OBJECT_END)
            break;
        if (tci_json_is(&reader->json, METADATA))
            TCI_RETURN_IF(read_metadata(reader));
        else
            TCI_RETURN_IF(read_tensor(reader));
    }
    return tci_json_expect(&reader->json, TCI_JSON_END, "the end of the header");
}

static int by_offset(const void *context, uint32_t a, uint32_t b)
{
    const tci_tensor_record *left = (const tci_tensor_record *)context + a;
    const tci_tensor_record *right = (const tci_tensor_record *)context + b;
    if (left->begin != right->begin)
        return left->begin < right->begin ? -1 : 1;
    return (left->end > right->end) - (left->end < right->end); /* empty ones first */
}

/* In the order of their offsets each tensor begins where the one before ends, from the data's begin to its end. */
static tc_status check_coverage(const tci_safetensors *file)
{
    tc_status status = TC_OK;
    uint32_t *order = NULL;
    TCI_RETURN_IF(tci_alloc(file->memory, file->count, 2 * sizeof *order, "tensor order", &order));
    for (size_t i = 0; i < file->count; i++)
        order[i] = (uint32_t)i;
    tci_sort(order, order + file->count, file->count, by_offset, file->records);
    uint64_t end = 0;
    for (size_t i = 0; i < file->count; i++) {
        const tci_tensor_record *record = &file->records[order[i]];
        if (record->begin != end) {
            char shown[TCI_SHOWN];
            tci_tensor_view view = tci_safetensors_at(file, order[i]);
            status = tci_fail(TC_ERROR_FORMAT, "tensor '%s' begins at byte %llu of the data, %s byte %llu",
                              tci_show_text(view.name, view.name_length, shown), (unsigned long long)record->begin,
                              record->begin < end ? "but the one before it ends at" : "which leaves a hole from",
                              (unsigned long long)end);
            goto done;
        }
        end = record->end;
    }
    if (end != file->data_size)
        status = tci_fail(TC_ERROR_FORMAT, "the tensors end at byte %llu of the data, which has %zu bytes",
                          (unsigned long long)end, file->data_size);
done:
    tci_free(file->memory, order);
    return status;
}

tc_status tci_safetensors_open(tci_memory *memory, const uint8_t *bytes, size_t size, size_t max_tensors,
                               tci_metadata_function metadata, void *context, tci_safetensors *file)
{
    tc_status status = TC_OK;
    tci_reader prefix = {bytes, size, 0};
    uint64_t length = 0;
    *file = (tci_safetensors){.memory = memory};
    if (!tci_read_u64(&prefix, &length))
        return tci_fail(TC_ERROR_FORMAT, "not a safetensors file: %zu bytes, fewer than its header length takes", size);
    if (length > TCI_SAFETENSORS_HEADER_MAX || length > size - 8)
        return tci_fail(TC_ERROR_FORMAT,
                        "not a safetensors file, or cut short: bytes 0 to 7 give a header of %llu bytes"
                        " in a file of %zu (at most %u are accepted)",
                        (unsigned long long)length, size, TCI_SAFETENSORS_HEADER_MAX);
    if (length == 0 || bytes[8] != '{')
        return tci_fail(TC_ERROR_FORMAT, "not a safetensors file: its header does not begin with '{' at byte 8");
    file->data = bytes + 8 + length;
    file->data_size = size - 8 - (size_t)length;
    header_reader reader = {.file = file, .metadata = metadata, .context = context, .max_tensors = max_tensors};
    tci_json_init(&reader.json, memory, (const char *)bytes + 8, (size_t)length);
    reader.json.max_keys = max_tensors + TCI_SAFETENSORS_METADATA + 4;
    reader.json.max_key_length = TCI_SAFETENSORS_NAME;
    TCI_CHECK(tci_map_create(memory, &file->names));
    TCI_CHECK(read_header(&reader));
    TCI_CHECK(check_coverage(file));
done:
    tci_json_free(&reader.json);
    if (status != TC_OK) {
        tci_safetensors_close(file);
        if (status == TC_ERROR_FORMAT)
            status = tci_fail_prefix(status, "safetensors header (which begins at byte 8 of the file)");
    }
    return status;
}

void tci_safetensors_close(tci_safetensors *file)
{
    if (!file->memory)
        return;
    tci_map_free(file->names);
    tci_free(file->memory, file->records);
    tci_free(file->memory, file->dimensions);
    *file = (tci_safetensors){.memory = file->memory};
}

tci_tensor_view tci_safetensors_at(const tci_safetensors *file, size_t index)
{
    const tci_tensor_record *record = &file->records[index];
    tci_tensor_view view = {.dtype = (tci_dtype)record->dtype,
                            .rank = record->rank,
                            .shape = shape_of(file, record),
                            .data = file->data + record->begin,
                            .size = (size_t)(record->end - record->begin)};
    view.name = tci_map_key(file->names, (uint32_t)index, &view.name_length);
    return view;
}

bool tci_safetensors_find(const tci_safetensors *file, const char *name, tci_tensor_view *view)
{
    uint32_t index = tci_map_find(file->names, name, strlen(name));
    if (index == TCI_MAP_NONE)
        return false;
    *view = tci_safetensors_at(file, index);
    return true;
}
