/* decode.h: UTF-8 to code points and back, one at a time.
 *
 * Well-formed is what Unicode 15 table 3-7 lists. Of ill-formed bytes, each maximal subpart (section 3.9, U+FFFD
 * substitution of maximal subparts, as the WHATWG decoder does it) is one unit. Knows nothing of meanings. */
#ifndef TCI_TEXT_DECODE_H
#define TCI_TEXT_DECODE_H

#include <stddef.h>
#include <stdint.h>

/* What tci_decode answers for an ill-formed part. */
#define TCI_ILL_FORMED UINT32_MAX
#define TCI_REPLACEMENT 0xFFFDu

/* The code point at text[0], of `left` >= 1 bytes, or TCI_ILL_FORMED; returns the bytes it takes (1 to 4). */
size_t tci_decode(const uint8_t *text, size_t left, uint32_t *code);

/* Writes a code point below 0x110000; returns its bytes (1 to 4). */
size_t tci_encode(uint32_t code, char bytes[4]);

/* How many bytes from the start are well-formed: `length` for valid UTF-8, else the place of the first ill-formed
 * part. */
size_t tci_utf8_prefix(const char *text, size_t length);

#endif
