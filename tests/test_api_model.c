/* Models: made, saved, loaded, mapped, cloned, described; what a prediction of little or nothing is. labels: quick */
#include "support/testing.h"

#include <math.h>

#include "support/small_host.h"
#include "support/story.h"

static tc_model *make(const char *settings)
{
    tc_config *config = NULL;
    tc_model *model = NULL;
    assert_ok(host_config(NULL, settings, &config));
    assert_ok(host_model(config, 30, &model));
    tc_config_free(config);
    return model;
}

static void predict(const tc_model *model, const char *text, float scores[STORY_LABELS])
{
    size_t count = 0;
    assert_ok(tc_predict(model, text, strlen(text), STORY_LABELS, scores, &count));
    assert_int_equal(count, STORY_LABELS);
}

static void assert_same_model(const tc_model *one, const tc_model *other)
{
    size_t size = 0, other_size = 0;
    float scores[STORY_LABELS], others[STORY_LABELS];
    uint8_t *bytes = host_bytes(one, &size), *more = host_bytes(other, &other_size);
    assert_int_equal(size, other_size);
    assert_memory_equal(bytes, more, size);
    free(bytes);
    free(more);
    predict(one, "a very good film", scores);
    predict(other, "a very good film", others);
    assert_memory_equal(scores, others, sizeof scores);
}

static void a_model_comes_back_from_file_map_and_memory(void **state)
{
    test_folder folder;
    size_t size = 0;
    tc_model *model = make("num_layers=2 bidirectional=true"), *loaded = NULL;
    (void)state;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "model");
    assert_ok(tc_model_save(model, path));
    assert_ok(tc_model_load(path, &loaded));
    assert_same_model(model, loaded);
    tc_model_free(loaded);
    assert_ok(tc_model_load_with(path, NULL, TC_LOAD_MAPPED, &loaded));
    assert_same_model(model, loaded);
    tc_model *clone = NULL;
    assert_ok(tc_model_clone(loaded, &clone));
    tc_model_free(loaded);
    assert_same_model(model, clone);
    tc_model_free(clone);
    uint8_t *bytes = host_bytes(model, &size);
    assert_ok(tc_model_load_memory(bytes, size, NULL, &loaded));
    free(bytes); /* they were copied */
    assert_same_model(model, loaded);
    tc_model_free(loaded);
    tc_model_free(model);
    test_folder_remove(&folder);
}

static void a_mapped_model_is_saved_over_itself_and_trained_as_a_clone(void **state)
{
    test_folder folder;
    tc_trainer *trainer = NULL;
    tc_model *model = make(""), *mapped = NULL, *clone = NULL;
    (void)state;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "model");
    assert_ok(tc_model_save(model, path));
    assert_ok(tc_model_load_with(path, NULL, TC_LOAD_MAPPED, &mapped));
    assert_ok(tc_model_save(mapped, path));
    assert_same_model(model, mapped);
    assert_int_equal(tc_trainer_create(mapped, NULL, &trainer), TC_ERROR_STATE);
    assert_null(trainer);
    assert_ok(tc_model_clone(mapped, &clone));
    assert_ok(tc_trainer_create(clone, NULL, &trainer)); /* on weights of its own */
    tc_trainer_free(trainer);
    tc_model_free(clone);
    assert_same_model(model, mapped);
    tc_model_free(mapped);
    tc_model_free(model);
    test_folder_remove(&folder);
}

static void the_run_is_not_in_the_file(void **state)
{
    tc_model *one = make("threads=1"), *other = make("threads=3 max_isa=scalar max_memory=900000000 max_vocab=5000");
    size_t size = 0, other_size = 0;
    (void)state;
    uint8_t *bytes = host_bytes(one, &size), *more = host_bytes(other, &other_size);
    assert_int_equal(size, other_size);
    assert_memory_equal(bytes, more, size);
    free(bytes);
    free(more);
    tc_model_free(one);
    tc_model_free(other);
}

static void a_clone_goes_its_own_way(void **state)
{
    host h;
    tc_model *clone = NULL;
    size_t size = 0;
    (void)state;
    assert_ok(host_begin(&h, NULL, "epochs=1", 30));
    assert_ok(tc_model_clone(h.model, &clone));
    assert_same_model(h.model, clone);
    uint8_t *before = host_bytes(clone, &size);
    assert_ok(host_finish(&h));
    uint8_t *after = host_bytes(clone, &size);
    assert_memory_equal(before, after, size);
    float scores[STORY_LABELS];
    size_t count = 0;
    assert_ok(
        tc_predict_examples(clone, h.examples, (const size_t[]){3}, 1, 3, scores, &count)); /* examples serve both */
    free(before);
    free(after);
    host_end(&h);
    predict(clone, "a good film", scores); /* its pipeline is still there */
    tc_model_free(clone);
}

static void weights_of_another_model_of_the_shape_can_be_taken(void **state)
{
    test_folder folder;
    tc_model *model = make("seed=1"), *other = make("seed=2"), *wide = make("hidden_dim=21");
    float one[STORY_LABELS], two[STORY_LABELS];
    (void)state;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "other");
    assert_ok(tc_model_save(other, path));
    predict(model, "a good film", one);
    assert_int_equal(tc_model_load_weights(wide, path), TC_ERROR_MISMATCH);
    assert_ok(tc_model_load_weights(model, path));
    predict(model, "a good film", two);
    assert_memory_not_equal(one, two, sizeof one);
    predict(other, "a good film", one);
    assert_memory_equal(one, two, sizeof one);
    tc_model_free(model);
    tc_model_free(other);
    tc_model_free(wide);
    test_folder_remove(&folder);
}

/* ---- predictions ---- */

static void a_text_without_tokens_has_the_scores_of_the_heads_bias(void **state)
{
    static const char *const settings[] = {"", "pooling=mean num_layers=2 bidirectional=true",
                                           "pooling=max bidirectional=true"};
    static const char *const empty[] = {"", " \t\n", "\xC2\xA0\xE3\x80\x80"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        tc_model *model = make(settings[i]);
        float scores[STORY_LABELS], logits[STORY_LABELS], sum = 0.0f;
        size_t count = 0;
        tc_prediction more = TC_PREDICTION_INIT;
        more.logits = logits;
        more.logits_capacity = STORY_LABELS;
        for (size_t k = 0; k < 3; k++) {
            assert_ok(tc_predict_with(model, NULL, empty[k], strlen(empty[k]), STORY_LABELS, scores, &count, &more));
            assert_int_equal(more.tokens, 0);
        }
        for (size_t k = 0; k < STORY_LABELS; k++)
            sum += expf(logits[k]);
        for (size_t k = 0; k < STORY_LABELS; k++)
            assert_close(scores[k], expf(logits[k]) / sum, 1e-6);
        tc_model_free(model);
    }
}

static void scores_are_softmax_sigmoid_or_the_values(void **state)
{
    static const char *const tasks[] = {"task=classify", "task=multilabel", "task=regress"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        tc_model *model = make(tasks[i]);
        float scores[STORY_LABELS], logits[STORY_LABELS];
        size_t count = 0;
        tc_prediction more = TC_PREDICTION_INIT;
        more.logits = logits;
        more.logits_capacity = STORY_LABELS;
        assert_ok(tc_predict_with(model, NULL, "a good film", 11, STORY_LABELS, scores, &count, &more));
        double sum = 0.0;
        for (size_t k = 0; k < STORY_LABELS; k++)
            sum += exp((double)logits[k]);
        for (size_t k = 0; k < STORY_LABELS; k++) {
            double x = (double)logits[k];
            double wanted[] = {exp(x) / sum, 1.0 / (1.0 + exp(-x)), x};
            assert_close(scores[k], wanted[i], 1e-6);
        }
        tc_model_free(model);
    }
}

static void a_cut_text_shows_by_its_tokens(void **state)
{
    tc_model *model = make("max_length=4");
    float scores[STORY_LABELS];
    size_t count = 0;
    tc_prediction more = TC_PREDICTION_INIT;
    (void)state;
    assert_ok(tc_predict_with(model, NULL, "a b c d e f", 11, STORY_LABELS, scores, &count, &more));
    assert_int_equal(more.tokens, 6);
    assert_int_equal(more.tokens_used, 4);
    tc_model_free(model);
}

static void a_text_may_hold_nul_and_bytes_that_are_not_utf8(void **state)
{
    tc_model *model = make("strict_utf8=false"), *strict = make("strict_utf8=true");
    float scores[STORY_LABELS];
    size_t count = 0;
    (void)state;
    assert_ok(tc_predict(model, "good\0film", 9, STORY_LABELS, scores, &count));
    assert_ok(tc_predict(model, "good \xFF\xFE film", 12, STORY_LABELS, scores, &count));
    assert_int_equal(tc_predict(strict, "good \xFF\xFE film", 12, STORY_LABELS, scores, &count), TC_ERROR_ENCODING);
    assert_ok(tc_predict(strict, "good film", 9, STORY_LABELS, scores, &count));
    tc_model_free(model);
    tc_model_free(strict);
}

/* ---- creating ---- */

static tc_status create(const char *const *labels, size_t count, const char *settings)
{
    tc_config *config = NULL;
    tc_vocab_builder *words = NULL;
    tc_model *model = NULL;
    assert_ok(host_config(NULL, settings, &config));
    assert_ok(tc_vocab_builder_create(config, &words));
    assert_ok(tc_vocab_builder_add(words, "a good film", 11));
    tc_status status = tc_model_create(config, words, labels, count, &model);
    assert_true((status == TC_OK) == (model != NULL));
    tc_model_free(model);
    tc_vocab_builder_free(words);
    tc_config_free(config);
    return status;
}

static void labels_are_different_non_empty_utf8_without_separators(void **state)
{
    static const char *const good[] = {"a", "b c", "\xE5\xA5\xBD", "x,y"}, *const twice[] = {"a", "b", "a"};
    static const char *const bad[] = {"", "a\tb", "a\nb", "a\rb", "\xFF", NULL};
    (void)state;
    assert_ok(create(good, 4, ""));
    assert_ok(create(good, 1, ""));
    assert_int_equal(create(good, 4, "task=multilabel"), TC_ERROR_ARGUMENT);
    assert_contains(tc_last_error(), "comma");
    assert_ok(create(good, 3, "task=multilabel"));
    assert_int_equal(create(twice, 3, ""), TC_ERROR_ARGUMENT);
    assert_contains(tc_last_error(), "'a'");
    assert_int_equal(create(good, 0, ""), TC_ERROR_ARGUMENT);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *const labels[] = {"fine", bad[i]};
        assert_int_equal(create(labels, 2, ""), TC_ERROR_ARGUMENT);
        assert_contains(tc_last_error(), "label 1");
    }
}

static void words_counted_under_other_text_options_are_refused(void **state)
{
    static const char *const changes[][2] = {{"tokenizer", "char"},       {"normalize", "nfc"},
                                             {"lowercase", "false"},      {"strict_utf8", "true"},
                                             {"clean_controls", "false"}, {"collapse_spaces", "false"}};
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        tc_config *config = NULL;
        tc_vocab_builder *words = NULL;
        tc_model *model = NULL;
        assert_ok(host_config(NULL, "", &config));
        assert_ok(tc_vocab_builder_create(config, &words));
        assert_ok(tc_config_set(config, changes[i][0], changes[i][1]));
        assert_int_equal(tc_model_create(config, words, story_labels, STORY_LABELS, &model), TC_ERROR_MISMATCH);
        assert_contains(tc_last_error(), changes[i][0]);
        tc_vocab_builder_free(words);
        tc_config_free(config);
    }
}

static void config_and_words_may_go_or_change_once_a_model_is_made(void **state)
{
    tc_config *config = NULL;
    tc_vocab_builder *words = NULL;
    tc_model *one = NULL, *other = NULL;
    (void)state;
    assert_ok(host_config(NULL, "", &config));
    assert_ok(tc_vocab_builder_create(config, &words));
    assert_ok(tc_vocab_builder_add(words, "a good film", 11));
    assert_ok(tc_model_create(config, words, story_labels, STORY_LABELS, &one));
    assert_ok(tc_model_create(config, words, story_labels, STORY_LABELS, &other));
    assert_ok(tc_vocab_builder_add(words, "more words", 10));
    assert_ok(tc_config_set(config, "hidden_dim", "99"));
    tc_vocab_builder_free(words);
    tc_config_free(config);
    assert_same_model(one, other);
    tc_model_free(one);
    tc_model_free(other);
}

static void labels_options_and_info_can_be_read(void **state)
{
    tc_model *model = make("hidden_dim=20 dropout=0.25");
    char text[8192];
    const char *label = NULL;
    size_t count = 0, length = 0;
    (void)state;
    assert_ok(tc_model_label_count(model, &count));
    assert_int_equal(count, STORY_LABELS);
    for (size_t i = 0; i < count; i++) {
        assert_ok(tc_model_label(model, i, &label));
        assert_string_equal(label, story_labels[i]);
    }
    assert_ok(tc_model_option(model, "dropout", sizeof text, text, &length));
    assert_string_equal(text, "0.25");
    assert_int_equal(length, 4);
    assert_int_equal(tc_model_option(model, "dropuot", sizeof text, text, &length), TC_ERROR_OPTION);
    assert_ok(tc_model_info(model, sizeof text, text, &length));
    assert_int_equal(strlen(text), length);
    assert_contains(text, "praise");
    assert_contains(text, "embedding.weight");
    tc_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_comes_back_from_file_map_and_memory),
        cmocka_unit_test(a_mapped_model_is_saved_over_itself_and_trained_as_a_clone),
        cmocka_unit_test(the_run_is_not_in_the_file),
        cmocka_unit_test(a_clone_goes_its_own_way),
        cmocka_unit_test(weights_of_another_model_of_the_shape_can_be_taken),
        cmocka_unit_test(a_text_without_tokens_has_the_scores_of_the_heads_bias),
        cmocka_unit_test(scores_are_softmax_sigmoid_or_the_values),
        cmocka_unit_test(a_cut_text_shows_by_its_tokens),
        cmocka_unit_test(a_text_may_hold_nul_and_bytes_that_are_not_utf8),
        cmocka_unit_test(labels_are_different_non_empty_utf8_without_separators),
        cmocka_unit_test(words_counted_under_other_text_options_are_refused),
        cmocka_unit_test(config_and_words_may_go_or_change_once_a_model_is_made),
        cmocka_unit_test(labels_options_and_info_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
