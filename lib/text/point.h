/* point.h: one code point with what the pipeline needs to know of it, looked up once (utf8proc's properties) and then
 * carried from stage to stage. Knows nothing of sequences. */
#ifndef TCI_TEXT_POINT_H
#define TCI_TEXT_POINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a code point is to a tokenizer; docs/text.md has the table. */
typedef enum tci_kind {
    TCI_KIND_SPACE,  /* White_Space */
    TCI_KIND_MARK,   /* M* */
    TCI_KIND_LETTER, /* L* and N* of scripts with words between spaces */
    TCI_KIND_SOLO,   /* L*, N* and the like of scripts without: each stands alone */
    TCI_KIND_OTHER   /* punctuation, symbols, controls, unassigned */
} tci_kind;
#define TCI_KIND_COUNT 5

enum {
    TCI_POINT_FOLDS = 1,          /* case folding changes it */
    TCI_POINT_DECOMPOSES = 2,     /* has a canonical decomposition (Hangul syllables apart) */
    TCI_POINT_DECOMPOSES_K = 4,   /* has a canonical or compatibility decomposition */
    TCI_POINT_MAY_JOIN_BACK = 8   /* a starter that may compose with the starter before it */
};

typedef struct tci_point {
    uint32_t code;
    uint8_t combining; /* canonical combining class; 0: a starter */
    uint8_t kind;      /* tci_kind */
    uint8_t flags;
} tci_point;

tci_point tci_point_of(uint32_t code);

/* The kind of a code point below 0x80. */
extern const uint8_t tci_ascii_kind[128];

/* Whether cleaning drops it: controls that are no White_Space, and invisible format characters that do not tell words
 * apart. The joiners U+200C and U+200D stay. */
bool tci_point_is_dropped(uint32_t code);

/* Neither composes, decomposes, folds nor is dropped, in any form, whatever stands beside it, and is TCI_KIND_SOLO or
 * TCI_KIND_OTHER: ideographs and U+FFFD. */
static inline bool tci_point_is_inert(uint32_t code)
{
    return (code >= 0x4E00 && code <= 0x9FFF) || code == 0xFFFD;
}

/* Most code points that one may decompose into (U+FDFA: 18). */
#define TCI_DECOMPOSED_MAX 18

/* Full decomposition, canonical or compatibility (`compatible`); returns the count, at least 1. Not reordered. */
size_t tci_point_decompose(uint32_t code, bool compatible, uint32_t decomposed[TCI_DECOMPOSED_MAX]);

/* Full case folding (CaseFolding.txt, statuses C and F); returns the count, at least 1. */
size_t tci_point_fold(uint32_t code, uint32_t folded[TCI_DECOMPOSED_MAX]);

/* The primary composite of two adjacent code points of which the first is a starter, or 0. */
uint32_t tci_point_compose(uint32_t first, uint32_t second);

/* utf8proc's Unicode version, such as "14.0.0". */
const char *tci_unicode_version(void);

#endif
