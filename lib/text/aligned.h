/* aligned.h: text on its way through normalization: UTF-8 bytes, and for each of them the range of the original that it
 * stands for.
 *
 * As long as byte i stands where the original's byte i stood (ASCII under lower-casing, say), no ranges are held: the
 * text is `identical`, and ranges are counted. The first write that breaks it fills them in. A code point's bytes share
 * one range; ranges never fall from left to right. What is written are whole code points. Texts are built by appending;
 * a stage reads one and writes another. Offsets are 32 bits: a text here is below 4 GiB. */
#ifndef TCI_TEXT_ALIGNED_H
#define TCI_TEXT_ALIGNED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"

/* Bytes [begin, end) of the original. */
typedef struct tci_span {
    uint32_t begin, end;
} tci_span;

typedef struct tci_aligned {
    tci_memory *memory;
    char *bytes;
    tci_span *spans; /* (size); of no meaning while `identical` */
    size_t size;
    size_t capacity, span_capacity; /* each at least `size`, the second once there are spans */
    size_t most;                    /* bytes that it may have */
    bool identical;
} tci_aligned;

#define TCI_ALIGNED_MAX ((size_t)UINT32_MAX - 64) /* bytes */

void tci_aligned_init(tci_aligned *text, tci_memory *memory);
void tci_aligned_free(tci_aligned *text);

/* Empty, and identical to an original that begins here; keeps its room. */
static inline void tci_aligned_clear(tci_aligned *text)
{
    text->most = TCI_ALIGNED_MAX;
    text->size = 0;
    text->identical = true;
}

/* Room for `more` bytes behind `size`, and for their ranges where there are any; TC_ERROR_LIMIT above `most`, which
 * room that was there before does not ask for: tci_aligned_check() does. */
tc_status tci_aligned_grow(tci_aligned *text, size_t more);
static inline tc_status tci_aligned_reserve(tci_aligned *text, size_t more)
{
    return text->capacity - text->size >= more && (text->identical || text->span_capacity - text->size >= more)
               ? TC_OK
               : tci_aligned_grow(text, more);
}

tc_status tci_aligned_check(const tci_aligned *text);

/* From here on with ranges; room for `more` bytes as reserve gives it. */
tc_status tci_aligned_open(tci_aligned *text, size_t more);

/* Whether a code point of `length` bytes with this range, appended next, leaves the text identical. */
static inline bool tci_aligned_fits(const tci_aligned *text, size_t length, tci_span span)
{
    return span.begin == text->size && span.end == text->size + length;
}

/* Appends one code point, in UTF-8. */
static inline tc_status tci_aligned_put(tci_aligned *text, const char *bytes, size_t length, tci_span span)
{
    TCI_RETURN_IF(text->identical && !tci_aligned_fits(text, length, span) ? tci_aligned_open(text, length)
                                                                           : tci_aligned_reserve(text, length));
    memcpy(text->bytes + text->size, bytes, length);
    if (!text->identical)
        for (size_t i = 0; i < length; i++)
            text->spans[text->size + i] = span;
    text->size += length;
    return TC_OK;
}

/* Appends a code point below 0x110000. */
tc_status tci_aligned_put_code(tci_aligned *text, uint32_t code, tci_span span);

/* Appends the bytes [begin, end) of `from`, whole code points, as they are. */
tc_status tci_aligned_copy(tci_aligned *text, const tci_aligned *from, size_t begin, size_t end);

/* The range of the code point that byte `at` belongs to; and of the bytes [begin, end), begin < end, which need not
 * fall on code points: from where the first byte's begins to where the last one's ends. */
tci_span tci_aligned_span(const tci_aligned *text, size_t at);
tci_span tci_aligned_range(const tci_aligned *text, size_t begin, size_t end);

/* The code point at byte `at` < size, and its length. The text is valid UTF-8. */
size_t tci_aligned_code(const tci_aligned *text, size_t at, uint32_t *code);

#endif
