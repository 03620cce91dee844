/* plain_normalizers.h: the normalizers of a tokenizer.json that look at one code point at a time, or at the ends of the
 * text: Lowercase, StripAccents, Nmt, Strip, Prepend. */
#ifndef TCI_TEXT_PLAIN_NORMALIZERS_H
#define TCI_TEXT_PLAIN_NORMALIZERS_H

#include "text/code_sets.h"
#include "text/stage.h"

extern const tci_normalizer_kind tci_lowercase_kind;     /* `self`: tci_sets_stage_create() */
extern const tci_normalizer_kind tci_strip_accents_kind; /* likewise; drops M*, and does not decompose */
extern const tci_normalizer_kind tci_nmt_kind;           /* `self` NULL */
extern const tci_normalizer_kind tci_strip_kind;
extern const tci_normalizer_kind tci_prepend_kind;

tc_status tci_sets_stage_create(tci_memory *memory, const tci_code_sets *sets, void **self);
tc_status tci_strip_create(tci_memory *memory, const tci_code_sets *sets, bool left, bool right, void **self);
/* Before a text that is not empty. `text` is not empty. */
tc_status tci_prepend_create(tci_memory *memory, const char *text, size_t length, void **self);

/* What Lowercase does, for others. */
tc_status tci_lowercase_apply(const tci_code_sets *sets, const tci_aligned *in, tci_aligned *out);

#endif
