/* failing.c: the counting allocator. Each block is preceded by a header with its size and a mark. */
#include "support/failing.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MARK UINT64_C(0x6b636f6c62747365)

typedef struct block_mark {
    uint64_t mark;
    size_t size;
} block_mark; /* 16 bytes: what follows stays aligned for any type */

void test_allocator_init(test_allocator *allocator, long fail_at, bool onwards)
{
    memset(allocator, 0, sizeof *allocator);
    pthread_mutex_init(&allocator->lock, NULL);
    allocator->fail_at = fail_at;
    allocator->onwards = onwards;
}

/* Counts a call; true when it is to fail. */
static bool fails(test_allocator *allocator)
{
    long call = allocator->calls++;
    bool now = allocator->fail_at != TEST_NEVER &&
               (call == allocator->fail_at || (allocator->onwards && call > allocator->fail_at));
    allocator->failed |= now;
    return now;
}

static void *give(test_allocator *allocator, size_t size)
{
    block_mark *block = malloc(sizeof *block + size);
    if (!block)
        return NULL;
    *block = (block_mark){MARK, size};
    memset(block + 1, 0xA5, size); /* nobody may count on zeros */
    allocator->live_blocks++;
    allocator->live_bytes += size;
    if (allocator->live_bytes > allocator->peak_bytes)
        allocator->peak_bytes = allocator->live_bytes;
    return block + 1;
}

static void take_back(test_allocator *allocator, void *pointer)
{
    block_mark *block = (block_mark *)pointer - 1;
    if (!pointer || block->mark != MARK) {
        allocator->fault = "a pointer that is not a live block came back";
        return;
    }
    block->mark = 0;
    allocator->live_blocks--;
    allocator->live_bytes -= block->size;
    free(block);
}

static void *counted_alloc(void *context, size_t size)
{
    test_allocator *allocator = context;
    pthread_mutex_lock(&allocator->lock);
    if (size == 0)
        allocator->fault = "a block of 0 bytes was asked for";
    void *pointer = fails(allocator) ? NULL : give(allocator, size);
    pthread_mutex_unlock(&allocator->lock);
    return pointer;
}

/* Always moves, so that a stale pointer shows. */
static void *counted_realloc(void *context, void *pointer, size_t old_size, size_t new_size)
{
    test_allocator *allocator = context;
    pthread_mutex_lock(&allocator->lock);
    void *moved = NULL;
    const block_mark *block = (const block_mark *)pointer - 1;
    if (!pointer || block->mark != MARK || block->size != old_size) {
        allocator->fault = "realloc was given a wrong pointer or old size";
    } else if (!fails(allocator)) {
        moved = give(allocator, new_size);
        if (moved) {
            memcpy(moved, pointer, old_size < new_size ? old_size : new_size);
            take_back(allocator, pointer);
        }
    }
    pthread_mutex_unlock(&allocator->lock);
    return moved;
}

static void counted_free(void *context, void *pointer)
{
    test_allocator *allocator = context;
    pthread_mutex_lock(&allocator->lock);
    take_back(allocator, pointer);
    pthread_mutex_unlock(&allocator->lock);
}

tc_allocator test_allocator_host(test_allocator *allocator)
{
    return (tc_allocator){counted_alloc, counted_realloc, counted_free, allocator};
}
