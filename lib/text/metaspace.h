/* metaspace.h: sentencepiece's spaces: each space becomes a visible character (U+2581), one is put before the text, and
 * words are split before it. */
#ifndef TCI_TEXT_METASPACE_H
#define TCI_TEXT_METASPACE_H

#include "text/stage.h"

typedef enum tci_prepend { TCI_PREPEND_ALWAYS, TCI_PREPEND_FIRST, TCI_PREPEND_NEVER } tci_prepend;

extern const tci_pretokenizer_kind tci_metaspace_kind;
/* `replacement`: a code point; FIRST: before the text's first piece alone. */
tc_status tci_metaspace_create(tci_memory *memory, uint32_t replacement, tci_prepend prepend, bool split, void **self);

#endif
