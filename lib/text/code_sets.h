/* code_sets.h: sets of code points as the `tokenizers` package sees them, which brings Unicode tables of different ages
 * (docs/text.md). text/point.h has our own view; both take decompositions and cases from utf8proc, here for those code
 * points alone that the package's tables know. Made once per tokenizer, read-only. */
#ifndef TCI_TEXT_CODE_SETS_H
#define TCI_TEXT_CODE_SETS_H

#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

enum {
    TCI_CODE_SPACE = 1,        /* White_Space */
    TCI_CODE_OTHER = 2,        /* what BERT's cleaning drops: U+0000, U+FFFD, Cc, Cf, Co, but not tab, LF, CR */
    TCI_CODE_PUNCTUATION = 4,  /* ASCII's signs and P* */
    TCI_CODE_NONSPACING = 8,   /* Mn */
    TCI_CODE_MARK = 16,        /* M* */
    TCI_CODE_NUMERIC = 32,     /* N* */
    TCI_CODE_WORD = 64,        /* \w of a regular expression */
    TCI_CODE_DECOMPOSES = 128, /* canonically or compatibly */
    TCI_CODE_REORDERS = 256,   /* a combining class other than 0 */
    TCI_CODE_UPPER = 512       /* has a lower-case form */
};
#define TCI_CODE_SETS 10

#define TCI_CODE_PAGES (0x110000 / 256)
typedef struct tci_code_sets {
    uint16_t pages[TCI_CODE_PAGES]; /* code / 256 to one of `flags`, pages of 256 */
    uint16_t (*flags)[256];
} tci_code_sets;

tc_status tci_code_sets_create(tci_memory *memory, tci_code_sets **sets);
void tci_code_sets_free(tci_memory *memory, tci_code_sets *sets); /* NULL is a no-op */

static inline unsigned tci_code_flags(const tci_code_sets *sets, uint32_t code)
{
    return sets->flags[sets->pages[code >> 8]][code & 255];
}

/* The lower-case form (SpecialCasing included, conditions not): 1 or 2 code points. */
size_t tci_code_lower(const tci_code_sets *sets, uint32_t code, uint32_t lower[2]);

/* The primary composite of two code points, or 0. */
uint32_t tci_code_compose(const tci_code_sets *sets, uint32_t first, uint32_t second);

/* The data, code_sets_data.c. */
extern const uint8_t tci_code_set_data[];
typedef struct tci_letter_run {
    uint32_t upper, lower, count;
} tci_letter_run;
#define TCI_YOUNGER_LETTERS 10
extern const tci_letter_run tci_younger_letters[TCI_YOUNGER_LETTERS]; /* that utf8proc may not know yet */

#endif
