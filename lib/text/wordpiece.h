/* wordpiece.h: the models WordPiece and WordLevel: a word is the longest token that it begins with, and so on with what
 * is left, whose tokens carry a prefix ("##"); or it is one token. What has no such reading is the unknown token. */
#ifndef TCI_TEXT_WORDPIECE_H
#define TCI_TEXT_WORDPIECE_H

#include "text/token_table.h"

extern const tci_subword_model_kind tci_wordpiece_kind;
extern const tci_subword_model_kind tci_word_level_kind;

typedef struct tci_wordpiece_options {
    const char *prefix; /* of what continues a word */
    size_t prefix_length;
    const char *unknown; /* a token; where the table lacks it, an unknown word is an error, as it is to the package */
    size_t unknown_length;
    uint64_t max_characters; /* longer words are unknown */
} tci_wordpiece_options;

/* Takes the finished table, whose memory is the model's, over where it succeeds; then the table given is empty. A
 * WordLevel model reads `unknown` alone. */
tc_status tci_wordpiece_create(tci_token_table *table, const tci_wordpiece_options *options, void **self);

#endif
