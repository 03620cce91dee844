/* charsmap.c: each grapheme cluster of less than six bytes is replaced whole if the table has a key that it begins
 * with; else each of its characters likewise. Of several such keys the shortest counts: as the package has it.
 *
 * The table is a double array (Darts): unit i holds a label, whether a key ends there, and the way to its children. It
 * is foreign: every step is checked, and a walk takes no more steps than its key has bytes.
 *
 * Ranges follow the package, too, whose replacement reads the original character by character: a character that is
 * written takes the next one of the original, an inserted one the range of the last, and what is left out is passed
 * over after the character written last. Where none was written before, it is not passed over, and all ranges behind
 * lag by that much. */
#include "text/charsmap.h"

#include <utf8proc.h>

#include "text/decode.h"
#include "text/pattern.h"

#define WHOLE_CLUSTER 6 /* bytes: clusters below are looked up whole */

typedef struct charsmap {
    uint32_t *units;
    size_t unit_count;
    char *texts;
    size_t text_size;
    bool is_replaced[128]; /* ASCII characters that are keys, or begin with one */
} charsmap;

static void release(tci_memory *memory, void *self)
{
    charsmap *map = self;
    tci_free(memory, map->units);
    tci_free(memory, map->texts);
    tci_free(memory, map);
}

static size_t offset_of(uint32_t unit)
{
    return (size_t)(unit >> 10) << ((unit & 512u) >> 6);
}

/* The place in `texts` of the shortest key that `key` begins with; false where there is none. */
static bool look_up(const charsmap *map, const char *key, size_t length, size_t *place)
{
    if (map->unit_count == 0)
        return false;
    size_t node = offset_of(map->units[0]);
    for (size_t i = 0; i < length && key[i] != 0; i++) {
        uint8_t byte = (uint8_t)key[i];
        node ^= byte;
        if (node >= map->unit_count || (map->units[node] & 0x800000FFu) != byte)
            return false;
        uint32_t unit = map->units[node];
        node ^= offset_of(unit);
        if (node >= map->unit_count)
            return false;
        if (unit >> 8 & 1) {
            *place = map->units[node] & 0x7FFFFFFFu;
            return true;
        }
    }
    return false;
}

static tc_status fill(tci_memory *memory, charsmap *map, const void *bytes, size_t size)
{
    tci_reader reader = {bytes, size, 0};
    uint32_t trie_size;
    const uint8_t *texts;
    if (!tci_read_u32(&reader, &trie_size) || trie_size % 4 != 0 || trie_size > size - 4)
        return tci_fail(TC_ERROR_FORMAT, "Precompiled: its charsmap of %zu bytes is cut short, or is none", size);
    map->unit_count = trie_size / 4;
    TCI_RETURN_IF(tci_alloc(memory, map->unit_count, sizeof *map->units, "Precompiled", &map->units));
    for (size_t i = 0; i < map->unit_count; i++)
        (void)tci_read_u32(&reader, &map->units[i]);
    map->text_size = size - reader.position;
    (void)tci_read_bytes(&reader, map->text_size, &texts);
    if (tci_utf8_prefix((const char *)texts, map->text_size) != map->text_size)
        return tci_fail(TC_ERROR_FORMAT, "Precompiled: its charsmap has texts that are not UTF-8");
    TCI_RETURN_IF(tci_alloc(memory, map->text_size + 1, 1, "Precompiled", &map->texts));
    if (map->text_size > 0)
        memcpy(map->texts, texts, map->text_size);
    map->texts[map->text_size] = 0;
    for (uint32_t c = 1; c < 128; c++) {
        char key = (char)c;
        size_t place;
        map->is_replaced[c] = look_up(map, &key, 1, &place);
    }
    return TC_OK;
}

tc_status tci_charsmap_create(tci_memory *memory, const void *bytes, size_t size, void **self)
{
    charsmap *new = NULL;
    *self = NULL;
    TCI_RETURN_IF(tci_alloc_zero(memory, 1, sizeof *new, "Precompiled", &new));
    tc_status status = fill(memory, new, bytes, size);
    if (status != TC_OK) {
        release(memory, new);
        return status;
    }
    *self = new;
    return TC_OK;
}

/* What is written, one character behind: what is left out later may still be passed over after it. */
typedef struct writing {
    const tci_aligned *in;
    tci_aligned *out;
    size_t source; /* byte of `in` that the next character takes */
    bool holds;
    uint32_t code;
    long change; /* 1: inserted; else takes a character, and below 0 passes over as many */
} writing;

static void pass_over(writing *w)
{
    if (w->source < w->in->size) {
        uint32_t code;
        w->source += tci_aligned_code(w->in, w->source, &code);
    }
}

static tc_status flush(writing *w)
{
    if (!w->holds)
        return TC_OK;
    tci_span span = {0, 0};
    w->holds = false;
    if (w->change <= 0 && w->source < w->in->size) {
        span = tci_aligned_span(w->in, w->source);
        pass_over(w);
    } else if (w->source > 0) {
        span = tci_aligned_span(w->in, w->source - 1);
    }
    for (; w->change < 0; w->change++)
        pass_over(w);
    return tci_aligned_put_code(w->out, w->code, span);
}

static tc_status write_code(writing *w, uint32_t code, long change)
{
    TCI_RETURN_IF(flush(w));
    w->holds = true;
    w->code = code;
    w->change = change;
    return TC_OK;
}

static size_t count_codes(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += ((uint8_t)text[i] & 0xC0) != 0x80;
    return count;
}

/* Writes the text at `place` for [begin, end) of the original. */
static tc_status replace(const charsmap *map, writing *w, size_t begin, size_t end, size_t place)
{
    if (place > map->text_size || ((uint8_t)map->texts[place] & 0xC0) == 0x80)
        return tci_fail(TC_ERROR_FORMAT, "Precompiled: its charsmap points to byte %zu of texts of %zu bytes", place,
                        map->text_size);
    const char *text = map->texts + place;
    size_t length = strlen(text), new_count = count_codes(text, length);
    size_t old_count = count_codes(w->in->bytes + begin, end - begin);
    size_t kept = new_count < old_count ? new_count : old_count, number = 0;
    for (size_t at = 0; at < length; number++) {
        uint32_t code;
        at += tci_decode((const uint8_t *)text + at, length - at, &code);
        TCI_RETURN_IF(write_code(w, code, number < kept ? 0 : 1));
    }
    if (new_count < old_count && w->holds)
        w->change -= (long)(old_count - new_count);
    return TC_OK;
}

/* The category that matters to clusters of a code point that utf8proc may not know yet. */
static bool is_younger_mark(uint32_t code)
{
    for (size_t i = 0; i < TCI_YOUNGER_RANGES && code >= tci_younger_ranges[i].first; i++)
        if (code - tci_younger_ranges[i].first < tci_younger_ranges[i].count)
            return tci_younger_ranges[i].category[0] == 'M';
    return false;
}

static bool is_unassigned(uint32_t code)
{
    return utf8proc_get_property((utf8proc_int32_t)code)->category == UTF8PROC_CATEGORY_CN;
}

/* The end of the grapheme cluster that begins at `at`. */
static size_t cluster_end(const tci_aligned *in, size_t at)
{
    utf8proc_int32_t state = 0;
    uint32_t before, code;
    size_t end = at + tci_aligned_code(in, at, &before);
    while (end < in->size) {
        size_t taken = tci_aligned_code(in, end, &code);
        bool joins = is_unassigned(code) && is_younger_mark(code);
        bool is_border =
            utf8proc_grapheme_break_stateful((utf8proc_int32_t)before, joins ? 0x301 : (utf8proc_int32_t)code, &state);
        if (is_border)
            break;
        end += taken;
        before = joins ? 0x301 : code;
    }
    return end;
}

static tc_status put_cluster(const charsmap *map, writing *w, size_t begin, size_t end)
{
    const char *bytes = w->in->bytes;
    size_t place;
    if (end - begin < WHOLE_CLUSTER && look_up(map, bytes + begin, end - begin, &place))
        return replace(map, w, begin, end, place);
    for (size_t at = begin, taken; at < end; at += taken) {
        uint32_t code;
        taken = tci_aligned_code(w->in, at, &code);
        if (look_up(map, bytes + at, taken, &place))
            TCI_RETURN_IF(replace(map, w, at, at + taken, place));
        else
            TCI_RETURN_IF(write_code(w, code, 0));
    }
    return TC_OK;
}

/* The end of the ASCII characters from `at` on that stand alone and are not replaced. */
static size_t plain_end(const charsmap *map, const tci_aligned *in, size_t at)
{
    while (at < in->size && (uint8_t)in->bytes[at] < 0x80 && in->bytes[at] != '\r' &&
           !map->is_replaced[(uint8_t)in->bytes[at]] && (at + 1 == in->size || (uint8_t)in->bytes[at + 1] < 0x80))
        at++;
    return at;
}

/* Characters that stay as they are. */
static tc_status put_plain(writing *w, size_t begin, size_t end)
{
    TCI_RETURN_IF(flush(w));
    if (w->source == begin) {
        TCI_RETURN_IF(tci_aligned_copy(w->out, w->in, begin, end - 1));
        w->source = end - 1;
        begin = end - 1;
    }
    for (; begin < end; begin++)
        TCI_RETURN_IF(write_code(w, (uint8_t)w->in->bytes[begin], 0));
    return TC_OK;
}

static tc_status normalize(const void *self, const tci_aligned *in, tci_aligned *out, tci_work *work)
{
    const charsmap *map = self;
    writing w = {.in = in, .out = out};
    (void)work;
    for (size_t at = 0; at < in->size;) {
        size_t end = plain_end(map, in, at);
        if (end > at) {
            TCI_RETURN_IF(put_plain(&w, at, end));
            at = end;
            continue;
        }
        end = cluster_end(in, at);
        TCI_RETURN_IF(put_cluster(map, &w, at, end));
        at = end;
    }
    return flush(&w);
}

const tci_normalizer_kind tci_charsmap_kind = {"Precompiled", normalize, release};
