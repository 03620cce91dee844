/* What long texts and large batches take: within bounds, or refused by name and bytes. labels: long */
#include "support/testing.h"

#include "support/failing.h"
#include "support/small_host.h"
#include "support/story.h"

#define TEN_MEGABYTES ((size_t)10 << 20)
#define BOUND 8000000u /* of a narrow model and all that predicting holds; the caller's text is not in it */

/* 10 MB of a pattern. */
static char *long_text(const char *pattern, size_t *length)
{
    size_t unit = strlen(pattern);
    char *text = malloc(TEN_MEGABYTES);
    assert_non_null(text);
    *length = TEN_MEGABYTES / unit * unit;
    for (size_t i = 0; i < *length; i += unit)
        memcpy(text + i, pattern, unit);
    return text;
}

/* The most that a prediction of the text holds, the model included. *tokens of a batch of one is not known. */
static size_t peak_of(const char *settings, bool in_batch, const char *text, size_t length, uint64_t *tokens)
{
    test_allocator allocator;
    tc_config *config = NULL;
    tc_model *model = NULL;
    float scores[STORY_LABELS];
    size_t count = 0;
    tc_prediction more = TC_PREDICTION_INIT;
    test_allocator_init(&allocator, TEST_NEVER, false);
    const tc_allocator memory = test_allocator_host(&allocator);
    assert_ok(host_config(&memory, settings, &config));
    assert_ok(host_model(config, 50, &model));
    if (in_batch)
        assert_ok(tc_predict_batch(model, &text, &length, 1, STORY_LABELS, scores, &count));
    else
        assert_ok(tc_predict_with(model, NULL, text, length, STORY_LABELS, scores, &count, &more));
    *tokens = more.tokens_used;
    size_t peak = allocator.peak_bytes;
    tc_model_free(model);
    tc_config_free(config);
    assert_nothing_held(&allocator);
    return peak;
}

/* Ten megabytes of a pattern, alone and in a batch. */
static void check_ten_megabytes(const char *settings, const char *pattern, size_t least_tokens)
{
    size_t length = 0;
    uint64_t tokens = 0, none = 0;
    char *text = long_text(pattern, &length);
    size_t alone = peak_of(settings, false, text, length, &tokens);
    size_t batch = peak_of(settings, true, text, length, &none);
    print_message("%s: %zu bytes, in a batch %zu, for %llu tokens\n", settings, alone, batch,
                  (unsigned long long)tokens);
    assert_true(tokens >= least_tokens);
    assert_true(alone < BOUND);
    assert_true(batch < BOUND);
    free(text);
}

static void ten_megabytes_of_text_predict_in_a_few_megabytes(void **state)
{
    static const char *const settings[] = {
        "max_length=0 bidirectional=true hidden_dim=16",
        "max_length=0 num_layers=3 hidden_dim=16 pooling=max",
    };
    (void)state;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        check_ten_megabytes(settings[i], "the good film was seen in the city late at night, and the actors left. ",
                            2500000);
        check_ten_megabytes(settings[i], "\xE7\x94\xB5\xE5\xBD\xB1\xE5\xBE\x88\xE5\xA5\xBD", 3490000);
    }
}

/* The network's own share does not grow with the text; at this size ten megabytes would take minutes. */
static void a_wide_network_works_in_windows_of_bounded_memory(void **state)
{
    static const char *const settings[] = {"max_length=0 hidden_dim=256 embedding_dim=128 bidirectional=true",
                                           "max_length=0 hidden_dim=256 embedding_dim=128 num_layers=3"};
    size_t length = 0;
    char *text = long_text("the good film was seen in the city ", &length);
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        uint64_t tokens = 0, more = 0;
        size_t peak = peak_of(settings[i], false, text, 35 * 2000, &tokens),
               twice = peak_of(settings[i], false, text, 35 * 4000, &more);
        assert_int_equal(more, 2 * tokens);
        assert_true(peak < 30000000);
        assert_true(twice - peak < (more - tokens) * 16);
    }
    free(text);
}

/* Few bytes a token; and 15 tokens of each three bytes. */
static void tokens_by_the_million_predict_in_a_few_megabytes(void **state)
{
    (void)state;
    check_ten_megabytes("max_length=0 hidden_dim=4 embedding_dim=4", "!", TEN_MEGABYTES);
    check_ten_megabytes("max_length=0 hidden_dim=4 embedding_dim=4 bidirectional=true", "a ", TEN_MEGABYTES / 2);
    check_ten_megabytes("max_length=0 hidden_dim=1 embedding_dim=1 tokenizer=char", "\xEF\xB7\xBA",
                        TEN_MEGABYTES / 3 * 15);
    check_ten_megabytes("max_length=3000000 truncate=both hidden_dim=4 embedding_dim=4 bidirectional=true", "a ",
                        3000000);
}

static void a_cut_text_takes_no_more_for_being_long(void **state)
{
    size_t length = 0;
    uint64_t tokens = 0;
    char *text = long_text("the good film ", &length);
    (void)state;
    size_t cut = peak_of("max_length=512 num_layers=2 bidirectional=true", false, text, length, &tokens);
    size_t shorter = peak_of("max_length=512 num_layers=2 bidirectional=true", false, text, 20000, &tokens);
    assert_int_equal(tokens, 512);
    assert_int_equal(cut, shorter);
    free(text);
}

/* ---- max_memory ---- */

static void a_deep_bidirectional_model_refuses_a_text_that_takes_too_much(void **state)
{
    tc_config *config = NULL;
    tc_model *model = NULL;
    float scores[STORY_LABELS], again[STORY_LABELS];
    size_t count = 0, words = 200000, capacity = 12 * words + 1;
    char *text = malloc(capacity);
    (void)state;
    assert_non_null(text);
    size_t length = story_write_words(1, words, text, capacity);
    assert_ok(
        host_config(NULL, "max_length=0 num_layers=2 bidirectional=true hidden_dim=64 max_memory=50000000", &config));
    assert_ok(host_model(config, 50, &model));
    assert_ok(tc_predict(model, "a good film", 11, STORY_LABELS, scores, &count));
    assert_int_equal(tc_predict(model, text, length, STORY_LABELS, again, &count), TC_ERROR_LIMIT);
    assert_contains(tc_last_error(), "max_memory (50000000)");
    assert_contains(tc_last_error(), "bytes");
    assert_contains(tc_last_error(), "prediction");
    const char *const texts[2] = {"a good film", text};
    const size_t lengths[2] = {11, length};
    float both[2 * STORY_LABELS];
    assert_int_equal(tc_predict_batch(model, texts, lengths, 2, 2 * STORY_LABELS, both, &count), TC_ERROR_LIMIT);
    assert_ok(tc_predict(model, "a good film", 11, STORY_LABELS, again, &count));
    assert_memory_equal(scores, again, sizeof scores);
    tc_model_free(model);
    tc_config_free(config);
    free(text);
}

static void training_refuses_a_batch_above_max_memory_and_is_as_before(void **state)
{
    host h;
    const size_t rows[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    size_t size = 0, after_size = 0, words = 60000, capacity = 12 * words + 1, count = 0;
    tc_step step = TC_STEP_INIT;
    char *text = malloc(capacity);
    (void)state;
    assert_non_null(text);
    size_t length = story_write_words(1, words, text, capacity);
    assert_ok(host_begin(&h, NULL, "max_length=0 hidden_dim=64 max_memory=20000000 epochs=1", 20));
    assert_ok(tc_examples_add_label(h.examples, text, length, 1, 1.0f));
    assert_ok(tc_examples_count(h.examples, &count));
    assert_ok(tc_train_step(h.trainer, h.examples, rows, 8, &step));
    uint8_t *before = host_bytes(h.model, &size);
    const size_t large[2] = {0, count - 1};
    assert_int_equal(tc_train_step(h.trainer, h.examples, large, 2, &step), TC_ERROR_LIMIT);
    assert_contains(tc_last_error(), "max_memory (20000000)");
    assert_contains(tc_last_error(), "training batch");
    uint8_t *after = host_bytes(h.model, &after_size);
    assert_int_equal(size, after_size);
    assert_memory_equal(before, after, size);
    assert_ok(tc_train_step(h.trainer, h.examples, rows, 8, &step));
    assert_int_equal(step.step, 2);
    free(before);
    free(after);
    free(text);
    host_end(&h);
}

static void a_model_or_vocabulary_above_max_memory_is_refused(void **state)
{
    tc_config *config = NULL;
    tc_model *model = NULL;
    (void)state;
    assert_ok(host_config(NULL, "hidden_dim=512 max_memory=1000000", &config));
    assert_int_equal(host_model(config, 20, &model), TC_ERROR_LIMIT);
    assert_contains(tc_last_error(), "max_memory (1000000)");
    assert_null(model);
    tc_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_megabytes_of_text_predict_in_a_few_megabytes),
        cmocka_unit_test(a_wide_network_works_in_windows_of_bounded_memory),
        cmocka_unit_test(tokens_by_the_million_predict_in_a_few_megabytes),
        cmocka_unit_test(a_cut_text_takes_no_more_for_being_long),
        cmocka_unit_test(a_deep_bidirectional_model_refuses_a_text_that_takes_too_much),
        cmocka_unit_test(training_refuses_a_batch_above_max_memory_and_is_as_before),
        cmocka_unit_test(a_model_or_vocabulary_above_max_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
