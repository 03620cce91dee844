/* checksum.h: the mark of a textclf file and its checksum (docs/file-format.md, 1 and 2).
 *
 * Bytes 8 to 53 are fixed text, 54 to 85 the XXH3-128 digest in hexadecimal over the whole file, in which these 32
 * bytes are read as '0'. It shows damage, not forgery. */
#ifndef TCI_SERIALIZATION_CHECKSUM_H
#define TCI_SERIALIZATION_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/file.h"

#define TCI_CHECKSUM_KEY "textclf.checksum"
#define TCI_CHECKSUM_KIND "xxh3-128:"
#define TCI_CHECKSUM_PREFIX "{\"__metadata__\":{\"" TCI_CHECKSUM_KEY "\":\"" TCI_CHECKSUM_KIND
#define TCI_CHECKSUM_AT 54 /* first digit */
#define TCI_CHECKSUM_DIGITS 32
#define TCI_CHECKSUM_END (TCI_CHECKSUM_AT + TCI_CHECKSUM_DIGITS)

/* True when the mark stands where it has to. */
bool tci_checksum_marked(const uint8_t *bytes, size_t size);

/* The digest of a file given in pieces, the first of which holds at least TCI_CHECKSUM_END bytes; NUL-terminated. */
void tci_checksum_compute(const tci_file_piece *pieces, size_t count, char digits[TCI_CHECKSUM_DIGITS + 1]);

/* TC_ERROR_CHECKSUM when the digits of a marked file are not those of its bytes; `digits` are then those computed. */
tc_status tci_checksum_verify(const uint8_t *bytes, size_t size, char digits[TCI_CHECKSUM_DIGITS + 1]);

#endif
