/* labels: quick. sort.c: order, stability, odd sizes, number of comparisons. */
#include "support/testing.h"

#include "base/random.h"
#include "base/sort.h"

#define MOST 3000

typedef struct keys {
    uint32_t of[MOST];
    size_t *comparisons;
} keys;

static int by_key(const void *context, uint32_t a, uint32_t b)
{
    const keys *all = context;
    ++*all->comparisons;
    return all->of[a] < all->of[b] ? -1 : all->of[a] > all->of[b];
}

static void check(const keys *all, size_t count)
{
    static uint32_t items[MOST + 1], scratch[MOST + 1];
    bool seen[MOST] = {false};
    for (size_t i = 0; i < count; i++)
        items[i] = (uint32_t)i;
    items[count] = scratch[count] = 0xABCD;
    tci_sort(items, scratch, count, by_key, all);
    assert_int_equal(items[count], 0xABCD);
    assert_int_equal(scratch[count], 0xABCD);
    for (size_t i = 0; i < count; i++) {
        assert_true(items[i] < count);
        assert_false(seen[items[i]]);
        seen[items[i]] = true;
        if (i > 0) {
            assert_true(all->of[items[i - 1]] <= all->of[items[i]]);
            if (all->of[items[i - 1]] == all->of[items[i]])
                assert_true(items[i - 1] < items[i]);
        }
    }
}

static void every_size_is_sorted_and_equal_items_keep_their_order(void **state)
{
    (void)state;
    size_t comparisons = 0;
    keys all = {.comparisons = &comparisons};
    tci_random random;
    tci_random_init(&random, 1, TCI_RANDOM_SHUFFLE, 0);
    for (size_t count = 0; count < 150; count++) {
        for (uint64_t range = 1; range <= 1000; range *= 10) {
            for (size_t i = 0; i < count; i++)
                all.of[i] = (uint32_t)tci_random_below(&random, range);
            check(&all, count);
        }
    }
    for (size_t i = 0; i < MOST; i++)
        all.of[i] = (uint32_t)tci_random_below(&random, 200);
    check(&all, MOST);
    check(&all, 2048);
    check(&all, 2049);
}

static void no_order_of_items_costs_more_than_n_log_n(void **state)
{
    (void)state;
    size_t comparisons = 0;
    keys all = {.comparisons = &comparisons};
    for (int shape = 0; shape < 4; shape++) {
        for (uint32_t i = 0; i < MOST; i++)
            all.of[i] = shape == 0 ? i : shape == 1 ? MOST - i : shape == 2 ? i % 2 : i < MOST / 2 ? i : MOST - i;
        comparisons = 0;
        check(&all, MOST);
        assert_true(comparisons < MOST * 20);
        if (shape == 0)
            assert_true(comparisons < MOST * 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_is_sorted_and_equal_items_keep_their_order),
        cmocka_unit_test(no_order_of_items_costs_more_than_n_log_n),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
