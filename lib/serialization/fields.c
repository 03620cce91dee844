/* fields.c: see fields.h. The byte that an error names is where the field begins. */
#include "serialization/fields.h"

tc_status tci_field_cut_short(const tci_reader *reader, const char *what)
{
    return tci_fail(TC_ERROR_FORMAT, "the file is cut short at byte %zu, in %s", reader->size, what);
}

tc_status tci_field_refuse(const tci_reader *reader, size_t width, const char *name, int64_t value, const char *wanted)
{
    return tci_fail(TC_ERROR_FORMAT, "byte %zu: %s is %lld; it should be %s", reader->position - width, name,
                    (long long)value, wanted);
}

tc_status tci_field_u8(tci_reader *reader, const char *name, uint8_t *value)
{
    const uint8_t *byte = NULL;
    if (!tci_read_bytes(reader, 1, &byte))
        return tci_field_cut_short(reader, name);
    *value = *byte;
    return TC_OK;
}

tc_status tci_field_flag(tci_reader *reader, const char *name, bool *value)
{
    uint8_t byte = 0;
    TCI_RETURN_IF(tci_field_u8(reader, name, &byte));
    *value = byte == 1;
    return byte > 1 ? tci_field_refuse(reader, 1, name, byte, "0 or 1") : TC_OK;
}

tc_status tci_field_i32(tci_reader *reader, const char *name, int32_t *value)
{
    uint32_t bits = 0;
    if (!tci_read_u32(reader, &bits))
        return tci_field_cut_short(reader, name);
    *value = (int32_t)bits;
    return TC_OK;
}

tc_status tci_field_i64(tci_reader *reader, const char *name, int64_t *value)
{
    uint64_t bits = 0;
    if (!tci_read_u64(reader, &bits))
        return tci_field_cut_short(reader, name);
    *value = (int64_t)bits;
    return TC_OK;
}

tc_status tci_field_range(tci_reader *reader, const char *name, int32_t least, int32_t most, const char *wanted,
                          int32_t *value)
{
    TCI_RETURN_IF(tci_field_i32(reader, name, value));
    return *value < least || *value > most ? tci_field_refuse(reader, 4, name, *value, wanted) : TC_OK;
}

tc_status tci_field_exact(tci_reader *reader, const char *name, int32_t value)
{
    int32_t there = 0;
    TCI_RETURN_IF(tci_field_i32(reader, name, &there));
    if (there == value)
        return TC_OK;
    return tci_fail(TC_ERROR_FORMAT, "byte %zu: %s is %d; the fields before it ask for %d", reader->position - 4, name,
                    (int)there, (int)value);
}

size_t tci_field_left(const tci_reader *reader)
{
    return reader->size - reader->position;
}

tc_status tci_field_block(tci_reader *reader, const char *name, size_t count, size_t bytes, const uint8_t **block)
{
    if (count > tci_field_left(reader) / bytes)
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: %s has %zu elements of %zu bytes; the file has %zu bytes left",
                        reader->position, name, count, bytes, tci_field_left(reader));
    (void)tci_read_bytes(reader, count * bytes, block);
    return TC_OK;
}
