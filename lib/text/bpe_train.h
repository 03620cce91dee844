/* bpe_train.h: a vocabulary of byte-level BPE from counted words: special tokens, all 256 bytes, merges.
 *
 * Bytes get their ids in the order in which GPT-2 has them: those that stand for themselves in a tokenizer.json
 * (tci_byte_letter() below 0x100), then the others. Knows nothing of patterns: a word is whatever was counted. */
#ifndef TCI_TEXT_BPE_TRAIN_H
#define TCI_TEXT_BPE_TRAIN_H

#include "text/learned.h"

/* TC_ERROR_OPTION where vocab_size leaves no room for 256 bytes. `learned` is to be freed after a failure, too. */
tc_status tci_bpe_train(const tci_word_counts *words, tci_memory *memory, const tci_learn_options *options,
                        tci_learned *learned);

#endif
