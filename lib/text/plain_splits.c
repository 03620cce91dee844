/* plain_splits.c: one pass over the code points of a piece. */
#include "text/plain_splits.h"

/* The code point at `at`, and its length. */
static size_t code_at(const tci_aligned *text, size_t at, uint32_t *code)
{
    *code = (unsigned char)text->bytes[at];
    return *code < 0x80 ? 1 : tci_aligned_code(text, at, code);
}

/* ---- by set ---- */

typedef struct set_split {
    const tci_code_sets *sets;
    unsigned flags;
    tci_split_behavior behavior;
} set_split;

static tc_status split_by_set(const void *self, const tci_aligned *text, tci_piece piece, tci_work *work,
                              tci_pieces *out)
{
    const set_split *stage = self;
    tci_splitting splitting;
    size_t begin = piece.begin; /* of what is no delimiter */
    (void)work;
    tci_splitting_begin(&splitting, out, stage->behavior, false);
    for (size_t at = piece.begin, end; at < piece.end; at = end) {
        uint32_t code;
        end = at + code_at(text, at, &code);
        if (!(tci_code_flags(stage->sets, code) & stage->flags))
            continue;
        if (begin < at)
            TCI_RETURN_IF(tci_splitting_put(&splitting, begin, at, false));
        TCI_RETURN_IF(tci_splitting_put(&splitting, at, end, true));
        begin = end;
    }
    if (begin < piece.end)
        TCI_RETURN_IF(tci_splitting_put(&splitting, begin, piece.end, false));
    return tci_splitting_end(&splitting);
}

/* ---- Whitespace ---- */

typedef struct word_split {
    const tci_code_sets *sets;
} word_split;

static tc_status split_words(const void *self, const tci_aligned *text, tci_piece piece, tci_work *work,
                             tci_pieces *out)
{
    const word_split *stage = self;
    size_t begin = piece.begin;
    unsigned before = TCI_CODE_SPACE; /* what the run is of: word, space, or neither (0) */
    (void)work;
    for (size_t at = piece.begin, end; at < piece.end; at = end) {
        uint32_t code;
        end = at + code_at(text, at, &code);
        unsigned flags = tci_code_flags(stage->sets, code), now = flags & TCI_CODE_WORD;
        if (!now)
            now = flags & TCI_CODE_SPACE;
        if (now == before)
            continue;
        if (before != TCI_CODE_SPACE)
            TCI_RETURN_IF(tci_pieces_add(out, begin, at));
        begin = at;
        before = now;
    }
    return before != TCI_CODE_SPACE ? tci_pieces_add(out, begin, piece.end) : TC_OK;
}

/* ---- CharDelimiterSplit ---- */

typedef struct character_split {
    uint32_t code;
} character_split;

static tc_status split_at_character(const void *self, const tci_aligned *text, tci_piece piece, tci_work *work,
                                    tci_pieces *out)
{
    const character_split *stage = self;
    size_t begin = piece.begin;
    (void)work;
    for (size_t at = piece.begin, end; at < piece.end; at = end) {
        uint32_t code;
        end = at + code_at(text, at, &code);
        if (code != stage->code)
            continue;
        TCI_RETURN_IF(tci_pieces_add(out, begin, at));
        begin = end;
    }
    return tci_pieces_add(out, begin, piece.end);
}

/* ---- FixedLength ---- */

typedef struct fixed_length {
    size_t length;
} fixed_length;

static tc_status split_by_length(const void *self, const tci_aligned *text, tci_piece piece, tci_work *work,
                                 tci_pieces *out)
{
    const fixed_length *stage = self;
    size_t begin = piece.begin, count = 0;
    (void)work;
    for (size_t at = piece.begin, end; at < piece.end; at = end) {
        uint32_t code;
        end = at + code_at(text, at, &code);
        if (++count < stage->length)
            continue;
        TCI_RETURN_IF(tci_pieces_add(out, begin, end));
        begin = end;
        count = 0;
    }
    return tci_pieces_add(out, begin, piece.end);
}

const tci_pretokenizer_kind tci_set_split_kind = {"Punctuation", NULL, split_by_set, NULL};
const tci_pretokenizer_kind tci_word_split_kind = {"Whitespace", NULL, split_words, NULL};
const tci_pretokenizer_kind tci_character_split_kind = {"CharDelimiterSplit", NULL, split_at_character, NULL};
const tci_pretokenizer_kind tci_fixed_length_kind = {"FixedLength", NULL, split_by_length, NULL};

tc_status tci_set_split_create(tci_memory *memory, const tci_code_sets *sets, unsigned flags,
                               tci_split_behavior behavior, void **self)
{
    set_split *stage;
    TCI_RETURN_IF(tci_alloc(memory, 1, sizeof *stage, "a stage of a tokenizer", &stage));
    *stage = (set_split){sets, flags, behavior};
    *self = stage;
    return TC_OK;
}

tc_status tci_word_split_create(tci_memory *memory, const tci_code_sets *sets, void **self)
{
    word_split *stage;
    TCI_RETURN_IF(tci_alloc(memory, 1, sizeof *stage, "a stage of a tokenizer", &stage));
    stage->sets = sets;
    *self = stage;
    return TC_OK;
}

tc_status tci_character_split_create(tci_memory *memory, uint32_t code, void **self)
{
    character_split *stage;
    TCI_RETURN_IF(tci_alloc(memory, 1, sizeof *stage, "a stage of a tokenizer", &stage));
    stage->code = code;
    *self = stage;
    return TC_OK;
}

tc_status tci_fixed_length_create(tci_memory *memory, size_t length, void **self)
{
    fixed_length *stage;
    TCI_RETURN_IF(tci_alloc(memory, 1, sizeof *stage, "a stage of a tokenizer", &stage));
    stage->length = length;
    *self = stage;
    return TC_OK;
}
