/* vocabulary.h: words to ids, gathered in one streaming pass.
 *
 * Id 0 is <unk>; words get ids from 1 by falling count, then by bytes. A bare vocabulary (text/bag_features.h) has no
 * row <unk>: its ids begin at 0, and its words may be any bytes but those that separate them. */
#ifndef TCI_TEXT_VOCABULARY_H
#define TCI_TEXT_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/map.h"
#include "base/memory.h"

typedef struct tci_vocabulary tci_vocabulary;
typedef struct tci_word_counter tci_word_counter;

/* Counts words; refuses more than max_vocab different ones (TC_ERROR_LIMIT). */
tc_status tci_word_counter_create(tci_memory *memory, size_t max_vocab, tci_word_counter **counter);
void tci_word_counter_free(tci_word_counter *counter);
tc_status tci_word_counter_add(tci_word_counter *counter, const char *word, size_t length, uint64_t count);
size_t tci_word_counter_size(const tci_word_counter *counter);
/* From here on words may be any bytes but LF, of any length, and the vocabulary is a bare one. */
void tci_word_counter_make_bare(tci_word_counter *counter);
/* From here on words may be any bytes, of any length; no vocabulary is built from them. */
void tci_word_counter_take_any(tci_word_counter *counter);
/* The words, and how often each was seen, by entry (NULL without words). */
const tci_map *tci_word_counter_words(const tci_word_counter *counter, const uint64_t **counts);

/* The vocab_size - 1 (bare: vocab_size) most frequent words that were seen at least min_count times (vocab_size 0:
 * all). */
tc_status tci_vocabulary_build(tci_memory *memory, const tci_word_counter *counter, size_t vocab_size,
                               uint64_t min_count, tci_vocabulary **vocabulary);

/* From the file's form: one word a line, row 0 "<unk>", each followed by LF. Hostile input: refuses (TC_ERROR_FORMAT,
 * naming line and byte) a missing <unk>, empty or repeated words, invalid UTF-8, words over TCI_TOKEN_BYTES, a missing
 * last LF; more than max_vocab rows is TC_ERROR_LIMIT. */
tc_status tci_vocabulary_parse(tci_memory *memory, const char *bytes, size_t size, size_t max_vocab,
                               tci_vocabulary **vocabulary);
/* The same for a bare vocabulary, which may be empty: words of any bytes and length. */
tc_status tci_vocabulary_parse_bare(tci_memory *memory, const char *bytes, size_t size, size_t max_vocab,
                                    tci_vocabulary **vocabulary);
/* A bare one without words, and its next word; *inserted is false, and nothing done, where the word is there. */
tc_status tci_vocabulary_create_bare(const tci_memory *like, tci_vocabulary **vocabulary);
tc_status tci_vocabulary_append(tci_vocabulary *vocabulary, const char *word, size_t length, bool *inserted);
tc_status tci_vocabulary_write(const tci_vocabulary *vocabulary, tci_buffer *out);
void tci_vocabulary_free(tci_vocabulary *vocabulary);

/* Rows, <unk> included where there is one. */
size_t tci_vocabulary_size(const tci_vocabulary *vocabulary);
/* The word's id; 0 when it is not there. The word "<unk>" itself in a text is an ordinary unknown word. */
uint32_t tci_vocabulary_find(const tci_vocabulary *vocabulary, const char *word, size_t length);
/* The word's id, or TCI_MAP_NONE when it is not there. */
uint32_t tci_vocabulary_lookup(const tci_vocabulary *vocabulary, const char *word, size_t length);
/* Not NUL-terminated; valid as long as the vocabulary. */
const char *tci_vocabulary_word(const tci_vocabulary *vocabulary, uint32_t id, size_t *length);

#endif
