/* labels: quick
 * Many texts in one call: the bits of one after the other at any number of threads; nothing is added when one of them
 * cannot be, and the first of those is named. */
#include "support/testing.h"

#include <math.h>

#include "model/examples.h"
#include "support/failing.h"
#include "support/story.h"
#include "support/tiny_model.h"

#define TEXTS 6000 /* some hundred KB a thread: rounds enough that all threads have work in several */

static const char *const phrases[] = {"the good film",   "", "bad", "good good the film", "\xE5\xA5\xBD",
                                      "film bad the bad"};

typedef struct fixture {
    char *bytes;
    const char *texts[TEXTS];
    size_t lengths[TEXTS], label_counts[TEXTS];
    uint32_t labels[2 * TEXTS]; /* of task multilabel; of classify its first ones */
    float targets[2 * TEXTS], weights[TEXTS];
} fixture;

/* Stories, phrases of words that the tiny model knows, and a text longer than a round. */
static fixture *set_up(void)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->bytes = malloc((size_t)TEXTS * STORY_SIZE + (1u << 20));
    assert_non_null(f->bytes);
    char *at = f->bytes;
    for (uint32_t i = 0, label = 0; i < TEXTS; i++) {
        (void)story_write(i, at, &f->lengths[i]);
        f->texts[i] = at;
        if (i % 3 == 0) {
            f->texts[i] = phrases[i / 3 % 6];
            f->lengths[i] = strlen(f->texts[i]);
        } else if (i == 700) {
            memset(at, 'g', 1u << 20);
            f->lengths[i] = 1u << 20;
        }
        at += f->lengths[i];
        f->label_counts[i] = i % 3;
        for (uint32_t k = 0; k < i % 3; k++)
            f->labels[label++] = (i + k) % 7 == 3 && k == 0 ? TC_LABEL_UNKNOWN : (i + k) % 2;
        f->targets[2 * i] = (float)i;
        f->targets[2 * i + 1] = (float)(i % 11) - 5.0f;
        f->weights[i] = (float)(i % 5) / 2.0f;
    }
    return f;
}

static void tear_down(fixture *f)
{
    free(f->bytes);
    free(f);
}

/* What `task` takes of the texts from `first` on. */
static tci_labelled_texts texts_of(const fixture *f, int32_t task, size_t first, size_t count)
{
    size_t label = 0;
    for (size_t i = 0; i < first; i++)
        label += task == TCI_TASK_MULTILABEL ? f->label_counts[i] : 1;
    bool regress = task == TCI_TASK_REGRESS;
    return (tci_labelled_texts){.texts = f->texts + first,
                                .lengths = f->lengths + first,
                                .count = count,
                                .labels = regress ? NULL : f->labels + label,
                                .label_counts = task == TCI_TASK_MULTILABEL ? f->label_counts + first : NULL,
                                .targets = regress ? f->targets + 2 * first : NULL,
                                .weights = f->weights + first};
}

static void add_one_by_one(const fixture *f, tc_examples *examples, size_t count)
{
    for (size_t i = 0, label = 0; i < count; i++) {
        size_t labels = examples->task == TCI_TASK_MULTILABEL ? f->label_counts[i] : 1;
        tci_truth truth = {.labels = f->labels + label, .count = labels};
        if (examples->task == TCI_TASK_REGRESS)
            truth = (tci_truth){.targets = f->targets + 2 * i, .count = 2};
        assert_ok(tci_examples_add(examples, f->texts[i], f->lengths[i], &truth, f->weights[i]));
        label += labels;
    }
}

/* Of words, of hashed features, of rows as fastText has them. */
enum { WORDS, FEATURES, ROWS };

static tc_model *model_of(const char *task, const char *threads, int form)
{
    const char *const settings[] = {"task",
                                    task,
                                    "threads",
                                    threads,
                                    "arch",
                                    form == WORDS ? "lstm" : "ngram",
                                    "embedding_dim",
                                    form == FEATURES ? "0" : "3",
                                    NULL};
    return test_tiny_model(settings);
}

static void assert_same(const tc_examples *a, const tc_examples *b)
{
    assert_int_equal(a->rows, b->rows);
    assert_int_equal(a->id_count, b->id_count);
    assert_int_equal(a->list_count, b->list_count);
    assert_true(tci_examples_fingerprint(a, 0) == tci_examples_fingerprint(b, 0));
}

static void texts_added_in_one_call_are_the_bits_of_one_after_the_other(void **state)
{
    static const char *const tasks[] = {"classify", "multilabel", "regress"};
    static const char *const threads[] = {"1", "2", "5"};
    fixture *f = set_up();
    (void)state;
    for (int32_t t = 0; t < 9; t++) {
        tc_model *model = model_of(tasks[t % 3], threads[t % 3], t / 3);
        tc_examples *wanted = NULL;
        assert_ok(tci_examples_create(model, &wanted));
        add_one_by_one(f, wanted, TEXTS);
        for (size_t i = 0; i < 3; i++) {
            tc_model *other = model_of(tasks[t % 3], threads[i], t / 3);
            tc_examples *examples = NULL;
            assert_ok(tci_examples_create(other, &examples));
            tci_labelled_texts first = texts_of(f, t % 3, 0, 1), rest = texts_of(f, t % 3, 1, TEXTS - 1);
            assert_ok(tci_examples_add_batch(examples, &first));
            assert_ok(tci_examples_add_batch(examples, &rest));
            assert_same(examples, wanted);
            tci_examples_release(examples);
            tci_model_release(other);
        }
        tci_examples_release(wanted);
        tci_model_release(model);
    }
    tear_down(f);
}

static void one_label_each_and_weight_1_are_what_is_not_given(void **state)
{
    static const char *const tasks[] = {"classify", "multilabel"};
    static const char *const texts[] = {"good film", NULL, "bad"};
    static const size_t lengths[] = {9, 0, 3};
    static const uint32_t labels[] = {1, 0, TC_LABEL_UNKNOWN};
    (void)state;
    for (size_t t = 0; t < 2; t++) {
        tc_model *model = model_of(tasks[t], "2", WORDS);
        tc_examples *one = NULL, *many = NULL;
        assert_ok(tci_examples_create(model, &one));
        assert_ok(tci_examples_create(model, &many));
        for (size_t i = 0; i < 3; i++)
            assert_ok(tci_examples_add(one, texts[i] ? texts[i] : "", lengths[i],
                                       &(tci_truth){.labels = labels + i, .count = 1}, 1.0f));
        assert_ok(tci_examples_add_batch(
            many, &(tci_labelled_texts){.texts = texts, .lengths = lengths, .count = 3, .labels = labels}));
        assert_same(many, one);
        tci_examples_release(one);
        tci_examples_release(many);
        tci_model_release(model);
    }
}

/* Refused for text `number`; then the same texts, mended by `mend`, go in. */
static void assert_refused(tc_examples *examples, const tci_labelled_texts *texts, tc_status wanted, const char *name)
{
    uint64_t before = tci_examples_fingerprint(examples, 0);
    assert_int_equal(tci_examples_add_batch(examples, texts), wanted);
    assert_contains(tci_error_text(), name);
    assert_true(tci_examples_fingerprint(examples, 0) == before);
}

static void the_first_text_that_cannot_be_added_is_named_at_any_number_of_threads(void **state)
{
    static const char *const threads[] = {"1", "2", "5"};
    static const size_t places[] = {0, 2, 699, 3001, TEXTS - 1};
    fixture *f = set_up();
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const char *const strict[] = {"strict_utf8", "true",          "threads", threads[i], "arch",
                                      "ngram",       "embedding_dim", "0",       NULL};
        tc_model *model = test_tiny_model(strict);
        tc_examples *examples = NULL;
        assert_ok(tci_examples_create(model, &examples));
        add_one_by_one(f, examples, 10);
        tci_labelled_texts texts = texts_of(f, TCI_TASK_CLASSIFY, 0, TEXTS);
        const char *last = f->texts[TEXTS - 1];
        size_t last_length = f->lengths[TEXTS - 1];
        f->texts[TEXTS - 1] = "good \xC3";
        f->lengths[TEXTS - 1] = 6;
        for (size_t p = 0; p < sizeof places / sizeof places[0]; p++) {
            char name[32];
            const char *text = f->texts[places[p]];
            size_t length = f->lengths[places[p]];
            f->texts[places[p]] = "\xFF good";
            f->lengths[places[p]] = 6;
            (void)snprintf(name, sizeof name, "text %zu:", places[p]);
            assert_refused(examples, &texts, TC_ERROR_ENCODING, name);
            f->texts[places[p]] = text;
            f->lengths[places[p]] = length;
        }
        f->texts[TEXTS - 1] = last;
        f->lengths[TEXTS - 1] = last_length;
        assert_ok(tci_examples_add_batch(examples, &texts));
        assert_int_equal(examples->rows, TEXTS + 10);
        tci_examples_release(examples);
        tci_model_release(model);
    }
    tear_down(f);
}

static void labels_and_weights_that_are_not_accepted_name_their_text(void **state)
{
    fixture *f = set_up();
    tc_model *model = model_of("classify", "2", WORDS), *several = model_of("multilabel", "2", WORDS);
    tc_examples *examples = NULL, *lists = NULL;
    (void)state;
    assert_ok(tci_examples_create(model, &examples));
    assert_ok(tci_examples_create(several, &lists));
    add_one_by_one(f, examples, 3);
    tci_labelled_texts texts = texts_of(f, TCI_TASK_CLASSIFY, 0, 100);
    f->labels[41] = 2;
    assert_refused(examples, &texts, TC_ERROR_ARGUMENT, "text 41: label index 2");
    f->labels[41] = 0;
    f->weights[99] = NAN;
    assert_refused(examples, &texts, TC_ERROR_ARGUMENT, "text 99: the weight");
    f->weights[99] = 1;
    texts.label_counts = f->label_counts;
    assert_refused(examples, &texts, TC_ERROR_ARGUMENT, "text 0: a text of task classify has exactly one label");
    texts = texts_of(f, TCI_TASK_REGRESS, 0, 100);
    assert_refused(examples, &texts, TC_ERROR_UNSUPPORTED, "text 0: real targets");
    texts = texts_of(f, TCI_TASK_MULTILABEL, 0, 100);
    f->labels[2] = f->labels[1] = 0; /* text 2 has both */
    assert_refused(lists, &texts, TC_ERROR_ARGUMENT, "text 2: label index 0 is given twice");
    tci_examples_release(examples);
    tci_examples_release(lists);
    tci_model_release(model);
    tci_model_release(several);
    tear_down(f);
}

static void more_than_max_memory_is_refused_and_changes_nothing(void **state)
{
    const char *const settings[] = {"threads", "2", "max_memory", "600000", NULL};
    fixture *f = set_up();
    tc_model *model = test_tiny_model(settings);
    tc_examples *examples = NULL;
    (void)state;
    assert_ok(tci_examples_create(model, &examples));
    tci_labelled_texts few = texts_of(f, TCI_TASK_CLASSIFY, 0, 10), texts = texts_of(f, TCI_TASK_CLASSIFY, 0, TEXTS);
    assert_ok(tci_examples_add_batch(examples, &few));
    assert_refused(examples, &texts, TC_ERROR_LIMIT, "max_memory");
    assert_ok(tci_examples_add_batch(examples, &few));
    assert_int_equal(examples->rows, 20);
    tci_examples_release(examples);
    tci_model_release(model);
    tear_down(f);
}

/* Allocation n after the examples are there fails. */
static bool batch_fails(const fixture *f, const char *threads, long n)
{
    const char *const settings[] = {"threads", threads, "arch",       "ngram", "embedding_dim",
                                    "0",       "task",  "multilabel", NULL};
    test_allocator allocator;
    tc_model *model = NULL;
    tc_examples *examples = NULL;
    test_allocator_init(&allocator, TEST_NEVER, false);
    const tc_allocator memory = test_allocator_host(&allocator);
    assert_ok(test_tiny_create(&memory, NULL, settings, &model));
    assert_ok(tci_examples_create(model, &examples));
    add_one_by_one(f, examples, 5);
    uint64_t before = tci_examples_fingerprint(examples, 0);
    tci_labelled_texts texts = texts_of(f, TCI_TASK_MULTILABEL, 0, 699);
    allocator.fail_at = allocator.calls + n;
    tc_status status = tci_examples_add_batch(examples, &texts);
    allocator.fail_at = TEST_NEVER;
    assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
    if (allocator.failed) {
        assert_true(tci_examples_fingerprint(examples, 0) == before);
        assert_ok(tci_examples_add_batch(examples, &texts));
    }
    assert_int_equal(examples->rows, 704);
    tci_examples_release(examples);
    tci_model_release(model);
    assert_nothing_held(&allocator);
    return allocator.failed;
}

static void a_failed_allocation_anywhere_adds_nothing_and_the_next_call_works(void **state)
{
    fixture *f = set_up();
    long n = 0;
    (void)state;
    while (batch_fails(f, "1", n))
        n++;
    assert_true(n > 20);
    for (n = 0; batch_fails(f, "2", n);)
        n++;
    assert_true(n > 25);
    tear_down(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_added_in_one_call_are_the_bits_of_one_after_the_other),
        cmocka_unit_test(one_label_each_and_weight_1_are_what_is_not_given),
        cmocka_unit_test(the_first_text_that_cannot_be_added_is_named_at_any_number_of_threads),
        cmocka_unit_test(labels_and_weights_that_are_not_accepted_name_their_text),
        cmocka_unit_test(more_than_max_memory_is_refused_and_changes_nothing),
        cmocka_unit_test(a_failed_allocation_anywhere_adds_nothing_and_the_next_call_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
