/* utf8.h: whether bytes are UTF-8. */
#ifndef PROGRAM_UTF8_H
#define PROGRAM_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the well-formed sequence at the start of `text` (1 to 4), or 0 (RFC 3629). */
size_t utf8_sequence(const char *text, size_t length);
bool utf8_valid(const char *text, size_t length);

#endif
