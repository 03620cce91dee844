/* pattern_split.c: matches, and what is between them, as parts of one piece. Most tokenizers keep matches as they are,
 * and what is between them either as it is, too, or not at all. */
#include "text/pattern_split.h"

typedef struct pattern_split {
    tci_pattern *pattern;
    tci_split_behavior behavior;
    bool invert;
    bool keeps_matches, keeps_between; /* what is kept is a piece each; neither: tci_splitting knows */
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
    bool isolates = behavior == TCI_SPLIT_ISOLATED, keeps_matches = behavior == TCI_SPLIT_REMOVED && invert;
    *made = (pattern_split){pattern, behavior, invert, isolates || keeps_matches, isolates};
    *self = made;
    return TC_OK;
}

bool tci_pattern_split_is_local(const void *self)
{
    const pattern_split *stage = self;
    return stage->keeps_matches && tci_pattern_scan(stage->pattern);
}

static tc_status split(const void *self, const tci_aligned *text, tci_piece piece, tci_work *work, tci_pieces *out)
{
    const pattern_split *stage = self;
    size_t length = piece.end - piece.begin, at = 0, begin, end;
    tci_splitting splitting;
    tci_matches matches;
    bool found;
    tci_splitting_begin(&splitting, out, stage->behavior, stage->invert);
    tci_matches_begin(&matches, stage->pattern, text->bytes + piece.begin, length, work);
    for (;; at = end) {
        TCI_RETURN_IF(tci_matches_next(&matches, &found, &begin, &end));
        if (!found)
            begin = end = length;
        if (stage->keeps_matches) {
            if (stage->keeps_between)
                TCI_RETURN_IF(tci_pieces_add(out, piece.begin + at, piece.begin + begin));
            TCI_RETURN_IF(tci_pieces_add(out, piece.begin + begin, piece.begin + end));
        } else {
            if (at < begin)
                TCI_RETURN_IF(tci_splitting_put(&splitting, piece.begin + at, piece.begin + begin, false));
            if (found)
                TCI_RETURN_IF(tci_splitting_put(&splitting, piece.begin + begin, piece.begin + end, true));
        }
        if (!found)
            return tci_splitting_end(&splitting);
    }
}

static void free_stage(tci_memory *memory, void *self)
{
    tci_pattern_free(memory, ((pattern_split *)self)->pattern);
    tci_free(memory, self);
}

const tci_pretokenizer_kind tci_pattern_split_kind = {"Split", NULL, split, free_stage};
