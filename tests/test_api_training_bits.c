/* One seed, data and options give one model file at any thread count and rounding mode. labels: long threads */
#include "support/testing.h"

#include <fenv.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#define FLUSHING 0x8040u /* flush to zero, denormals are zero */
#elif defined(__aarch64__)
#define FLUSHING 0x1000000u /* flush denormals, inputs and results */
#endif

#include "support/small_host.h"
#include "support/story.h"

#define DEEP                                                                                                           \
    "num_layers=2 bidirectional=true dropout=0.2 validation_split=0.15 epochs=2 batch_size=32 class_weights=balanced " \
    "clip_norm=1 "
#define TEXTS (130 / TEST_EVERY(3)) /* leaves 110 or 111 for training: three batches and a tail, else one and a tail */

static void assert_trains_the_same(const char *settings, const char *changed, const uint8_t *wanted, size_t wanted_size)
{
    char both[512];
    size_t size = 0;
    (void)snprintf(both, sizeof both, "%s %s", settings, changed);
    uint8_t *bytes = host_train(both, TEXTS, &size);
    if (size != wanted_size || memcmp(bytes, wanted, size) != 0)
        fail_msg("%s: %s gives another file", settings, changed);
    free(bytes);
}

static void check_threads(const char *settings)
{
    size_t size = 0;
    uint8_t *one = host_train(settings, TEXTS, &size);
    for (int threads = 2; threads <= 4; threads++) {
        char changed[32];
        (void)snprintf(changed, sizeof changed, "threads=%d", threads);
        assert_trains_the_same(settings, changed, one, size);
    }
    free(one);
}

static void any_number_of_threads_trains_the_same_file(void **state)
{
    (void)state;
    check_threads(DEEP);
    check_threads(DEEP "accumulate_steps=2");
    check_threads(DEEP "accumulate_steps=3 pooling=max");
    check_threads(DEEP "hidden_dim=70 embedding_dim=33 pooling=mean optimizer=adamw weight_decay=0.01");
    check_threads(DEEP "max_isa=scalar");
    check_threads("arch=ngram buckets=65536 validation_split=0.2");
    check_threads("arch=ngram buckets=65536 task=multilabel");
    check_threads("arch=ngram embedding_dim=1203 buckets=5000 validation_split=0.2");
    check_threads("arch=ngram embedding_dim=100 buckets=5000 head=tree min_char_ngram=2 max_char_ngram=4");
    check_threads("arch=ngram embedding_dim=16 buckets=5000 task=multilabel max_isa=scalar");
    check_threads("arch=ngram optimizer=adagrad buckets=65536 accumulate_steps=2 validation_split=0.2");
    check_threads("task=multilabel optimizer=adagrad sparse_embedding=true class_weights=none epochs=2");
    check_threads(
        "task=regress optimizer=sgd momentum=0.9 validation_split=0.2 epochs=2 schedule=cosine warmup_steps=3");
}

static void other_seeds_and_options_train_other_files(void **state)
{
    size_t size = 0, other_size = 0;
    (void)state;
    uint8_t *one = host_train(DEEP, TEXTS, &size);
    static const char *const changes[] = {DEEP "seed=2", DEEP "accumulate_steps=2", DEEP "dropout=0.3"};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        uint8_t *other = host_train(changes[i], TEXTS, &other_size);
        size_t weights = 200 * sizeof(float); /* before the vocabulary, which stands last, there are weights */
        assert_true(size > 20000 && other_size > 20000);
        assert_memory_not_equal(one + size - 8000, other + other_size - 8000, weights);
        free(other);
    }
    free(one);
}

/* A training in an odd floating-point mode, which must still stand afterwards. */
static void check_rounding(const char *settings, int rounding, const uint8_t *wanted, size_t wanted_size)
{
    assert_int_equal(fesetround(rounding), 0);
    assert_trains_the_same(settings, "threads=2", wanted, wanted_size);
    assert_int_equal(fegetround(), rounding);
    fesetround(FE_TONEAREST);
}

static void the_rounding_of_the_host_does_not_show(void **state)
{
    static const char *const settings[] = {DEEP,
                                           "task=regress validation_split=0.3 epochs=3 schedule=linear warmup_steps=2",
                                           "task=multilabel validation_split=0.3 epochs=2 pooling=mean beta2=0.9999"};
    (void)state;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        size_t size = 0;
        uint8_t *nearest = host_train(settings[i], TEXTS, &size);
        check_rounding(settings[i], FE_UPWARD, nearest, size);
        check_rounding(settings[i], FE_DOWNWARD, nearest, size);
        check_rounding(settings[i], FE_TOWARDZERO, nearest, size);
        free(nearest);
    }
}

#if defined(FLUSHING)
/* The register of the floating-point modes. */
static unsigned get_modes(void)
{
#if defined(__x86_64__)
    return _mm_getcsr();
#else
    uint64_t modes;
    __asm__ volatile("mrs %0, fpcr" : "=r"(modes));
    return (unsigned)modes;
#endif
}

static void set_modes(unsigned modes)
{
#if defined(__x86_64__)
    _mm_setcsr(modes);
#else
    __asm__ volatile("msr fpcr, %0" ::"r"((uint64_t)modes));
#endif
}
#endif

static void flushed_denormals_of_the_host_do_not_show(void **state)
{
    (void)state;
#if defined(FLUSHING)
    size_t size = 0;
    uint8_t *plain = host_train(DEEP, TEXTS, &size);
    unsigned before = get_modes();
    set_modes(before | FLUSHING);
    assert_trains_the_same(DEEP, "threads=3", plain, size);
    assert_int_equal(get_modes() & FLUSHING, FLUSHING);
    set_modes(before & ~FLUSHING);
    assert_trains_the_same(DEEP, "threads=1", plain, size);
    assert_int_equal(get_modes() & FLUSHING, 0);
    set_modes(before);
    free(plain);
#else
    skip();
#endif
}

/* Scores of a whole host in a rounding mode: parsing, training, every way of predicting, evaluating. */
#define ASKED 30
typedef struct outcome {
    float one[ASKED][STORY_LABELS], batch[ASKED][STORY_LABELS], clone[ASKED][STORY_LABELS], loaded[ASKED][STORY_LABELS];
    tc_evaluation evaluation;
} outcome;

static void ask(const tc_model *model, float scores[ASKED][STORY_LABELS])
{
    char text[STORY_SIZE];
    size_t length = 0, count = 0;
    for (uint32_t i = 0; i < ASKED; i++) {
        (void)story_write(700 + i, text, &length);
        assert_ok(tc_predict(model, text, length, STORY_LABELS, scores[i], &count));
    }
}

static void ask_at_once(const tc_model *model, float scores[ASKED][STORY_LABELS])
{
    static char texts[ASKED][STORY_SIZE];
    const char *list[ASKED];
    size_t lengths[ASKED], count = 0;
    for (uint32_t i = 0; i < ASKED; i++) {
        (void)story_write(700 + i, texts[i], &lengths[i]);
        list[i] = texts[i];
    }
    assert_ok(tc_predict_batch(model, list, lengths, ASKED, ASKED * STORY_LABELS, scores[0], &count));
}

static outcome work_in(int rounding)
{
    host h;
    outcome out = {.evaluation = TC_EVALUATION_INIT};
    tc_model *copy = NULL;
    size_t size = 0;
    assert_int_equal(fesetround(rounding), 0);
    assert_ok(host_begin(&h, NULL, "epochs=3 learning_rate=0.0137", 60));
    assert_ok(host_finish(&h));
    ask(h.model, out.one);
    ask_at_once(h.model, out.batch);
    assert_ok(tc_evaluate(h.model, h.examples, NULL, 60, &out.evaluation));
    assert_ok(tc_model_clone(h.model, &copy));
    ask(copy, out.clone);
    tc_model_free(copy);
    uint8_t *bytes = host_bytes(h.model, &size);
    assert_ok(tc_model_load_memory(bytes, size, NULL, &copy));
    ask(copy, out.loaded);
    tc_model_free(copy);
    free(bytes);
    host_end(&h);
    fesetround(FE_TONEAREST);
    return out;
}

static void scores_and_figures_do_not_depend_on_the_rounding_of_the_host(void **state)
{
    (void)state;
    static const int roundings[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    outcome nearest = work_in(FE_TONEAREST);
    for (size_t i = 0; i < 4; i++) {
        outcome out = work_in(roundings[i]);
        assert_memory_equal(out.one, nearest.one, sizeof out.one);
        assert_memory_equal(out.batch, nearest.one, sizeof out.one);
        assert_memory_equal(out.clone, nearest.one, sizeof out.one);
        assert_memory_equal(out.loaded, nearest.one, sizeof out.one);
        assert_memory_equal(&out.evaluation, &nearest.evaluation, sizeof out.evaluation);
    }
}

static int restore_modes(void **state)
{
    (void)state;
#if defined(__x86_64__)
    set_modes(0x1f80u);
#elif defined(__aarch64__)
    set_modes(0);
#endif
    return fesetround(FE_TONEAREST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_threads_trains_the_same_file),
        cmocka_unit_test(other_seeds_and_options_train_other_files),
        cmocka_unit_test_teardown(the_rounding_of_the_host_does_not_show, restore_modes),
        cmocka_unit_test_teardown(flushed_denormals_of_the_host_do_not_show, restore_modes),
        cmocka_unit_test_teardown(scores_and_figures_do_not_depend_on_the_rounding_of_the_host, restore_modes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
