/* pattern.c: one object for the three ways of matching, and the walk from match to match.
 *
 * After an empty match the search goes on one code point further, and an empty match where the one before ended does
 * not count: as Oniguruma's Rust interface has it. */
#include "text/pattern.h"

#include <string.h>

struct tci_pattern {
    tci_scan scan; /* one of the three */
    tci_regex *regex;
    size_t literal_length;
    char literal[];
};

tc_status tci_pattern_create(tci_memory *memory, const char *text, size_t length, bool is_literal,
                             tci_pattern **pattern)
{
    *pattern = NULL;
    int most = is_literal ? TCI_LITERAL_MAX : TCI_PATTERN_MAX;
    if (length > (size_t)most)
        return tci_fail(TC_ERROR_LIMIT, "a pattern of %zu bytes; at most %d are accepted", length, most);
    tci_pattern *new = NULL;
    TCI_RETURN_IF(tci_alloc_zero(memory, 1, sizeof *new + (is_literal ? length : 0), "pattern", &new));
    tc_status status = TC_OK;
    if (is_literal) {
        if (length > 0)
            memcpy(new->literal, text, length);
        new->literal_length = length;
    } else {
        new->scan = tci_scan_of(text, length);
        if (!new->scan)
            status = tci_regex_create(memory, text, length, &new->regex);
    }
    if (status != TC_OK) {
        tci_free(memory, new);
        return status;
    }
    *pattern = new;
    return TC_OK;
}

void tci_pattern_free(tci_memory *memory, tci_pattern *pattern)
{
    if (!pattern)
        return;
    tci_regex_free(memory, pattern->regex);
    tci_free(memory, pattern);
}

tci_scan tci_pattern_scan(const tci_pattern *pattern)
{
    return pattern->scan;
}

void tci_matches_begin(tci_matches *matches, const tci_pattern *pattern, const char *text, size_t length,
                       tci_work *work)
{
    *matches = (tci_matches){pattern, work, text, length, 0, SIZE_MAX};
}

/* An empty literal matches nothing. */
static bool find_literal(const tci_matches *m, size_t *begin, size_t *end)
{
    const char *wanted = m->pattern->literal;
    size_t length = m->pattern->literal_length;
    if (length == 0)
        return false;
    for (size_t at = m->at; at < m->length && m->length - at >= length; at++) {
        const char *first = memchr(m->text + at, wanted[0], m->length - at - (length - 1));
        if (!first)
            return false;
        at = (size_t)(first - m->text);
        if (memcmp(first, wanted, length) == 0) {
            *begin = at;
            *end = at + length;
            return true;
        }
    }
    return false;
}

static size_t code_point_end(const tci_matches *m, size_t at)
{
    do
        at++;
    while (at < m->length && ((uint8_t)m->text[at] & 0xC0) == 0x80);
    return at;
}

tc_status tci_matches_next(tci_matches *m, bool *found, size_t *begin, size_t *end)
{
    *found = false;
    const tci_pattern *pattern = m->pattern;
    for (; pattern->scan && m->at < m->length; m->at = code_point_end(m, m->at)) {
        *begin = m->at;
        *end = pattern->scan((const uint8_t *)m->text, m->length, m->at);
        if (*end > *begin) {
            *found = true;
            m->at = *end;
            return TC_OK;
        }
    }
    if (pattern->scan)
        return TC_OK;
    while (m->at <= m->length) {
        if (pattern->regex)
            TCI_RETURN_IF(tci_regex_search(pattern->regex, m->work, m->text, m->length, m->at, found, begin, end));
        else
            *found = find_literal(m, begin, end);
        if (!*found)
            return TC_OK;
        if (*begin == *end && *end == m->last_end) {
            *found = false;
            m->at = code_point_end(m, m->at);
            continue;
        }
        m->at = m->last_end = *end;
        return TC_OK;
    }
    return TC_OK;
}
