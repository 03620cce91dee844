/* Scores are the same bits alone, among others, encoded before, on any number of threads. labels: long threads */
#include "support/testing.h"

#include "support/small_host.h"
#include "support/story.h"

    /* Around the borders of what is computed at once, and some more than once, so that texts of one length meet. */
    static const size_t lengths[] = {0,  1,  2,   3,   5,   0,    1,    7,    16,   17,   31,   33,  64,
                                     64, 90, 127, 300, 511, 1023, 1024, 1025, 1500, 2047, 2049, 3000};
#define TEXT_COUNT (sizeof lengths / sizeof lengths[0])
#define SCALAR_COUNT 18 /* the shorter ones, for the slow kernels */

typedef struct texts {
    char *text[TEXT_COUNT];
    size_t length[TEXT_COUNT];
} texts;

static texts *make_texts(size_t count)
{
    texts *made = calloc(1, sizeof *made);
    assert_non_null(made);
    for (size_t i = 0; i < count; i++) {
        size_t capacity = 12 * lengths[i] + 1;
        made->text[i] = malloc(capacity);
        assert_non_null(made->text[i]);
        made->length[i] = story_write_words((uint32_t)i, lengths[i], made->text[i], capacity);
    }
    return made;
}

static void free_texts(texts *made)
{
    for (size_t i = 0; i < TEXT_COUNT; i++)
        free(made->text[i]);
    free(made);
}

static tc_model *make_model(const char *settings)
{
    tc_config *config = NULL;
    tc_model *model = NULL;
    assert_ok(host_config(NULL, settings, &config));
    assert_ok(host_model(config, 40, &model));
    tc_config_free(config);
    return model;
}

static tc_model *with_threads(const tc_model *model, int threads, const char *isa)
{
    char settings[64];
    size_t size = 0;
    tc_config *config = NULL;
    tc_model *copy = NULL;
    uint8_t *bytes = host_bytes(model, &size);
    (void)snprintf(settings, sizeof settings, "threads=%d max_isa=%s", threads, isa);
    assert_ok(tc_config_create(&config));
    assert_ok(host_set(config, settings));
    assert_ok(tc_model_load_memory(bytes, size, config, &copy));
    tc_config_free(config);
    free(bytes);
    return copy;
}

static void assert_scores(const char *what, const char *settings, const float *scores, const float *wanted,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (memcmp(scores + i * STORY_LABELS, wanted + i * STORY_LABELS, STORY_LABELS * sizeof *scores) != 0)
            fail_msg("%s, %s: the text of %zu words has other scores than alone", settings, what, lengths[i]);
    }
}

static void check_examples(const tc_model *model, const char *settings, const texts *t, size_t count,
                           const float *alone)
{
    float scores[TEXT_COUNT * STORY_LABELS];
    size_t written = 0, rows[TEXT_COUNT];
    tc_examples *examples = NULL;
    assert_ok(tc_examples_create(model, &examples));
    for (size_t i = 0; i < count; i++) {
        assert_ok(tc_examples_add_label(examples, t->text[i], t->length[i], 0, 1.0f));
        rows[i] = i;
    }
    assert_ok(tc_predict_examples(model, examples, NULL, count, TEXT_COUNT * STORY_LABELS, scores, &written));
    assert_scores("examples", settings, scores, alone, count);
    memset(scores, 0, sizeof scores);
    assert_ok(tc_predict_examples(model, examples, rows + 3, count - 3, TEXT_COUNT * STORY_LABELS, scores, &written));
    for (size_t i = 3; i < count; i++)
        assert_memory_equal(scores + (i - 3) * STORY_LABELS, alone + i * STORY_LABELS, STORY_LABELS * sizeof *scores);
    tc_examples_free(examples);
}

/* Alone, by as many threads as the model was loaded with. */
static void check_scratch(const tc_model *model, const char *settings, const texts *t, size_t count, const float *alone)
{
    float scores[TEXT_COUNT * STORY_LABELS];
    size_t written = 0;
    tc_scratch *scratch = NULL;
    assert_ok(tc_scratch_create(model, &scratch));
    for (size_t i = 0; i < count; i++)
        assert_ok(tc_predict_with(model, scratch, t->text[i], t->length[i], STORY_LABELS, scores + i * STORY_LABELS,
                                  &written, NULL));
    assert_scores("with scratch", settings, scores, alone, count);
    tc_scratch_free(scratch);
}

static void check_model(const tc_model *model, const char *settings, const char *isa, const texts *t, size_t count)
{
    float alone[TEXT_COUNT * STORY_LABELS], scores[TEXT_COUNT * STORY_LABELS];
    size_t written = 0;
    tc_model *first = with_threads(model, 1, isa);
    for (size_t i = 0; i < count; i++)
        assert_ok(tc_predict(first, t->text[i], t->length[i], STORY_LABELS, alone + i * STORY_LABELS, &written));
    check_examples(first, settings, t, count, alone);
    tc_model_free(first);
    for (int threads = 1; threads <= 4; threads += TEST_EVERY(2)) {
        tc_model *copy = with_threads(model, threads, isa);
        memset(scores, 0, sizeof scores);
        assert_ok(tc_predict_batch(copy, (const char *const *)t->text, t->length, count, TEXT_COUNT * STORY_LABELS,
                                   scores, &written));
        assert_scores("in a batch", settings, scores, alone, count);
        check_scratch(copy, settings, t, count, alone);
        if (threads == 3)
            check_examples(copy, settings, t, count, alone);
        tc_model_free(copy);
    }
}

static void a_text_scores_the_same_bits_alone_and_among_others(void **state)
{
    static const char *const poolings[] = {"last", "mean", "max"};
    texts *t = make_texts(TEXT_COUNT);
    (void)state;
    for (size_t p = 0; p < 3; p++) {
        for (int shape = (int)p % TEST_EVERY(3); shape < 4; shape += TEST_EVERY(3)) {
            char settings[128];
            (void)snprintf(settings, sizeof settings, "max_length=0 pooling=%s num_layers=%d bidirectional=%s",
                           poolings[p], 1 + shape / 2, shape % 2 ? "true" : "false");
            tc_model *model = make_model(settings);
            check_model(model, settings, "auto", t, TEXT_COUNT);
            check_model(model, settings, "scalar", t, SCALAR_COUNT);
            tc_model_free(model);
        }
    }
    free_texts(t);
}

static void wide_layers_do_so_too(void **state)
{
    static const char settings[] = "max_length=0 hidden_dim=100 embedding_dim=50 num_layers=3 bidirectional=true";
    texts *t = make_texts(SCALAR_COUNT);
    (void)state;
    tc_model *model = make_model(settings);
    check_model(model, settings, "auto", t, SCALAR_COUNT);
    tc_model_free(model);
    free_texts(t);
}

static void a_cut_text_scores_as_the_part_that_is_read(void **state)
{
    static const char *const parts[] = {"head", "tail", "both"};
    texts *t = make_texts(TEXT_COUNT);
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char settings[64];
        (void)snprintf(settings, sizeof settings, "max_length=70 truncate=%s", parts[i]);
        tc_model *model = make_model(settings);
        check_model(model, settings, "auto", t, TEXT_COUNT);
        tc_model_free(model);
    }
    free_texts(t);
}

static void a_huge_text_scores_the_same_bits_in_every_company(void **state)
{
    static const char *const shapes[] = {"max_length=0", "max_length=0 num_layers=2 bidirectional=true pooling=mean"};
    size_t words = 70000, capacity = 12 * words + 1, written = 0;
    (void)state;
    if (TEST_EVERY(2) > 1)
        skip(); /* test_predict_many.c reads such texts there too */
    char *huge = malloc(capacity);
    assert_non_null(huge);
    size_t length = story_write_words(5, words, huge, capacity);
    assert_true(length > 300000); /* read piece by piece, but by examples */
    const char *const many[] = {"a film", huge, "", "the good scene and the bad music again", huge};
    const size_t sizes[] = {6, length, 0, 38, length};
    for (size_t i = 0; i < 2; i++) {
        float alone[STORY_LABELS], scores[5 * STORY_LABELS];
        tc_prediction more = TC_PREDICTION_INIT;
        tc_model *model = make_model(shapes[i]), *copy = with_threads(model, 2, "auto");
        assert_ok(tc_predict_with(model, NULL, huge, length, STORY_LABELS, alone, &written, &more));
        assert_int_equal(more.tokens_used, words);
        assert_ok(tc_predict_batch(copy, many, sizes, 5, 5 * STORY_LABELS, scores, &written));
        assert_memory_equal(scores + 1 * STORY_LABELS, alone, sizeof alone);
        assert_memory_equal(scores + 4 * STORY_LABELS, alone, sizeof alone);
        tc_scratch *scratch = NULL;
        assert_ok(tc_scratch_create(copy, &scratch));
        assert_ok(tc_predict_with(copy, scratch, huge, length, STORY_LABELS, scores, &written, NULL));
        assert_memory_equal(scores, alone, sizeof alone);
        tc_scratch_free(scratch);
        tc_examples *examples = NULL;
        assert_ok(tc_examples_create(model, &examples));
        assert_ok(tc_examples_add_label(examples, huge, length, 0, 1.0f));
        assert_ok(tc_predict_examples(model, examples, NULL, 1, STORY_LABELS, scores, &written));
        assert_memory_equal(scores, alone, sizeof alone);
        tc_examples_free(examples);
        tc_model_free(copy);
        tc_model_free(model);
    }
    free(huge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_scores_the_same_bits_alone_and_among_others),
        cmocka_unit_test(wide_layers_do_so_too),
        cmocka_unit_test(a_cut_text_scores_as_the_part_that_is_read),
        cmocka_unit_test(a_huge_text_scores_the_same_bits_in_every_company),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
