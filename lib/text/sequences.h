/* sequences.h: the tokens of a text to the sequences of ids that a network sees: cut to max_length, or, with truncate
 * windows, parted into overlapping ones, each with the special tokens around it.
 *
 * max_length counts the special tokens, which are never cut: of a text's own tokens a sequence has `room`, max_length
 * less the special ones. Windows stand one after the other in one array of ids. All of them have max_length ids, but
 * for the last, which may have fewer: n ids are ceil(n / max_length) sequences, and nothing else has to be kept. The
 * text of each begins with the last `window_overlap` tokens of the one before. */
#ifndef TCI_TEXT_SEQUENCES_H
#define TCI_TEXT_SEQUENCES_H

#include "text/pipeline.h"

/* Ids before and after the text. */
typedef struct tci_specials {
    const uint32_t *before, *after;
    size_t before_count, after_count;
} tci_specials;

/* TC_ERROR_OPTION where max_length has no room for a token beside the special ones, or window_overlap takes more than
 * half of it. */
tc_status tci_sequences_check(const tci_text_options *options, const tci_specials *specials);

typedef struct tci_sequences {
    tci_encoded *out;
    const tci_specials *specials;
    bool windows;
    size_t overlap;
    size_t room;   /* tokens of the text in a sequence */
    size_t head;   /* the first so many tokens are kept in place */
    size_t ring;   /* and the last so many of the rest behind them */
    size_t next;   /* place in the ring of the next one */
    size_t filled; /* tokens of the text in the last sequence */
    size_t length; /* of the text, in bytes */
} tci_sequences;

/* Options and specials that were checked. Ids, ranges and counts in `out` are those of this text from here on; a range
 * of a special token is empty, at byte 0. After a failure of any call `out` is of no meaning. */
tc_status tci_sequences_begin(tci_sequences *sequences, const tci_text_options *options, const tci_specials *specials,
                              size_t length, tci_encoded *out);
/* The next token. */
tc_status tci_sequences_put(tci_sequences *sequences, uint32_t id, size_t begin, size_t end);
tc_status tci_sequences_end(tci_sequences *sequences);

#endif
