/* pattern_split.c: matches, and what is between them, as parts of one piece. A pattern with a scanner matches
 * everywhere, one match beside the other, so that its matches are the pieces. */
#include "text/pattern_split.h"

typedef struct pattern_split {
    tci_pattern *pattern;
    tci_scan scan; /* where each match is a piece, or NULL */
    tci_split_behavior behavior;
    bool invert;
} pattern_split;

tc_status tci_pattern_split_create(tci_memory *memory, tci_pattern *pattern, tci_split_behavior behavior, bool invert,
                                   void **self)
{
    pattern_split *made = NULL;
    tc_status status = tci_alloc(memory, 1, sizeof *made, "Split", &made);
    *self = NULL;
    if (status != TC_OK) {
        tci_pattern_free(memory, pattern);
        return status;
    }
    bool pieces = behavior == TCI_SPLIT_ISOLATED || (behavior == TCI_SPLIT_REMOVED && invert);
    *made = (pattern_split){pattern, pieces ? tci_pattern_scan(pattern) : NULL, behavior, invert};
    *self = made;
    return TC_OK;
}

bool tci_pattern_split_is_local(const void *self)
{
    return ((const pattern_split *)self)->scan != NULL;
}

static tc_status split_by_scan(tci_scan scan, const char *text, tci_piece piece, tci_pieces *out)
{
    size_t length = piece.end - piece.begin;
    for (size_t at = 0, end; at < length; at = end) {
        end = scan((const uint8_t *)text + piece.begin, length, at);
        TCI_RETURN_IF(tci_pieces_add(out, piece.begin + at, piece.begin + end));
    }
    return TC_OK;
}

static tc_status split(const void *self, const tci_aligned *text, tci_piece piece, tci_work *work, tci_pieces *out)
{
    const pattern_split *stage = self;
    size_t length = piece.end - piece.begin, at = 0, begin, end;
    tci_splitting splitting;
    tci_matches matches;
    bool found;
    if (stage->scan)
        return split_by_scan(stage->scan, text->bytes, piece, out);
    tci_splitting_begin(&splitting, out, stage->behavior, stage->invert);
    tci_matches_begin(&matches, stage->pattern, text->bytes + piece.begin, length, work);
    for (;; at = end) {
        TCI_RETURN_IF(tci_matches_next(&matches, &found, &begin, &end));
        if (!found)
            begin = length;
        if (at < begin)
            TCI_RETURN_IF(tci_splitting_put(&splitting, piece.begin + at, piece.begin + begin, false));
        if (!found)
            return tci_splitting_end(&splitting);
        TCI_RETURN_IF(tci_splitting_put(&splitting, piece.begin + begin, piece.begin + end, true));
    }
}

static void free_stage(tci_memory *memory, void *self)
{
    tci_pattern_free(memory, ((pattern_split *)self)->pattern);
    tci_free(memory, self);
}

const tci_pretokenizer_kind tci_pattern_split_kind = {"Split", NULL, split, free_stage};
