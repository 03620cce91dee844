/* pipeline.h: raw text to ids, as one shared, read-only object: cleaning, normalization, tokenizer, vocabulary, length.
 *
 * A model and the examples made from it hold the same pipeline by reference count; clones share it. Its fingerprint
 * (XXH3-64 over options and vocabulary) tells whether two pipelines give the same ids. */
#ifndef TCI_TEXT_PIPELINE_H
#define TCI_TEXT_PIPELINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "text/subword.h"
#include "text/vocabulary.h"

typedef enum tci_normalize { TCI_NORMALIZE_NONE, TCI_NORMALIZE_NFC, TCI_NORMALIZE_NFKC } tci_normalize;
typedef enum tci_tokenizer { TCI_TOKENIZER_WORD, TCI_TOKENIZER_CHAR, TCI_TOKENIZER_SPACE } tci_tokenizer;
typedef enum tci_truncate {
    TCI_TRUNCATE_HEAD,
    TCI_TRUNCATE_TAIL,
    TCI_TRUNCATE_BOTH,
    TCI_TRUNCATE_WINDOWS
} tci_truncate;

/* Which n-grams a text is read as (text/ngrams.h; with `bag` text/bag_features.h). */
#define TCI_NGRAM_WORDS 8       /* longest of tokens */
#define TCI_NGRAM_CHARACTERS 16 /* longest of code points */
typedef struct tci_ngram_options {
    uint64_t buckets;            /* 0: a text is the ids of its tokens */
    size_t words;                /* n-grams of 1 to so many tokens */
    bool skips;                  /* pairs of tokens with one between them */
    size_t chars_min, chars_max; /* n-grams of code points; 0, 0: none */
    bool across;                 /* of the whole text rather than of each word */
    bool bag;                    /* words and hashed n-grams as fastText has them; then buckets may be 0 */
} tci_ngram_options;

typedef struct tci_text_options {
    tci_tokenizer tokenizer;
    tci_normalize normalize;
    bool lowercase;
    bool strict_utf8;
    bool clean_controls;
    bool collapse_spaces;
    size_t max_length; /* tokens kept, or, with windows, of each; 0 = all */
    tci_truncate truncate;
    size_t window_overlap; /* tokens of the text that a window has of the one before */
    tci_ngram_options ngrams;
} tci_text_options;

/* How many of the first tokens truncation keeps; the last ones fill up to max_length. SIZE_MAX where all are kept. */
size_t tci_head_length(const tci_text_options *options);

/* Called for each token in order: its normalized UTF-8 bytes (valid during the call) and its byte range in the caller's
 * text. A token longer than TCI_TOKEN_BYTES comes with length 0 and counts as unknown. */
#define TCI_TOKEN_BYTES 1024
typedef tc_status (*tci_token_function)(void *context, const char *token, size_t length, size_t begin, size_t end);

/* Linear time, bounded memory (independent of the text's length). */
tc_status tci_tokenize(const tci_text_options *options, tci_memory *memory, const char *text, size_t length,
                       tci_token_function function, void *context);

typedef struct tci_pipeline {
    tci_memory memory;
    tci_text_options options;
    tci_vocabulary *vocabulary; /* NULL: a tokenizer of its own, ... */
    tci_subword *subword;       /* ... which is NULL otherwise */
    uint64_t fingerprint;
    atomic_size_t references;
} tci_pipeline;

/* Takes the vocabulary over (also when it fails: the vocabulary is then freed). */
tc_status tci_pipeline_create(const tc_allocator *host, size_t limit, const tci_text_options *options,
                              tci_vocabulary *vocabulary, tci_pipeline **pipeline);
/* The same of a tokenizer that brings its own words; of `options` what is about lengths and strict_utf8 counts.
 * TC_ERROR_OPTION where max_length has no room for text beside its special tokens. */
tc_status tci_pipeline_create_subword(const tc_allocator *host, size_t limit, const tci_text_options *options,
                                      tci_subword *subword, tci_pipeline **pipeline);
/* Rows that an embedding needs at least. */
size_t tci_pipeline_rows(const tci_pipeline *pipeline);
tci_pipeline *tci_pipeline_keep(tci_pipeline *pipeline);
void tci_pipeline_release(tci_pipeline *pipeline); /* NULL is a no-op */

/* The ids of one text after truncation (text/sequences.h); with n-grams its features and how often each occurs (of a
 * bag: all of them, as often as they occur, and no counts). Grown as needed in `memory`; reused from text to text
 * without allocating. */
typedef struct tci_encoded {
    tci_memory *memory;
    uint32_t *ids;
    size_t capacity;
    uint64_t *ranges; /* begin, end of each id's token, or NULL when with_ranges is false */
    size_t range_capacity;
    bool with_ranges;
    size_t count;  /* ids after truncation; of windows, of all of them */
    size_t tokens; /* tokens of the whole text, and the special ones of one sequence */
    size_t used;   /* how many of these are kept, in whatever sequence: less than tokens where text was cut */
    tci_subword_scratch *subword; /* NULL until there was a pipeline with one */
    /* with n-grams */
    uint8_t *counts; /* (count) */
    uint32_t *scratch; /* for sorting */
    size_t count_capacity, scratch_capacity;
} tci_encoded;

void tci_encoded_init(tci_encoded *encoded, tci_memory *memory, bool with_ranges);
void tci_encoded_free(tci_encoded *encoded);
tc_status tci_pipeline_encode(const tci_pipeline *pipeline, const char *text, size_t length, tci_encoded *encoded);

#endif
