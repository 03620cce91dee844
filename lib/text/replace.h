/* replace.h: the normalizer Replace of a tokenizer.json: each match of a pattern becomes a text, whose code points all
 * have the range of the last code point matched. */
#ifndef TCI_TEXT_REPLACE_H
#define TCI_TEXT_REPLACE_H

#include "text/pattern.h"
#include "text/stage.h"

extern const tci_normalizer_kind tci_replace_kind;
/* `pattern` is as tci_pattern_create() takes it; `content` is valid UTF-8. */
tc_status tci_replace_create(tci_memory *memory, const char *pattern, size_t pattern_length, bool is_literal,
                             const char *content, size_t content_length, void **self);

#endif
