/* bytes.h: a bounded reader over foreign bytes and a growing buffer with a ceiling. All integers are little-endian. */
#ifndef TCI_BASE_BYTES_H
#define TCI_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

/* Reads never pass `size`; a short read returns false and leaves the position. */
typedef struct tci_reader {
    const uint8_t *data;
    size_t size;
    size_t position;
} tci_reader;

bool tci_read_u32(tci_reader *reader, uint32_t *value);
bool tci_read_u64(tci_reader *reader, uint64_t *value);
bool tci_read_bytes(tci_reader *reader, size_t count, const uint8_t **bytes);

uint64_t tci_load_u64(const uint8_t bytes[8]);
void tci_store_u64(uint8_t bytes[8], uint64_t value);

/* A growing byte block, not NUL-terminated; a failed append leaves it as it was. */
typedef struct tci_buffer {
    tci_memory *memory;
    size_t ceiling;
    const char *what; /* names the buffer in errors */
    char *data;
    size_t size;
    size_t capacity;
} tci_buffer;

void tci_buffer_init(tci_buffer *buffer, tci_memory *memory, size_t ceiling, const char *what);
tc_status tci_buffer_append(tci_buffer *buffer, const void *bytes, size_t count);
tc_status tci_buffer_text(tci_buffer *buffer, const char *text);
tc_status tci_buffer_unsigned(tci_buffer *buffer, uint64_t value);
void tci_buffer_free(tci_buffer *buffer);

/* The length (1 to 4) of the well-formed UTF-8 sequence at the start of `text`, or 0 when there is none. */
size_t tci_utf8_sequence(const void *text, size_t size);

#endif
