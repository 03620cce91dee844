/* charsmap.h: sentencepiece's table of replacements, which XLM-R's tokenizer.json carries as the normalizer
 * "Precompiled". */
#ifndef TCI_TEXT_CHARSMAP_H
#define TCI_TEXT_CHARSMAP_H

#include "text/stage.h"

/* A little-endian u32 with the size of a trie in bytes, the trie (u32 each), and texts that end in NUL. */
tc_status tci_charsmap_create(tci_memory *memory, const void *bytes, size_t size, void **self);

extern const tci_normalizer_kind tci_charsmap_kind;

#endif
