/* labels: quick. memory.c: alignment, counting, limits, growth. */
#include "support/testing.h"

#include "base/memory.h"
#include "support/failing.h"

static void blocks_are_aligned_whatever_the_host_gives(void **state)
{
    (void)state;
    test_allocator allocator;
    test_allocator_init(&allocator, TEST_NEVER, false);
    tc_allocator host = test_allocator_host(&allocator);
    tci_memory memory;
    tci_memory_init(&memory, &host, 0);
    unsigned char *blocks[64];
    for (size_t i = 0; i < 64; i++) {
        assert_ok(tci_alloc(&memory, i, 3, "block", &blocks[i]));
        assert_int_equal((uintptr_t)blocks[i] % TCI_ALIGNMENT, 0);
        memset(blocks[i], (int)i, 3 * i);
    }
    for (size_t i = 0; i < 64; i++) { /* growing and shrinking keep the contents, wherever the block goes */
        size_t size = i % 2 ? 1000 + i : i;
        assert_ok(tci_resize(&memory, size, 1, "block", &blocks[i]));
        assert_int_equal((uintptr_t)blocks[i] % TCI_ALIGNMENT, 0);
        for (size_t b = 0; b < 3 * i && b < size; b++)
            assert_int_equal(blocks[i][b], i);
    }
    assert_int_equal(atomic_load(&memory.used), allocator.live_bytes);
    for (size_t i = 0; i < 64; i++)
        tci_free(&memory, blocks[i]);
    tci_free(&memory, NULL);
    assert_int_equal(atomic_load(&memory.used), 0);
    assert_nothing_held(&allocator);
}

static void zeroed_blocks_are_zero(void **state)
{
    (void)state;
    test_allocator allocator; /* gives filled blocks */
    test_allocator_init(&allocator, TEST_NEVER, false);
    tc_allocator host = test_allocator_host(&allocator);
    tci_memory memory;
    tci_memory_init(&memory, &host, 0);
    unsigned char *block;
    assert_ok(tci_alloc_zero(&memory, 50, 20, "block", &block));
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(block[i], 0);
    tci_free(&memory, block);
    assert_nothing_held(&allocator);
}

static void sizes_that_overflow_are_refused_by_name(void **state)
{
    (void)state;
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    void *block = &memory;
    assert_int_equal(tci_alloc(&memory, SIZE_MAX / 2, 3, "weights", &block), TC_ERROR_LIMIT);
    assert_null(block);
    assert_contains(tci_error_text(), "weights");
    assert_int_equal(tci_alloc(&memory, SIZE_MAX - 100, 1, "weights", &block), TC_ERROR_LIMIT);
    assert_int_equal(tci_alloc_zero(&memory, SIZE_MAX, SIZE_MAX, "weights", &block), TC_ERROR_LIMIT);
    size_t result = 7;
    assert_false(tci_multiply(SIZE_MAX, 2, &result));
    assert_false(tci_add(SIZE_MAX, 1, &result));
    assert_int_equal(result, 7);
    assert_true(tci_multiply(SIZE_MAX, 1, &result) && result == SIZE_MAX);
    assert_true(tci_multiply(SIZE_MAX, 0, &result) && result == 0);
    assert_true(tci_multiply(0, SIZE_MAX, &result) && result == 0);
    assert_true(tci_add(SIZE_MAX - 1, 1, &result) && result == SIZE_MAX);
}

static void the_limit_counts_what_is_held(void **state)
{
    (void)state;
    tci_memory memory;
    tci_memory_init(&memory, NULL, 10000);
    char *first, *second;
    assert_ok(tci_alloc(&memory, 6000, 1, "first", &first));
    assert_int_equal(tci_alloc(&memory, 6000, 1, "second", &second), TC_ERROR_LIMIT);
    assert_null(second);
    assert_contains(tci_error_text(), "second: needs 6000 bytes");
    assert_contains(tci_error_text(), "max_memory (10000)");
    char *same = first;
    assert_int_equal(tci_resize(&memory, 20000, 1, "first", &first), TC_ERROR_LIMIT);
    assert_ptr_equal(first, same);
    tci_free(&memory, first);
    assert_ok(tci_alloc(&memory, 6000, 1, "second", &second));
    tci_free(&memory, second);
    assert_int_equal(atomic_load(&memory.used), 0);
}

static void a_refusal_of_the_host_leaves_the_old_block(void **state)
{
    (void)state;
    test_allocator allocator;
    test_allocator_init(&allocator, 1, true);
    tc_allocator host = test_allocator_host(&allocator);
    tci_memory memory;
    tci_memory_init(&memory, &host, 0);
    char *block, *other;
    assert_ok(tci_alloc(&memory, 3, 1, "block", &block));
    memcpy(block, "abc", 3);
    size_t used = atomic_load(&memory.used);
    assert_int_equal(tci_resize(&memory, 5000, 1, "block", &block), TC_ERROR_MEMORY);
    assert_memory_equal(block, "abc", 3);
    assert_int_equal(tci_alloc(&memory, 3, 1, "other", &other), TC_ERROR_MEMORY);
    assert_null(other);
    assert_int_equal(atomic_load(&memory.used), used);
    tci_free(&memory, block);
    assert_nothing_held(&allocator);
}

static void growable_arrays_double_up_to_their_ceiling(void **state)
{
    (void)state;
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    uint32_t *items = NULL;
    size_t capacity = 0, changes = 0;
    for (size_t needed = 1; needed <= 1000; needed++) {
        size_t before = capacity;
        assert_ok(tci_reserve(&memory, needed, 1000, sizeof *items, "items", &capacity, &items));
        assert_true(capacity >= needed && capacity <= 1000);
        changes += capacity != before;
        items[needed - 1] = (uint32_t)needed;
    }
    assert_true(changes < 10);
    assert_int_equal(tci_reserve(&memory, 1001, 1000, sizeof *items, "items", &capacity, &items), TC_ERROR_LIMIT);
    assert_contains(tci_error_text(), "items");
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(items[i], i + 1);
    tci_free(&memory, items);
    items = NULL;
    capacity = 0;
    assert_ok(tci_reserve(&memory, 1, 3, sizeof *items, "items", &capacity, &items));
    assert_int_equal(capacity, 3);
    tci_free(&memory, items);
    assert_int_equal(atomic_load(&memory.used), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned_whatever_the_host_gives),
        cmocka_unit_test(zeroed_blocks_are_zero),
        cmocka_unit_test(sizes_that_overflow_are_refused_by_name),
        cmocka_unit_test(the_limit_counts_what_is_held),
        cmocka_unit_test(a_refusal_of_the_host_leaves_the_old_block),
        cmocka_unit_test(growable_arrays_double_up_to_their_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
