/* labels: long threads. tc_model_convert: a text's scores are the same bits in every company; files, clones, maps; what
 * is refused. */
#include "support/testing.h"

#include <fenv.h>

#include "support/failing.h"
#include "support/small_host.h"
#include "support/story.h"

static const size_t lengths[] = {0, 1, 2, 3, 1, 7, 17, 31, 64, 64, 5, 90, 127, 511, 1023, 1024, 1025, 1500, 2049, 0};
#define TEXTS (sizeof lengths / sizeof lengths[0])
#define SCORES (TEXTS * STORY_LABELS)
#define SCALAR_TEXTS 13 /* the shorter ones, for the slow kernels */

static const char *const narrow_types[] = {"bf16", "int8"};

typedef struct texts {
    char *text[TEXTS];
    size_t length[TEXTS];
} texts;

static texts make_texts(void)
{
    texts made;
    for (size_t i = 0; i < TEXTS; i++) {
        size_t capacity = 12 * lengths[i] + 1;
        made.text[i] = malloc(capacity);
        assert_non_null(made.text[i]);
        made.length[i] = story_write_words((uint32_t)i, lengths[i], made.text[i], capacity);
    }
    return made;
}

static void free_texts(texts *made)
{
    for (size_t i = 0; i < TEXTS; i++)
        free(made->text[i]);
}

static tc_config *make_config(const char *settings)
{
    tc_config *config = NULL;
    assert_ok(tc_config_create(&config));
    assert_ok(host_set(config, settings));
    return config;
}

static tc_model *new_model(const char *settings)
{
    tc_config *config = NULL;
    tc_model *model = NULL;
    assert_ok(host_config(NULL, settings, &config));
    assert_ok(host_model(config, 40, &model));
    tc_config_free(config);
    return model;
}

static tc_model *convert(const tc_model *model, const char *settings)
{
    tc_config *config = make_config(settings);
    tc_model *converted = NULL;
    assert_ok(tc_model_convert(model, config, &converted));
    tc_config_free(config);
    return converted;
}

static void predict_alone(const tc_model *model, const texts *t, size_t count, float *scores)
{
    size_t written = 0;
    for (size_t i = 0; i < count; i++)
        assert_ok(tc_predict(model, t->text[i], t->length[i], STORY_LABELS, scores + i * STORY_LABELS, &written));
}

/* One text on all the model's threads. */
static void check_scratch(const tc_model *model, const texts *t, size_t count, const float *alone)
{
    float scores[STORY_LABELS];
    size_t written = 0;
    tc_scratch *scratch = NULL;
    assert_ok(tc_scratch_create(model, &scratch));
    for (size_t i = 0; i < count; i++) {
        assert_ok(tc_predict_with(model, scratch, t->text[i], t->length[i], STORY_LABELS, scores, &written, NULL));
        assert_memory_equal(scores, alone + i * STORY_LABELS, sizeof scores);
    }
    tc_scratch_free(scratch);
}

/* Alone on 1 to 4 threads, in one batch, and as examples. */
static void check_company(const tc_model *model, const char *type, const char *isa, const texts *t, size_t count)
{
    float alone[SCORES], scores[SCORES];
    size_t written = 0;
    for (int threads = 1; threads <= 4; threads++) {
        char settings[96];
        tc_examples *examples = NULL;
        (void)snprintf(settings, sizeof settings, "weights=%s threads=%d max_isa=%s", type, threads, isa);
        tc_model *narrow = convert(model, settings);
        if (threads == 1)
            predict_alone(narrow, t, count, alone);
        assert_ok(tc_predict_batch(narrow, (const char *const *)t->text, t->length, count, SCORES, scores, &written));
        assert_memory_equal(scores, alone, count * STORY_LABELS * sizeof *scores);
        assert_ok(tc_examples_create(model, &examples)); /* of the model, which shares its text pipeline */
        for (size_t i = 0; i < count; i++)
            assert_ok(tc_examples_add_label(examples, t->text[i], t->length[i], 0, 1.0f));
        assert_ok(tc_predict_examples(narrow, examples, NULL, count, SCORES, scores, &written));
        assert_memory_equal(scores, alone, count * STORY_LABELS * sizeof *scores);
        tc_examples_free(examples);
        check_scratch(narrow, t, count, alone);
        tc_model_free(narrow);
    }
}

static void a_text_scores_the_same_bits_alone_and_among_others(void **state)
{
    (void)state;
    static const char *const shapes[] = {
        "max_length=0 pooling=last", "max_length=0 pooling=max num_layers=2",
        "max_length=0 pooling=mean bidirectional=true", "max_length=0 pooling=last num_layers=2 bidirectional=true",
        "max_length=0 hidden_dim=100 embedding_dim=70 num_layers=2"};
    texts t = make_texts();
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        tc_model *model = new_model(shapes[s]);
        for (size_t n = 0; n < 2; n++) {
            check_company(model, narrow_types[n], "auto", &t, TEXTS);
            check_company(model, narrow_types[n], "scalar", &t, SCALAR_TEXTS);
        }
        tc_model_free(model);
    }
    free_texts(&t);
}

static void scores_stay_near_those_of_float_weights(void **state)
{
    (void)state;
    texts t = make_texts();
    float wide[SCORES], narrow_scores[SCORES];
    tc_model *model = new_model("max_length=0 hidden_dim=64 embedding_dim=32");
    predict_alone(model, &t, TEXTS, wide);
    for (size_t n = 0; n < 2; n++) {
        char settings[32];
        (void)snprintf(settings, sizeof settings, "weights=%s", narrow_types[n]);
        tc_model *narrow = convert(model, settings);
        predict_alone(narrow, &t, TEXTS, narrow_scores);
        assert_all_close(narrow_scores, wide, SCORES, 5e-3);
        assert_memory_not_equal(narrow_scores + 4 * STORY_LABELS, wide + 4 * STORY_LABELS,
                                4 * STORY_LABELS * sizeof *wide);
        tc_model_free(narrow);
    }
    tc_model_free(model);
    free_texts(&t);
}

/* Saved, loaded three ways, saved again: the same bytes and scores. */
static void files_bring_every_bit_back(void **state)
{
    (void)state;
    texts t = make_texts();
    float wanted[SCORES], scores[SCORES];
    tc_model *model = new_model("max_length=0 bidirectional=true num_layers=2");
    for (size_t n = 0; n < 2; n++) {
        char settings[32], value[8];
        test_folder folder;
        tc_model *loaded[4] = {NULL};
        size_t size = 0, again_size = 0, length = 0;
        (void)snprintf(settings, sizeof settings, "weights=%s", narrow_types[n]);
        tc_model *narrow = convert(model, settings);
        predict_alone(narrow, &t, TEXTS, wanted);
        uint8_t *bytes = host_bytes(narrow, &size);
        test_folder_create(&folder);
        const char *path = test_folder_file(&folder, "narrow.safetensors");
        assert_ok(tc_model_save(narrow, path));
        assert_ok(tc_model_load(path, &loaded[0]));
        assert_ok(tc_model_load_with(path, NULL, TC_LOAD_MAPPED, &loaded[1]));
        assert_ok(tc_model_load_memory(bytes, size, NULL, &loaded[2]));
        assert_ok(tc_model_clone(loaded[1], &loaded[3]));
        for (size_t i = 0; i < 4; i++) {
            uint8_t *again = host_bytes(loaded[i], &again_size);
            assert_int_equal(again_size, size);
            assert_memory_equal(again, bytes, size);
            free(again);
            predict_alone(loaded[i], &t, TEXTS, scores);
            assert_memory_equal(scores, wanted, sizeof scores);
            assert_ok(tc_model_option(loaded[i], "weights", sizeof value, value, &length));
            assert_string_equal(value, narrow_types[n]);
            tc_model_free(loaded[i]);
        }
        free(bytes);
        test_folder_remove(&folder);
        tc_model_free(narrow);
    }
    tc_model_free(model);
    free_texts(&t);
}

static void narrow_files_are_small(void **state)
{
    (void)state;
    size_t wide = 0, size[2] = {0};
    tc_model *model = new_model("hidden_dim=256 embedding_dim=128");
    free(host_bytes(model, &wide));
    for (size_t n = 0; n < 2; n++) {
        char settings[32];
        (void)snprintf(settings, sizeof settings, "weights=%s", narrow_types[n]);
        tc_model *narrow = convert(model, settings);
        free(host_bytes(narrow, &size[n]));
        tc_model_free(narrow);
    }
    assert_true(size[0] < wide * 53 / 100 && size[1] < wide * 29 / 100);
    tc_model_free(model);
}

static void info_shows_the_types(void **state)
{
    (void)state;
    char text[8192];
    size_t length = 0;
    tc_model *model = new_model(""), *narrow = convert(model, "weights=int8");
    assert_ok(tc_model_info(narrow, sizeof text, text, &length));
    assert_contains(text, "\"weights\":\"int8\"");
    assert_contains(text, "{\"name\":\"lstm.weight_hh_l0\",\"dtype\":\"I8\",\"shape\":[80,20]}");
    assert_contains(text, "{\"name\":\"textclf.scale.lstm.weight_hh_l0\",\"dtype\":\"F32\",\"shape\":[80]}");
    assert_contains(text, "{\"name\":\"fc.weight\",\"dtype\":\"F32\"");
    const char *parameters = strstr(text, "\"parameters\":");
    assert_non_null(parameters);
    assert_ok(tc_model_info(model, sizeof text / 2, text + sizeof text / 2, &length));
    assert_int_equal(strtoul(parameters + 13, NULL, 10),
                     strtoul(strstr(text + sizeof text / 2, "\"parameters\":") + 13, NULL, 10));
    tc_model_free(narrow);
    tc_model_free(model);
}

static void narrow_weights_are_not_trained(void **state)
{
    (void)state;
    tc_config *config = NULL;
    tc_model *model = new_model(""), *narrow = convert(model, "weights=int8"), *none = NULL;
    tc_trainer *trainer = NULL;
    assert_int_equal(tc_trainer_create(narrow, NULL, &trainer), TC_ERROR_UNSUPPORTED);
    assert_null(trainer);
    assert_contains(tc_last_error(), "int8");
    assert_contains(tc_last_error(), "tc_model_convert()");
    tc_model *wide = convert(narrow, "weights=f32"); /* which can be trained again */
    assert_ok(tc_trainer_create(wide, NULL, &trainer));
    tc_trainer_free(trainer);
    assert_ok(host_config(NULL, "weights=bf16", &config));
    assert_int_equal(host_model(config, 10, &none), TC_ERROR_UNSUPPORTED);
    assert_null(none);
    assert_contains(tc_last_error(), "a new model with bf16 weights");
    assert_contains(tc_last_error(), "tc_model_convert()");
    tc_config_free(config);
    tc_model_free(wide);
    tc_model_free(narrow);
    tc_model_free(model);
}

static void foreign_weights_go_into_float_weights(void **state)
{
    (void)state;
    test_folder folder;
    tc_model *model = new_model(""), *narrow = convert(model, "weights=int8");
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "wide.safetensors");
    assert_ok(tc_model_save(model, path));
    assert_int_equal(tc_model_load_weights(narrow, path), TC_ERROR_UNSUPPORTED);
    assert_contains(tc_last_error(), "f32 weights");
    tc_model_free(narrow);
    narrow = convert(model, "weights=bf16"); /* whose file is weights like any other's */
    assert_ok(tc_model_save(narrow, path));
    assert_ok(tc_model_load_weights(model, path));
    test_folder_remove(&folder);
    tc_model_free(narrow);
    tc_model_free(model);
}

static void a_checkpoint_of_narrow_weights_is_none(void **state)
{
    (void)state;
    test_folder folder;
    tc_model *model = new_model(""), *narrow = convert(model, "weights=int8"), *loaded = NULL;
    tc_trainer *trainer = NULL;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "narrow.safetensors");
    assert_ok(tc_model_save(narrow, path));
    assert_int_equal(tc_trainer_load(path, NULL, &loaded, &trainer), TC_ERROR_UNSUPPORTED);
    assert_true(!loaded && !trainer);
    test_folder_remove(&folder);
    tc_model_free(narrow);
    tc_model_free(model);
}

static void only_weights_and_the_run_can_change(void **state)
{
    (void)state;
    tc_model *model = new_model("hidden_dim=20 threshold=0.25"), *converted = NULL;
    tc_config *config = make_config("weights=int8 hidden_dim=20 learning_rate=0.5 threads=2");
    assert_ok(
        tc_model_convert(model, config, &converted)); /* hidden_dim is the model's; training options do not matter */
    tc_model_free(converted);
    tc_config_free(config);
    config = make_config("weights=int8 threshold=0.5");
    assert_int_equal(tc_model_convert(model, config, &converted), TC_ERROR_MISMATCH);
    assert_null(converted);
    assert_contains(tc_last_error(), "option 'threshold'");
    tc_config_free(config);
    assert_ok(tc_model_convert(model, NULL, &converted)); /* f32 */
    tc_model_free(converted);
    tc_model_free(model);
}

/* `max_features` is of a trained model of n-grams; training such a model goes on with all that its texts hold. */
static void features_are_dropped_of_trained_models_of_ngrams(void **state)
{
    (void)state;
    host h = {0};
    tc_model *small = NULL, *lstm = new_model("");
    char text[32];
    size_t length = 0;
    tc_config *config = make_config("max_features=60 weights=int8");
    assert_int_equal(tc_model_convert(lstm, config, &small), TC_ERROR_OPTION);
    assert_contains(tc_last_error(), "'max_features' is of arch ngram");
    tc_model_free(lstm);
    assert_int_equal(host_begin(&h, NULL, "arch=ngram buckets=4096 max_features=60", 40), TC_ERROR_UNSUPPORTED);
    assert_contains(tc_last_error(), "tc_model_convert()");
    host_end(&h);
    assert_ok(host_begin(&h, NULL, "arch=ngram buckets=4096 epochs=2", 40));
    while (!h.over)
        assert_ok(host_advance(&h));
    assert_ok(tc_model_convert(h.model, config, &small));
    assert_ok(tc_model_option(small, "max_features", sizeof text, text, &length));
    assert_string_equal(text, "60");
    host_end(&h);
    tc_model_free(small);
    assert_ok(host_begin(&h, NULL, "arch=ngram buckets=4096 epochs=2", 40));
    tc_config_free(config);
    config = make_config("max_features=60");
    assert_ok(tc_model_convert(h.model, config, &small));
    tc_trainer *trainer = NULL;
    tc_examples *examples = NULL;
    size_t rows[2] = {0, 1}, few = 0, many = 0;
    free(host_bytes(small, &few));
    assert_ok(host_examples(small, 0, 20, &examples));
    assert_ok(tc_trainer_create(small, NULL, &trainer));
    assert_ok(tc_trainer_count(trainer, examples));
    assert_ok(tc_train_step(trainer, examples, rows, 2, NULL));
    free(host_bytes(small, &many));
    assert_true(many > few);
    assert_ok(tc_model_option(small, "max_features", sizeof text, text, &length));
    assert_string_equal(text, "0");
    tc_trainer_free(trainer);
    tc_examples_free(examples);
    tc_model_free(small);
    tc_config_free(config);
    host_end(&h);
}

static void the_hosts_rounding_mode_changes_nothing(void **state)
{
    (void)state;
    static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    tc_model *model = new_model("");
    for (size_t n = 0; n < 2; n++) {
        char settings[32];
        size_t size = 0, other_size = 0;
        (void)snprintf(settings, sizeof settings, "weights=%s", narrow_types[n]);
        tc_model *narrow = convert(model, settings);
        uint8_t *bytes = host_bytes(narrow, &size);
        for (size_t m = 0; m < sizeof modes / sizeof modes[0]; m++) {
            float here[STORY_LABELS], there[STORY_LABELS];
            size_t written = 0;
            assert_ok(tc_predict(narrow, "a dull film of 1994", 19, STORY_LABELS, here, &written));
            assert_int_equal(fesetround(modes[m]), 0);
            tc_model *other = convert(model, settings);
            assert_ok(tc_predict(other, "a dull film of 1994", 19, STORY_LABELS, there, &written));
            assert_int_equal(fesetround(FE_TONEAREST), 0);
            uint8_t *other_bytes = host_bytes(other, &other_size);
            assert_int_equal(other_size, size);
            assert_memory_equal(other_bytes, bytes, size);
            assert_memory_equal(there, here, sizeof here);
            free(other_bytes);
            tc_model_free(other);
        }
        free(bytes);
        tc_model_free(narrow);
    }
    tc_model_free(model);
}

static void missing_arguments_are_named(void **state)
{
    (void)state;
    tc_model *model = new_model(""), *converted = model;
    assert_int_equal(tc_model_convert(NULL, NULL, &converted), TC_ERROR_ARGUMENT);
    assert_contains(tc_last_error(), "'model'");
    assert_int_equal(tc_model_convert(model, NULL, NULL), TC_ERROR_ARGUMENT);
    assert_contains(tc_last_error(), "'converted'");
    tc_model_free(model);
}

static void limits_bound_the_copy(void **state)
{
    (void)state;
    tc_model *model = new_model("hidden_dim=64 embedding_dim=64"), *converted = NULL;
    tc_config *config = make_config("weights=int8 max_memory=20000");
    assert_int_equal(tc_model_convert(model, config, &converted), TC_ERROR_LIMIT);
    assert_null(converted);
    tc_config_free(config);
    tc_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_scores_the_same_bits_alone_and_among_others),
        cmocka_unit_test(scores_stay_near_those_of_float_weights),
        cmocka_unit_test(files_bring_every_bit_back),
        cmocka_unit_test(narrow_files_are_small),
        cmocka_unit_test(info_shows_the_types),
        cmocka_unit_test(narrow_weights_are_not_trained),
        cmocka_unit_test(foreign_weights_go_into_float_weights),
        cmocka_unit_test(a_checkpoint_of_narrow_weights_is_none),
        cmocka_unit_test(only_weights_and_the_run_can_change),
        cmocka_unit_test(features_are_dropped_of_trained_models_of_ngrams),
        cmocka_unit_test(the_hosts_rounding_mode_changes_nothing),
        cmocka_unit_test(missing_arguments_are_named),
        cmocka_unit_test(limits_bound_the_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
