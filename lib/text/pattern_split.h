/* pattern_split.h: the pre-tokenizer Split: a text is cut where a pattern matches. */
#ifndef TCI_TEXT_PATTERN_SPLIT_H
#define TCI_TEXT_PATTERN_SPLIT_H

#include "text/pattern.h"
#include "text/stage.h"

extern const tci_pretokenizer_kind tci_pattern_split_kind;

/* Takes the pattern, whose memory is the stage's, over, also when it fails. */
tc_status tci_pattern_split_create(tci_memory *memory, tci_pattern *pattern, tci_split_behavior behavior, bool invert,
                                   void **self);
/* Whether a piece ends at every place where texts are cut (stage.h). */
bool tci_pattern_split_is_local(const void *self);

#endif
