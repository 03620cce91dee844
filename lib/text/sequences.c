/* sequences.c: see sequences.h.
 *
 * Truncation holds no more than what it keeps: the first `head` ids in place, the last ones in a ring behind them that
 * is turned into order at the end. */
#include "text/sequences.h"

static size_t room_of(const tci_text_options *options, const tci_specials *specials)
{
    return options->max_length == 0 ? SIZE_MAX : options->max_length - specials->before_count - specials->after_count;
}

tc_status tci_sequences_check(const tci_text_options *options, const tci_specials *specials)
{
    size_t special = specials->before_count + specials->after_count;
    bool windows = options->truncate == TCI_TRUNCATE_WINDOWS;
    if (options->max_length == 0)
        return windows ? tci_fail(TC_ERROR_OPTION, "option 'max_length' is 0, the whole text; windows have a length")
                       : TC_OK;
    if (options->max_length <= special)
        return tci_fail(TC_ERROR_OPTION,
                        "option 'max_length' is %zu, which the tokenizer's %zu special tokens count in: it has to be "
                        "%zu at least",
                        options->max_length, special, special + 1);
    if (windows && options->window_overlap > room_of(options, specials) / 2)
        return tci_fail(TC_ERROR_OPTION,
                        "option 'window_overlap' is %zu, more than half of the %zu tokens of a text that max_length "
                        "(%zu) has room for",
                        options->window_overlap, room_of(options, specials), options->max_length);
    return TC_OK;
}

/* Room for `count` ids in all, the last of them at byte `begin`. A token has a byte or more, but for a few that come
 * from one code point: more than the rest of the text can hold is not asked for, or ten million tokens would take twice
 * their room. */
static tc_status reserve(const tci_sequences *s, size_t count, size_t begin)
{
    tci_encoded *out = s->out;
    size_t most = count + 64 + count / 16 + (s->length - begin);
    TCI_RETURN_IF(tci_reserve(out->memory, count, most, sizeof *out->ids, "token ids", &out->capacity, &out->ids));
    if (!out->with_ranges)
        return TC_OK;
    return tci_reserve(out->memory, 2 * count, 2 * most, sizeof *out->ranges, "token ranges", &out->range_capacity,
                       &out->ranges);
}

/* There is room. */
static void set(tci_encoded *out, size_t at, uint32_t id, size_t begin, size_t end)
{
    out->ids[at] = id;
    if (!out->with_ranges)
        return;
    out->ranges[2 * at] = begin;
    out->ranges[2 * at + 1] = end;
}

static tc_status put_specials(tci_sequences *s, const uint32_t *ids, size_t count, size_t begin)
{
    tci_encoded *out = s->out;
    if (count == 0)
        return TC_OK;
    TCI_RETURN_IF(reserve(s, out->count + count, begin));
    for (size_t i = 0; i < count; i++)
        set(out, out->count++, ids[i], 0, 0);
    return TC_OK;
}

static size_t head_of(tci_truncate truncate, size_t room)
{
    switch (truncate) {
    case TCI_TRUNCATE_TAIL:
        return 0;
    case TCI_TRUNCATE_BOTH:
        return room - room / 2;
    default:
        return room;
    }
}

size_t tci_head_length(const tci_text_options *options)
{
    return options->max_length == 0 ? SIZE_MAX : head_of(options->truncate, options->max_length);
}

tc_status tci_sequences_begin(tci_sequences *s, const tci_text_options *options, const tci_specials *specials,
                              size_t length, tci_encoded *out)
{
    size_t room = room_of(options, specials);
    *s = (tci_sequences){.out = out,
                         .specials = specials,
                         .windows = options->truncate == TCI_TRUNCATE_WINDOWS,
                         .overlap = options->window_overlap,
                         .room = room,
                         .head = room == SIZE_MAX ? room : head_of(options->truncate, room),
                         .length = length};
    s->ring = room - s->head;
    out->count = out->tokens = out->used = 0;
    return put_specials(s, specials->before, specials->before_count, 0);
}

/* Ends the last sequence, which is full, and begins another with the end of its text. */
static tc_status next_window(tci_sequences *s, size_t begin)
{
    tci_encoded *out = s->out;
    size_t from = out->count - s->overlap;
    TCI_RETURN_IF(put_specials(s, s->specials->after, s->specials->after_count, begin));
    TCI_RETURN_IF(put_specials(s, s->specials->before, s->specials->before_count, begin));
    TCI_RETURN_IF(reserve(s, out->count + s->overlap, begin));
    for (size_t i = from; i < from + s->overlap; i++) {
        bool ranges = out->with_ranges;
        set(out, out->count++, out->ids[i], ranges ? out->ranges[2 * i] : 0, ranges ? out->ranges[2 * i + 1] : 0);
    }
    s->filled = s->overlap;
    return TC_OK;
}

tc_status tci_sequences_put(tci_sequences *s, uint32_t id, size_t begin, size_t end)
{
    tci_encoded *out = s->out;
    size_t at = out->count;
    if (s->windows && s->filled == s->room) {
        TCI_RETURN_IF(next_window(s, begin));
        at = out->count;
    } else if (s->filled == s->room) { /* of what was kept one has to go */
        out->tokens++;
        if (s->ring == 0)
            return TC_OK;
        set(out, s->specials->before_count + s->head + s->next, id, begin, end);
        s->next = s->next + 1 == s->ring ? 0 : s->next + 1;
        return TC_OK;
    }
    TCI_RETURN_IF(reserve(s, at + 1, begin));
    set(out, at, id, begin, end);
    out->count = at + 1;
    out->tokens++;
    s->filled++;
    return TC_OK;
}

/* Reverses items [begin, end) of the ids and of their ranges. */
static void reverse(tci_encoded *out, size_t begin, size_t end)
{
    for (; begin + 1 < end; begin++) {
        end--;
        uint32_t id = out->ids[begin];
        out->ids[begin] = out->ids[end];
        out->ids[end] = id;
        if (!out->with_ranges)
            continue;
        for (size_t i = 0; i < 2; i++) {
            uint64_t place = out->ranges[2 * begin + i];
            out->ranges[2 * begin + i] = out->ranges[2 * end + i];
            out->ranges[2 * end + i] = place;
        }
    }
}

tc_status tci_sequences_end(tci_sequences *s)
{
    tci_encoded *out = s->out;
    const tci_specials *specials = s->specials;
    size_t ring = specials->before_count + s->head; /* its first place */
    if (s->next > 0) {
        /* the oldest stands at `next`: turn the ring left by so many, by three reversals */
        reverse(out, ring, ring + s->next);
        reverse(out, ring + s->next, out->count);
        reverse(out, ring, out->count);
    }
    size_t used = s->windows ? out->tokens : s->filled, special = specials->before_count + specials->after_count;
    TCI_RETURN_IF(put_specials(s, specials->after, specials->after_count, s->length));
    out->used = used + special;
    out->tokens += special;
    return TC_OK;
}
