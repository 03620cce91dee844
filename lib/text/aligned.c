/* aligned.c: growing text with ranges, and the ranges of a text that has none of its own. */
#include "text/aligned.h"

#include "text/decode.h"

void tci_aligned_init(tci_aligned *text, tci_memory *memory)
{
    *text = (tci_aligned){.memory = memory, .most = TCI_ALIGNED_MAX, .identical = true};
}

void tci_aligned_free(tci_aligned *text)
{
    tci_free(text->memory, text->bytes);
    tci_free(text->memory, text->spans);
    tci_aligned_init(text, text->memory);
}

static tc_status too_long(const tci_aligned *text)
{
    return tci_fail(TC_ERROR_LIMIT, "a piece of a text becomes more than the %zu bytes that a tokenizer may make of it",
                    text->most);
}

tc_status tci_aligned_check(const tci_aligned *text)
{
    return text->size <= text->most ? TC_OK : too_long(text);
}

tc_status tci_aligned_grow(tci_aligned *text, size_t more)
{
    size_t needed = 0;
    if (!tci_add(text->size, more, &needed) || needed > text->most)
        return too_long(text);
    TCI_RETURN_IF(tci_reserve(text->memory, needed, TCI_ALIGNED_MAX, 1, "text under normalization", &text->capacity,
                              &text->bytes));
    if (text->identical)
        return TC_OK;
    return tci_reserve(text->memory, needed, TCI_ALIGNED_MAX, sizeof *text->spans, "ranges of normalized text",
                       &text->span_capacity, &text->spans);
}

static bool continues(const tci_aligned *text, size_t at)
{
    return at < text->size && ((unsigned char)text->bytes[at] & 0xC0) == 0x80;
}

tc_status tci_aligned_open(tci_aligned *text, size_t more)
{
    if (!text->identical)
        return tci_aligned_reserve(text, more);
    text->identical = false;
    tc_status status = tci_aligned_grow(text, more); /* not reserve: spans may be fewer than bytes */
    if (status != TC_OK) {
        text->identical = true;
        return status;
    }
    for (size_t at = 0; at < text->size;) {
        size_t end = at + 1;
        while (continues(text, end))
            end++;
        tci_span span = {(uint32_t)at, (uint32_t)end};
        for (; at < end; at++)
            text->spans[at] = span;
    }
    return TC_OK;
}

tc_status tci_aligned_put_code(tci_aligned *text, uint32_t code, tci_span span)
{
    char bytes[4];
    size_t length = tci_encode(code, bytes);
    return tci_aligned_put(text, bytes, length, span);
}

tci_span tci_aligned_span(const tci_aligned *text, size_t at)
{
    if (!text->identical)
        return text->spans[at];
    size_t end = at + 1;
    while (at > 0 && continues(text, at))
        at--;
    while (continues(text, end))
        end++;
    return (tci_span){(uint32_t)at, (uint32_t)end};
}

tci_span tci_aligned_range(const tci_aligned *text, size_t begin, size_t end)
{
    if (!text->identical)
        return (tci_span){text->spans[begin].begin, text->spans[end - 1].end};
    while (begin > 0 && continues(text, begin))
        begin--;
    while (continues(text, end))
        end++;
    return (tci_span){(uint32_t)begin, (uint32_t)end};
}

tc_status tci_aligned_copy(tci_aligned *text, const tci_aligned *from, size_t begin, size_t end)
{
    size_t length = end - begin;
    if (length == 0)
        return TC_OK;
    bool same = text->identical && from->identical && begin == text->size;
    TCI_RETURN_IF(same ? tci_aligned_reserve(text, length) : tci_aligned_open(text, length));
    memcpy(text->bytes + text->size, from->bytes + begin, length);
    if (!same && !from->identical) {
        memcpy(text->spans + text->size, from->spans + begin, length * sizeof *from->spans);
    } else if (!same) {
        for (size_t at = begin; at < end;) {
            tci_span span = tci_aligned_span(from, at);
            for (; at < span.end && at < end; at++)
                text->spans[text->size + at - begin] = span;
        }
    }
    text->size += length;
    return TC_OK;
}

size_t tci_aligned_code(const tci_aligned *text, size_t at, uint32_t *code)
{
    return tci_decode((const uint8_t *)text->bytes + at, text->size - at, code);
}
