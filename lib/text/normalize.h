/* normalize.h: NFC and NFKC of a stream of code points, segment by segment, in linear time and fixed memory.
 *
 * A code point begins a new segment when the first code point of its decomposition is a starter that does not compose
 * with what the segment has become so far; and when it would be the 31st non-starter in a row (UAX #15, stream-safe
 * text; no U+034F is put in). Each finished segment goes to the sink with the byte range of all it was made from. */
#ifndef TCI_TEXT_NORMALIZE_H
#define TCI_TEXT_NORMALIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "text/point.h"

#define TCI_NONSTARTERS_MAX 30
/* A starter and its marks, and room for the longest decomposition after them. */
#define TCI_SEGMENT_MAX 96

typedef tc_status (*tci_segment_function)(void *context, const tci_point *points, size_t count, size_t begin,
                                          size_t end);

/* What became of a code point, kept for the next time: texts repeat their letters. */
typedef struct tci_decomposition {
    uint32_t count;    /* code points of its decomposition */
    uint32_t composed; /* and of its normalized form, standing alone; 0: not known yet */
    tci_point points[TCI_DECOMPOSED_MAX];
    tci_point composed_points[TCI_DECOMPOSED_MAX];
} tci_decomposition;
#define TCI_DECOMPOSITIONS 32

/* A cache of one normalizer's; what it holds changes no result. */
typedef struct tci_decompositions {
    uint32_t codes[TCI_DECOMPOSITIONS]; /* 0: none */
    tci_decomposition known[TCI_DECOMPOSITIONS];
} tci_decompositions;

/* All that a normalizer carries from code point to code point: a copy of it goes on where the original stood. */
typedef struct tci_normalizer {
    tci_segment_function sink;
    void *context;
    tci_decompositions *cache;
    bool compatible;
    uint8_t decomposes;     /* the flag that tells whether a code point decomposes in this form */
    bool is_whole;          /* points are the normalized form of the code point `whole`, not decomposed */
    bool has_starter;       /* points[starter] is the latest starter; false: non-starters only */
    uint32_t whole;
    size_t starter;
    size_t nonstarters;     /* non-starters in a row at the end, before composition */
    size_t count;
    size_t begin, end;      /* bytes */
    tci_point points[TCI_SEGMENT_MAX];
} tci_normalizer;

/* Empties the cache, which stays the caller's and must live as long. */
void tci_normalizer_init(tci_normalizer *normalizer, tci_decompositions *cache, bool compatible,
                         tci_segment_function sink, void *context);

/* Takes the next code point, made from the bytes [begin, end). */
tc_status tci_normalizer_push(tci_normalizer *normalizer, tci_point point, size_t begin, size_t end);

/* As push for each of `count` >= 1 code points that stand in normalized order already; faster. */
tc_status tci_normalizer_pass(tci_normalizer *normalizer, const tci_point *points, size_t count, size_t begin,
                              size_t end);

/* Ends the open segment, if any. */
tc_status tci_normalizer_flush(tci_normalizer *normalizer);

#endif
