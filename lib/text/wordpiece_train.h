/* wordpiece_train.h: a WordPiece vocabulary from counted words: special tokens, an alphabet, merges; what continues a
 * word begins with "##".
 *
 * The alphabet are the characters seen at least min_count times, the most frequent first, at most so many that they and
 * their continuing forms fill half of vocab_size; where merges leave room, rarer ones follow. Words with a character
 * that is not in the alphabet teach nothing, and neither do words of more than TCI_WORDPIECE_WORD characters: BERT's
 * tokenizer reads both as unknown. */
#ifndef TCI_TEXT_WORDPIECE_TRAIN_H
#define TCI_TEXT_WORDPIECE_TRAIN_H

#include "text/learned.h"

#define TCI_WORDPIECE_WORD 100

/* TC_ERROR_OPTION where vocab_size leaves no room for the special tokens. `learned` is to be freed after a failure,
 * too. Words are UTF-8. */
tc_status tci_wordpiece_train(const tci_word_counts *words, tci_memory *memory, const tci_learn_options *options,
                              tci_learned *learned);

#endif
