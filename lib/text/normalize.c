/* normalize.c: decompose, order, compose (UAX #15), one segment at a time.
 *
 * A starter that does not compose with the one before it ends all that can happen to its left: nothing is reordered
 * across it (D108), and for what follows it blocks the earlier starter (D115). So a segment is finished when such a
 * starter arrives, and what is held is one starter, at most 30 non-starters and one decomposition.
 *
 * Most code points stand alone. One that decomposes is held as the finished form, looked up, and decomposed only if
 * something comes that may join it. */
#include "text/normalize.h"

#include <string.h>

void tci_normalizer_init(tci_normalizer *normalizer, tci_decompositions *cache, bool compatible,
                         tci_segment_function sink, void *context)
{
    normalizer->cache = cache;
    normalizer->sink = sink;
    normalizer->context = context;
    normalizer->compatible = compatible;
    normalizer->decomposes = compatible ? TCI_POINT_DECOMPOSES_K : TCI_POINT_DECOMPOSES;
    normalizer->is_whole = normalizer->has_starter = false;
    normalizer->whole = 0;
    normalizer->starter = 0;
    normalizer->nonstarters = 0;
    normalizer->count = 0;
    normalizer->begin = normalizer->end = 0;
    memset(cache->codes, 0, sizeof cache->codes);
}

/* Composes what follows the latest starter with it (D117); the rest moves up. Doing it again changes nothing: a mark
 * that did not compose in its turn has none with what later ones made of the starter, because decompositions stand in
 * canonical order. */
static void compose_marks(tci_normalizer *n)
{
    if (!n->has_starter || n->starter + 1 >= n->count)
        return;
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
    if (!n->is_whole)
        compose_marks(n);
    size_t count = n->count;
    n->count = 0;
    n->is_whole = n->has_starter = false;
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
    n->nonstarters = 0;
    return true;
}

static void append_starter(tci_normalizer *n, tci_point point)
{
    n->points[n->count] = point;
    n->starter = n->count++;
    n->has_starter = true;
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

static tci_decomposition *decomposition_of(tci_normalizer *n, uint32_t code)
{
    size_t at = (code ^ code >> 5) % TCI_DECOMPOSITIONS;
    tci_decomposition *known = &n->cache->known[at];
    if (n->cache->codes[at] != code) {
        uint32_t codes[TCI_DECOMPOSED_MAX];
        known->count = (uint32_t)tci_point_decompose(code, n->compatible, codes);
        for (uint32_t i = 0; i < known->count; i++)
            known->points[i] = tci_point_of(codes[i]);
        known->composed = 0;
        n->cache->codes[at] = code;
    }
    return known;
}

/* Appends what a code point decomposed into. */
static void append(tci_normalizer *n, const tci_point *points, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (points[i].combining != 0) {
            insert_mark(n, points[i]);
        } else if (!join_back(n, points[i])) {
            compose_marks(n);
            append_starter(n, points[i]);
        }
    }
}

/* Begins a segment with a code point whose decomposition begins with a starter. */
static void begin_whole(tci_normalizer *n, uint32_t code, tci_decomposition *known)
{
    if (known->composed == 0) {
        append(n, known->points, known->count);
        compose_marks(n);
        memcpy(known->composed_points, n->points, n->count * sizeof *n->points);
        known->composed = (uint32_t)n->count;
    } else {
        memcpy(n->points, known->composed_points, known->composed * sizeof *n->points);
        n->count = known->composed;
    }
    n->is_whole = true;
    n->whole = code;
}

/* Something may join: puts the decomposition in the place of the finished form. */
static void open_whole(tci_normalizer *n)
{
    if (!n->is_whole)
        return;
    const tci_decomposition *known = decomposition_of(n, n->whole);
    n->count = 0;
    n->is_whole = n->has_starter = false;
    n->nonstarters = 0;
    append(n, known->points, known->count);
}

/* Takes the decomposition of a code point that may belong to the open segment. */
static tc_status push_joining(tci_normalizer *n, const tci_point *points, size_t count, size_t begin, size_t end)
{
    size_t taken = 0;
    open_whole(n);
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
    append(n, points + taken, count - taken);
    return TC_OK;
}

tc_status tci_normalizer_push(tci_normalizer *n, tci_point point, size_t begin, size_t end)
{
    if (point.flags & n->decomposes) {
        tci_decomposition *known = decomposition_of(n, point.code);
        if (known->points[0].combining != 0 || known->points[0].flags & TCI_POINT_MAY_JOIN_BACK) {
            /* a copy: opening the segment may look up another one in its place */
            tci_decomposition copy = {.count = known->count};
            memcpy(copy.points, known->points, known->count * sizeof *known->points);
            return push_joining(n, copy.points, copy.count, begin, end);
        }
        TCI_RETURN_IF(tci_normalizer_flush(n));
        begin_whole(n, point.code, known);
    } else if (point.combining != 0 || point.flags & TCI_POINT_MAY_JOIN_BACK) {
        return push_joining(n, &point, 1, begin, end);
    } else {
        TCI_RETURN_IF(tci_normalizer_flush(n));
        append_starter(n, point);
    }
    n->begin = begin;
    n->end = end;
    return TC_OK;
}

tc_status tci_normalizer_pass(tci_normalizer *n, const tci_point *points, size_t count, size_t begin, size_t end)
{
    size_t at = 0;
    if (points[0].combining == 0 && !(points[0].flags & TCI_POINT_MAY_JOIN_BACK)) {
        /* Nothing reaches back across the last starter, and it stands in its finished form. */
        size_t last = count - 1;
        while (points[last].combining != 0)
            last--;
        TCI_RETURN_IF(tci_normalizer_flush(n));
        if (last > 0)
            TCI_RETURN_IF(n->sink(n->context, points, last, begin, end));
        append_starter(n, points[last]);
        n->is_whole = (points[last].flags & n->decomposes) != 0;
        n->whole = points[last].code;
        n->begin = begin;
        n->end = end;
        at = last + 1;
    }
    for (; at < count; at++)
        TCI_RETURN_IF(tci_normalizer_push(n, points[at], begin, end));
    return TC_OK;
}
