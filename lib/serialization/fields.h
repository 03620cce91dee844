/* fields.h: the fields of a foreign binary file, one after the other: little-endian, each checked against the bytes
 * that are left and against what it can be. Knows no format.
 *
 * All but tci_field_left() answer TC_ERROR_FORMAT, with a sentence that says the field, its byte, and what it should
 * be. */
#ifndef TCI_SERIALIZATION_FIELDS_H
#define TCI_SERIALIZATION_FIELDS_H

#include "base/bytes.h"
#include "base/error.h"

/* The error of a field that the file has no bytes for, and of one just read, `width` bytes wide, that should be what
 * `wanted` says. */
tc_status tci_field_cut_short(const tci_reader *reader, const char *what);
tc_status tci_field_refuse(const tci_reader *reader, size_t width, const char *name, int64_t value, const char *wanted);

tc_status tci_field_u8(tci_reader *reader, const char *name, uint8_t *value);
tc_status tci_field_i32(tci_reader *reader, const char *name, int32_t *value);
tc_status tci_field_i64(tci_reader *reader, const char *name, int64_t *value);

/* A byte that is 0 or 1. */
tc_status tci_field_flag(tci_reader *reader, const char *name, bool *value);
/* A number of 32 bits from `least` to `most`; `wanted` says that in words. */
tc_status tci_field_range(tci_reader *reader, const char *name, int32_t least, int32_t most, const char *wanted,
                          int32_t *value);
/* A number of 32 bits that follows from fields before it. */
tc_status tci_field_exact(tci_reader *reader, const char *name, int32_t value);

/* Bytes that are left. */
size_t tci_field_left(const tci_reader *reader);
/* `count` elements of `bytes` each, where they stand. */
tc_status tci_field_block(tci_reader *reader, const char *name, size_t count, size_t bytes, const uint8_t **block);

#endif
