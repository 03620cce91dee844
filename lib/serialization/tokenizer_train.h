/* tokenizer_train.h: tokenizers that the library makes from texts: WordPiece and byte-level BPE, written as a
 * tokenizer.json and read back by the one reader of such files (tokenizer_json.h), so that what is trained here is
 * used, saved and exported like any other.
 *
 *     tci_tokenizer_frame(...)   its normalizers and pre-tokenizers; tci_subword_words() of it gives the words to count
 *     tci_tokenizer_train(...)   the words with their counts to a tokenizer.json */
#ifndef TCI_SERIALIZATION_TOKENIZER_TRAIN_H
#define TCI_SERIALIZATION_TOKENIZER_TRAIN_H

#include "base/bytes.h"
#include "text/learned.h"
#include "text/pipeline.h"

/* Tokens that stand for nothing in a text. */
typedef enum tci_plan_specials {
    TCI_PLAN_PLAIN, /* WordPiece: the unknown word */
    TCI_PLAN_PAIRS, /* those of BERT (WordPiece) or RoBERTa (BPE), one of them at each end of a text */
    TCI_PLAN_CAUSAL /* the end of a text, as GPT-2 has it, which texts do not get; WordPiece: and the unknown word */
} tci_plan_specials;

typedef struct tci_tokenizer_plan {
    bool bytes; /* byte-level BPE, not WordPiece */
    tci_normalize normalize;
    bool lowercase, clean_controls;
    tci_plan_specials specials;
} tci_tokenizer_plan;

tc_status tci_tokenizer_frame(tci_memory *memory, const tci_tokenizer_plan *plan, tci_subword **frame);

/* TC_ERROR_OPTION where vocab_size (at least 1) has no room for the special tokens and, of BPE, all bytes. */
tc_status tci_tokenizer_train(tci_memory *memory, const tci_tokenizer_plan *plan, const tci_word_counts *words,
                              size_t vocab_size, uint64_t min_count, tci_buffer *json);

#endif
