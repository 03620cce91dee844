/* sort.h: a stable merge sort with a context pointer and without recursion (qsort has neither promise). */
#ifndef TCI_BASE_SORT_H
#define TCI_BASE_SORT_H

#include <stddef.h>
#include <stdint.h>

/* < 0, 0, > 0 as a stands before, beside, after b. */
typedef int (*tci_compare)(const void *context, uint32_t a, uint32_t b);

/* Sorts `items`; `scratch` has room for as many. */
void tci_sort(uint32_t *items, uint32_t *scratch, size_t count, tci_compare compare, const void *context);

#endif
