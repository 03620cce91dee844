/* labels: quick. fasttext_read.c and bag_network.c against what fastText itself predicts with models that it made. */
#include "support/testing.h"

#include <time.h>

#include "serialization/fasttext.h"
#include "support/failing.h"
#include "support/fasttext_models.h"
#include "textclf/textclf.h"

#define BOUND 1e-6
#define MOST 300

static tc_model *load(const char *name)
{
    size_t size = 0;
    tc_model *model = NULL;
    uint8_t *bytes = test_fasttext_file(name, &size);
    assert_ok(tc_model_load_memory(bytes, size, NULL, &model));
    free(bytes);
    return model;
}

static const char *option(const tc_model *model, const char *key)
{
    static char value[64];
    size_t length = 0;
    assert_ok(tc_model_option(model, key, sizeof value, value, &length));
    return value;
}

/* All texts of the model's, alone and in one batch. */
static void assert_predicts_as_expected(const tc_model *model, const char *name)
{
    static char texts[32][4096];
    static float wanted[32][MOST];
    const char *pointers[32];
    size_t lengths[32], count = 0, written = 0;
    float one[MOST], *all = malloc(32 * MOST * sizeof *all);
    test_expected expected;
    test_expected_open(&expected, name);
    size_t labels = expected.labels;
    assert_non_null(all);
    while (count < 32 && test_expected_text(&expected, texts[count], &lengths[count], wanted[count])) {
        pointers[count] = texts[count];
        count++;
    }
    assert_true(count >= 4);
    assert_ok(tc_predict_batch(model, pointers, lengths, count, 32 * MOST, all, &written));
    assert_int_equal(written, count * labels);
    for (size_t i = 0; i < count; i++) {
        assert_ok(tc_predict(model, texts[i], lengths[i], MOST, one, &written));
        assert_memory_equal(one, all + i * labels, labels * sizeof *one);
        for (size_t k = 0; k < labels; k++) {
            if (!(one[k] - wanted[i][k] <= BOUND && wanted[i][k] - one[k] <= BOUND))
                fail_msg("%s, text %zu, label %zu: %.9g, not %.9g", name, i, k, (double)one[k], (double)wanted[i][k]);
        }
    }
    free(all);
    test_expected_close(&expected);
}

static void models_predict_what_fasttext_predicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_FASTTEXT_MODELS; i++) {
        tc_model *model = load(test_fasttext_models[i]);
        assert_predicts_as_expected(model, test_fasttext_models[i]);
        tc_model_free(model);
    }
}

static void from_a_path_and_mapped_they_predict_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_FASTTEXT_MODELS; i++) {
        for (int32_t flags = 0; flags <= TC_LOAD_MAPPED; flags += TC_LOAD_MAPPED) {
            char path[512];
            tc_model *model = NULL;
            snprintf(path, sizeof path, "%s/golden/fasttext_models/%s", test_source_dir(), test_fasttext_models[i]);
            assert_ok(tc_model_load_with(path, NULL, flags, &model));
            assert_predicts_as_expected(model, test_fasttext_models[i]);
            tc_model_free(model);
        }
    }
}

static void saved_as_native_files_they_have_the_same_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_FASTTEXT_MODELS; i++) {
        tc_model *model = load(test_fasttext_models[i]), *native = NULL, *clone = NULL, *wide = NULL;
        size_t size = 0, length = 0, labels = 0, written = 0;
        char text[4096];
        float a[MOST], b[MOST];
        (void)tc_model_save_memory(model, 0, NULL, &size);
        uint8_t *bytes = malloc(size);
        assert_non_null(bytes);
        assert_ok(tc_model_save_memory(model, size, bytes, &size));
        assert_ok(tc_model_load_memory(bytes, size, NULL, &native));
        assert_ok(tc_model_clone(model, &clone));
        assert_ok(tc_model_convert(model, NULL, &wide));
        assert_string_equal(option(wide, "weights"), "f32");
        assert_predicts_as_expected(native, test_fasttext_models[i]);
        test_expected expected;
        test_expected_open(&expected, test_fasttext_models[i]);
        assert_ok(tc_model_label_count(native, &labels));
        while (test_expected_text(&expected, text, &length, a)) {
            assert_ok(tc_predict(model, text, length, MOST, a, &written));
            assert_ok(tc_predict(native, text, length, MOST, b, &written));
            assert_memory_equal(a, b, labels * sizeof *a);
            assert_ok(tc_predict(clone, text, length, MOST, b, &written));
            assert_memory_equal(a, b, labels * sizeof *a);
            assert_ok(tc_predict(wide, text, length, MOST, b, &written));
            assert_all_close(b, a, labels, 1e-4); /* a step of the sigmoid's table may lie between */
        }
        test_expected_close(&expected);
        free(bytes);
        tc_model_free(wide);
        tc_model_free(clone);
        tc_model_free(native);
        tc_model_free(model);
    }
}

/* The rows that fastText gives a word, then those of "</s>" (the last ones of a text without runs of words). */
static void a_word_has_the_rows_that_fasttext_gives_it(void **state)
{
    (void)state;
    static const char *const models[] = {"grams.bin", "ova.bin", "ns.bin"};
    size_t words = 0;
    for (size_t i = 0; i < 3; i++) {
        tc_model *model = load(models[i]);
        test_expected expected;
        char word[64];
        uint32_t rows[256], ids[512];
        uint64_t ranges[1024];
        size_t count = 0, encoded = 0;
        test_expected_open(&expected, models[i]);
        while (test_expected_runs(&expected, word, rows, &count)) {
            size_t length = strlen(word);
            assert_ok(tc_encode(model, word, length, 512, ids, ranges, &encoded));
            assert_true(encoded > count);
            assert_memory_equal(ids, rows, count * sizeof *ids);
            for (size_t k = 0; k < count; k++)
                assert_true(ranges[2 * k] == 0 && ranges[2 * k + 1] == length);
            words++;
        }
        test_expected_close(&expected);
        tc_model_free(model);
    }
    assert_int_equal(words, 15);
}

static void a_model_says_what_it_is(void **state)
{
    (void)state;
    static const char *const heads[][3] = {{"softmax.bin", "softmax", "classify"},
                                           {"hs.bin", "tree", "classify"},
                                           {"ova.bin", "sigmoid", "multilabel"},
                                           {"ns.bin", "sigmoid", "classify"}};
    char info[8192];
    size_t length = 0, count = 0;
    const char *label = NULL;
    for (size_t i = 0; i < 4; i++) {
        tc_model *model = load(heads[i][0]);
        assert_string_equal(option(model, "head"), heads[i][1]);
        assert_string_equal(option(model, "task"), heads[i][2]);
        assert_string_equal(option(model, "tokenizer"), "space");
        assert_ok(tc_model_info(model, sizeof info, info, &length));
        assert_contains(info, "\"format\":\"fasttext\"");
        assert_contains(info, "\"checksum\":null");
        assert_ok(tc_model_label_count(model, &count));
        assert_int_equal(count, 5);
        assert_ok(tc_model_label(model, 0, &label)); /* without __label__; the most frequent one */
        assert_string_equal(label, "sport");
        tc_model_free(model);
    }
    tc_model *old = load("version11.bin");
    assert_string_equal(option(old, "max_char_ngram"), "0"); /* whatever the file says */
    tc_model_free(old);
}

static void a_tree_has_logits_and_a_loss(void **state)
{
    (void)state;
    tc_model *model = load("hs.bin");
    float scores[8], logits[8];
    size_t count = 0;
    tc_prediction prediction = TC_PREDICTION_INIT;
    prediction.logits = logits;
    prediction.logits_capacity = 8;
    assert_ok(tc_predict_with(model, NULL, "the ball", 8, 8, scores, &count, &prediction));
    for (size_t i = 0; i < count; i++)
        assert_close(logits[i], __builtin_log((double)scores[i]), 1e-5);
    tc_examples *examples = NULL;
    tc_evaluation evaluation = TC_EVALUATION_INIT;
    assert_ok(tc_examples_create(model, &examples));
    assert_ok(tc_examples_add_label(examples, "the ball", 8, 1, 1.0f));
    assert_ok(tc_evaluate(model, examples, NULL, 1, &evaluation));
    /* the cross-entropy of logits that do not quite make 1: 0.00001 was added on the way */
    assert_close(evaluation.loss, -__builtin_log((double)scores[1]), 1e-3);
    tc_examples_free(examples);
    tc_model_free(model);
}

/* A file of softmax.bin with `size` bytes from `at` on replaced, read in place as `mapped` says. */
static tc_status load_changed(size_t at, const void *bytes, size_t size, tc_model **model)
{
    size_t file_size = 0;
    uint8_t *file = test_fasttext_file("softmax.bin", &file_size);
    memcpy(file + at, bytes, size);
    tc_status status = tc_model_load_memory(file, file_size, NULL, model);
    free(file);
    return status;
}

static void what_is_refused_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t byte;
        tc_status status;
        const char *sentence;
    } changes[] = {
        {4, 13, TC_ERROR_VERSION, "version 13; versions 11 and 12 are read"},
        {8, 0, TC_ERROR_FORMAT, "byte 8: dim is 0"},
        {32, 5, TC_ERROR_FORMAT, "byte 32: loss is 5"},
        {36, 1, TC_ERROR_UNSUPPORTED, "word vectors (cbow)"},
        {36, 2, TC_ERROR_UNSUPPORTED, "word vectors (skipgram)"},
        {68, 1, TC_ERROR_FORMAT, "are not the"},
    };
    tc_model *model = NULL;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        assert_int_equal(load_changed(changes[i].at, &changes[i].byte, 1, &model), changes[i].status);
        assert_contains(tc_last_error(), changes[i].sentence);
        assert_null(model);
    }
}

static void a_word_that_is_there_twice_is_refused(void **state)
{
    (void)state;
    size_t size = 0;
    tc_model *model = NULL;
    uint8_t *file = test_fasttext_file("softmax.bin", &size);
    for (size_t i = 0; i + 3 < size; i++) { /* the entries "of" and "in" */
        if (memcmp(file + i, "\0of\0", 4) == 0)
            memcpy(file + i, "\0in\0", 4);
    }
    assert_int_equal(tc_model_load_memory(file, size, NULL, &model), TC_ERROR_FORMAT);
    assert_contains(tc_last_error(), "is that of an earlier one too");
    free(file);
}

static void weights_that_are_not_finite_are_refused_or_found_on_use(void **state)
{
    (void)state;
    size_t size = 0, count = 0;
    float scores[8];
    tc_model *model = NULL;
    tci_options run;
    tci_options_default(&run);
    uint8_t *file = test_fasttext_file("softmax.bin", &size);
    static const uint8_t infinite[4] = {0, 0, 0x80, 0x7f};
    memcpy(file + size - 4, infinite, 4); /* of the last label */
    assert_int_equal(tc_model_load_memory(file, size, NULL, &model), TC_ERROR_NUMERIC);
    assert_contains(tc_last_error(), "tensor 'fc.weight': element 19 is NaN or infinite");
    assert_ok(tci_fasttext_read(file, size, &run, NULL, NULL, true, false, &model));
    assert_int_equal(tc_predict(model, "ball", 4, 8, scores, &count), TC_ERROR_NUMERIC);
    tc_model_free(model);
    free(file);
}

/* Products are rounded before they are added, whatever the processor could do. */
static void logits_are_the_same_bits_on_every_instruction_set(void **state)
{
    (void)state;
    static const char *const names[] = {"grams.bin", "ova.bin", "ns.bin", "grams_cutoff.ftz", "ova_q.ftz"};
    tc_config *config = NULL;
    assert_ok(tc_config_create(&config));
    assert_ok(tc_config_set(config, "max_isa", "scalar"));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t size = 0, length = 0, count = 0;
        char text[4096];
        float wanted[MOST], scores[MOST], logits[2][MOST];
        uint8_t *bytes = test_fasttext_file(names[i], &size);
        tc_model *models[2] = {load(names[i]), NULL};
        assert_ok(tc_model_load_memory(bytes, size, config, &models[1]));
        free(bytes);
        test_expected expected;
        test_expected_open(&expected, names[i]);
        while (test_expected_text(&expected, text, &length, wanted)) {
            for (size_t k = 0; k < 2; k++) {
                tc_prediction prediction = TC_PREDICTION_INIT;
                prediction.logits = logits[k];
                prediction.logits_capacity = MOST;
                assert_ok(tc_predict_with(models[k], NULL, text, length, MOST, scores, &count, &prediction));
            }
            assert_memory_equal(logits[0], logits[1], count * sizeof *logits[0]);
        }
        test_expected_close(&expected);
        tc_model_free(models[0]);
        tc_model_free(models[1]);
    }
    tc_config_free(config);
}

/* Each bucket has a row of its own, and each row a bucket. */
static void a_pruned_row_of_two_buckets_is_refused(void **state)
{
    (void)state;
    for (size_t half = 0; half < 8; half += 4) {
        size_t size = 0, at = 92;
        int32_t entries = 0;
        tc_model *model = NULL;
        uint8_t *file = test_fasttext_file("hs_cutoff.ftz", &size);
        memcpy(&entries, file + 64, 4);
        for (int32_t i = 0; i < entries; i++)
            at += strlen((char *)file + at) + 1 + 9;
        memcpy(file + at + 8 + half, file + at + half, 4);
        assert_int_equal(tc_model_load_memory(file, size, NULL, &model), TC_ERROR_FORMAT);
        assert_contains(tc_last_error(), "twice");
        free(file);
    }
}

static void put(FILE *file, const void *bytes, size_t size)
{
    assert_int_equal(fwrite(bytes, 1, size, file), size);
}

/* softmax.bin with 2 million buckets of 100 numbers, all of them a hole in the file. */
static void write_large(const char *path)
{
    static const int32_t dim = 100, buckets = 2000000;
    static const int64_t labels = 5;
    static const float ones[500] = {1};
    size_t size = 0;
    uint8_t *small = test_fasttext_file("softmax.bin", &size), none = 0;
    int32_t words = 0;
    memcpy(&words, small + 68, 4);
    size_t head = size - 2 * 17 - (size_t)(words + 5) * 4 * sizeof(float);
    int64_t shape[4] = {words + buckets, dim, labels, dim};
    memcpy(small + 8, &dim, 4);
    memcpy(small + 40, &buckets, 4);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    put(file, small, head);
    put(file, &none, 1);
    put(file, shape, 16);
    assert_int_equal(fseek(file, (long)(shape[0] * dim * 4), SEEK_CUR), 0);
    put(file, &none, 1);
    put(file, shape + 2, 16);
    put(file, ones, sizeof ones);
    assert_int_equal(ftell(file), (long)(head + 34 + (size_t)(shape[0] + labels) * 400));
    assert_int_equal(fclose(file), 0);
    free(small);
}

static void a_file_of_800_megabytes_is_mapped_at_once(void **state)
{
    (void)state;
    test_folder folder;
    test_allocator allocator;
    float scores[8];
    size_t count = 0;
    tc_config *config = NULL;
    tc_model *model = NULL;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "large.bin");
    write_large(path);
    test_allocator_init(&allocator, TEST_NEVER, false);
    tc_allocator host = test_allocator_host(&allocator);
    assert_ok(tc_config_create_with(&host, &config));
    clock_t begin = clock();
    assert_ok(tc_model_load_with(path, config, TC_LOAD_MAPPED, &model));
    assert_true((double)(clock() - begin) / CLOCKS_PER_SEC < 0.05 * TEST_PATIENCE);
    assert_true(allocator.peak_bytes < 20u << 20);
    assert_ok(tc_predict(model, "ball", 4, 8, scores, &count));
    for (size_t i = 0; i < count; i++)
        assert_close(scores[i], 0.2, 1e-4);
    tc_model_free(model);
    tc_config_free(config);
    assert_nothing_held(&allocator);
    test_folder_remove(&folder);
}

static void failing_allocations_leave_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_FASTTEXT_MODELS; i++) {
        size_t size = 0;
        uint8_t *file = test_fasttext_file(test_fasttext_models[i], &size);
        tci_options run;
        tci_options_default(&run);
        for (long n = 0;; n++) {
            test_allocator allocator;
            tc_model *model = NULL;
            test_allocator_init(&allocator, n, false);
            tc_allocator host = test_allocator_host(&allocator);
            tc_status status = tci_fasttext_read(file, size, &run, &host, NULL, n % 2 == 0, true, &model);
            assert_true(status == TC_OK || status == TC_ERROR_MEMORY);
            tc_model_free(model);
            assert_nothing_held(&allocator);
            if (status == TC_OK)
                break;
        }
        free(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_predict_what_fasttext_predicts),
        cmocka_unit_test(from_a_path_and_mapped_they_predict_the_same),
        cmocka_unit_test(saved_as_native_files_they_have_the_same_bits),
        cmocka_unit_test(a_word_has_the_rows_that_fasttext_gives_it),
        cmocka_unit_test(a_model_says_what_it_is),
        cmocka_unit_test(a_tree_has_logits_and_a_loss),
        cmocka_unit_test(what_is_refused_is_refused_by_name),
        cmocka_unit_test(a_word_that_is_there_twice_is_refused),
        cmocka_unit_test(weights_that_are_not_finite_are_refused_or_found_on_use),
        cmocka_unit_test(logits_are_the_same_bits_on_every_instruction_set),
        cmocka_unit_test(a_pruned_row_of_two_buckets_is_refused),
        cmocka_unit_test(a_file_of_800_megabytes_is_mapped_at_once),
        cmocka_unit_test(failing_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
