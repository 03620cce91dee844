/* memory.c: the allocation wrapper; the only file of lib/ that may name malloc, realloc and free.
 *
 * Each block carries a header with the host's pointer and size, so that realloc and free can give the old size back to
 * the host's allocator and the count of what is held stays right. Blocks are aligned to 64 bytes. */
#define _DEFAULT_SOURCE /* madvise */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LARGE_PAGE ((size_t)2 << 20)
#define LARGE_BLOCK ((size_t)4 << 20)

/* What stands in the 64 bytes before each block (at most; the host's block may start up to 63 bytes earlier). */
typedef struct block_header {
    void *host_pointer;
    size_t host_size;
    size_t size;
} block_header;

static void *default_alloc(void *ctx, size_t size)
{
    (void)ctx;
    return malloc(size);
}

static void *default_realloc(void *ctx, void *pointer, size_t old_size, size_t new_size)
{
    (void)ctx;
    (void)old_size;
    return realloc(pointer, new_size);
}

static void default_free(void *ctx, void *pointer)
{
    (void)ctx;
    free(pointer);
}

const tc_allocator tci_default_allocator = {default_alloc, default_realloc, default_free, NULL};

void tci_memory_init(tci_memory *memory, const tc_allocator *host, size_t limit)
{
    memory->host = host ? *host : tci_default_allocator;
    memory->limit = limit;
    atomic_init(&memory->used, 0);
}

bool tci_multiply(size_t a, size_t b, size_t *result)
{
    if (b != 0 && a > SIZE_MAX / b)
        return false;
    *result = a * b;
    return true;
}

bool tci_add(size_t a, size_t b, size_t *result)
{
    if (a > SIZE_MAX - b)
        return false;
    *result = a + b;
    return true;
}

static block_header *header_of(void *pointer)
{
    return (block_header *)(void *)((char *)pointer - TCI_ALIGNMENT);
}

/* Counts `bytes` more as held, unless that passes the limit. */
static bool take(tci_memory *memory, size_t bytes)
{
    size_t before = atomic_fetch_add_explicit(&memory->used, bytes, memory_order_relaxed);
    if (memory->limit != 0 && (before > memory->limit || bytes > memory->limit - before)) {
        atomic_fetch_sub_explicit(&memory->used, bytes, memory_order_relaxed);
        return false;
    }
    return true;
}

/* The first aligned address that leaves room for a header behind `raw`. */
static char *block_in(char *raw)
{
    return raw + 2 * TCI_ALIGNMENT - (uintptr_t)raw % TCI_ALIGNMENT;
}

/* Pointers go out through memcpy: the caller's variable has a pointer type of its own. */
static void put_pointer(void *variable, void *value)
{
    memcpy(variable, &value, sizeof value);
}

static tc_status block_size(size_t count, size_t size, const char *what, size_t *bytes, size_t *host_size)
{
    if (!tci_multiply(count, size, bytes) || !tci_add(*bytes, 2 * TCI_ALIGNMENT, host_size))
        return tci_fail(TC_ERROR_LIMIT, "%s: %zu elements of %zu bytes do not fit the address space", what, count,
                        size);
    return TC_OK;
}

static tc_status limit_passed(const tci_memory *memory, const char *what, size_t bytes)
{
    return tci_fail(TC_ERROR_LIMIT, "%s: needs %zu bytes, which with the %zu held would pass max_memory (%zu)", what,
                    bytes, atomic_load_explicit(&memory->used, memory_order_relaxed), memory->limit);
}

tc_status tci_alloc(tci_memory *memory, size_t count, size_t size, const char *what, void *pointer)
{
    size_t bytes = 0, host_size = 0;
    put_pointer(pointer, NULL);
    TCI_RETURN_IF(block_size(count, size, what, &bytes, &host_size));
    if (!take(memory, host_size))
        return limit_passed(memory, what, bytes);
    char *raw = memory->host.alloc(memory->host.ctx, host_size);
    if (!raw) {
        atomic_fetch_sub_explicit(&memory->used, host_size, memory_order_relaxed);
        return tci_fail(TC_ERROR_MEMORY, "%s: the allocator gave no %zu bytes", what, host_size);
    }
    char *block = block_in(raw);
    *header_of(block) = (block_header){raw, host_size, bytes};
    put_pointer(pointer, block);
    return TC_OK;
}

tc_status tci_alloc_zero(tci_memory *memory, size_t count, size_t size, const char *what, void *pointer)
{
    void *block = NULL;
    tc_status status = tci_alloc(memory, count, size, what, &block);
    if (status == TC_OK)
        memset(block, 0, count * size);
    put_pointer(pointer, block);
    return status;
}

void tci_ask_for_large_pages(const tci_memory *memory, void *block, size_t size)
{
#if defined(MADV_HUGEPAGE)
    size_t skip = (LARGE_PAGE - (uintptr_t)block % LARGE_PAGE) % LARGE_PAGE;
    if (size >= LARGE_BLOCK && memory->host.alloc == default_alloc)
        (void)madvise((char *)block + skip, (size - skip) / LARGE_PAGE * LARGE_PAGE, MADV_HUGEPAGE);
#else
    (void)memory, (void)block, (void)size;
#endif
}

tc_status tci_resize(tci_memory *memory, size_t count, size_t size, const char *what, void *pointer)
{
    void *old_block = NULL;
    memcpy(&old_block, pointer, sizeof old_block);
    if (!old_block)
        return tci_alloc(memory, count, size, what, pointer);
    size_t bytes = 0, host_size = 0;
    TCI_RETURN_IF(block_size(count, size, what, &bytes, &host_size));
    block_header old = *header_of(old_block);
    size_t offset = (size_t)((char *)old_block - (char *)old.host_pointer);
    if (!take(memory, host_size))
        return limit_passed(memory, what, bytes);
    char *raw = memory->host.realloc(memory->host.ctx, old.host_pointer, old.host_size, host_size);
    if (!raw) {
        atomic_fetch_sub_explicit(&memory->used, host_size, memory_order_relaxed);
        return tci_fail(TC_ERROR_MEMORY, "%s: the allocator gave no %zu bytes", what, host_size);
    }
    atomic_fetch_sub_explicit(&memory->used, old.host_size, memory_order_relaxed);
    char *block = block_in(raw);
    if (block != raw + offset) /* the host moved it to another alignment */
        memmove(block, raw + offset, old.size < bytes ? old.size : bytes);
    *header_of(block) = (block_header){raw, host_size, bytes};
    put_pointer(pointer, block);
    return TC_OK;
}

void tci_free(tci_memory *memory, void *pointer)
{
    if (!pointer)
        return;
    block_header header = *header_of(pointer);
    atomic_fetch_sub_explicit(&memory->used, header.host_size, memory_order_relaxed);
    memory->host.free(memory->host.ctx, header.host_pointer);
}

void tci_move_block(tci_memory *to, tci_memory *from, void *pointer)
{
    size_t size = header_of(pointer)->host_size;
    atomic_fetch_sub_explicit(&from->used, size, memory_order_relaxed);
    atomic_fetch_add_explicit(&to->used, size, memory_order_relaxed);
}

tc_status tci_object_create(const tc_allocator *host, size_t limit, size_t size, const char *what, void *object)
{
    tci_memory memory, *own = NULL;
    tci_memory_init(&memory, host, limit);
    tc_status status = tci_alloc_zero(&memory, 1, size, what, &own);
    if (status == TC_OK) {
        tci_memory_init(own, host, limit);
        atomic_init(&own->used, atomic_load_explicit(&memory.used, memory_order_relaxed));
    }
    put_pointer(object, own);
    return status;
}

void tci_object_free(void *object)
{
    if (!object)
        return;
    tci_memory last; /* the object's own goes with it */
    tci_memory_init(&last, &((tci_memory *)object)->host, 0);
    tci_free(&last, object);
}

tc_status tci_reserve(tci_memory *memory, size_t needed, size_t ceiling, size_t size, const char *what,
                      size_t *capacity, void *pointer)
{
    if (needed <= *capacity)
        return TC_OK;
    if (needed > ceiling)
        return tci_fail(TC_ERROR_LIMIT, "%s: %zu elements pass the limit of %zu", what, needed, ceiling);
    size_t wanted = *capacity < 16 ? 16 : *capacity;
    while (wanted < needed)
        wanted = wanted > ceiling / 2 ? ceiling : wanted * 2;
    if (wanted > ceiling)
        wanted = ceiling;
    TCI_RETURN_IF(tci_resize(memory, wanted, size, what, pointer));
    *capacity = wanted;
    return TC_OK;
}
