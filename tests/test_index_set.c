/* labels: quick
 * Members, ranks, bytes. */
#include "support/testing.h"

#include "support/failing.h"
#include "tensor/index_set.h"

#define BOUND 200

static tci_memory memory;

static void make(tci_index_set *set, const uint32_t *members, size_t count)
{
    tci_memory_init(&memory, NULL, 0);
    assert_ok(tci_index_set_init(set, &memory, BOUND));
    for (size_t i = 0; i < count; i++)
        tci_index_set_put(set, members[i]);
    assert_ok(tci_index_set_count(set));
}

static void assert_members(const tci_index_set *set, const uint32_t *members, size_t count)
{
    size_t next = 0;
    assert_int_equal(set->count, count);
    for (uint32_t number = 0; number < BOUND; number++) {
        bool is_member = next < count && members[next] == number;
        assert_int_equal(tci_index_set_has(set, number), is_member);
        assert_int_equal(tci_index_set_rank(set, number), is_member ? next : TCI_INDEX_SET_NONE);
        next += is_member;
    }
}

static const uint32_t some[] = {0, 1, 62, 63, 64, 65, 127, 128, 191, 192, 199};
#define SOME (sizeof some / sizeof some[0])

static void rank_is_the_number_of_smaller_members(void **state)
{
    (void)state;
    tci_index_set set;
    make(&set, some, SOME);
    assert_members(&set, some, SOME);
    tci_index_set_free(&set);
    make(&set, NULL, 0);
    assert_members(&set, NULL, 0);
    tci_index_set_free(&set);
    assert_int_equal(atomic_load(&memory.used), 0);
}

static void bytes_hold_number_n_as_bit_n_mod_8_and_read_back(void **state)
{
    (void)state;
    tci_index_set set, again;
    tci_buffer bytes;
    make(&set, some, SOME);
    tci_buffer_init(&bytes, &memory, 1000, "bytes");
    assert_ok(tci_index_set_write(&set, &bytes));
    assert_int_equal(bytes.size, TCI_INDEX_SET_BYTES(BOUND));
    for (uint32_t number = 0; number < BOUND; number++)
        assert_int_equal((uint8_t)bytes.data[number / 8] >> number % 8 & 1, tci_index_set_has(&set, number));
    assert_ok(tci_index_set_init(&again, &memory, BOUND));
    assert_ok(tci_index_set_read(&again, (const uint8_t *)bytes.data));
    assert_members(&again, some, SOME);
    tci_index_set_free(&again);
    tci_buffer_free(&bytes);
    tci_index_set_free(&set);
}

static void a_member_at_the_bound_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[TCI_INDEX_SET_BYTES(BOUND + 1)] = {0};
    tci_index_set set;
    tci_memory_init(&memory, NULL, 0);
    assert_ok(tci_index_set_init(&set, &memory, BOUND + 1));
    bytes[25] = 1;
    assert_ok(tci_index_set_read(&set, bytes));
    assert_int_equal(set.count, 1);
    bytes[25] = 2;
    assert_int_equal(tci_index_set_read(&set, bytes), TC_ERROR_FORMAT);
    tci_index_set_free(&set);
    assert_int_equal(tci_index_set_init(&set, &memory, (size_t)TCI_INDEX_SET_BOUND + 1), TC_ERROR_LIMIT);
    tci_index_set_free(&set);
}

static void failing_allocations_hold_nothing(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        test_allocator allocator;
        test_allocator_init(&allocator, n, false);
        const tc_allocator host = test_allocator_host(&allocator);
        tci_index_set set;
        tci_memory_init(&memory, &host, 0);
        if (tci_index_set_init(&set, &memory, BOUND) == TC_OK)
            tci_index_set_free(&set);
        assert_nothing_held(&allocator);
        if (!allocator.failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rank_is_the_number_of_smaller_members),
        cmocka_unit_test(bytes_hold_number_n_as_bit_n_mod_8_and_read_back),
        cmocka_unit_test(a_member_at_the_bound_is_refused),
        cmocka_unit_test(failing_allocations_hold_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
