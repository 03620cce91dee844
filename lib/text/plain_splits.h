/* plain_splits.h: the pre-tokenizers of a tokenizer.json that split by what single code points are: Whitespace,
 * WhitespaceSplit, Punctuation, Digits, CharDelimiterSplit, FixedLength. */
#ifndef TCI_TEXT_PLAIN_SPLITS_H
#define TCI_TEXT_PLAIN_SPLITS_H

#include "text/code_sets.h"
#include "text/stage.h"

extern const tci_pretokenizer_kind tci_set_split_kind;       /* Punctuation, Digits, WhitespaceSplit */
extern const tci_pretokenizer_kind tci_word_split_kind;      /* Whitespace */
extern const tci_pretokenizer_kind tci_character_split_kind; /* CharDelimiterSplit */
extern const tci_pretokenizer_kind tci_fixed_length_kind;    /* FixedLength */

/* Code points of the sets `flags` are delimiters. */
tc_status tci_set_split_create(tci_memory *memory, const tci_code_sets *sets, unsigned flags,
                               tci_split_behavior behavior, void **self);
/* Runs of word characters, and runs of what is neither those nor space. */
tc_status tci_word_split_create(tci_memory *memory, const tci_code_sets *sets, void **self);
/* The code point is a delimiter, and dropped. */
tc_status tci_character_split_create(tci_memory *memory, uint32_t code, void **self);
/* Pieces of `length` >= 1 code points. */
tc_status tci_fixed_length_create(tci_memory *memory, size_t length, void **self);

#endif
