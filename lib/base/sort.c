/* sort.c: bottom-up merge sort. Runs of 16 by insertion, then runs are merged in pairs back and forth between items and
 * scratch; two runs that are in order already are copied. Stable: of equal items the left one goes first. */
#include "base/sort.h"

#include <string.h>

#define RUN 16

static void insertion_sort(uint32_t *items, size_t count, tci_compare compare, const void *context)
{
    for (size_t i = 1; i < count; i++) {
        uint32_t item = items[i];
        size_t at = i;
        for (; at > 0 && compare(context, items[at - 1], item) > 0; at--)
            items[at] = items[at - 1];
        items[at] = item;
    }
}

/* src [0, middle) and [middle, count), each sorted, into dst. */
static void merge(const uint32_t *src, size_t middle, size_t count, uint32_t *dst, tci_compare compare,
                  const void *context)
{
    if (middle >= count || compare(context, src[middle - 1], src[middle]) <= 0) {
        memcpy(dst, src, count * sizeof *src);
        return;
    }
    size_t left = 0, right = middle, at = 0;
    while (left < middle && right < count)
        dst[at++] = compare(context, src[left], src[right]) <= 0 ? src[left++] : src[right++];
    memcpy(dst + at, src + left, (middle - left) * sizeof *src);
    memcpy(dst + at + (middle - left), src + right, (count - right) * sizeof *src);
}

void tci_sort(uint32_t *items, uint32_t *scratch, size_t count, tci_compare compare, const void *context)
{
    for (size_t begin = 0; begin < count; begin += RUN)
        insertion_sort(items + begin, count - begin < RUN ? count - begin : RUN, compare, context);
    uint32_t *src = items, *dst = scratch;
    for (size_t run = RUN; run < count; run *= 2) {
        for (size_t begin = 0; begin < count; begin += 2 * run) {
            size_t rest = count - begin;
            merge(src + begin, run, rest < 2 * run ? rest : 2 * run, dst + begin, compare, context);
        }
        uint32_t *swap = src;
        src = dst;
        dst = swap;
    }
    if (src != items)
        memcpy(items, src, count * sizeof *items);
}
