/* ragged.c: sorting rows by length and laying out windows of time steps. */
#include "tensor/ragged.h"

#include <string.h>

#define EMPTY_SLOT UINT32_MAX

/* a stands before b, or they are the same row */
static int in_order(const tci_row *a, const tci_row *b)
{
    return a->length != b->length ? a->length > b->length : a->position <= b->position;
}

void tci_rows_sort(tci_row *rows, tci_row *scratch, size_t count)
{
    tci_row *from = rows, *to = scratch;
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t begin = 0; begin < count; begin += 2 * width) {
            size_t middle = begin + width < count ? begin + width : count;
            size_t end = begin + 2 * width < count ? begin + 2 * width : count;
            size_t left = begin, right = middle;
            for (size_t i = begin; i < end; i++) {
                int take_left = left < middle && (right >= end || in_order(&from[left], &from[right]));
                to[i] = take_left ? from[left++] : from[right++];
            }
        }
        tci_row *swapped = from;
        from = to;
        to = swapped;
    }
    if (from != rows)
        memcpy(rows, from, count * sizeof *rows);
}

size_t tci_rows_live(const tci_row *rows, size_t count, size_t step)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows[middle].length > step)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A power of two at least twice the tokens, so that probing stays short. */
static size_t table_size(size_t tokens)
{
    size_t size = 16;
    while (size < 2 * tokens)
        size *= 2;
    return size;
}

size_t tci_window_bytes(size_t tokens, size_t steps)
{
    return (steps + 1 + 2 * tokens + table_size(tokens)) * sizeof(uint32_t);
}

void tci_window_place(tci_window *window, void *block, size_t tokens, size_t steps)
{
    *window = (tci_window){.step_start = block};
    window->distinct = window->step_start + steps + 1;
    window->index = window->distinct + tokens;
    window->table = window->index + tokens;
}

void tci_window_fill(tci_window *window, const tci_row *rows, size_t row_count, size_t first_step, size_t step_count)
{
    uint32_t tokens = 0;
    size_t live = tci_rows_live(rows, row_count, first_step);
    for (size_t t = 0; t < step_count; t++) {
        while (live > 0 && rows[live - 1].length <= first_step + t)
            live--;
        window->step_start[t] = tokens;
        for (size_t r = 0; r < live; r++)
            window->index[tokens++] = rows[r].ids[first_step + t];
    }
    window->step_start[step_count] = tokens;
    window->first_step = first_step;
    window->step_count = step_count;
    window->token_count = tokens;

    size_t mask = table_size(tokens) - 1;
    memset(window->table, 0xff, (mask + 1) * sizeof(uint32_t));
    uint32_t distinct = 0;
    for (uint32_t i = 0; i < tokens; i++) {
        uint32_t id = window->index[i];
        size_t slot = ((uint64_t)id * UINT64_C(0x9E3779B97F4A7C15) >> 32) & mask;
        while (window->table[slot] != EMPTY_SLOT && window->distinct[window->table[slot]] != id)
            slot = (slot + 1) & mask;
        if (window->table[slot] == EMPTY_SLOT) {
            window->table[slot] = distinct;
            window->distinct[distinct++] = id;
        }
        window->index[i] = window->table[slot];
    }
    window->distinct_count = distinct;
}

size_t tci_window_steps(const tci_row *rows, size_t row_count, size_t first_step, size_t tokens)
{
    size_t longest = row_count > 0 ? rows[0].length : 0;
    size_t live = tci_rows_live(rows, row_count, first_step);
    size_t sum = 0, step = first_step;
    for (; step < longest; step++) {
        while (rows[live - 1].length <= step)
            live--;
        if (sum + live > tokens && step > first_step)
            break;
        sum += live;
    }
    return step - first_step;
}
