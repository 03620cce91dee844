/* labels: quick
 * Thresholds of the labels of a model of several: tuned where a rare label's F1 is best, kept in files and copies, gone
 * by in evaluation; the same at any number of threads. */
#include "support/testing.h"

#include <math.h>

#include "support/failing.h"
#include "support/small_host.h"

#define TEXTS 1200
#define LABELS 3

static const char *const names[LABELS] = {"common", "never", "rare"};

static uint32_t draw(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Half of the texts are common, which their words say; one in 25 is rare, which a word says that more others hold. */
static tc_status add_text(tc_examples *examples, uint32_t number)
{
    static const char *const fillers[] = {"tree", "stone", "river", "cloud", "house"};
    char text[160];
    uint32_t random = number * 2654435761u + 1, labels[2];
    size_t count = 0;
    bool common = draw(&random) % 2 == 0, rare = draw(&random) % 25 == 0;
    bool hint = draw(&random) % 100 < (rare ? 70u : 4u);
    if (common)
        labels[count++] = 0;
    if (rare)
        labels[count++] = 2;
    int length = snprintf(text, sizeof text, "%s %s%s of the %s", common ? "green" : "brown",
                          fillers[draw(&random) % 5], hint ? " comet" : "", fillers[draw(&random) % 5]);
    return tc_examples_add_labels(examples, text, (size_t)length, labels, count, 1);
}

static tc_examples *make_examples(const tc_model *model, uint32_t first, uint32_t count)
{
    tc_examples *examples = NULL;
    assert_ok(tc_examples_create(model, &examples));
    for (uint32_t i = 0; i < count; i++)
        assert_ok(add_text(examples, first + i));
    return examples;
}

static tc_model *new_model(const char *settings, const tc_allocator *allocator, tc_config **config)
{
    tc_model *model = NULL;
    tc_vocab_builder *words = NULL;
    assert_ok(allocator ? tc_config_create_with(allocator, config) : tc_config_create(config));
    assert_ok(host_set(*config, "task=multilabel arch=ngram buckets=4096 max_char_ngram=0 min_char_ngram=0"));
    assert_ok(host_set(*config, settings));
    assert_ok(tc_vocab_builder_create(*config, &words));
    assert_ok(tc_model_create(*config, words, names, LABELS, &model));
    tc_vocab_builder_free(words);
    return model;
}

static tc_model *trained(const char *settings)
{
    tc_config *config = NULL;
    tc_model *model = new_model(settings, NULL, &config);
    tc_examples *examples = make_examples(model, 0, TEXTS), *validation = make_examples(model, TEXTS, TEXTS);
    host_teach(model, config, examples, validation);
    tc_examples_free(examples);
    tc_examples_free(validation);
    tc_config_free(config);
    return model;
}

static void thresholds_of(const tc_model *model, double thresholds[LABELS])
{
    size_t count = 0;
    assert_ok(tc_model_thresholds(model, LABELS, thresholds, &count));
    assert_int_equal(count, LABELS);
}

static tc_evaluation evaluate(const tc_model *model, const tc_examples *examples, tc_label_metrics labels[LABELS])
{
    tc_evaluation result = TC_EVALUATION_INIT;
    result.labels = labels;
    result.label_capacity = LABELS;
    assert_ok(tc_evaluate(model, examples, NULL, 0, &result));
    return result;
}

static void a_rare_labels_f1_rises_on_texts_that_are_new(void **state)
{
    (void)state;
    double before[LABELS], after[LABELS];
    tc_label_metrics plain[LABELS], tuned[LABELS];
    tc_model *model = trained("");
    tc_examples *validation = make_examples(model, TEXTS, TEXTS), *test = make_examples(model, 2 * TEXTS, TEXTS);
    thresholds_of(model, before);
    tc_evaluation first = evaluate(model, test, plain);
    assert_ok(tc_tune_thresholds(model, validation, NULL, 0));
    thresholds_of(model, after);
    tc_evaluation second = evaluate(model, test, tuned);
    for (size_t i = 0; i < LABELS; i++)
        assert_true(before[i] == 0.5);
    assert_true(after[1] == 0.5); /* no text has it */
    assert_true(after[2] < 0.5 && after[2] > 0.01);
    assert_true(plain[2].f1 < 0.1 && tuned[2].f1 > 0.4);
    assert_true(second.macro_f1 > first.macro_f1 + 0.1 && second.micro_f1 > first.micro_f1);
    assert_true(second.loss == first.loss); /* scores are what they were */
    tc_examples_free(validation);
    tc_examples_free(test);
    tc_model_free(model);
}

static void the_option_tunes_on_the_validation_texts(void **state)
{
    (void)state;
    static const char *const settings[] = {"tune_thresholds=true threads=1", "tune_thresholds=true threads=4"};
    double wanted[LABELS], found[LABELS];
    tc_model *plain = trained("");
    tc_examples *validation = make_examples(plain, TEXTS, TEXTS);
    assert_ok(tc_tune_thresholds(plain, validation, NULL, 0));
    thresholds_of(plain, wanted);
    tc_examples_free(validation);
    tc_model_free(plain);
    for (size_t i = 0; i < 2; i++) {
        tc_model *model = trained(settings[i]);
        thresholds_of(model, found);
        assert_memory_equal(found, wanted, sizeof wanted);
        tc_model_free(model);
    }
}

static void rows_choose_what_is_tuned_on(void **state)
{
    (void)state;
    double found[LABELS];
    size_t rows[300];
    tc_model *model = trained("threshold=0.375");
    tc_examples *examples = make_examples(model, TEXTS, 600), *same = make_examples(model, TEXTS + 300, 300);
    for (size_t i = 0; i < 300; i++)
        rows[i] = 599 - i;
    assert_ok(tc_tune_thresholds(model, examples, rows, 300));
    thresholds_of(model, found);
    assert_ok(tc_tune_thresholds(model, same, NULL, 0));
    double wanted[LABELS];
    thresholds_of(model, wanted);
    assert_memory_equal(found, wanted, sizeof found);
    assert_true(found[1] == 0.375);
    rows[0] = 600;
    assert_int_equal(tc_tune_thresholds(model, examples, rows, 300), TC_ERROR_ARGUMENT);
    assert_int_equal(tc_tune_thresholds(model, examples, rows, 0), TC_ERROR_ARGUMENT);
    thresholds_of(model, found);
    assert_memory_equal(found, wanted, sizeof found);
    tc_examples_free(examples);
    tc_examples_free(same);
    tc_model_free(model);
}

static void files_and_copies_keep_them(void **state)
{
    (void)state;
    static const double own[LABELS] = {0.1, 1, 0}, wrong[][LABELS] = {{0.1, 1.5, 0}, {-0.1, 0, 0}, {0, 0, NAN}};
    double found[LABELS];
    size_t size = 0, again_size = 0, length = 0;
    char info[4096];
    tc_config *config = NULL;
    tc_model *model = new_model("", NULL, &config), *copies[3];
    uint8_t *plain = host_bytes(model, &size);
    assert_ok(tc_model_set_thresholds(model, own, LABELS));
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(tc_model_set_thresholds(model, wrong[i], LABELS), TC_ERROR_ARGUMENT);
    assert_int_equal(tc_model_set_thresholds(model, own, 2), TC_ERROR_ARGUMENT);
    uint8_t *bytes = host_bytes(model, &size);
    assert_ok(tc_model_load_memory(bytes, size, NULL, &copies[0]));
    assert_ok(tc_model_clone(model, &copies[1]));
    assert_ok(tc_config_set(config, "weights", "int8"));
    assert_ok(tc_model_convert(model, config, &copies[2]));
    for (size_t i = 0; i < 3; i++) {
        thresholds_of(copies[i], found);
        assert_memory_equal(found, own, sizeof own);
        assert_ok(tc_model_info(copies[i], sizeof info, info, &length));
        assert_contains(info, "\"thresholds\":[0.1,1,0]");
        tc_model_free(copies[i]);
    }
    assert_int_equal(tc_model_thresholds(model, 2, found, &length), TC_ERROR_CAPACITY);
    assert_int_equal(length, LABELS);
    assert_ok(tc_model_set_thresholds(model, NULL, 0));
    uint8_t *again = host_bytes(model, &again_size);
    assert_memory_equal(again, plain, again_size);
    free(bytes), free(again), free(plain);
    tc_config_free(config);
    tc_model_free(model);
}

static void a_checkpoint_keeps_them_and_its_training_tunes(void **state)
{
    (void)state;
    static const double own[LABELS] = {0.25, 0.5, 0.75};
    double found[LABELS];
    test_folder folder;
    tc_config *config = NULL;
    tc_model *model = NULL, *loaded = NULL;
    tc_vocab_builder *words = NULL;
    tc_trainer *trainer = NULL, *resumed = NULL;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "checkpoint");
    assert_ok(host_config(NULL, "task=multilabel epochs=1 tune_thresholds=true", &config));
    assert_ok(tc_vocab_builder_create(config, &words));
    assert_ok(tc_vocab_builder_add(words, "green comet", 11));
    assert_ok(tc_model_create(config, words, names, LABELS, &model));
    assert_ok(tc_model_set_thresholds(model, own, LABELS));
    assert_ok(tc_trainer_create(model, config, &trainer));
    assert_ok(tc_trainer_save(trainer, path));
    assert_ok(tc_trainer_load(path, NULL, &loaded, &resumed));
    thresholds_of(loaded, found);
    assert_memory_equal(found, own, sizeof own);
    tc_trainer_free(resumed);
    tc_examples *examples = make_examples(loaded, 0, 40), *validation = make_examples(loaded, 40, 40);
    host_teach(loaded, NULL, examples, validation);
    thresholds_of(loaded, found);
    assert_true(memcmp(found, own, sizeof own) != 0 && found[1] == 0.5);
    tc_examples_free(examples);
    tc_examples_free(validation);
    tc_trainer_free(trainer);
    tc_vocab_builder_free(words);
    tc_config_free(config);
    tc_model_free(loaded);
    tc_model_free(model);
    test_folder_remove(&folder);
}

static void what_they_need_is_told(void **state)
{
    (void)state;
    host h = {0};
    double found[LABELS];
    size_t count = 0;
    tc_batcher *batcher = NULL;
    assert_int_equal(host_begin(&h, NULL, "tune_thresholds=true", 20), TC_ERROR_OPTION);
    assert_contains(tc_last_error(), "task multilabel");
    host_end(&h);
    assert_ok(host_begin(&h, NULL, "", 20));
    assert_int_equal(tc_model_thresholds(h.model, LABELS, found, &count), TC_ERROR_UNSUPPORTED);
    assert_int_equal(tc_model_set_thresholds(h.model, NULL, 0), TC_ERROR_UNSUPPORTED);
    assert_int_equal(tc_tune_thresholds(h.model, h.examples, NULL, 0), TC_ERROR_UNSUPPORTED);
    assert_contains(tc_last_error(), "task classify");
    host_end(&h);
    tc_config *config = NULL;
    tc_trainer *trainer = NULL;
    tc_model *model = new_model("tune_thresholds=true", NULL, &config);
    tc_examples *examples = make_examples(model, 0, 20);
    assert_ok(tc_trainer_create(model, config, &trainer));
    assert_int_equal(tc_batcher_create(trainer, examples, NULL, &batcher), TC_ERROR_OPTION);
    assert_contains(tc_last_error(), "validation_split");
    tc_trainer_free(trainer);
    tc_examples_free(examples);
    tc_model_free(model);
    tc_config_free(config);
}

static void without_memory_they_are_what_they_were(void **state)
{
    (void)state;
    test_allocator allocator;
    test_allocator_init(&allocator, TEST_NEVER, false);
    const tc_allocator memory = test_allocator_host(&allocator);
    double before[LABELS] = {0.25, 0.75, 0.125}, after[LABELS];
    tc_config *config = NULL;
    tc_model *model = new_model("", &memory, &config);
    tc_examples *examples = make_examples(model, 0, 30);
    assert_ok(tc_model_set_thresholds(model, before, LABELS));
    for (long n = 0;; n++) {
        allocator.fail_at = allocator.calls + n;
        allocator.failed = false;
        tc_status status = tc_tune_thresholds(model, examples, NULL, 0);
        assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
        if (!allocator.failed)
            break;
        thresholds_of(model, after);
        assert_memory_equal(after, before, sizeof before);
    }
    tc_examples_free(examples);
    tc_model_free(model);
    tc_config_free(config);
    assert_nothing_held(&allocator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rare_labels_f1_rises_on_texts_that_are_new),
        cmocka_unit_test(the_option_tunes_on_the_validation_texts),
        cmocka_unit_test(rows_choose_what_is_tuned_on),
        cmocka_unit_test(files_and_copies_keep_them),
        cmocka_unit_test(a_checkpoint_keeps_them_and_its_training_tunes),
        cmocka_unit_test(what_they_need_is_told),
        cmocka_unit_test(without_memory_they_are_what_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
