/* ngrams.h: a text as a bag of hashed n-grams: what the `ngram` architecture reads instead of a sequence of words.
 *
 * Features, and how another program finds the same ones. t(w) is XXH3-64 of a token's bytes (seed 0), b and e stand for
 * the text's begin and end, XXH3-64 of "<s>" and "</s>" (seed 1). All sums and products are modulo 2^64.
 *
 *     n-gram      n neighbours among b, tokens, e, but for b and e alone        h = (...((K + t1)·M + t2)·M ...) + tn
 *     skip        two tokens (or b, e) with exactly one between them            likewise, of the two
 *     characters  n code points in a row of "<token>", but not all of it; of tokens that begin with a letter or digit
 *                 of a script with spaces between words. With `across`: n code points in a row of all tokens, a space
 *                 before, behind, and where bytes stand between two         h = K + XXH3-64 of their bytes (seed 2)
 *
 * with K the kind, n for n-grams, 101 for skips, 201 for characters, and M = 0x9e3779b97f4a7c15. The bucket is
 * floor(v·buckets / 2^32), v being the upper 32 bits of (h xor h/2^32)·M. Skips, characters and n-grams of 3 tokens and
 * more are `light`: they weigh half. A token longer than TCI_TOKEN_BYTES counts as one of no bytes. */
#ifndef TCI_TEXT_NGRAMS_H
#define TCI_TEXT_NGRAMS_H

#include "text/pipeline.h"

/* A feature's number: its bucket, and whether it is light. */
#define TCI_FEATURE(bucket, light) ((uint32_t)(bucket) << 1 | (uint32_t)(light))
#define TCI_FEATURE_BUCKET(feature) ((feature) >> 1)
#define TCI_FEATURE_IS_LIGHT(feature) (((feature)&1) != 0)

/* How often a feature is counted in one text, at most. */
#define TCI_FEATURE_COUNT 255

/* The features of a text into encoded->ids, each once, in rising order, and how often each occurs into
 * encoded->counts; or, where encoded->with_ranges, every occurrence in the order in which the text completes them, with
 * the byte range of its tokens. encoded->tokens counts tokens; of a text longer than max_length its first tokens
 * count. */
tc_status tci_ngrams_encode(const tci_text_options *options, const char *text, size_t length, tci_encoded *encoded);

#endif
