/* subword_internal.h: what a tokenizer consists of, for subword.c, which makes it, and subword_encode.c. */
#ifndef TCI_TEXT_SUBWORD_INTERNAL_H
#define TCI_TEXT_SUBWORD_INTERNAL_H

#include "text/subword.h"

typedef struct tci_subword_normalizer {
    const tci_normalizer_kind *kind;
    void *self;
} tci_subword_normalizer;

typedef struct tci_subword_pretokenizer {
    const tci_pretokenizer_kind *kind;
    void *self;
} tci_subword_pretokenizer;

/* White space, and what stands for a space in a byte-level vocabulary, at the ends of a token's text. */
typedef struct tci_token_margin {
    uint16_t before, after; /* code points */
} tci_token_margin;

struct tci_subword {
    tci_memory memory;
    tci_code_sets *sets;
    tci_subword_normalizer *normalizers;
    tci_subword_pretokenizer *pretokenizers;
    size_t normalizer_count, normalizer_capacity, pretokenizer_count, pretokenizer_capacity;
    const tci_subword_model_kind *model;
    void *model_self;
    tci_added_tokens added;
    uint32_t *fresh; /* (fresh_count): the added tokens that the model lacks, by rising id */
    size_t fresh_count, fresh_capacity;
    uint32_t next_id;         /* behind the largest one of an added token */
    uint32_t *before, *after; /* the template's ids */
    size_t before_count, after_count;
    bool trims, trims_prefix;
    tci_token_margin *margins; /* (rows) where it trims */
    bool pieces_end_at_cuts;   /* those of the first pre-tokenizer */
    bool is_local;             /* all normalizers, and the first pre-tokenizer, and tokens found in normalized text */
    size_t rows;
    char *json;
    size_t json_size;
    uint64_t stamp; /* the file's hash: tells tokenizers apart that stood at one address, one after the other */
};

/* Text that is read where it stands, and never written. */
static inline tci_aligned tci_aligned_view(const char *bytes, size_t size)
{
    tci_aligned view = {.size = size, .identical = true};
    memcpy(&view.bytes, &bytes, sizeof bytes);
    return view;
}

tci_token_margin tci_token_margin_of(const tci_code_sets *sets, const char *text, size_t length);

/* `text` through all normalizers, between two texts; *result is the one that holds what comes out, or `text`. */
tc_status tci_subword_normalize(const tci_subword *subword, const tci_aligned *text, tci_aligned between[2],
                                tci_work *work, const tci_aligned **result);

#endif
