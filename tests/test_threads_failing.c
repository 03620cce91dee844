/* Threads that cannot be started mean fewer of them and the same bits: pthread_create is wrapped. labels: quick */
#include "support/testing.h"

#include <errno.h>
#include <pthread.h>

#include "support/failing.h"
#include "support/small_host.h"
#include "support/story.h"

static long fail_at, calls;
static bool onwards;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *),
                          void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *),
                          void *argument);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *),
                          void *argument)
{
    long call = calls++;
    if (call == fail_at || (onwards && call > fail_at))
        return EAGAIN;
    return __real_pthread_create(thread, attributes, function, argument);
}

static void fail_thread(long number, bool and_later)
{
    fail_at = number;
    onwards = and_later;
    calls = 0;
}

#define TEXTS 40
#define SETTINGS                                                                                                       \
    "threads=4 num_layers=2 bidirectional=true dropout=0.2 epochs=1 batch_size=8 validation_split=0.2 hidden_dim=40"

static void a_training_without_its_nth_thread_gives_the_same_file(void **state)
{
    size_t wanted_size = 0, size = 0;
    (void)state;
    fail_thread(-2, false);
    uint8_t *wanted = host_train(SETTINGS, TEXTS, &wanted_size);
    assert_int_equal(calls, 3);
    for (long n = 0; n < 6; n++) {
        fail_thread(n % 3, n >= 3);
        uint8_t *bytes = host_train(SETTINGS, TEXTS, &size);
        assert_true(calls > n % 3);
        assert_int_equal(size, wanted_size);
        assert_memory_equal(bytes, wanted, size);
        free(bytes);
    }
    free(wanted);
}

typedef struct answers {
    float batch[TEXTS * STORY_LABELS], examples[TEXTS * STORY_LABELS];
    tc_evaluation evaluation;
} answers;

static answers ask(const tc_model *model, const tc_examples *examples)
{
    static char texts[TEXTS][STORY_SIZE];
    const char *list[TEXTS];
    size_t lengths[TEXTS], count = 0;
    answers got = {.evaluation = TC_EVALUATION_INIT};
    for (size_t i = 0; i < TEXTS; i++) {
        (void)story_write((uint32_t)i, texts[i], &lengths[i]);
        list[i] = texts[i];
    }
    assert_ok(tc_predict_batch(model, list, lengths, TEXTS, TEXTS * STORY_LABELS, got.batch, &count));
    assert_ok(tc_predict_examples(model, examples, NULL, TEXTS, TEXTS * STORY_LABELS, got.examples, &count));
    assert_ok(tc_evaluate(model, examples, NULL, TEXTS, &got.evaluation));
    return got;
}

static void predictions_and_figures_without_threads_are_the_same(void **state)
{
    test_allocator allocator;
    tc_config *config = NULL;
    tc_model *model = NULL;
    tc_examples *examples = NULL;
    (void)state;
    fail_thread(-2, false);
    test_allocator_init(&allocator, TEST_NEVER, false);
    const tc_allocator memory = test_allocator_host(&allocator);
    assert_ok(host_config(&memory, "threads=4", &config));
    assert_ok(host_model(config, TEXTS, &model));
    assert_ok(host_examples(model, 0, TEXTS, &examples));
    answers wanted = ask(model, examples);
    assert_memory_equal(wanted.batch, wanted.examples, sizeof wanted.batch);
    for (long n = 0; n < 18; n++) {
        fail_thread(n % 9, n >= 9);
        answers got = ask(model, examples);
        assert_memory_equal(got.batch, wanted.batch, sizeof got.batch);
        assert_memory_equal(got.examples, wanted.examples, sizeof got.examples);
        assert_memory_equal(&got.evaluation, &wanted.evaluation, sizeof got.evaluation);
    }
    tc_examples_free(examples);
    tc_model_free(model);
    tc_config_free(config);
    assert_nothing_held(&allocator);
}

static void texts_are_added_without_threads_too(void **state)
{
    enum { MANY = 2000 };
    static char texts[MANY][STORY_SIZE];
    static const char *list[MANY];
    static size_t lengths[MANY];
    static uint32_t labels[MANY];
    host h;
    (void)state;
    fail_thread(-2, false);
    assert_ok(host_begin(&h, NULL, "arch=ngram threads=3", TEXTS));
    for (uint32_t i = 0; i < MANY; i++) {
        labels[i] = story_write(i, texts[i], &lengths[i]);
        list[i] = texts[i];
    }
    static float wanted[MANY * STORY_LABELS], scores[MANY * STORY_LABELS];
    size_t count = 0;
    for (long n = -1; n < 4; n++) {
        tc_examples *examples = NULL;
        assert_ok(tc_examples_create(h.model, &examples));
        fail_thread(n < 0 ? -2 : n % 2, n >= 2);
        assert_ok(tc_examples_add_batch(examples, list, lengths, MANY, labels, NULL, NULL, NULL));
        assert_true(calls > n % 2);
        assert_ok(tc_predict_examples(h.model, examples, NULL, MANY, MANY * STORY_LABELS, n < 0 ? wanted : scores,
                                      &count));
        assert_true(n < 0 || memcmp(wanted, scores, sizeof wanted) == 0);
        tc_examples_free(examples);
    }
    host_end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_training_without_its_nth_thread_gives_the_same_file),
        cmocka_unit_test(texts_are_added_without_threads_too),
        cmocka_unit_test(predictions_and_figures_without_threads_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
