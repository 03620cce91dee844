/* unigram.h: the model Unigram of sentencepiece: of all ways to cut a word into tokens the one of the highest sum of
 * scores. */
#ifndef TCI_TEXT_UNIGRAM_H
#define TCI_TEXT_UNIGRAM_H

#include <stdbool.h>

#include "text/stage.h"
#include "text/token_map.h"

typedef struct tci_unigram tci_unigram;

/* Takes the table (not finished yet; ids are places in the vocabulary) over, also when it fails; `scores` (count, one
 * for each place) are copied. unk_id TCI_SUBWORD_NONE: none, and a text that needs it is an error. */
tc_status tci_unigram_create(tci_memory *memory, tci_token_map *table, const double *scores, size_t count,
                             uint32_t unk_id, bool byte_fallback, tci_unigram **unigram);
void tci_unigram_free(tci_memory *memory, void *unigram); /* NULL is a no-op */

/* `self` is a tci_unigram. */
extern const tci_subword_model_kind tci_unigram_kind;

#endif
