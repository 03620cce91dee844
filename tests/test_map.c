/* labels: quick. map.c: byte strings to entry numbers. */
#include "support/testing.h"

#include "base/map.h"
#include "support/failing.h"

/* Key number i: varied lengths, zero bytes inside. */
static size_t make_key(uint32_t i, char key[64])
{
    size_t length = 4 + i % 50;
    memset(key, (int)(i & 1), length);
    memcpy(key, &i, 4);
    return length;
}

static void entries_are_numbered_by_first_insertion(void **state)
{
    (void)state;
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    tci_map *map;
    assert_ok(tci_map_create(&memory, &map));
    assert_int_equal(tci_map_find(map, "x", 1), TCI_MAP_NONE);
    char key[64];
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t entry;
        bool inserted;
        size_t length = make_key(i, key);
        assert_ok(tci_map_insert(map, key, length, &entry, &inserted));
        assert_true(inserted);
        assert_int_equal(entry, i);
        length = make_key(i / 2, key);
        assert_ok(tci_map_insert(map, key, length, &entry, &inserted));
        assert_false(inserted);
        assert_int_equal(entry, i / 2);
    }
    assert_int_equal(tci_map_count(map), 20000);
    for (uint32_t i = 0; i < 40000; i++) {
        size_t length = make_key(i, key);
        assert_int_equal(tci_map_find(map, key, length), i < 20000 ? i : TCI_MAP_NONE);
        assert_int_equal(tci_map_find(map, key, length - 1), TCI_MAP_NONE);
        if (i < 20000) {
            size_t stored = 0;
            assert_memory_equal(tci_map_key(map, i, &stored), key, length);
            assert_int_equal(stored, length);
        }
    }
    tci_map_free(map);
    assert_int_equal(atomic_load(&memory.used), 0);
}

static void the_empty_key_is_a_key(void **state)
{
    (void)state;
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    tci_map *map;
    assert_ok(tci_map_create(&memory, &map));
    uint32_t entry = 7;
    assert_ok(tci_map_insert(map, NULL, 0, &entry, NULL));
    assert_int_equal(entry, 0);
    assert_int_equal(tci_map_find(map, "", 0), 0);
    assert_int_equal(tci_map_find(map, "\0", 1), TCI_MAP_NONE);
    size_t length = 1;
    assert_non_null(tci_map_key(map, 0, &length));
    assert_int_equal(length, 0);
    tci_map_free(map);
    tci_map_free(NULL);
}

static void truncating_takes_back_the_last_entries(void **state)
{
    (void)state;
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    tci_map *map;
    assert_ok(tci_map_create(&memory, &map));
    char key[64];
    uint32_t entry;
    for (uint32_t round = 0; round < 30; round++) {
        uint32_t keep = round * 37, top = 3000 - round * 11;
        for (uint32_t i = (uint32_t)tci_map_count(map); i < top; i++) {
            size_t length = make_key(i < 1500 ? i : i + round * 10000, key);
            assert_ok(tci_map_insert(map, key, length, &entry, NULL));
            assert_int_equal(entry, i);
        }
        tci_map_truncate(map, keep);
        assert_int_equal(tci_map_count(map), keep);
        for (uint32_t i = 0; i < top; i++) {
            size_t length = make_key(i < 1500 ? i : i + round * 10000, key);
            assert_int_equal(tci_map_find(map, key, length), i < keep ? i : TCI_MAP_NONE);
        }
    }
    tci_map_truncate(map, 0);
    assert_int_equal(tci_map_find(map, key, 4), TCI_MAP_NONE);
    tci_map_free(map);
}

static void after_reserve_inserts_allocate_nothing(void **state)
{
    (void)state;
    test_allocator allocator;
    test_allocator_init(&allocator, TEST_NEVER, false);
    tc_allocator host = test_allocator_host(&allocator);
    tci_memory memory;
    tci_memory_init(&memory, &host, 0);
    tci_map *map;
    assert_ok(tci_map_create(&memory, &map));
    char key[64];
    uint32_t entry;
    for (uint32_t start = 0; start < 5000; start += 1000) {
        size_t bytes = 0;
        for (uint32_t i = start; i < start + 1000; i++)
            bytes += make_key(i, key);
        assert_ok(tci_map_reserve(map, 1000, bytes));
        long calls = allocator.calls;
        for (uint32_t i = start; i < start + 1000; i++) {
            size_t length = make_key(i, key);
            assert_ok(tci_map_insert(map, key, length, &entry, NULL));
        }
        assert_int_equal(allocator.calls, calls);
    }
    tci_map_free(map);
    assert_nothing_held(&allocator);
}

static void impossible_sizes_are_refused(void **state)
{
    (void)state;
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    tci_map *map;
    assert_ok(tci_map_create(&memory, &map));
    assert_int_equal(tci_map_reserve(map, SIZE_MAX, 0), TC_ERROR_LIMIT);
    assert_int_equal(tci_map_reserve(map, 1, SIZE_MAX), TC_ERROR_LIMIT);
    assert_int_equal(tci_map_count(map), 0);
    tci_map_free(map);
}

static void a_failing_allocation_leaves_the_map_as_it_was(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        test_allocator allocator;
        test_allocator_init(&allocator, n, false);
        tc_allocator host = test_allocator_host(&allocator);
        tci_memory memory;
        tci_memory_init(&memory, &host, 0);
        tci_map *map;
        if (tci_map_create(&memory, &map) == TC_OK) {
            char key[64];
            for (uint32_t i = 0; i < 200; i++) {
                uint32_t entry;
                size_t length = make_key(i, key);
                if (tci_map_insert(map, key, length, &entry, NULL) != TC_OK) {
                    assert_int_equal(tci_map_count(map), i);
                    assert_int_equal(tci_map_find(map, key, length), TCI_MAP_NONE);
                    assert_ok(tci_map_insert(map, key, length, &entry, NULL));
                }
                assert_int_equal(entry, i);
            }
            for (uint32_t i = 0; i < 200; i++)
                assert_int_equal(tci_map_find(map, key, make_key(i, key)), i);
        } else {
            assert_null(map);
        }
        tci_map_free(map);
        assert_nothing_held(&allocator);
        if (!allocator.failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_numbered_by_first_insertion),
        cmocka_unit_test(the_empty_key_is_a_key),
        cmocka_unit_test(truncating_takes_back_the_last_entries),
        cmocka_unit_test(after_reserve_inserts_allocate_nothing),
        cmocka_unit_test(impossible_sizes_are_refused),
        cmocka_unit_test(a_failing_allocation_leaves_the_map_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
