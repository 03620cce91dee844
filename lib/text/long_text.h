/* long_text.h: the ids of a text of any length without holding them.
 *
 * A first pass counts the tokens and keeps the state of the tokenizer at some places on the way, at most 128. The
 * tokens from one place to the next are a segment; the ids of any range are made again, a segment at a time, from the
 * place before it. Whoever reads forwards or backwards tokenizes each segment once. What is held are the places (360
 * KB) and the ids of one segment: 65,536, or a 64th of the text's where that is more. The ids are those of
 * tci_pipeline_encode(). */
#ifndef TCI_TEXT_LONG_TEXT_H
#define TCI_TEXT_LONG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/pipeline.h"

#define TCI_LONG_TEXT_BYTES (256u << 10)
#define TCI_LONG_TEXT_SEGMENT (64u << 10) /* tokens, the least that a segment has (but for the last one) */

/* Whether a text of `length` bytes is better read this way: it is long, and many of its ids may be kept. */
bool tci_text_is_long(const tci_text_options *options, size_t length);

/* Working memory for one text at a time; reused from text to text without allocating. */
typedef struct tci_long_text tci_long_text;

tc_status tci_long_text_create(tci_memory *memory, tci_long_text **long_text);
void tci_long_text_free(tci_long_text *long_text);          /* NULL is a no-op */
size_t tci_long_text_bytes(const tci_long_text *long_text); /* what it holds; NULL: 0 */

/* The first pass. Pipeline and text must stay while ranges are read. `segment` is TCI_LONG_TEXT_SEGMENT, but in tests;
 * *tokens is how many the text has, *count how many ids truncation keeps. */
tc_status tci_long_text_begin(tci_long_text *long_text, const tci_pipeline *pipeline, const char *text, size_t length,
                              size_t segment, size_t *tokens, size_t *count);

/* The ids [first, first + count) of those that are kept. Allocates nothing; fails only when the text changed since
 * begin. */
tc_status tci_long_text_read(tci_long_text *long_text, size_t first, size_t count, uint32_t *ids);

#endif
