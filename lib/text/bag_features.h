/* bag_features.h: a text as the rows that fastText looks up: known words, and parts of words and runs of words hashed
 * into buckets. What the embedding form of arch `ngram` reads; row numbers, order and hash are fastText's own.
 *
 *     h(bytes)   FNV-1a in 32 bits, each byte taken as a signed number: h = (h ^ byte) * 16777619 from 2166136261
 *     token      its row where the vocabulary has it; then, with characters, each run of chars_min to chars_max code
 *                points of "<token>" but "<" and ">" alone: row words + h(run) % buckets. Of "</s>" no runs.
 *     words      behind all tokens, for each first token i and run of 2 to N tokens: row words + g % buckets, where g
 *                starts as h(token i), each further token j makes it g * 116049371 + h(token j), modulo 2^64; an h is
 *                taken as a signed number of 32 bits and widened with its sign
 *
 * `words` is the size of the vocabulary, which has no row <unk> (text/vocabulary.h: bare): a token that is not there
 * has its runs alone. Behind every text stands the token "</s>"; one within ends the text. A token that begins with
 * "__label__" and is no word of the vocabulary is passed over; so is one longer than TCI_TOKEN_BYTES of the tokenizers
 * `word` and `char`, and one of another tokenizer that is of no bytes.
 *
 * With tokenizer `space` and neither normalization, folding nor cleaning, tokens are what stands between bytes that are
 * space, \t, \n, \v, \f, \r or NUL, valid UTF-8 or not. fastText itself ends a text at \n; here it is a space. */
#ifndef TCI_TEXT_BAG_FEATURES_H
#define TCI_TEXT_BAG_FEATURES_H

#include "text/pipeline.h"

#define TCI_BAG_END "</s>"
#define TCI_BAG_LABEL "__label__"

/* fastText's hash. */
uint32_t tci_bag_hash(const void *bytes, size_t length);

/* Whether the tokens are bytes as they stand, in any encoding. */
bool tci_bag_is_raw(const tci_text_options *options);

/* A word that the tokenizer of these options can give (fastText's own separators and NUL are in none). */
bool tci_bag_is_word(const char *word, size_t length);

/* Calls the function for each token as the features are made of them, "</s>" last, labels left out: what a vocabulary
 * is counted from. */
tc_status tci_bag_tokens(const tci_text_options *options, tci_memory *memory, const char *text, size_t length,
                         tci_token_function function, void *context);

/* The rows of a text into encoded->ids, as often as they occur, in fastText's order; with ranges each has the bytes of
 * its token or tokens. encoded->tokens counts tokens without "</s>"; of a text longer than max_length its first tokens
 * count. */
tc_status tci_bag_encode(const tci_text_options *options, const tci_vocabulary *vocabulary, const char *text,
                         size_t length, tci_encoded *encoded);

#endif
