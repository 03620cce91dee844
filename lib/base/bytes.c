/* bytes.c: little-endian integers by shifts (right on any machine), the growing buffer, and the form of UTF-8
 * (Unicode 15, table 3-7: well-formed byte sequences). */
#include "base/bytes.h"

#include <string.h>

bool tci_read_bytes(tci_reader *reader, size_t count, const uint8_t **bytes)
{
    if (count > reader->size - reader->position)
        return false;
    *bytes = reader->data + reader->position;
    reader->position += count;
    return true;
}

bool tci_read_u32(tci_reader *reader, uint32_t *value)
{
    const uint8_t *bytes;
    if (!tci_read_bytes(reader, 4, &bytes))
        return false;
    *value = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    return true;
}

bool tci_read_u64(tci_reader *reader, uint64_t *value)
{
    const uint8_t *bytes;
    if (!tci_read_bytes(reader, 8, &bytes))
        return false;
    *value = tci_load_u64(bytes);
    return true;
}

uint64_t tci_load_u64(const uint8_t bytes[8])
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | bytes[i];
    return value;
}

void tci_store_u64(uint8_t bytes[8], uint64_t value)
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

void tci_buffer_init(tci_buffer *buffer, tci_memory *memory, size_t ceiling, const char *what)
{
    *buffer = (tci_buffer){.memory = memory, .ceiling = ceiling, .what = what};
}

tc_status tci_buffer_append(tci_buffer *buffer, const void *bytes, size_t count)
{
    size_t needed = 0;
    if (count == 0)
        return TC_OK;
    if (!tci_add(buffer->size, count, &needed))
        needed = SIZE_MAX;
    TCI_RETURN_IF(
        tci_reserve(buffer->memory, needed, buffer->ceiling, 1, buffer->what, &buffer->capacity, &buffer->data));
    memcpy(buffer->data + buffer->size, bytes, count);
    buffer->size = needed;
    return TC_OK;
}

tc_status tci_buffer_text(tci_buffer *buffer, const char *text)
{
    return tci_buffer_append(buffer, text, strlen(text));
}

tc_status tci_buffer_unsigned(tci_buffer *buffer, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    return tci_buffer_append(buffer, digits + at, sizeof digits - at);
}

void tci_buffer_free(tci_buffer *buffer)
{
    tci_free(buffer->memory, buffer->data);
    buffer->data = NULL;
    buffer->size = buffer->capacity = 0;
}

size_t tci_utf8_sequence(const void *text, size_t size)
{
    const uint8_t *bytes = text;
    if (size == 0)
        return 0;
    uint8_t lead = bytes[0];
    if (lead < 0x80)
        return 1;
    /* The second byte's range is narrower after E0 (overlong), ED (surrogates), F0 (overlong) and F4 (past 10FFFF). */
    uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    size_t length = 0;
    if (lead >= 0xC2 && lead <= 0xF4)
        length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (length == 0 || size < length || bytes[1] < low || bytes[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++) {
        if ((bytes[i] & 0xC0) != 0x80)
            return 0;
    }
    return length;
}
