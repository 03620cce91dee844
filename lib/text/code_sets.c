/* code_sets.c: the packed sets painted into a table of two stages: most pages of 256 code points are all alike, or like
 * the page before. */
#include "text/code_sets.h"

#include <string.h>
#include <utf8proc.h>

#include "text/point.h"

/* One set's way through its ranges. */
typedef struct range_cursor {
    const uint8_t *data;
    uint32_t begin, end;
} range_cursor;

static uint32_t varint(const uint8_t **data)
{
    uint32_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = *(*data)++;
        value |= (uint32_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return value;
    }
}

/* The next range; past the last one an empty one that no page meets. */
static void next_range(range_cursor *cursor)
{
    uint32_t gap = varint(&cursor->data), length = varint(&cursor->data);
    cursor->begin = length == 0 ? UINT32_MAX : cursor->end + gap;
    cursor->end = length == 0 ? UINT32_MAX : cursor->begin + length;
}

/* Paints the sets' parts of the page at `first`. */
static void paint(range_cursor cursors[TCI_CODE_SETS], uint32_t first, uint16_t page[256])
{
    memset(page, 0, 256 * sizeof *page);
    for (unsigned set = 0; set < TCI_CODE_SETS; set++) {
        range_cursor *cursor = &cursors[set];
        while (cursor->begin < first + 256) {
            uint32_t begin = cursor->begin > first ? cursor->begin - first : 0;
            uint32_t end = cursor->end < first + 256 ? cursor->end - first : 256;
            for (uint32_t i = begin; i < end; i++)
                page[i] |= (uint16_t)(1u << set);
            if (cursor->end > first + 256)
                break;
            next_range(cursor);
        }
    }
    if (first == 0)
        page[0] |= TCI_CODE_OTHER; /* U+0000 */
}

tc_status tci_code_sets_create(tci_memory *memory, tci_code_sets **sets)
{
    range_cursor cursors[TCI_CODE_SETS];
    const uint8_t *data = tci_code_set_data;
    size_t capacity = 0, count = 0;
    tci_code_sets *made = NULL;
    tc_status status = TC_OK;
    *sets = NULL;
    for (size_t set = 0; set < TCI_CODE_SETS; set++) {
        cursors[set] = (range_cursor){data, 0, 0};
        next_range(&cursors[set]);
        while (data[0] != 0 || data[1] != 0) { /* gaps behind the first range are never 0, lengths neither */
            varint(&data);
            varint(&data);
        }
        data += 2;
    }
    TCI_CHECK(tci_alloc_zero(memory, 1, sizeof *made, "sets of code points", &made));
    for (uint32_t i = 0; i < TCI_CODE_PAGES; i++) {
        uint16_t page[256];
        paint(cursors, i << 8, page);
        size_t known = count; /* pages repeat the last one, or the empty one, the second */
        if (count > 0 && memcmp(made->flags[count - 1], page, sizeof page) == 0)
            known = count - 1;
        for (size_t k = 0; k < count && known == count; k++)
            if (made->flags[k][0] == page[0] && memcmp(made->flags[k], page, sizeof page) == 0)
                known = k;
        if (known == count) {
            TCI_CHECK(tci_reserve(memory, count + 1, TCI_CODE_PAGES, sizeof *made->flags, "sets of code points",
                                  &capacity, &made->flags));
            memcpy(made->flags[count++], page, sizeof page);
        }
        made->pages[i] = (uint16_t)known;
    }
    *sets = made;
    return TC_OK;
done:
    tci_code_sets_free(memory, made);
    return status;
}

void tci_code_sets_free(tci_memory *memory, tci_code_sets *sets)
{
    if (sets)
        tci_free(memory, sets->flags);
    tci_free(memory, sets);
}

size_t tci_code_lower(const tci_code_sets *sets, uint32_t code, uint32_t lower[2])
{
    lower[0] = code;
    if (!(tci_code_flags(sets, code) & TCI_CODE_UPPER))
        return 1;
    if (code == 0x130) { /* the one that becomes two */
        lower[0] = 'i';
        lower[1] = 0x307;
        return 2;
    }
    for (size_t i = 0; i < TCI_YOUNGER_LETTERS; i++) {
        const tci_letter_run *run = &tci_younger_letters[i];
        if (code >= run->upper && code < run->upper + run->count) {
            lower[0] = run->lower + (code - run->upper);
            return 1;
        }
    }
    lower[0] = (uint32_t)utf8proc_tolower((utf8proc_int32_t)code);
    return 1;
}

uint32_t tci_code_compose(const tci_code_sets *sets, uint32_t first, uint32_t second)
{
    /* What joins to the left is a mark or a jamo. */
    if (second < 0x300 || !((second >= 0x1161 && second <= 0x11C2) || tci_code_flags(sets, second) & TCI_CODE_MARK))
        return 0;
    uint32_t composite = tci_point_compose(first, second);
    return composite != 0 && tci_code_flags(sets, composite) & TCI_CODE_DECOMPOSES ? composite : 0;
}
