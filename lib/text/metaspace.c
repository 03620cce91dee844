/* metaspace.c: spaces rewritten, then a split before each replacement: MergedWithNext, so that of several in a row all
 * but the last stand alone. */
#include "text/metaspace.h"

#include <string.h>

#include "text/decode.h"

typedef struct metaspace {
    char replacement[4];
    size_t length;
    tci_prepend prepend;
    bool split;
} metaspace;

tc_status tci_metaspace_create(tci_memory *memory, uint32_t replacement, tci_prepend prepend, bool split, void **self)
{
    metaspace *new;
    *self = NULL;
    TCI_RETURN_IF(tci_alloc(memory, 1, sizeof *new, "Metaspace", &new));
    *new = (metaspace){.prepend = prepend, .split = split};
    new->length = tci_encode(replacement, new->replacement);
    *self = new;
    return TC_OK;
}

static bool stands_at(const metaspace *stage, const char *text, size_t at, size_t end)
{
    return end - at >= stage->length && memcmp(text + at, stage->replacement, stage->length) == 0;
}

static tc_status rewrite(const void *self, const tci_aligned *in, tci_piece piece, size_t base, tci_aligned *out)
{
    const metaspace *stage = self;
    tci_span first = tci_aligned_span(in, piece.begin);
    bool has_one = in->bytes[piece.begin] == ' ' || stands_at(stage, in->bytes, piece.begin, piece.end);
    bool wants_one = stage->prepend == TCI_PREPEND_ALWAYS ||
                     (stage->prepend == TCI_PREPEND_FIRST && base == 0 && first.begin == 0);
    if (wants_one && !has_one)
        TCI_RETURN_IF(tci_aligned_put(out, stage->replacement, stage->length, first));
    for (size_t at = piece.begin; at < piece.end;) {
        const char *space = memchr(in->bytes + at, ' ', piece.end - at);
        size_t end = space ? (size_t)(space - in->bytes) : piece.end;
        TCI_RETURN_IF(tci_aligned_copy(out, in, at, end));
        if (end == piece.end)
            break;
        TCI_RETURN_IF(tci_aligned_put(out, stage->replacement, stage->length, tci_aligned_span(in, end)));
        at = end + 1;
    }
    return TC_OK;
}

static tc_status split(const void *self, const tci_aligned *text, tci_piece piece, tci_work *work, tci_pieces *out)
{
    const metaspace *stage = self;
    (void)work;
    if (!stage->split)
        return tci_pieces_add(out, piece.begin, piece.end);
    size_t begin = piece.begin;
    for (size_t at = piece.begin + 1; at < piece.end; at++) {
        const char *found = memchr(text->bytes + at, stage->replacement[0], piece.end - at);
        if (!found)
            break;
        at = (size_t)(found - text->bytes);
        if (!stands_at(stage, text->bytes, at, piece.end))
            continue;
        TCI_RETURN_IF(tci_pieces_add(out, begin, at));
        begin = at;
    }
    return tci_pieces_add(out, begin, piece.end);
}

const tci_pretokenizer_kind tci_metaspace_kind = {"Metaspace", rewrite, split, NULL};
