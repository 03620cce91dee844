/* cut.h: normalized code points to tokens, by one rule per kind of code point.
 *
 * A tokenizer is one row of a table: what to do with each kind. Knows nothing of normalization or vocabularies. */
#ifndef TCI_TEXT_CUT_H
#define TCI_TEXT_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/pipeline.h"
#include "text/point.h"

typedef struct tci_cutter {
    const uint8_t *rules; /* by tci_kind */
    tci_token_function function;
    void *context;
    bool is_open;
    bool grows;          /* the open token takes what follows of its sort, not marks alone */
    size_t begin, end;   /* of the open token, bytes of the caller's text */
    size_t length;       /* of its normalized bytes; above TCI_TOKEN_BYTES: too long, not kept */
    char bytes[TCI_TOKEN_BYTES + 8]; /* what makes it too long is written, too: a code point, or eight ASCII bytes */
} tci_cutter;

void tci_cutter_init(tci_cutter *cutter, tci_tokenizer tokenizer, tci_token_function function, void *context);

tc_status tci_cutter_put(tci_cutter *cutter, tci_point point, size_t begin, size_t end);

/* As put for each of the ASCII bytes text[begin, end), lowered first under `lower`, controls skipped under `clean`. */
tc_status tci_cutter_put_ascii(tci_cutter *cutter, const char *text, size_t begin, size_t end, bool lower, bool clean);

/* Ends the open token, if any. */
tc_status tci_cutter_close(tci_cutter *cutter);

#endif
