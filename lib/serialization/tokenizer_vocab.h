/* tokenizer_vocab.h: vocab.txt, one token of BERT's a line, with tokenizer_config.json: turned into the tokenizer.json
 * that says the same, so that there is one way to a tokenizer. */
#ifndef TCI_SERIALIZATION_TOKENIZER_VOCAB_H
#define TCI_SERIALIZATION_TOKENIZER_VOCAB_H

#include <stddef.h>

#include "base/bytes.h"
#include "serialization/tokenizer_config.h"

#define TCI_VOCAB_TXT "vocab.txt"

/* No config: all is as BERT has it, in lower case. Of the config counts what changes ids or ranges: do_lower_case,
 * strip_accents, tokenize_chinese_chars, the special tokens and added_tokens_decoder; a tokenizer_class that is not one
 * of BERT's is TC_ERROR_UNSUPPORTED. More than max_vocab lines are TC_ERROR_LIMIT, bytes that are no UTF-8
 * TC_ERROR_ENCODING. The sentence says which file. */
tc_status tci_tokenizer_from_vocab(tci_memory *memory, const char *vocab, size_t vocab_size,
                                   const tci_config_files *files, size_t max_vocab, tci_buffer *json);

#endif
