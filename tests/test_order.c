/* Which rows are held out, and in which order an epoch takes the others. labels: quick */
#include "support/testing.h"

#include "support/tiny_model.h"
#include "train/order.h"

#define MOST 1200

/* Row r has r·r·7 mod 23 tokens. */
static size_t length_of(size_t row)
{
    return row * row * 7 % 23;
}

static tc_examples *make_examples(tc_model *model, size_t count)
{
    tc_examples *examples = NULL;
    char text[23 * 5 + 1] = "";
    const uint32_t label = 0;
    for (size_t i = 0; i < 23; i++)
        strcat(text, "good ");
    assert_ok(tci_examples_create(model, &examples));
    for (size_t r = 0; r < count; r++)
        assert_ok(tci_examples_add(examples, text, 5 * length_of(r), &(tci_truth){.labels = &label, .count = 1}, 1.0f));
    return examples;
}

static void a_split_holds_out_its_share_but_never_all(void **state)
{
    (void)state;
    assert_int_equal(tci_split_size(100, 0.0), 0);
    assert_int_equal(tci_split_size(100, 0.25), 25);
    assert_int_equal(tci_split_size(10, 0.25), 3); /* to the nearest, halves up */
    assert_int_equal(tci_split_size(10, 0.001), 1);
    assert_int_equal(tci_split_size(10, 0.999), 9);
    assert_int_equal(tci_split_size(2, 0.5), 1);
    assert_int_equal(tci_split_size(1, 0.5), 0);
    assert_int_equal(tci_split_size(0, 0.5), 0);
}

static void both_parts_of_a_split_rise_and_make_up_the_whole(void **state)
{
    size_t rows[50], other[50], scratch[50];
    (void)state;
    tci_split_rows(50, 12, 7, rows, scratch);
    bool seen[50] = {false};
    for (size_t i = 0; i < 50; i++) {
        assert_false(seen[rows[i]]);
        seen[rows[i]] = true;
        if (i > 0 && i != 12)
            assert_true(rows[i] > rows[i - 1]);
    }
    tci_split_rows(50, 12, 7, other, scratch);
    assert_memory_equal(rows, other, sizeof rows);
    tci_split_rows(50, 12, 8, other, scratch);
    assert_memory_not_equal(rows, other, 12 * sizeof *rows);
    tci_split_rows(50, 0, 7, rows, scratch);
    for (size_t i = 0; i < 50; i++)
        assert_int_equal(rows[i], i);
}

typedef struct fixture {
    tc_model *model;
    tc_examples *examples;
    size_t rows[MOST], order[MOST], scratch[MOST];
    tci_row keys[2 * MOST];
} fixture;

static fixture *set_up_with(const char *const *settings, size_t count)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->model = test_tiny_model(settings);
    f->examples = make_examples(f->model, count);
    for (size_t i = 0; i < count; i++)
        f->rows[i] = count - 1 - i;
    return f;
}

static fixture *set_up(size_t count)
{
    return set_up_with(NULL, count);
}

static void tear_down(fixture *f)
{
    tci_examples_release(f->examples);
    tci_model_release(f->model);
    free(f);
}

static void make_order(fixture *f, size_t count, size_t batch, uint64_t seed, uint64_t epoch)
{
    tci_epoch_order(f->examples, f->rows, count, batch, seed, epoch, f->order, f->keys, f->keys + count, f->scratch);
}

static void an_epoch_takes_every_row_once(void **state)
{
    static const size_t counts[] = {1, 2, 31, 32, 33, 1200}, batches[] = {1, 4, 32, 5000};
    fixture *f = set_up(MOST);
    (void)state;
    for (size_t i = 0; i < 6 * 4; i++) {
        size_t count = counts[i / 4];
        bool seen[MOST] = {false};
        make_order(f, count, batches[i % 4], 1, 1);
        for (size_t k = 0; k < count; k++) {
            assert_true(f->order[k] < MOST);
            assert_false(seen[f->order[k]]);
            seen[f->order[k]] = true;
        }
        for (size_t k = 0; k < count; k++)
            assert_true(seen[f->rows[k]]);
    }
    tear_down(f);
}

static void batches_hold_texts_of_like_length(void **state)
{
    fixture *f = set_up(MOST);
    size_t spread = 0;
    (void)state;
    make_order(f, MOST, 8, 1, 1); /* three stretches */
    for (size_t first = 0; first < MOST; first += 8) {
        for (size_t k = 1; k < 8; k++)
            assert_true(length_of(f->order[first + k]) <= length_of(f->order[first + k - 1]));
        spread += length_of(f->order[first]) - length_of(f->order[first + 7]);
    }
    assert_true(spread < MOST / 8 * 2); /* of up to 22 each */
    tear_down(f);
}

static void batches_are_shuffled_and_the_short_one_stays_last(void **state)
{
    fixture *f = set_up(MOST);
    size_t falling = 0, rising = 0;
    (void)state;
    make_order(f, 203, 8, 1, 1);
    for (size_t first = 8; first + 8 <= 203; first += 8) {
        falling += length_of(f->order[first]) < length_of(f->order[first - 8]);
        rising += length_of(f->order[first]) > length_of(f->order[first - 8]);
    }
    assert_true(falling > 5 && rising > 5);
    /* all are one stretch: what is left at its end is shortest */
    for (size_t k = 200; k < 203; k++)
        assert_true(length_of(f->order[k]) <= 2);
    tear_down(f);
}

static void seed_and_epoch_make_the_order(void **state)
{
    fixture *f = set_up(MOST);
    size_t first[MOST];
    (void)state;
    make_order(f, 200, 4, 1, 1);
    memcpy(first, f->order, sizeof first);
    make_order(f, 200, 4, 1, 1);
    assert_memory_equal(first, f->order, 200 * sizeof *first);
    make_order(f, 200, 4, 1, 2);
    assert_memory_not_equal(first, f->order, 200 * sizeof *first);
    make_order(f, 200, 4, 2, 1);
    assert_memory_not_equal(first, f->order, 200 * sizeof *first);
    tear_down(f);
}

static void bags_of_features_are_shuffled_whatever_their_length(void **state)
{
    static const char *const bags[] = {"arch", "ngram", "buckets", "64", NULL};
    fixture *f = set_up_with(bags, MOST);
    (void)state;
    make_order(f, MOST, 30, 1, 1);
    for (size_t begin = 0; begin < MOST; begin += 30) {
        size_t least = SIZE_MAX, most = 0;
        for (size_t i = begin; i < begin + 30; i++) {
            size_t length = length_of(f->order[i]);
            least = length < least ? length : least;
            most = length > most ? length : most;
        }
        assert_true(most - least >= 12); /* of lengths 0 to 22, in every batch */
    }
    tear_down(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_split_holds_out_its_share_but_never_all),
        cmocka_unit_test(both_parts_of_a_split_rise_and_make_up_the_whole),
        cmocka_unit_test(an_epoch_takes_every_row_once),
        cmocka_unit_test(batches_hold_texts_of_like_length),
        cmocka_unit_test(bags_of_features_are_shuffled_whatever_their_length),
        cmocka_unit_test(batches_are_shuffled_and_the_short_one_stays_last),
        cmocka_unit_test(seed_and_epoch_make_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
