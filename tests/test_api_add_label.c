/* A label more: the others keep their logits, examples stay usable, and what cannot get one is named. labels: quick */
#include "support/testing.h"

#include <math.h>

#include "support/failing.h"
#include "support/small_host.h"

#define SETTINGS "arch=ngram buckets=4096 epochs=6 batch_size=8 "
#define MOST 5

static const char *const words[] = {"sun beach sand", "snow ice frost", "rain cloud storm", "wind leaf kite"};
static const char *const names[] = {"warm", "cold", "wet", "windy"};

/* A text about a subject, which is its label. */
static size_t write_text(uint32_t i, uint32_t subject, char text[64])
{
    return (size_t)snprintf(text, 64, "%.*s number %u", (int)(6 + i % 9), words[subject], i % 7);
}

static void add_texts(tc_examples *examples, uint32_t subject, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char text[64];
        size_t length = write_text(i, subject, text);
        assert_ok(tc_examples_add_labels(examples, text, length, &subject, 1, 1.0f));
    }
}

static tc_model *make_model(const tc_allocator *allocator, const char *settings, size_t labels, tc_config **config)
{
    tc_vocab_builder *builder = NULL;
    tc_model *model = NULL;
    assert_ok(host_config(allocator, settings, config));
    assert_ok(tc_vocab_builder_create(*config, &builder));
    assert_ok(tc_model_create(*config, builder, names, labels, &model));
    tc_vocab_builder_free(builder);
    return model;
}

static void logits_of(const tc_model *model, uint32_t i, uint32_t subject, float logits[MOST])
{
    char text[64];
    float scores[MOST];
    tc_scratch *scratch = NULL;
    tc_prediction prediction = TC_PREDICTION_INIT;
    size_t length = write_text(i, subject, text), count = 0;
    prediction.logits = logits;
    prediction.logits_capacity = MOST;
    assert_ok(tc_scratch_create(model, &scratch));
    assert_ok(tc_predict_with(model, scratch, text, length, MOST, scores, &count, &prediction));
    tc_scratch_free(scratch);
}

static uint32_t best_of(const tc_model *model, uint32_t i, uint32_t subject)
{
    float logits[MOST];
    size_t count = 0;
    uint32_t best = 0;
    logits_of(model, i, subject, logits);
    assert_ok(tc_model_label_count(model, &count));
    for (uint32_t c = 1; c < count; c++)
        best = logits[c] > logits[best] ? c : best;
    return best;
}

static tc_model *taught_model(const char *settings, size_t labels, tc_config **config, tc_examples **examples)
{
    tc_model *model = make_model(NULL, settings, labels, config);
    assert_ok(tc_examples_create(model, examples));
    for (uint32_t subject = 0; subject < labels; subject++)
        add_texts(*examples, subject, 20 + 5 * subject);
    host_teach(model, *config, *examples, NULL);
    return model;
}

static void other_labels_keep_their_logits(void **state)
{
    const struct {
        const char *settings;
        size_t labels;
        bool bits;
    } cases[] = {{SETTINGS, 3, true},
                 {SETTINGS, 2, false},
                 {SETTINGS, 1, false},
                 {SETTINGS "task=multilabel", 2, true},
                 {SETTINGS "task=multilabel", 1, false}};
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        tc_config *config = NULL;
        tc_examples *examples = NULL;
        size_t count = 0, labels = cases[k].labels;
        const char *label = NULL;
        tc_model *model = taught_model(cases[k].settings, labels, &config, &examples);
        float before[12][MOST], after[12][MOST];
        for (uint32_t i = 0; i < 12; i++)
            logits_of(model, i, i % (uint32_t)labels, before[i]);
        assert_ok(tc_model_add_label(model, "other"));
        assert_ok(tc_model_label_count(model, &count));
        assert_int_equal(count, labels + 1);
        assert_ok(tc_model_label(model, labels, &label));
        assert_string_equal(label, "other");
        for (uint32_t i = 0; i < 12; i++) {
            logits_of(model, i, i % (uint32_t)labels, after[i]);
            for (size_t c = 0; c < labels; c++) {
                assert_close(after[i][c], before[i][c], cases[k].bits ? 0 : 2e-5);
                assert_true(labels < 2 || after[i][labels] < fmaxf(after[i][0], after[i][1]));
            }
        }
        tc_examples_free(examples);
        tc_model_free(model);
        tc_config_free(config);
    }
}

static void the_new_label_is_taught_and_the_others_are_not_forgotten(void **state)
{
    (void)state;
    for (size_t labels = 2; labels <= 3; labels++) {
        tc_config *config = NULL;
        tc_examples *old = NULL, *examples = NULL;
        tc_evaluation evaluation = TC_EVALUATION_INIT;
        tc_model *model = taught_model(SETTINGS, labels, &config, &old), *copy = NULL;
        uint32_t subject = (uint32_t)labels;
        assert_ok(tc_model_add_label(model, names[labels]));
        assert_ok(tc_evaluate(model, old, NULL, 40, &evaluation)); /* examples of before */
        assert_true(evaluation.accuracy > 0.95);
        assert_ok(tc_examples_create(model, &examples));
        add_texts(examples, subject, 30);
        add_texts(examples, 0, 3);
        assert_int_equal(tc_examples_add_label(old, "wind", 4, subject, 1), TC_ERROR_ARGUMENT);
        host_teach(model, config, examples, NULL);
        for (uint32_t i = 0; i < 12; i++) {
            assert_int_equal(best_of(model, i, subject), subject);
            assert_int_equal(best_of(model, i, i % subject), i % subject);
        }
        host_teach(model, config, old, NULL);
        assert_int_equal(best_of(model, 3, subject), subject);
        assert_ok(tc_model_clone(model, &copy));
        assert_int_equal(best_of(copy, 3, subject), subject);
        tc_model_free(copy);
        tc_examples_free(old);
        tc_examples_free(examples);
        tc_model_free(model);
        tc_config_free(config);
    }
}

static void thresholds_of_the_others_stay(void **state)
{
    tc_config *config = NULL;
    tc_examples *examples = NULL;
    const double own[2] = {0.25, 0.75};
    double thresholds[3] = {0};
    size_t count = 0;
    tc_model *model = taught_model(SETTINGS "task=multilabel threshold=0.625", 2, &config, &examples);
    (void)state;
    assert_ok(tc_model_set_thresholds(model, own, 2));
    assert_ok(tc_model_add_label(model, "other"));
    assert_ok(tc_model_thresholds(model, 3, thresholds, &count));
    assert_true(count == 3 && thresholds[0] == 0.25 && thresholds[1] == 0.75 && thresholds[2] == 0.625);
    tc_examples_free(examples);
    tc_model_free(model);
    tc_config_free(config);
}

static void a_file_holds_the_label(void **state)
{
    tc_config *config = NULL;
    tc_examples *examples = NULL;
    tc_model *model = taught_model(SETTINGS, 2, &config, &examples), *loaded = NULL;
    size_t size = 0;
    float wanted[MOST], got[MOST];
    (void)state;
    assert_ok(tc_model_add_label(model, "\xE9\x9B\xBE"));
    uint8_t *bytes = host_bytes(model, &size);
    assert_ok(tc_model_load_memory(bytes, size, NULL, &loaded));
    logits_of(model, 2, 1, wanted);
    logits_of(loaded, 2, 1, got);
    assert_memory_equal(wanted, got, 3 * sizeof *got);
    assert_ok(tc_model_add_label(loaded, "one more"));
    free(bytes);
    tc_examples_free(examples);
    tc_model_free(model);
    tc_model_free(loaded);
    tc_config_free(config);
}

static void what_cannot_get_a_label_is_named(void **state)
{
    test_folder folder;
    tc_config *config = NULL, *narrow = NULL;
    tc_examples *examples = NULL, *grown = NULL;
    tc_trainer *trainer = NULL;
    tc_model *model = taught_model(SETTINGS, 2, &config, &examples), *other = NULL;
    (void)state;
    test_folder_create(&folder);
    assert_ok(tc_trainer_create(model, config, &trainer));
    assert_int_equal(tc_model_add_label(model, "new"), TC_ERROR_BUSY);
    assert_contains(tc_last_error(), "trainer");
    assert_ok(tc_trainer_count(trainer, examples));
    const char *path = test_folder_file(&folder, "checkpoint");
    assert_ok(tc_trainer_save(trainer, path));
    tc_trainer_free(trainer);
    assert_int_equal(tc_model_add_label(model, "cold"), TC_ERROR_ARGUMENT);
    assert_int_equal(tc_model_add_label(model, ""), TC_ERROR_ARGUMENT);
    assert_int_equal(tc_model_add_label(model, "a\tb"), TC_ERROR_ARGUMENT);
    assert_int_equal(tc_model_add_label(model, NULL), TC_ERROR_ARGUMENT);
    assert_int_equal(tc_model_add_label(NULL, "new"), TC_ERROR_ARGUMENT);

    assert_ok(tc_config_create(&narrow));
    assert_ok(tc_config_set(narrow, "weights", "int8"));
    assert_ok(tc_model_convert(model, narrow, &other));
    assert_int_equal(tc_model_add_label(other, "new"), TC_ERROR_UNSUPPORTED);
    tc_model_free(other);
    tc_config_free(narrow);
    assert_ok(tc_model_load_with(path, NULL, TC_LOAD_MAPPED, &other));
    assert_int_equal(tc_model_add_label(other, "new"), TC_ERROR_STATE);
    tc_model_free(other);

    assert_ok(tc_model_add_label(model, "new"));
    assert_ok(tc_examples_create(model, &grown));
    add_texts(grown, 1, 3);
    assert_ok(tc_trainer_load(path, NULL, &other, &trainer)); /* a checkpoint of before */
    assert_int_equal(tc_trainer_count(trainer, grown), TC_ERROR_MISMATCH);
    assert_contains(tc_last_error(), "'cold'");
    tc_trainer_free(trainer);
    tc_model_free(other);
    tc_examples_free(grown);
    tc_examples_free(examples);
    tc_model_free(model);
    tc_config_free(config);

    static const char *const foreign[] = {"hidden_dim=4", "arch=ngram task=regress buckets=4096",
                                          "arch=ngram embedding_dim=4 buckets=4096"};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        model = make_model(NULL, foreign[i], 2, &config);
        assert_int_equal(tc_model_add_label(model, "new"), TC_ERROR_UNSUPPORTED);
        tc_model_free(model);
        tc_config_free(config);
    }
    test_folder_remove(&folder);
}

static void a_failed_allocation_leaves_the_model_as_it_was(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        test_allocator allocator;
        tc_config *config = NULL;
        size_t size = 0, after_size = 0;
        test_allocator_init(&allocator, TEST_NEVER, false);
        const tc_allocator memory = test_allocator_host(&allocator);
        tc_model *model = make_model(&memory, SETTINGS, 2, &config);
        uint8_t *before = host_bytes(model, &size);
        allocator.fail_at = allocator.calls + n;
        tc_status status = tc_model_add_label(model, "new");
        allocator.fail_at = TEST_NEVER;
        assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
        uint8_t *after = host_bytes(model, &after_size);
        if (status != TC_OK) {
            assert_int_equal(size, after_size);
            assert_memory_equal(before, after, size);
            assert_ok(tc_model_add_label(model, "new"));
        }
        free(before);
        free(after);
        tc_model_free(model);
        tc_config_free(config);
        assert_nothing_held(&allocator);
        if (status == TC_OK)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_labels_keep_their_logits),
        cmocka_unit_test(the_new_label_is_taught_and_the_others_are_not_forgotten),
        cmocka_unit_test(thresholds_of_the_others_stay),
        cmocka_unit_test(a_file_holds_the_label),
        cmocka_unit_test(what_cannot_get_a_label_is_named),
        cmocka_unit_test(a_failed_allocation_leaves_the_model_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
