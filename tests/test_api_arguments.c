/* Arguments that are missing or too small: a status and a sentence for each, and nothing is touched. labels: quick */
#include "support/testing.h"

#include "support/small_host.h"
#include "support/story.h"

static host h;

static int set_up(void **state)
{
    (void)state;
    return host_begin(&h, NULL, "epochs=1", 20);
}

static int tear_down(void **state)
{
    (void)state;
    host_end(&h);
    return 0;
}

#define assert_missing(call)                                                                                           \
    do {                                                                                                               \
        assert_int_equal((call), TC_ERROR_ARGUMENT);                                                                   \
        assert_true(strlen(tc_last_error()) > 20);                                                                     \
    } while (0)

static void a_missing_handle_or_output_is_named(void **state)
{
    tc_config *config = NULL;
    tc_vocab_builder *words = NULL;
    tc_model *model = NULL;
    tc_trainer *trainer = NULL;
    tc_examples *examples = NULL;
    tc_batcher *batcher = NULL;
    tc_scratch *scratch = NULL;
    const char *label = NULL;
    const size_t *list = NULL;
    size_t count = 0;
    char text[8];
    (void)state;
    assert_missing(tc_config_create(NULL));
    assert_missing(tc_config_create_with(NULL, &config));
    assert_missing(tc_config_create_with(&(tc_allocator){NULL, NULL, NULL, NULL}, &config));
    assert_missing(tc_config_set(NULL, "seed", "1"));
    assert_missing(tc_config_set(h.config, NULL, "1"));
    assert_contains(tc_last_error(), "'key'");
    assert_missing(tc_config_set(h.config, "seed", NULL));
    assert_missing(tc_config_get(NULL, "seed", 8, text, &count));
    assert_missing(tc_config_get(h.config, NULL, 8, text, &count));
    assert_missing(tc_config_get(h.config, "seed", 8, text, NULL));
    assert_missing(tc_vocab_builder_create(NULL, &words));
    assert_missing(tc_vocab_builder_create(h.config, NULL));
    assert_missing(tc_vocab_builder_add(NULL, "a", 1));
    assert_missing(tc_vocab_builder_count(NULL, &count));
    assert_missing(tc_model_create(NULL, NULL, NULL, 0, &model));
    assert_missing(tc_model_load(NULL, &model));
    assert_missing(tc_model_load("x", NULL));
    assert_missing(tc_model_load_with("x", NULL, 8, &model));
    assert_contains(tc_last_error(), "TC_LOAD_MAPPED");
    assert_missing(tc_model_load_memory(NULL, 5, NULL, &model));
    assert_missing(tc_model_load_weights(NULL, "x"));
    assert_missing(tc_model_save(NULL, "x"));
    assert_missing(tc_model_save(h.model, NULL));
    assert_missing(tc_model_save_memory(h.model, 0, NULL, NULL));
    assert_missing(tc_model_clone(NULL, &model));
    assert_missing(tc_model_clone(h.model, NULL));
    assert_missing(tc_model_info(h.model, 8, text, NULL));
    assert_missing(tc_model_label_count(NULL, &count));
    assert_missing(tc_model_label(h.model, STORY_LABELS, &label));
    assert_missing(tc_model_label(h.model, 0, NULL));
    assert_missing(tc_model_option(h.model, NULL, 8, text, &count));
    assert_missing(tc_trainer_create(NULL, h.config, &trainer));
    assert_missing(tc_trainer_create(h.model, h.config, NULL));
    assert_missing(tc_trainer_apply(NULL, NULL));
    assert_missing(tc_trainer_save(NULL, "x"));
    assert_missing(tc_trainer_save(h.trainer, NULL));
    assert_missing(tc_trainer_load(NULL, NULL, &model, &trainer));
    assert_missing(tc_trainer_load("x", NULL, NULL, &trainer));
    assert_missing(tc_trainer_load("x", NULL, &model, NULL));
    assert_missing(tc_examples_create(NULL, &examples));
    assert_missing(tc_examples_count(h.examples, NULL));
    assert_missing(tc_examples_tokens(h.examples, 20, &count));
    assert_missing(tc_batcher_create(NULL, h.examples, NULL, &batcher));
    assert_missing(tc_batcher_create(h.trainer, NULL, NULL, &batcher));
    assert_missing(tc_batcher_next(NULL, NULL));
    assert_missing(tc_batcher_finish_epoch(h.batcher, NULL));
    assert_missing(tc_batcher_validation_rows(h.batcher, &list, NULL));
    assert_missing(tc_batcher_validation_rows(NULL, &list, &count));
    assert_missing(tc_batcher_validation_rows(h.batcher, NULL, &count));
    assert_missing(tc_batcher_restore_best(NULL));
    assert_missing(tc_scratch_create(NULL, &scratch));
    assert_null(config);
    assert_null(words);
    assert_null(model);
    assert_null(trainer);
    assert_null(examples);
    assert_null(batcher);
    assert_null(scratch);
}

static void missing_texts_rows_and_buffers_are_named(void **state)
{
    float scores[STORY_LABELS];
    size_t count = 0;
    uint32_t ids[4];
    const char *const texts[2] = {"a", NULL};
    const size_t lengths[2] = {1, 1};
    (void)state;
    assert_missing(tc_predict(NULL, "a", 1, STORY_LABELS, scores, &count));
    assert_missing(tc_predict(h.model, NULL, 1, STORY_LABELS, scores, &count));
    assert_missing(tc_predict(h.model, "a", 1, STORY_LABELS, NULL, &count));
    assert_missing(tc_predict(h.model, "a", 1, STORY_LABELS, scores, NULL));
    assert_missing(tc_predict_batch(h.model, texts, lengths, 2, 6, scores, &count));
    assert_contains(tc_last_error(), "text 1");
    assert_missing(tc_predict_batch(h.model, NULL, lengths, 2, 6, scores, &count));
    assert_missing(tc_predict_batch(h.model, texts, NULL, 2, 6, scores, &count));
    assert_missing(tc_predict_block(h.model, NULL, 1, (const uint64_t[]){0, 1}, 1, 3, scores, &count));
    assert_missing(tc_predict_block(h.model, "a", 1, NULL, 1, 3, scores, &count));
    assert_missing(tc_predict_block(h.model, "ab", 2, (const uint64_t[]){0, 2, 1}, 2, 6, scores, &count));
    assert_contains(tc_last_error(), "text 1 is from byte 2 to 1");
    assert_missing(tc_predict_block(h.model, "ab", 2, (const uint64_t[]){0, 3}, 1, 3, scores, &count));
    assert_contains(tc_last_error(), "at most the 2 bytes");
    assert_missing(tc_predict_examples(h.model, NULL, NULL, 2, 6, scores, &count));
    assert_missing(tc_predict_examples(h.model, h.examples, (const size_t[]){20}, 1, 6, scores, &count));
    assert_missing(tc_encode(h.model, NULL, 1, 4, ids, NULL, &count));
    assert_missing(tc_encode(h.model, "a", 1, 4, ids, NULL, NULL));
    assert_missing(tc_examples_add_label(h.examples, NULL, 1, 0, 1.0f));
    assert_missing(tc_examples_add_label(NULL, "a", 1, 0, 1.0f));
    const uint32_t labels[2] = {0, 0};
    const size_t many[2] = {SIZE_MAX, 2};
    const float target = 0.0f;
    assert_missing(tc_examples_add_batch(NULL, texts, lengths, 1, labels, NULL, NULL, NULL));
    assert_missing(tc_examples_add_batch(h.examples, NULL, lengths, 1, labels, NULL, NULL, NULL));
    assert_missing(tc_examples_add_batch(h.examples, texts, NULL, 1, labels, NULL, NULL, NULL));
    assert_missing(tc_examples_add_batch(h.examples, texts, lengths, 1, NULL, NULL, NULL, NULL));
    assert_missing(tc_examples_add_batch(h.examples, texts, lengths, 1, labels, NULL, &target, NULL));
    assert_missing(tc_examples_add_batch(h.examples, texts, (const size_t[]){1, 0}, 2, labels, many, NULL, NULL));
    assert_contains(tc_last_error(), "label_counts");
    assert_missing(tc_examples_add_batch(h.examples, texts, lengths, 2, labels, NULL, NULL, NULL));
    assert_contains(tc_last_error(), "text 1");
    assert_ok(tc_examples_add_batch(h.examples, NULL, NULL, 0, NULL, NULL, NULL, NULL));
    assert_missing(tc_vocab_builder_add(NULL, NULL, 0));
    assert_missing(tc_train_step(h.trainer, h.examples, NULL, 1, NULL));
    assert_missing(tc_train_step(h.trainer, NULL, (const size_t[]){0}, 1, NULL));
    assert_missing(tc_trainer_backward(NULL, h.examples, (const size_t[]){0}, 1, NULL));
    assert_ok(tc_predict(h.model, NULL, 0, STORY_LABELS, scores, &count)); /* no text is an empty text */
}

static void a_struct_that_was_not_initialized_is_refused(void **state)
{
    float scores[STORY_LABELS];
    size_t count = 0;
    (void)state;
    assert_missing(tc_train_step(h.trainer, h.examples, (const size_t[]){0}, 1, &(tc_step){.struct_size = 0}));
    assert_contains(tc_last_error(), "TC_*_INIT");
    assert_missing(tc_batcher_next(h.batcher, &(tc_batch){.struct_size = 3}));
    assert_missing(tc_batcher_finish_epoch(h.batcher, &(tc_epoch){.struct_size = 0}));
    assert_missing(tc_option_at(0, &(tc_option){.struct_size = 0}));
    assert_missing(tc_evaluate(h.model, h.examples, NULL, 1, &(tc_evaluation){.struct_size = 0}));
    assert_missing(
        tc_predict_with(h.model, NULL, "a", 1, STORY_LABELS, scores, &count, &(tc_prediction){.struct_size = 0}));
    tc_step larger = TC_STEP_INIT; /* as of a host built with a later version */
    larger.struct_size += 64;
    assert_ok(tc_train_step(h.trainer, h.examples, (const size_t[]){0}, 1, &larger));
    assert_int_equal(larger.struct_size, sizeof larger + 64);
}

static void buffers_that_are_too_small_say_what_is_needed(void **state)
{
    float scores[2 * STORY_LABELS] = {7.0f, 7.0f, 7.0f};
    char text[8] = "unset";
    uint32_t ids[8];
    size_t count = 0, size = 0;
    tc_prediction more = TC_PREDICTION_INIT;
    (void)state;
    assert_int_equal(tc_predict(h.model, "a film", 6, STORY_LABELS - 1, scores, &count), TC_ERROR_CAPACITY);
    assert_int_equal(count, STORY_LABELS);
    assert_true(scores[0] == 7.0f);
    const char *const texts[2] = {"a", "film"};
    const size_t lengths[2] = {1, 4};
    assert_int_equal(tc_predict_batch(h.model, texts, lengths, 2, 5, scores, &count), TC_ERROR_CAPACITY);
    assert_int_equal(count, 6);
    assert_int_equal(tc_predict_examples(h.model, h.examples, (const size_t[]){0, 1}, 2, 5, scores, &count),
                     TC_ERROR_CAPACITY);
    assert_int_equal(count, 6);
    more.logits = scores;
    more.logits_capacity = 1;
    assert_int_equal(tc_predict_with(h.model, NULL, "a", 1, 3, scores, &count, &more), TC_ERROR_CAPACITY);
    assert_int_equal(tc_encode(h.model, "a film a film", 13, 3, ids, NULL, &count), TC_ERROR_CAPACITY);
    assert_int_equal(count, 4);
    assert_int_equal(tc_encode(h.model, "a film a film", 13, 0, NULL, NULL, &count), TC_ERROR_CAPACITY);
    assert_int_equal(count, 4);
    assert_ok(tc_encode(h.model, "a film a film", 13, 4, ids, NULL, &count));
    assert_int_equal(tc_config_get(h.config, "tokenizer", 4, text, &count), TC_ERROR_CAPACITY);
    assert_int_equal(count, 4);
    assert_string_equal(text, "unset");
    assert_ok(tc_config_get(h.config, "tokenizer", 5, text, &count));
    assert_string_equal(text, "word");
    assert_int_equal(tc_model_save_memory(h.model, 0, NULL, &size), TC_ERROR_CAPACITY);
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    assert_int_equal(tc_model_save_memory(h.model, size - 1, bytes, &count), TC_ERROR_CAPACITY);
    assert_int_equal(count, size);
    assert_ok(tc_model_save_memory(h.model, size, bytes, &count));
    free(bytes);
    assert_int_equal(tc_model_info(h.model, 0, NULL, &count), TC_ERROR_CAPACITY);
    assert_true(count > 100);
}

static void freeing_nothing_does_nothing(void **state)
{
    (void)state;
    tc_config_free(NULL);
    tc_vocab_builder_free(NULL);
    tc_model_free(NULL);
    tc_examples_free(NULL);
    tc_trainer_free(NULL);
    tc_batcher_free(NULL);
    tc_scratch_free(NULL);
}

static void the_error_text_stays_until_the_next_failure(void **state)
{
    char first[256];
    float scores[STORY_LABELS];
    size_t count = 0;
    (void)state;
    assert_missing(tc_config_create(NULL));
    (void)snprintf(first, sizeof first, "%s", tc_last_error());
    assert_ok(tc_predict(h.model, "a", 1, STORY_LABELS, scores, &count));
    assert_string_equal(tc_last_error(), first);
    assert_int_equal(tc_config_set(h.config, "sed", "1"), TC_ERROR_OPTION);
    assert_contains(tc_last_error(), "did you mean 'seed'");
    for (tc_status status = 0; status < 17; status++)
        assert_true(strlen(tc_status_text(status)) > 5 && strcmp(tc_status_text(status), "unknown status") != 0);
    assert_string_equal(tc_status_text(17), "unknown status");
    assert_string_equal(tc_status_text(-1), "unknown status");
}

static void options_can_be_listed(void **state)
{
    size_t classes[3] = {0};
    (void)state;
    for (size_t i = 0; i < tc_option_count(); i++) {
        tc_option option = TC_OPTION_INIT;
        char value[64];
        size_t length = 0;
        tc_config *fresh = NULL;
        assert_ok(tc_option_at(i, &option));
        classes[option.option_class]++;
        assert_ok(tc_config_create(&fresh));
        assert_ok(tc_config_get(fresh, option.key, sizeof value, value, &length));
        assert_string_equal(value, option.default_value);
        assert_ok(tc_config_set(fresh, option.key, value));
        tc_config_free(fresh);
    }
    assert_true(classes[TC_OPTION_RUN] >= 7);
    assert_true(classes[TC_OPTION_MODEL] >= 19 && classes[TC_OPTION_TRAINING] >= 21);
    tc_option option = TC_OPTION_INIT;
    assert_missing(tc_option_at(tc_option_count(), &option));
}

static void a_block_of_texts_is_scored_like_the_texts(void **state)
{
    static const char bytes[] = "before|a good film|bad film|behind";
    static const uint64_t offsets[] = {7, 18, 18, 26};
    const char *const texts[] = {"a good film", "", "|bad film"};
    const size_t lengths[] = {11, 0, 8};
    float alone[3 * STORY_LABELS], block[3 * STORY_LABELS];
    size_t count = 0;
    (void)state;
    assert_ok(tc_predict_batch(h.model, texts, lengths, 3, 3 * STORY_LABELS, alone, &count));
    assert_ok(tc_predict_block(h.model, bytes, sizeof bytes - 1, offsets, 3, 3 * STORY_LABELS, block, &count));
    assert_int_equal(count, 3 * STORY_LABELS);
    assert_memory_equal(alone, block, sizeof alone);
    assert_ok(tc_predict_block(h.model, NULL, 0, (const uint64_t[]){0, 0}, 1, STORY_LABELS, block, &count));
    assert_memory_equal(alone + STORY_LABELS, block, STORY_LABELS * sizeof *block);
    assert_ok(tc_predict_block(h.model, NULL, 0, NULL, 0, 0, NULL, &count));
    assert_int_equal(count, 0);
    assert_int_equal(tc_predict_block(h.model, bytes, sizeof bytes - 1, offsets, 3, 8, block, &count),
                     TC_ERROR_CAPACITY);
    assert_int_equal(count, 9);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_missing_handle_or_output_is_named),
        test(a_block_of_texts_is_scored_like_the_texts),
        test(missing_texts_rows_and_buffers_are_named),
        test(a_struct_that_was_not_initialized_is_refused),
        test(buffers_that_are_too_small_say_what_is_needed),
        test(freeing_nothing_does_nothing),
        test(the_error_text_stays_until_the_next_failure),
        test(options_can_be_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
