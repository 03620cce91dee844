/* labels: quick
 * Scales follow their formula for rare and frequent features; counting that fails half way leaves nothing behind. */
#include "support/testing.h"

#include <math.h>

#include "model/ngram_counts.h"
#include "support/failing.h"
#include "support/tiny_model.h"
#include "text/ngrams.h"

#define BUCKETS 4096
#define TEXTS 90

static tc_examples *make_examples(tc_model *model)
{
    static const char *const words[] = {"good", "bad", "film", "plot", "music", "night", "city"};
    tc_examples *examples = NULL;
    assert_ok(tci_examples_create(model, &examples));
    for (uint32_t i = 0; i < TEXTS; i++) {
        char text[64];
        const uint32_t label = i % 3 == 0;
        tci_truth truth = {&label, NULL, 1};
        (void)snprintf(text, sizeof text, "%s %s %s", words[i % 7], words[i * 3 % 7], words[i * i % 7]);
        assert_ok(tci_examples_add(examples, text, strlen(text), &truth, 1));
    }
    return examples;
}

/* s² of all features that were counted; returns how many. */
static size_t scales_of(const tci_ngram_counts *counts, float *scales)
{
    tci_index_set set;
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    assert_ok(tci_index_set_init(&set, &memory, BUCKETS));
    tci_ngram_counts_members(counts, &set);
    assert_ok(tci_index_set_count(&set));
    assert_ok(tci_ngram_counts_scales(counts, NULL, &set, scales));
    size_t count = set.count;
    tci_index_set_free(&set);
    return count;
}

static void scales_follow_the_formula(void **state)
{
    static const char *const settings[] = {"arch", "ngram", "buckets", "4096", NULL};
    static float scales[BUCKETS];
    static double texts[BUCKETS], with[BUCKETS];
    double mass = 0, label_mass = 0;
    size_t at = 0, frequent = 0;
    (void)state;
    tc_model *model = test_tiny_model(settings);
    tc_examples *examples = make_examples(model);
    tci_memory memory;
    tci_ngram_counts counts;
    tci_memory_init(&memory, NULL, 0);
    assert_ok(tci_ngram_counts_init(&counts, &memory, BUCKETS, 1));
    assert_ok(tci_ngram_counts_add(&counts, NULL, examples, NULL, TEXTS));
    size_t count = scales_of(&counts, scales);
    for (size_t r = 0; r < TEXTS; r++) {
        tci_row row = tci_examples_row(examples, r);
        for (size_t i = 0; i < row.length; i++) {
            uint32_t bucket = TCI_FEATURE_BUCKET(row.ids[i]);
            if (i > 0 && TCI_FEATURE_BUCKET(row.ids[i - 1]) == bucket)
                continue;
            texts[bucket]++, mass++;
            with[bucket] += r % 3 == 0, label_mass += r % 3 == 0;
        }
    }
    for (size_t bucket = 0; bucket < BUCKETS; bucket++) {
        if (texts[bucket] == 0)
            continue;
        double pi = label_mass / mass, p = with[bucket], q = texts[bucket] - p;
        double r = fabs(log(((p + pi) / pi) / ((q + 1 - pi) / (1 - pi)))) + 0.5;
        assert_close(scales[at++], r * r * (1 + log((TEXTS + 1.0) / (texts[bucket] + 1))), 1e-5);
        frequent += q > 20 && p < 16;
    }
    assert_true(at == count && frequent > 2);
    tci_ngram_counts_free(&counts);
    tci_examples_release(examples);
    tci_model_release(model);
}

static void a_failure_is_undone(void **state)
{
    static const char *const settings[] = {"arch", "ngram", "buckets", "4096", NULL};
    static float scales[BUCKETS], again[BUCKETS];
    (void)state;
    tc_model *model = test_tiny_model(settings);
    tc_examples *examples = make_examples(model);
    size_t count = 0;
    for (long n = 0;; n++) {
        test_allocator allocator;
        tci_memory memory;
        tci_ngram_counts counts;
        test_allocator_init(&allocator, TEST_NEVER, false);
        const tc_allocator host = test_allocator_host(&allocator);
        tci_memory_init(&memory, &host, 0);
        assert_ok(tci_ngram_counts_init(&counts, &memory, BUCKETS, 1));
        allocator.fail_at = allocator.calls + n;
        tc_status status = tci_ngram_counts_add(&counts, NULL, examples, NULL, TEXTS);
        allocator.fail_at = TEST_NEVER;
        if (n == 0)
            assert_int_equal(status, TC_ERROR_MEMORY);
        bool failed = status != TC_OK;
        if (failed) {
            assert_int_equal(counts.seen.count, 0);
            assert_int_equal(counts.text_count, 0);
            assert_ok(tci_ngram_counts_add(&counts, NULL, examples, NULL, TEXTS));
        }
        size_t found = scales_of(&counts, n == 0 ? scales : again);
        assert_true(found > 50 && found == counts.seen.count && counts.text_count == TEXTS);
        assert_true(n == 0 || (found == count && memcmp(scales, again, count * sizeof *scales) == 0));
        count = found;
        tci_ngram_counts_free(&counts);
        assert_nothing_held(&allocator);
        if (!failed)
            break;
    }
    tci_examples_release(examples);
    tci_model_release(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scales_follow_the_formula),
        cmocka_unit_test(a_failure_is_undone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
