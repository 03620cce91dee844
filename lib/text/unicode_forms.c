/* unicode_forms.c: decompose, order, compose (UAX #15), a starter with its marks at a time.
 *
 * What the package does with ranges follows from how it counts: the first code point of a decomposition stands for the
 * code point it comes from, the rest are new; a composite stands for what its parts stood for together. In the order in
 * which they come out, one that is new has the range of what was last replaced, any other takes the next of the text,
 * even where marks changed places. `change` is that count: 1 is new, 0 replaces one code point, -n also the n after. */
#include "text/unicode_forms.h"

#include "text/point.h"

typedef struct form_point {
    uint32_t code;
    int32_t change;
    uint8_t combining;
} form_point;

#define FEW 24 /* marks that are sorted in place; more are counted by their class */

typedef struct form_run {
    const tci_unicode_form *form;
    const tci_aligned *in;
    tci_aligned *out;
    tci_work *work;
    size_t at;          /* where in `in` the next one that is replaced begins */
    form_point *points; /* a starter and what comes behind it; behind `capacity`, as much room to sort */
    size_t count, capacity;
    form_point held; /* a starter without marks that may still compose */
    bool holds;
} form_run;

static size_t code_end(const tci_aligned *in, size_t at)
{
    do
        at++;
    while (at < in->size && ((unsigned char)in->bytes[at] & 0xC0) == 0x80);
    return at;
}

static tc_status emit(form_run *run, form_point point)
{
    tci_span span = {0, 0};
    if (point.change > 0) {
        if (run->at > 0)
            span = tci_aligned_span(run->in, run->at - 1);
    } else {
        span = tci_aligned_span(run->in, run->at);
        for (int32_t i = point.change; i <= 0 && run->at < run->in->size; i++)
            run->at = code_end(run->in, run->at);
    }
    return tci_aligned_put_code(run->out, point.code, span);
}

static tc_status emit_held(form_run *run)
{
    if (!run->holds)
        return TC_OK;
    run->holds = false;
    return emit(run, run->held);
}

/* Canonical order: stable, by combining class. */
static void order(form_point *points, size_t count, form_point *room)
{
    if (count <= FEW) {
        for (size_t i = 1; i < count; i++) {
            form_point point = points[i];
            size_t at = i;
            for (; at > 0 && points[at - 1].combining > point.combining; at--)
                points[at] = points[at - 1];
            points[at] = point;
        }
        return;
    }
    size_t places[257] = {0};
    for (size_t i = 0; i < count; i++)
        places[points[i].combining + 1]++;
    for (size_t i = 1; i < 257; i++)
        places[i] += places[i - 1];
    for (size_t i = 0; i < count; i++)
        room[places[points[i].combining]++] = points[i];
    memcpy(points, room, count * sizeof *points);
}

static bool compose(form_run *run, form_point point)
{
    uint32_t composite = tci_code_compose(run->form->sets, run->held.code, point.code);
    if (composite == 0)
        return false;
    run->held.code = composite;
    run->held.change += point.change - 1;
    return true;
}

/* Ends what `points` holds. A starter that nothing was left over behind is held. */
static tc_status end_segment(form_run *run)
{
    form_point *points = run->points;
    size_t count = run->count, kept = 0, i = 0;
    int last = -1; /* class of the last mark kept; what does not surpass it cannot reach the starter */
    run->count = 0;
    if (count == 0)
        return TC_OK;
    order(points, count, points + run->capacity);
    if (!run->form->composes || points[0].combining != 0) {
        for (; i < count; i++)
            TCI_RETURN_IF(emit(run, points[i]));
        return TC_OK;
    }
    if (!run->holds || !compose(run, points[0])) {
        TCI_RETURN_IF(emit_held(run));
        run->held = points[0];
        run->holds = true;
    }
    for (i = 1; i < count; i++) {
        form_point point = points[i];
        if (last >= point.combining || !compose(run, point)) {
            points[kept++] = point;
            last = point.combining;
        }
    }
    if (kept == 0)
        return TC_OK;
    TCI_RETURN_IF(emit_held(run));
    for (i = 0; i < kept; i++)
        TCI_RETURN_IF(emit(run, points[i]));
    return TC_OK;
}

static tc_status push(form_run *run, uint32_t code, unsigned flags)
{
    uint32_t codes[TCI_DECOMPOSED_MAX] = {code};
    size_t count = flags & TCI_CODE_DECOMPOSES ? tci_point_decompose(code, run->form->compatible, codes) : 1;
    for (size_t i = 0; i < count; i++) {
        form_point point = {codes[i], i > 0, 0};
        if (tci_code_flags(run->form->sets, codes[i]) & TCI_CODE_REORDERS)
            point.combining = tci_point_of(codes[i]).combining;
        if (point.combining == 0)
            TCI_RETURN_IF(end_segment(run));
        if (run->count == run->capacity) {
            size_t capacity = run->capacity * 2 + FEW;
            TCI_RETURN_IF(
                tci_work_room(run->work, TCI_WORK_NORMALIZER, capacity, 2 * sizeof *run->points, &run->points));
            run->capacity = capacity;
        }
        run->points[run->count++] = point;
    }
    return TC_OK;
}

/* Where the run ends of those that neither decompose, move, nor join what is before them; its last one begins at
 * *last. */
static size_t plain_end(const tci_code_sets *sets, const tci_aligned *in, size_t at, size_t *last)
{
    while (at < in->size) {
        uint32_t code = (unsigned char)in->bytes[at];
        size_t length = code < 0x80 ? 1 : tci_aligned_code(in, at, &code);
        if (code >= 0x80 && (tci_code_flags(sets, code) & (TCI_CODE_DECOMPOSES | TCI_CODE_REORDERS | TCI_CODE_MARK) ||
                             (code >= 0x1161 && code <= 0x11C2)))
            break;
        *last = at;
        at += length;
    }
    return at;
}

tc_status tci_unicode_form_apply(const tci_unicode_form *form, const tci_aligned *in, tci_aligned *out, tci_work *work)
{
    form_run run = {.form = form, .in = in, .out = out, .work = work};
    for (size_t at = 0; at < in->size;) {
        uint32_t code;
        size_t last = at, end = plain_end(form->sets, in, at, &last);
        if (end > at) {
            TCI_RETURN_IF(end_segment(&run));
            TCI_RETURN_IF(emit_held(&run));
            size_t sure = form->composes && end < in->size ? last : end; /* something may join the last one */
            TCI_RETURN_IF(tci_aligned_copy(out, in, at, sure));
            run.at = at = sure;
            if (sure == end)
                continue;
        }
        at += tci_aligned_code(in, at, &code);
        TCI_RETURN_IF(push(&run, code, tci_code_flags(form->sets, code)));
    }
    TCI_RETURN_IF(end_segment(&run));
    return emit_held(&run);
}

static tc_status normalize(const void *self, const tci_aligned *in, tci_aligned *out, tci_work *work)
{
    return tci_unicode_form_apply(self, in, out, work);
}

const tci_normalizer_kind tci_unicode_form_kind = {"NFC", normalize, NULL};

tc_status tci_unicode_form_create(tci_memory *memory, const tci_code_sets *sets, bool compatible, bool composes,
                                  void **self)
{
    tci_unicode_form *form;
    TCI_RETURN_IF(tci_alloc(memory, 1, sizeof *form, "a Unicode form", &form));
    *form = (tci_unicode_form){sets, compatible, composes};
    *self = form;
    return TC_OK;
}
