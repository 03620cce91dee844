/* stage.h: how a stage plugs into a tokenizer (text/subword.h): one file with one table row, a tci_..._kind.
 *
 * A stage is an object of its own (`self`, made by its file's create function from its own options) and is read-only
 * once made: any number of threads use it at once. What changes while a text is encoded stands in the texts and lists
 * it is given and in tci_work. All memory grows and stays, so that a warm encoder allocates nothing.
 *
 * Long texts are encoded piece by piece. A cut stands before an ASCII space that has an ASCII letter or digit on either
 * side ("ab| cd"), so that the right piece begins with the space. A stage that gives the same for two pieces as for the
 * whole says so (`is_local`); where one does not, a text is one piece, whatever its length. */
#ifndef TCI_TEXT_STAGE_H
#define TCI_TEXT_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/aligned.h"

#define TCI_SUBWORD_NONE UINT32_MAX

/* Working memory of an encoder for its stages: numbered blocks that grow, keep their bytes, and belong to whoever knows
 * the number. A block that holds more than bytes (a match object of a pattern library, say) has `drop`, which is called
 * once when the encoder is freed. */
typedef enum tci_work_slot {
    TCI_WORK_NORMALIZER, /* of no meaning from one call to the next */
    TCI_WORK_MODEL,      /* likewise */
    TCI_WORK_PATTERN,    /* text/pattern.c's */
    TCI_WORK_COUNT
} tci_work_slot;

typedef struct tci_work {
    tci_memory *memory;
    struct tci_work_block {
        char *bytes;
        size_t capacity;
        void (*drop)(struct tci_work *work, void *bytes);
    } blocks[TCI_WORK_COUNT];
} tci_work;

void tci_work_init(tci_work *work, tci_memory *memory);
void tci_work_free(tci_work *work);
/* At least `count` x `size` bytes, 64-byte aligned, what was written before kept; *pointer is any pointer type. */
tc_status tci_work_room(tci_work *work, tci_work_slot slot, size_t count, size_t size, void *pointer);

/* ---- normalizers ---- */

typedef struct tci_normalizer_kind {
    const char *name; /* as tokenizer.json has it */
    /* Appends `in`, whole, to `out`, which is empty. */
    tc_status (*normalize)(const void *self, const tci_aligned *in, tci_aligned *out, tci_work *work);
    void (*free)(tci_memory *memory, void *self); /* NULL: tci_free */
} tci_normalizer_kind;

/* ---- pre-tokenizers ---- */

/* Bytes [begin, end), begin < end, of the normalized text. */
typedef struct tci_piece {
    uint32_t begin, end;
} tci_piece;

typedef struct tci_pieces {
    tci_memory *memory;
    tci_piece *items;
    size_t count, capacity;
} tci_pieces;

tc_status tci_pieces_grow(tci_pieces *pieces);
/* An empty piece is left out. */
static inline tc_status tci_pieces_add(tci_pieces *pieces, size_t begin, size_t end)
{
    if (begin >= end)
        return TC_OK;
    if (pieces->count == pieces->capacity)
        TCI_RETURN_IF(tci_pieces_grow(pieces));
    pieces->items[pieces->count++] = (tci_piece){(uint32_t)begin, (uint32_t)end};
    return TC_OK;
}

/* What becomes of the parts of a piece that a pattern matches (delimiters). */
typedef enum tci_split_behavior {
    TCI_SPLIT_REMOVED,
    TCI_SPLIT_ISOLATED,
    TCI_SPLIT_MERGED_WITH_PREVIOUS,
    TCI_SPLIT_MERGED_WITH_NEXT,
    TCI_SPLIT_CONTIGUOUS
} tci_split_behavior;

/* Pieces from a row of adjacent parts that are delimiters or not, given left to right. */
typedef struct tci_splitting {
    tci_pieces *out;
    tci_split_behavior behavior;
    bool invert; /* the parts that match are what is kept, those between are delimiters */
    bool held, previous;
    size_t begin, end; /* of the piece that may still grow, while `held` */
} tci_splitting;

void tci_splitting_begin(tci_splitting *splitting, tci_pieces *out, tci_split_behavior behavior, bool invert);
tc_status tci_splitting_put(tci_splitting *splitting, size_t begin, size_t end, bool is_match);
tc_status tci_splitting_end(tci_splitting *splitting);

typedef struct tci_pretokenizer_kind {
    const char *name;
    /* Appends the piece, rewritten, to `out`, which holds the pieces before it; NULL: pieces stay as they are. `base`
     * is the byte of the caller's text that span 0 of `in` stands for: the piece is the text's first where the span of
     * its first byte begins at 0 and base is 0. */
    tc_status (*rewrite)(const void *self, const tci_aligned *in, tci_piece piece, size_t base, tci_aligned *out);
    /* Appends what becomes of the piece, left to right (after rewrite: of the rewritten one); NULL: it stays whole.
     * Pieces need not fall on code points. */
    tc_status (*split)(const void *self, const tci_aligned *text, tci_piece piece, tci_work *work, tci_pieces *out);
    void (*free)(tci_memory *memory, void *self); /* NULL: tci_free */
} tci_pretokenizer_kind;

/* ---- models ---- */

/* A token of a word: its id and which bytes of the word it stands for: one at least. */
typedef struct tci_word_token {
    uint32_t id, begin, end;
} tci_word_token;

typedef struct tci_word_tokens {
    tci_memory *memory;
    tci_word_token *items;
    size_t count, capacity;
} tci_word_tokens;

tc_status tci_word_tokens_grow(tci_word_tokens *tokens);
static inline tc_status tci_word_tokens_add(tci_word_tokens *tokens, uint32_t id, size_t begin, size_t end)
{
    if (tokens->count == tokens->capacity)
        TCI_RETURN_IF(tci_word_tokens_grow(tokens));
    tokens->items[tokens->count++] = (tci_word_token){id, (uint32_t)begin, (uint32_t)end};
    return TC_OK;
}

typedef struct tci_subword_model_kind {
    const char *name;
    /* Appends the tokens of one word (a piece that pre-tokenizers left; length > 0), a function of its bytes alone: the
     * encoder keeps what short words gave (text/subword.c). */
    tc_status (*tokenize)(const void *self, const char *word, size_t length, tci_work *work, tci_word_tokens *out);
    /* The id of a token as tokenizer.json writes it, or TCI_SUBWORD_NONE. */
    uint32_t (*find)(const void *self, const char *token, size_t length);
    /* The text of a token as tokenizer.json writes it, or NULL where no token has the id. */
    const char *(*token)(const void *self, uint32_t id, size_t *length);
    size_t (*count)(const void *self);            /* tokens */
    size_t (*rows)(const void *self);             /* the largest id + 1 */
    void (*free)(tci_memory *memory, void *self); /* NULL: tci_free */
} tci_subword_model_kind;

#endif
