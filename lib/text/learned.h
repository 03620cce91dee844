/* learned.h: a vocabulary of pieces of words as training makes it: tokens by id, and the merges that made them.
 *
 * Both trainers (text/bpe_train.h, text/wordpiece_train.h) begin with special tokens and an alphabet and then, over and
 * over, make one token of the two that stand side by side most often in the words, each word as often as it was seen.
 * Ties: the smaller id on the left, then the smaller id on the right; ids follow from counts and bytes alone, so that
 * the order in which texts and words came does not matter. */
#ifndef TCI_TEXT_LEARNED_H
#define TCI_TEXT_LEARNED_H

#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "base/memory.h"

typedef struct tci_merge {
    uint32_t left, right; /* ids */
} tci_merge;

typedef struct tci_learned {
    tci_memory *memory;
    tci_map *tokens; /* entry = id; special tokens first */
    size_t special_count;
    tci_merge *merges; /* in the order in which they were learned */
    size_t merge_count, merge_capacity;
} tci_learned;

typedef struct tci_learn_options {
    size_t vocab_size;  /* tokens at most, special ones and alphabet included */
    uint64_t min_count; /* pairs, and characters of WordPiece, seen less often are left apart */
    const char *const *special;
    size_t special_count;
} tci_learn_options;

/* Different words and how often each was seen. */
typedef struct tci_word_counts {
    const tci_map *words;
    const uint64_t *counts; /* by entry */
} tci_word_counts;

/* Holds the special tokens; tci_learned_free() after a failure, too. */
tc_status tci_learned_begin(tci_learned *learned, tci_memory *memory, const tci_learn_options *options);
void tci_learned_free(tci_learned *learned); /* a zeroed one is a no-op */

/* Words as symbols (ids), one after the other: a word's end where the next begins. Words of one symbol may be left out;
 * below 2^32 symbols in all. */
typedef struct tci_symbols {
    tci_memory *memory;
    uint32_t *ids; /* (count) */
    size_t count, capacity;
    uint32_t *ends;    /* (words) */
    uint64_t *weights; /* (words) how often each was seen */
    size_t words, end_capacity, weight_capacity;
} tci_symbols;

void tci_symbols_init(tci_symbols *symbols, tci_memory *memory);
void tci_symbols_free(tci_symbols *symbols);
tc_status tci_symbols_add(tci_symbols *symbols, uint32_t id);
/* Ends the word whose symbols were added since the last end. */
tc_status tci_symbols_end(tci_symbols *symbols, uint64_t weight);

/* Learns merges until there are vocab_size tokens or no pair that was seen min_count times. The bytes of a merged token
 * are those of the left one and those of the right one without its first `prefix`. */
tc_status tci_learned_merge(tci_learned *learned, const tci_symbols *symbols, size_t prefix,
                            const tci_learn_options *options);

#endif
