/* labels: quick. fasttext_write.c: what is written comes back through the reader with the same bits; what the format
 * has no place for is refused by name. fastText itself reads the files in tests/exchange/test_fasttext.py. */
#include "support/testing.h"

#include <errno.h>

#include "api/handles.h"
#include "base/cpu.h"
#include "model/bag_network.h"
#include "serialization/fasttext.h"
#include "support/failing.h"
#include "support/failing_files.h"
#include "support/tiny_model.h"

#define LABELS 5
#define DIM 7
#define MOST 16 /* pairs of settings */

static const char *const labels[LABELS] = {"praise", "blame", "a,b", "plain", "\xE5\xA5\xBD"};
static const char words[] = "the\n</s>\nfilm\ngood\n\xE5\xA5\xBD\nc\xC3\xA1\n";
static const char *const texts[] = {"",
                                    "the good film",
                                    "unheard",
                                    "good good </s> film",
                                    "the the film unheard of good \xE5\xA5\xBD film c\xC3\xA1",
                                    "__label__x film"};
#define TEXTS (sizeof texts / sizeof texts[0])

/* Options of a small model of averaged embeddings, with more of them on top. */
static tci_options options_of(const char *const *settings)
{
    static const char *const small[] = {"arch", "ngram", "embedding_dim", "7", "tokenizer", "space", "buckets",
                                        "40",   NULL};
    tci_options options;
    tci_options_default(&options);
    for (size_t i = 0; small[i]; i += 2)
        assert_ok(tci_options_set(&options, small[i], small[i + 1]));
    for (size_t i = 0; settings && settings[i]; i += 2)
        assert_ok(tci_options_set(&options, settings[i], settings[i + 1]));
    assert_ok(tci_options_resolve(&options, 0));
    return options;
}

static tc_model *build(const tc_allocator *host, const tci_file_operations *files, const tci_options *options,
                       const char *word_lines, const tci_index_set *features, const char *const *names, size_t count)
{
    tci_memory memory;
    tci_vocabulary *vocabulary = NULL;
    tci_pipeline *pipeline = NULL;
    tc_model *model = NULL;
    tci_text_options text = tci_model_text_options(options);
    tci_memory_init(&memory, host, 0);
    assert_ok(tci_vocabulary_parse_bare(&memory, word_lines, strlen(word_lines), 100, &vocabulary));
    assert_ok(tci_pipeline_create(host, 0, &text, vocabulary, &pipeline));
    assert_ok(tci_model_build(host, files, options, pipeline, features, names, count, &model));
    return model;
}

/* Every weight another number, counts of labels that fall. */
static void fill(tc_model *model)
{
    const tci_parameters *parameters = &model->network->parameters;
    for (size_t t = 0; t < parameters->tensor_count; t++) {
        const tci_tensor_info *tensor = &parameters->tensors[t];
        float *values = parameters->values + tensor->offset;
        for (size_t i = 0; tensor->element == TCI_ELEMENT_F32 && i < tensor->count; i++)
            values[i] = (float)((i * 2654435761u + t * 40503u) % 2001) / 1000.0f - 1.0f;
        for (size_t i = 0; tensor->element == TCI_ELEMENT_U64 && i < tensor->count; i++)
            memcpy((uint8_t *)values + 8 * i, &(uint64_t){100 - 20 * i}, 8);
    }
    tci_model_refresh(model);
}

/* Writes, reads back; the file's bytes are gone by then. */
static tc_model *round_trip(const tc_model *model, test_folder *folder, size_t *file_size)
{
    tci_options run;
    tc_model *back = NULL;
    const char *path = test_folder_file(folder, "model.bin");
    tci_options_default(&run);
    assert_ok(tci_fasttext_save(model, path));
    char *bytes = test_read_file(path, file_size);
    assert_ok(tci_fasttext_read((const uint8_t *)bytes, *file_size, &run, NULL, NULL, false, true, &back));
    free(bytes);
    return back;
}

static void logits_of(const tc_model *model, const char *text, float logits[LABELS])
{
    tci_scratch *scratch = NULL;
    assert_ok(tci_scratch_create(model, 1, &scratch));
    tci_float_environment environment = tci_float_enter();
    assert_ok(tci_model_predict_text(model, scratch, text, strlen(text), logits));
    tci_float_leave(environment);
    tci_scratch_free(scratch);
}

static tci_index_set some_buckets(tci_memory *memory, size_t bound)
{
    tci_index_set set;
    assert_ok(tci_index_set_init(&set, memory, bound));
    for (uint32_t i = 0; i < bound; i++) {
        if (i % 7 < 3 || i == bound - 1)
            tci_index_set_put(&set, i);
    }
    assert_ok(tci_index_set_count(&set));
    return set;
}

/* But for the last bits, as the model that was read multiplies, then adds, like fastText; and in a tree for the 0.00001
 * that it adds in each node. */
static void assert_same_predictions(const tc_model *model, const tc_model *back)
{
    for (size_t i = 0; i < TEXTS; i++) {
        float wanted[LABELS], found[LABELS];
        logits_of(model, texts[i], wanted);
        logits_of(back, texts[i], found);
        assert_all_close(found, wanted, LABELS, model->options.head == TCI_HEAD_TREE ? 5e-5 : 1e-6);
    }
}

static void what_is_written_comes_back_with_the_same_weights_and_predictions(void **state)
{
    static const char *const settings[][MOST] = {
        {"word_ngrams", "1", "min_char_ngram", "0", "max_char_ngram", "0", "buckets", "0", NULL},
        {"word_ngrams", "2", "buckets", "50", NULL},
        {"word_ngrams", "3", "buckets", "13", "min_char_ngram", "2", "max_char_ngram", "4", NULL},
        {"head", "tree", "buckets", "30", NULL},
        {"head", "sigmoid", "min_char_ngram", "1", "max_char_ngram", "2", "buckets", "100", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        test_folder folder;
        size_t size = 0;
        tci_options options = options_of(settings[i]);
        test_folder_create(&folder);
        tc_model *model = build(NULL, NULL, &options, words, NULL, labels, LABELS);
        fill(model);
        tc_model *back = round_trip(model, &folder, &size);
        const tci_parameters *ours = &model->network->parameters, *theirs = &back->network->parameters;
        assert_int_equal(ours->size, theirs->size);
        assert_memory_equal(ours->values, theirs->values, ours->size * sizeof(float));
        assert_int_equal(back->label_count, LABELS);
        for (size_t k = 0; k < LABELS; k++)
            assert_string_equal(back->labels[k], labels[k]);
        assert_same_predictions(model, back);
        /* and the file of that model is the same file */
        char *first = test_read_file(test_folder_file(&folder, "model.bin"), &size);
        back->options.epochs = options.epochs;
        assert_ok(tci_fasttext_save(back, test_folder_file(&folder, "again.bin")));
        size_t again_size = 0;
        char *again = test_read_file(test_folder_file(&folder, "again.bin"), &again_size);
        assert_int_equal(again_size, size);
        assert_memory_equal(again, first, size);
        free(first);
        free(again);
        tci_model_release(back);
        tci_model_release(model);
        test_folder_remove(&folder);
    }
}

/* fastText builds its tree in the file's order, which it expects to be this one. */
static void labels_of_a_tree_are_written_by_falling_counts(void **state)
{
    static const char *const order[LABELS] = {"a,b", "blame", "\xE5\xA5\xBD", "praise", "plain"};
    static const uint64_t counts[LABELS] = {3, 40, 50, 3, 7};
    (void)state;
    test_folder folder;
    size_t size = 0;
    tci_options options = options_of((const char *const[]){"head", "tree", "buckets", "30", NULL});
    test_folder_create(&folder);
    tc_model *model = build(NULL, NULL, &options, words, NULL, labels, LABELS);
    fill(model);
    const tci_bag_network *network = (const tci_bag_network *)model->network;
    const tci_parameters *parameters = &model->network->parameters;
    memcpy(parameters->values + parameters->tensors[network->label_counts].offset, counts, sizeof counts);
    tci_model_refresh(model);
    tc_model *back = round_trip(model, &folder, &size);
    for (size_t i = 0; i < TEXTS; i++) {
        float wanted[LABELS], found[LABELS];
        logits_of(model, texts[i], wanted);
        logits_of(back, texts[i], found);
        for (size_t k = 0; k < LABELS; k++) {
            size_t there = 0;
            assert_string_equal(back->labels[k], order[k]);
            while (strcmp(labels[there], order[k]) != 0)
                there++;
            assert_close(found[k], wanted[there], 5e-5);
        }
    }
    tci_model_release(back);
    tci_model_release(model);
    test_folder_remove(&folder);
}

static void buckets_without_a_row_are_rows_of_zeros(void **state)
{
    static const char *const settings[] = {"word_ngrams", "2", "buckets", "101", NULL};
    (void)state;
    test_folder folder;
    tci_memory memory;
    size_t size = 0;
    tci_options options = options_of(settings);
    test_folder_create(&folder);
    tci_memory_init(&memory, NULL, 0);
    tci_index_set set = some_buckets(&memory, 101);
    tc_model *model = build(NULL, NULL, &options, words, &set, labels, LABELS);
    fill(model);
    tc_model *back = round_trip(model, &folder, &size);
    size_t rows = tci_vocabulary_size(model->pipeline->vocabulary);
    const float *ours = model->network->parameters.values, *theirs = back->network->parameters.values;
    const float zeros[DIM] = {0};
    assert_null(tci_model_features(back));
    for (uint32_t i = 0; i < 101; i++) {
        uint32_t rank = tci_index_set_rank(&set, i);
        assert_memory_equal(theirs + (rows + i) * DIM, rank == TCI_INDEX_SET_NONE ? zeros : ours + (rows + rank) * DIM,
                            sizeof zeros);
    }
    assert_same_predictions(model, back);
    tci_model_release(back);
    tci_model_release(model);
    tci_index_set_free(&set);
    test_folder_remove(&folder);
}

/* Codes, codebooks and norms, of both matrices, with a part of the buckets. */
static void quantized_models_come_back_pruned_as_they_are(void **state)
{
    static const char *const settings[] = {"word_ngrams",     "2",    "buckets",  "64",   "weights",         "pq",
                                           "pq_width",        "2",    "pq_norms", "true", "pq_output_width", "3",
                                           "fasttext_scores", "true", NULL};
    (void)state;
    for (int pruned = 0; pruned < 2; pruned++) {
        test_folder folder;
        tci_memory memory;
        size_t size = 0;
        tci_options options = options_of(settings);
        test_folder_create(&folder);
        tci_memory_init(&memory, NULL, 0);
        tci_index_set set = some_buckets(&memory, 64);
        tc_model *model = build(NULL, NULL, &options, words, pruned ? &set : NULL, labels, LABELS);
        fill(model);
        const tci_parameters *ours = &model->network->parameters;
        for (size_t t = 0; t < ours->tensor_count; t++) {
            uint8_t *codes = (uint8_t *)(ours->values + ours->tensors[t].offset);
            for (size_t i = 0; ours->tensors[t].element == TCI_ELEMENT_U8 && i < ours->tensors[t].count; i++)
                codes[i] = (uint8_t)(i * 37 + t);
        }
        tc_model *back = round_trip(model, &folder, &size);
        assert_int_equal(tci_model_features(back) != NULL, pruned);
        assert_int_equal(ours->size, back->network->parameters.size);
        assert_memory_equal(ours->values, back->network->parameters.values, ours->size * sizeof(float));
        assert_same_predictions(model, back);
        tci_model_release(back);
        tci_model_release(model);
        tci_index_set_free(&set);
        test_folder_remove(&folder);
    }
}

static void refused(tc_model *model, const char *part)
{
    test_folder folder;
    test_folder_create(&folder);
    assert_int_equal(tci_fasttext_save(model, test_folder_file(&folder, "model.bin")), TC_ERROR_UNSUPPORTED);
    assert_contains(tci_error_text(), "fastText's format has no place for this model");
    assert_contains(tci_error_text(), part);
    assert_int_equal(test_folder_count(&folder), 0);
    tci_model_release(model);
    test_folder_remove(&folder);
}

static void what_the_format_has_no_place_for_is_refused_by_name(void **state)
{
    static const char *const spaced[] = {"a b", "c"};
    static const char *const two[] = {"a", "b"};
    (void)state;
    tci_options options = options_of(NULL);
    refused(test_tiny_model(NULL), "arch lstm");
    refused(test_tiny_model((const char *const[]){"weights", "int8", NULL}), "arch lstm");
    refused(test_tiny_model((const char *const[]){"arch", "ngram", "embedding_dim", "0", NULL}), "embedding_dim 0");
    refused(build(NULL, NULL, &options, words, NULL, spaced, 2), "label 'a b' has a space");
    refused(build(NULL, NULL, &options, "the\n__label__x\n", NULL, two, 2), "word 1");
    options = options_of((const char *const[]){"task", "regress", NULL});
    refused(build(NULL, NULL, &options, words, NULL, two, 2), "regress");
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    tci_index_set set = some_buckets(&memory, 20);
    options = options_of((const char *const[]){"word_ngrams", "2", "buckets", "20", "fasttext_scores", "true", NULL});
    refused(build(NULL, NULL, &options, words, &set, two, 2), "pruned");
    tci_index_set_free(&set);
    assert_int_equal(tc_model_export(NULL, "x", TC_FORMAT_FASTTEXT), TC_ERROR_ARGUMENT);
    tc_model *model = test_tiny_model(NULL);
    assert_int_equal(tc_model_export(model, NULL, TC_FORMAT_FASTTEXT), TC_ERROR_ARGUMENT);
    assert_int_equal(tc_model_export(model, "x", 0), TC_ERROR_ARGUMENT);
    assert_contains(tci_error_text(), "TC_FORMAT_FASTTEXT");
    tci_model_release(model);
}

static void every_failing_allocation_and_operation_leaves_the_old_file(void **state)
{
    static const char *const settings[] = {"word_ngrams", "2", "buckets", "101", NULL};
    (void)state;
    test_folder folder;
    test_allocator allocator;
    test_folder_create(&folder);
    char path[512];
    (void)snprintf(path, sizeof path, "%s", test_folder_file(&folder, "model.bin"));
    test_allocator_init(&allocator, TEST_NEVER, false);
    tc_allocator host = test_allocator_host(&allocator);
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    tci_index_set set = some_buckets(&memory, 101);
    tci_options options = options_of(settings);
    tc_model *model = build(&host, &test_failing_files, &options, words, &set, labels, LABELS);
    fill(model);
    test_files_init(TEST_FILE_ANY, -1, 0);
    test_write_file(path, "old", 3);
    for (int files = 0; files < 2; files++) {
        for (long n = 0;; n++) {
            size_t size = 0;
            long live = allocator.live_blocks;
            allocator.calls = 0;
            allocator.failed = false;
            allocator.fail_at = files ? TEST_NEVER : n;
            test_files_init(TEST_FILE_ANY, files ? n : -1, EIO);
            tc_status status = tci_fasttext_save(model, path);
            assert_int_equal(allocator.live_blocks, live);
            assert_int_equal(test_folder_count(&folder), 1);
            char *bytes = test_read_file(path, &size);
            bool placed = status == TC_OK || strstr(tci_error_text(), "the new file is in its place");
            assert_int_equal(size == 3 && memcmp(bytes, "old", 3) == 0, !placed);
            free(bytes);
            if (!allocator.failed && !test_files_state.failed)
                break;
            test_write_file(path, "old", 3);
        }
        test_write_file(path, "old", 3);
    }
    tci_model_release(model);
    assert_nothing_held(&allocator);
    tci_index_set_free(&set);
    test_folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_comes_back_with_the_same_weights_and_predictions),
        cmocka_unit_test(labels_of_a_tree_are_written_by_falling_counts),
        cmocka_unit_test(buckets_without_a_row_are_rows_of_zeros),
        cmocka_unit_test(quantized_models_come_back_pruned_as_they_are),
        cmocka_unit_test(what_the_format_has_no_place_for_is_refused_by_name),
        cmocka_unit_test(every_failing_allocation_and_operation_leaves_the_old_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
