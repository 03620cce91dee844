/* memory.h: every allocation of the library, through the host's allocator, counted and limited per object.
 *
 * Each object (model, examples, trainer, ...) owns one tci_memory. Blocks are 64-byte aligned, so that every float
 * block may be read with aligned vector loads, and carry their size in front, so that freeing needs no size. Sizes
 * multiply through a checked helper; a limit that would be passed is TC_ERROR_LIMIT, a refusal of the host's
 * allocator TC_ERROR_MEMORY. Thread-safe as far as the host's allocator is. */
#ifndef TCI_BASE_MEMORY_H
#define TCI_BASE_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "textclf/allocator.h"

#define TCI_ALIGNMENT 64

typedef struct tci_memory {
    tc_allocator host;
    size_t limit;       /* bytes this object may hold (max_memory); 0 = none */
    atomic_size_t used; /* bytes held now */
} tci_memory;

/* The C library's malloc, for hosts that gave nothing. */
extern const tc_allocator tci_default_allocator;

/* `host` NULL takes the default allocator. */
void tci_memory_init(tci_memory *memory, const tc_allocator *host, size_t limit);

/* `count` × `size` bytes, not cleared, into *pointer (a pointer to any pointer type); `what` names the block in the
 * error. A size of 0 gives a valid block. On failure *pointer is NULL. */
tc_status tci_alloc(tci_memory *memory, size_t count, size_t size, const char *what, void *pointer);
tc_status tci_alloc_zero(tci_memory *memory, size_t count, size_t size, const char *what, void *pointer);

/* For a block of `memory` that is not written yet: where it is of megabytes and read here and there, as weights
 * are, an address in large pages, where the system has them for the asking, is found faster, and filling it takes less,
 * too. What a host's own allocator gave is left as it is. */
void tci_ask_for_large_pages(const tci_memory *memory, void *block, size_t size);

/* Resizes the block at *pointer (NULL allowed); on failure *pointer is the old block, untouched. */
tc_status tci_resize(tci_memory *memory, size_t count, size_t size, const char *what, void *pointer);

/* NULL is a no-op. */
void tci_free(tci_memory *memory, void *pointer);

/* Counts a block of `from` as held by `to` from now on; both have the same host. The limit of `to` is not looked at. */
void tci_move_block(tci_memory *to, tci_memory *from, void *pointer);

/* A zeroed object of `size` bytes whose first member is its own tci_memory, which counts the object itself. */
tc_status tci_object_create(const tc_allocator *host, size_t limit, size_t size, const char *what, void *object);

/* Frees the object alone; what its memory still counts must be freed before. NULL is a no-op. */
void tci_object_free(void *object);

/* Room for at least `needed` elements in a growable array: doubles *capacity, refuses above `ceiling` elements. */
tc_status tci_reserve(tci_memory *memory, size_t needed, size_t ceiling, size_t size, const char *what,
                      size_t *capacity, void *pointer);

/* True when the product or sum fits size_t; *result is then set. */
bool tci_multiply(size_t a, size_t b, size_t *result);
bool tci_add(size_t a, size_t b, size_t *result);

#endif
