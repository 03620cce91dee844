/* labels: quick. embed.c: a text's vector is what the head multiplies; a word's is its row, or the mean of its rows.
 * What fastText says of its own models is compared in tests/exchange/test_fasttext.py. */
#include "support/testing.h"

#include "api/handles.h"
#include "base/cpu.h"
#include "model/bag_network.h"
#include "model/embed.h"
#include "support/failing.h"
#include "support/tiny_model.h"
#include "tensor/narrow.h"

#define LABELS 2
#define LONG_TEXT ((size_t)600000)

/* fc.weight · vector + fc.bias = logits of that text. */
static void check_head(const tc_model *model, const char *text, size_t length)
{
    const tci_parameters *parameters = &model->network->parameters;
    const tci_tensor_info *weight = tci_parameters_find(parameters, "fc.weight");
    const tci_tensor_info *bias = tci_parameters_find(parameters, "fc.bias");
    size_t dim = 0, count = 0;
    float vector[16], scores[LABELS], logits[LABELS], sums[LABELS];
    tc_prediction more = TC_PREDICTION_INIT;
    more.logits = logits;
    more.logits_capacity = LABELS;
    assert_ok(tc_embed(model, text, length, 16, vector, &dim));
    assert_int_equal(dim, weight->shape[1]);
    assert_ok(tc_predict_with(model, NULL, text, length, LABELS, scores, &count, &more));
    for (size_t k = 0; k < LABELS; k++) {
        sums[k] = bias ? parameters->values[bias->offset + k] : 0;
        for (size_t i = 0; i < dim; i++)
            sums[k] += parameters->values[weight->offset + k * dim + i] * vector[i];
    }
    assert_all_close(sums, logits, LABELS, 1e-5);
}

static void the_vector_of_a_text_is_what_the_head_reads(void **state)
{
    static const char *const poolings[] = {"last", "mean", "max"};
    static const char *const texts[] = {"", "good", "the good film, a bad \xE5\xA5\xBD one", "unheard of"};
    (void)state;
    for (size_t i = 0; i < 12; i++) {
        const char *const settings[] = {"pooling",       poolings[i % 3],          "num_layers", i / 3 % 2 ? "2" : "1",
                                        "bidirectional", i / 6 ? "true" : "false", NULL};
        tc_model *model = test_tiny_model(settings);
        for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++)
            check_head(model, texts[t], strlen(texts[t]));
        tci_model_release(model);
    }
}

static void a_text_that_is_read_piece_by_piece_has_its_vector_too(void **state)
{
    (void)state;
    char *text = malloc(LONG_TEXT);
    assert_non_null(text);
    for (size_t i = 0; i < LONG_TEXT; i += 10)
        memcpy(text + i, i % 70 ? "good film " : "bad  thing", 10);
    tc_model *model = test_tiny_model((const char *const[]){"max_length", "0", "pooling", "mean", NULL});
    assert_true(tci_text_is_long(&model->pipeline->options, LONG_TEXT));
    check_head(model, text, LONG_TEXT);
    tci_model_release(model);
    free(text);
}

static void the_vector_of_a_word_is_its_row(void **state)
{
    static const char *const types[] = {"f32", "bf16", "int8"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        tc_model *model = test_tiny_model((const char *const[]){"weights", types[i], NULL});
        const tci_parameters *parameters = &model->network->parameters;
        float vector[3], wanted[3];
        size_t dim = 0;
        assert_ok(tc_word_vector(model, "GOOD", 4, 3, vector, &dim)); /* folded, as in a text */
        assert_int_equal(dim, 3);
        tci_widen_row(parameters, 0, 2, wanted);
        assert_memory_equal(vector, wanted, sizeof wanted);
        assert_ok(tc_word_vector(model, "unheard", 7, 3, vector, &dim));
        tci_widen_row(parameters, 0, 0, wanted);
        assert_memory_equal(vector, wanted, sizeof wanted);
        tci_model_release(model);
    }
}

/* A model of averaged embeddings over the words </s>, good, film, with 20 buckets. */
static tc_model *bag_model(const tc_allocator *host)
{
    static const char *const settings[][2] = {{"arch", "ngram"},       {"embedding_dim", "3"},  {"word_ngrams", "2"},
                                              {"min_char_ngram", "3"}, {"max_char_ngram", "4"}, {"buckets", "20"}};
    static const char *const labels[] = {"no", "yes"};
    static const char words[] = "</s>\ngood\nfilm\n";
    tci_memory memory;
    tci_options options;
    tci_vocabulary *vocabulary = NULL;
    tci_pipeline *pipeline = NULL;
    tc_model *model = NULL;
    tci_options_default(&options);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        assert_ok(tci_options_set(&options, settings[i][0], settings[i][1]));
    assert_ok(tci_options_resolve(&options, 0));
    tci_text_options text = tci_model_text_options(&options);
    tci_memory_init(&memory, host, 0);
    assert_ok(tci_vocabulary_parse_bare(&memory, words, sizeof words - 1, 100, &vocabulary));
    assert_ok(tci_pipeline_create(host, 0, &text, vocabulary, &pipeline));
    assert_ok(tci_model_build(host, NULL, &options, pipeline, NULL, labels, LABELS, &model));
    model->network->architecture->initialize(model->network, 7);
    for (size_t i = 0; i < 6; i++) /* fc.weight, which begins with zeros */
        model->network->parameters.values[model->network->parameters.tensors[1].offset + i] = (float)i - 2.5f;
    tci_model_refresh(model);
    return model;
}

static void mean_of(const tc_model *model, const uint32_t *rows, size_t count, float mean[3])
{
    const float *values = model->network->parameters.values;
    memset(mean, 0, 3 * sizeof *mean);
    for (size_t r = 0; r < count; r++) {
        for (size_t i = 0; i < 3; i++)
            mean[i] += values[rows[r] * 3 + i] / (float)count;
    }
}

static uint32_t bucket(const char *run)
{
    return 3 + tci_bag_hash(run, strlen(run)) % 20;
}

static void averaged_embeddings_give_the_mean_of_their_rows(void **state)
{
    (void)state;
    tc_model *model = bag_model(NULL);
    float vector[3], wanted[3];
    size_t dim = 0;
    check_head(model, "good film", 9);
    check_head(model, "", 0);
    const uint32_t end[] = {0};
    assert_ok(tc_embed(model, "", 0, 3, vector, &dim));
    mean_of(model, end, 1, wanted);
    assert_all_close(vector, wanted, 3, 1e-6);
    assert_ok(tc_word_vector(model, "</s>", 4, 3, vector, &dim));
    assert_all_close(vector, wanted, 3, 1e-6);
    const uint32_t good[] = {
        1, bucket("<go"), bucket("<goo"), bucket("goo"), bucket("good"), bucket("ood"), bucket("ood>"), bucket("od>")};
    assert_ok(tc_word_vector(model, "good", 4, 3, vector, &dim));
    mean_of(model, good, 8, wanted);
    assert_all_close(vector, wanted, 3, 1e-6);
    const uint32_t no[] = {bucket("<no"), bucket("<no>"), bucket("no>")};
    assert_ok(tc_word_vector(model, "no", 2, 3, vector, &dim));
    mean_of(model, no, 3, wanted);
    assert_all_close(vector, wanted, 3, 1e-6);
    assert_int_equal(tc_word_vector(model, "good film", 9, 3, vector, &dim), TC_ERROR_ARGUMENT);
    assert_contains(tc_last_error(), "a word is one token; this has 2");
    assert_int_equal(tc_word_vector(model, "", 0, 3, vector, &dim), TC_ERROR_ARGUMENT);
    tci_model_release(model);
}

static void wrong_use_is_refused(void **state)
{
    (void)state;
    tc_model *model = test_tiny_model(NULL);
    float vector[4];
    size_t dim = 0;
    assert_int_equal(tc_embed(model, "good", 4, 0, NULL, &dim), TC_ERROR_CAPACITY);
    assert_int_equal(dim, 2);
    assert_int_equal(tc_embed(model, "good", 4, 1, vector, &dim), TC_ERROR_CAPACITY);
    assert_int_equal(tc_word_vector(model, "good", 4, 2, vector, &dim), TC_ERROR_CAPACITY);
    assert_int_equal(dim, 3);
    assert_int_equal(tc_embed(NULL, "good", 4, 4, vector, &dim), TC_ERROR_ARGUMENT);
    assert_int_equal(tc_embed(model, NULL, 4, 4, vector, &dim), TC_ERROR_ARGUMENT);
    assert_int_equal(tc_embed(model, "good", 4, 4, vector, NULL), TC_ERROR_ARGUMENT);
    assert_ok(tc_embed(model, NULL, 0, 4, vector, &dim));
    assert_true(vector[0] == 0 && vector[1] == 0);
    tci_model_release(model);
    model = test_tiny_model((const char *const[]){"arch", "ngram", "embedding_dim", "0", NULL});
    assert_int_equal(tc_embed(model, "good", 4, 4, vector, &dim), TC_ERROR_UNSUPPORTED);
    assert_int_equal(tc_word_vector(model, "good", 4, 4, vector, &dim), TC_ERROR_UNSUPPORTED);
    assert_contains(tc_last_error(), "embedding_dim 0");
    tci_model_release(model);
}

static void every_failing_allocation_is_an_error_and_leaks_nothing(void **state)
{
    (void)state;
    test_allocator allocator;
    test_allocator_init(&allocator, TEST_NEVER, false);
    tc_allocator host = test_allocator_host(&allocator);
    for (size_t kind = 0; kind < 2; kind++) {
        for (long n = 0;; n++) {
            tc_model *model = kind ? bag_model(&host) : NULL;
            float vector[3];
            size_t dim = 0;
            if (!kind)
                assert_ok(test_tiny_create(&host, NULL, NULL, &model));
            allocator.calls = 0;
            allocator.failed = false;
            allocator.fail_at = n;
            tc_status status = tc_embed(model, "good film", 9, 3, vector, &dim);
            if (status == TC_OK)
                status = tc_word_vector(model, "film", 4, 3, vector, &dim);
            allocator.fail_at = TEST_NEVER;
            tci_model_release(model);
            assert_nothing_held(&allocator);
            if (!allocator.failed)
                break;
            assert_int_equal(status, TC_ERROR_MEMORY);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vector_of_a_text_is_what_the_head_reads),
        cmocka_unit_test(a_text_that_is_read_piece_by_piece_has_its_vector_too),
        cmocka_unit_test(the_vector_of_a_word_is_its_row),
        cmocka_unit_test(averaged_embeddings_give_the_mean_of_their_rows),
        cmocka_unit_test(wrong_use_is_refused),
        cmocka_unit_test(every_failing_allocation_is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
