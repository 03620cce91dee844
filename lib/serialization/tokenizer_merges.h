/* tokenizer_merges.h: vocab.json and merges.txt of GPT-2's and RoBERTa's tokenizers, with tokenizer_config.json: turned
 * into the tokenizer.json that says the same. */
#ifndef TCI_SERIALIZATION_TOKENIZER_MERGES_H
#define TCI_SERIALIZATION_TOKENIZER_MERGES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "serialization/tokenizer_config.h"

#define TCI_VOCAB_JSON "vocab.json"
#define TCI_MERGES_TXT "merges.txt"

typedef struct tci_merges_files {
    const char *vocab, *merges;
    size_t vocab_size, merges_size;
    tci_config_files config;
    bool is_roberta; /* where the config names no class: RoBERTa's, else GPT-2's */
} tci_merges_files;

/* Of the config counts what changes ids or ranges: add_prefix_space, trim_offsets, add_bos_token, add_eos_token, the
 * special tokens and added_tokens_decoder; a tokenizer_class of another family is TC_ERROR_UNSUPPORTED. The sentence
 * says which file. */
tc_status tci_tokenizer_from_merges(tci_memory *memory, const tci_merges_files *files, size_t max_vocab,
                                    tci_buffer *json);

#endif
