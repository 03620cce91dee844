/* bpe.h: byte-pair encoding: a word's characters, of which the pair of the lowest rank is merged again and again.
 *
 * Options as the model BPE of a tokenizer.json has them. Where pre-tokenizers are byte-level, the model can take bytes
 * as they are in place of the letters that stand for them (text/byte_level.h): its tokens keep the file's spelling. */
#ifndef TCI_TEXT_BPE_H
#define TCI_TEXT_BPE_H

#include "base/bytes.h"
#include "text/stage.h"
#include "text/token_map.h"

#define TCI_BPE_AFFIX_MAX 64 /* bytes */

typedef struct tci_bpe_options {
    const char *unk_token; /* NULL: characters that are no token vanish */
    size_t unk_length;
    const char *prefix; /* continuing_subword_prefix */
    size_t prefix_length;
    const char *suffix; /* end_of_word_suffix */
    size_t suffix_length;
    bool fuse_unk, byte_fallback, ignore_merges;
} tci_bpe_options;

typedef struct tci_bpe tci_bpe;

/* Takes the table (not finished yet) over, also when it fails. Texts in `options` are copied. */
tc_status tci_bpe_create(tci_memory *memory, const tci_bpe_options *options, tci_token_map *table, tci_bpe **bpe);
void tci_bpe_free(tci_memory *memory, void *bpe); /* NULL is a no-op */
/* The next merge in rising rank. TC_ERROR_FORMAT where a part, or both together, is no token. */
tc_status tci_bpe_add_merge(tci_bpe *bpe, const char *left, size_t left_length, const char *right, size_t right_length);
/* After the last merge. */
tc_status tci_bpe_finish(tci_bpe *bpe);
/* Whether the model can take bytes in place of their letters; if so it does from now on. */
bool tci_bpe_take_bytes(tci_bpe *bpe);

/* `self` is a finished tci_bpe. */
extern const tci_subword_model_kind tci_bpe_kind;

/* Splits where no merge can reach across, so that a text that no other stage splits falls into words. `self` is a
 * finished tci_bpe, which stays the model's; of use where the model has borders. */
bool tci_bpe_has_borders(const tci_bpe *bpe);
/* Whether there is one between every ASCII letter or digit and this character behind it. */
bool tci_bpe_has_border_before(const tci_bpe *bpe, uint32_t code);
extern const tci_pretokenizer_kind tci_bpe_borders_kind;

/* ---- between the files of bpe ---- */

#define TCI_BPE_NO_RANK UINT32_MAX

typedef struct tci_bpe_merge {
    uint32_t left, right, rank, merged;
} tci_bpe_merge;

struct tci_bpe {
    tci_memory *memory;
    tci_token_map *table;
    tci_bpe_merge *merges; /* (mask + 1) a hash table; rank TCI_BPE_NO_RANK: empty */
    uint64_t mask, seed;
    tci_bpe_merge *listed; /* until finish: in rising rank */
    size_t listed_count, listed_capacity;
    tci_buffer joined;
    uint32_t *characters; /* (2 x slots) code + 1, id: a hash table of the tokens of one character; 0: empty */
    uint32_t character_mask;
    uint32_t ascii[128];
    uint32_t bytes[4][256]; /* in bytes: 1: not the first, 2: the last of a word */
    uint32_t fallback[256]; /* ids of <0x00> to <0xFF> */
    uint64_t *borders;      /* bits of hashed pairs of characters that stand in some merged token; NULL: none known */
    uint32_t border_mask;
    uint32_t unk;
    bool has_unk, fuse_unk, byte_fallback, ignore_merges, takes_bytes;
    size_t prefix_length, suffix_length;
    char prefix[TCI_BPE_AFFIX_MAX], suffix[TCI_BPE_AFFIX_MAX];
};

/* A character of the word, or what became of some. */
typedef struct tci_bpe_symbol {
    uint32_t id, length;
} tci_bpe_symbol;

/* The token of a character that is neither first behind a prefix nor last before a suffix, or TCI_SUBWORD_NONE. */
uint32_t tci_bpe_character(const tci_bpe *bpe, uint32_t code);
/* The place of a pair's merge in the hash table: the merge's or an empty one. */
tci_bpe_merge *tci_bpe_merge_slot(const tci_bpe *bpe, uint32_t left, uint32_t right);
#define TCI_BPE_SHORT 40 /* symbols: words up to here are merged in place */
/* Room for `most` symbols of a longer word, and for merging them. */
tc_status tci_bpe_room(tci_work *work, size_t most, tci_bpe_symbol **symbols);
/* Merges all that can be merged, in place; *count is what is left. Of `most` symbols the room is, or TCI_BPE_SHORT. */
void tci_bpe_merge_all(const tci_bpe *bpe, tci_bpe_symbol *symbols, size_t most, size_t *count);
/* In finish: the pairs of characters inside of merged tokens, where they tell what merges (bpe_borders.c). */
tc_status tci_bpe_mark_borders(tci_bpe *bpe);

#endif
