/* normalize.c: decompose, order, compose (UAX #15), one segment at a time.
 *
 * A starter that does not compose with the one before it ends all that can happen to its left: nothing is reordered
 * across it (D108), and for what follows it blocks the earlier starter (D115). So a segment is finished when such a
 * starter arrives, and what is held is one starter, at most 30 non-starters and one decomposition. */
#include "text/normalize.h"

#include <string.h>

void tci_normalizer_init(tci_normalizer *normalizer, bool compatible, tci_segment_function sink, void *context)
{
    normalizer->sink = sink;
    normalizer->context = context;
    normalizer->compatible = compatible;
    normalizer->decomposes = compatible ? TCI_POINT_DECOMPOSES_K : TCI_POINT_DECOMPOSES;
    normalizer->has_starter = normalizer->composed = false;
    normalizer->starter = 0;
    normalizer->nonstarters = 0;
    normalizer->count = 0;
    normalizer->begin = normalizer->end = 0;
    for (size_t i = 0; i < TCI_DECOMPOSITIONS; i++)
        normalizer->known[i].code = 0;
}

/* Composes what follows the latest starter with it (D117), once; the rest moves up. Twice would be wrong: a mark that
 * did not compose in its turn might with what the later ones made of the starter. */
static void compose_marks(tci_normalizer *n)
{
    if (n->composed || !n->has_starter || n->starter + 1 >= n->count)
        return;
    n->composed = true;
    tci_point *base = &n->points[n->starter];
    size_t kept = n->starter + 1;
    uint8_t last = 0; /* class of the last one kept: blocks its equals */
    for (size_t i = kept; i < n->count; i++) {
        tci_point point = n->points[i];
        uint32_t composite = point.combining > last ? tci_point_compose(base->code, point.code) : 0;
        if (composite) {
            *base = tci_point_of(composite);
        } else {
            n->points[kept++] = point;
            last = point.combining;
        }
    }
    n->count = kept;
}

tc_status tci_normalizer_flush(tci_normalizer *n)
{
    if (n->count == 0)
        return TC_OK;
    compose_marks(n);
    size_t count = n->count;
    n->count = 0;
    n->has_starter = n->composed = false;
    n->nonstarters = 0;
    return n->sink(n->context, n->points, count, n->begin, n->end);
}

/* Whether a starter composes with the segment's; then it has. */
static bool join_back(tci_normalizer *n, tci_point point)
{
    if (!(point.flags & TCI_POINT_MAY_JOIN_BACK) || !n->has_starter)
        return false;
    compose_marks(n);
    if (n->starter + 1 != n->count)
        return false;
    uint32_t composite = tci_point_compose(n->points[n->starter].code, point.code);
    if (!composite)
        return false;
    n->points[n->starter] = tci_point_of(composite);
    n->composed = false;
    n->nonstarters = 0;
    return true;
}

static void append_starter(tci_normalizer *n, tci_point point)
{
    n->points[n->count] = point;
    n->starter = n->count++;
    n->has_starter = true;
    n->composed = false;
    n->nonstarters = 0;
}

/* Puts a non-starter behind the last one of its class or a lower one (canonical ordering, D109). */
static void insert_mark(tci_normalizer *n, tci_point point)
{
    size_t first = n->has_starter ? n->starter + 1 : 0;
    size_t at = n->count++;
    while (at > first && n->points[at - 1].combining > point.combining) {
        n->points[at] = n->points[at - 1];
        at--;
    }
    n->points[at] = point;
    n->nonstarters++;
}

static const tci_decomposition *decomposition_of(tci_normalizer *n, uint32_t code)
{
    tci_decomposition *known = &n->known[(code ^ code >> 4) % TCI_DECOMPOSITIONS];
    if (known->code != code) {
        uint32_t codes[TCI_DECOMPOSED_MAX];
        known->count = (uint32_t)tci_point_decompose(code, n->compatible, codes);
        known->code = code;
        for (uint32_t i = 0; i < known->count; i++)
            known->points[i] = tci_point_of(codes[i]);
    }
    return known;
}

tc_status tci_normalizer_push(tci_normalizer *n, tci_point point, size_t begin, size_t end)
{
    const tci_point *points = &point;
    size_t count = 1, taken = 0;
    if (point.flags & n->decomposes) {
        const tci_decomposition *decomposition = decomposition_of(n, point.code);
        points = decomposition->points;
        count = decomposition->count;
    }
    if (n->count + count > TCI_SEGMENT_MAX) /* no known text comes here; bounds what a later Unicode may bring */
        TCI_RETURN_IF(tci_normalizer_flush(n));
    if (points[0].combining == 0) {
        if (join_back(n, points[0]))
            taken = 1;
        else
            TCI_RETURN_IF(tci_normalizer_flush(n));
    } else {
        size_t leading = 1;
        while (leading < count && points[leading].combining != 0)
            leading++;
        if (n->nonstarters + leading > TCI_NONSTARTERS_MAX)
            TCI_RETURN_IF(tci_normalizer_flush(n));
    }
    if (n->count == 0)
        n->begin = begin;
    n->end = end;
    for (size_t i = taken; i < count; i++) {
        if (points[i].combining != 0) {
            insert_mark(n, points[i]);
        } else if (!join_back(n, points[i])) {
            compose_marks(n);
            append_starter(n, points[i]);
        }
    }
    return TC_OK;
}
