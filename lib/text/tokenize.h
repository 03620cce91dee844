/* tokenize.h: the chain of stages from bytes to tokens as an object that takes a text piece by piece, and that may be
 * put back to where it stood between two pieces.
 *
 * All of its state is of fixed size. It points into itself and to its caches, so a copy is of use in one way: assigned
 * back to the same object, it goes on from where it was taken. Knows nothing of ids. */
#ifndef TCI_TEXT_TOKENIZE_H
#define TCI_TEXT_TOKENIZE_H

#include <stddef.h>

#include "text/cut.h"
#include "text/normalize.h"
#include "text/pipeline.h"

typedef struct tci_stream {
    const tci_text_options *options;
    tci_normalizer first;  /* of the text */
    tci_normalizer second; /* of what folding made of it */
    tci_cutter cutter;
} tci_stream;

/* Before a text. Tokens go to `function`; options and caches are kept by address. */
void tci_stream_begin(tci_stream *stream, const tci_text_options *options, tci_decompositions caches[2],
                      tci_token_function function, void *context);

/* Takes the next piece, a code point or a short run of ASCII, from text[*at] on, and moves *at behind it; *at is below
 * length, and the text the same from call to call. What comes out are the tokens that ended, up to some thousand. */
tc_status tci_stream_take(tci_stream *stream, const char *text, size_t length, size_t *at);

/* After the last piece: the tokens that are still held. */
tc_status tci_stream_end(tci_stream *stream);

/* Refuses a text that is not UTF-8, under strict_utf8. Before the first piece, so that it leaves no tokens behind. */
tc_status tci_text_check(const tci_text_options *options, const char *text, size_t length);

#endif
