/* tokenizer_json.h: a tokenizer.json, the file of the `tokenizers` package, to a tokenizer.
 *
 * Every component is read or refused by name (TC_ERROR_UNSUPPORTED). Two blocks of the file are passed over, because
 * options of our own stand for them: "truncation" and "padding" (how long a text may be is max_length, and there is no
 * padding); "decoder" is for the way back. The file is foreign: it is bounded, checked, and read in linear time. */
#ifndef TCI_SERIALIZATION_TOKENIZER_JSON_H
#define TCI_SERIALIZATION_TOKENIZER_JSON_H

#include <stddef.h>

#include "text/subword.h"

#define TCI_TOKENIZER_JSON "tokenizer.json"

/* TC_ERROR_FORMAT, _UNSUPPORTED, _LIMIT (more than max_vocab tokens), _MEMORY; the sentence says the component, or the
 * byte. The tokenizer has the host and the limit of `memory`, in which nothing stays. */
tc_status tci_tokenizer_json_read(tci_memory *memory, const char *json, size_t size, size_t max_vocab,
                                  tci_subword **subword);

#endif
