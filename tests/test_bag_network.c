/* labels: quick. bag_network.c: the tree, heads of models of the library's own, files of theirs that are damaged. */
#include "support/testing.h"

#include "model/bag_network.h"
#include "model/classifier.h"
#include "serialization/native.h"
#include "support/fasttext_models.h"
#include "support/tiny_model.h"
#include "textclf/textclf.h"

static void a_tree_joins_the_two_least_counts_first(void **state)
{
    (void)state;
    /* 10 | 4 3 2 1: 1 and 2 make 3, which goes before the leaf of 3; 3 and 3 make 6; 4 and 6 make 10; 10 and 10 */
    static const uint64_t counts[5] = {10, 4, 3, 2, 1};
    uint64_t sums[15];
    tci_bag_node tree[4];
    tci_bag_build_tree(5, counts, sums, tree);
    static const tci_bag_node wanted[4] = {{4, 3}, {5, 2}, {1, 6}, {7, 0}};
    assert_memory_equal(tree, wanted, sizeof tree);
    assert_int_equal(sums[8], 20);
}

/* Of any counts: each node but the root is the child of one larger node. */
static void a_tree_of_any_counts_is_one(void **state)
{
    (void)state;
    enum { MOST = 40 };
    uint64_t counts[MOST], sums[3 * MOST], random = 7;
    tci_bag_node tree[MOST];
    for (size_t round = 0; round < 200; round++) {
        size_t labels = 1 + round % MOST;
        for (size_t i = 0; i < labels; i++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
            counts[i] = round % 3 == 0 ? UINT64_MAX - i : random >> (round % 60);
        }
        tci_bag_build_tree(labels, counts, sums, tree);
        unsigned char seen[2 * MOST] = {0};
        for (size_t i = 0; i + 1 < labels; i++) {
            assert_true(tree[i].left < labels + i && tree[i].right < labels + i);
            seen[tree[i].left]++;
            seen[tree[i].right]++;
        }
        for (size_t i = 0; i + 2 < 2 * labels; i++)
            assert_int_equal(seen[i], 1);
    }
}

/* A row of weights for every bucket. */
static void give_rows(tci_bag_network *network)
{
    tci_index_set set;
    assert_ok(tci_index_set_init(&set, network->base.memory, network->buckets));
    for (uint32_t i = 0; i < network->buckets; i++)
        tci_index_set_put(&set, i);
    assert_ok(tci_index_set_count(&set));
    assert_ok(tci_bag_grow(network, &set, 1));
    tci_parameters *parameters = &network->base.parameters;
    const tci_tensor_info *weight = &parameters->tensors[network->embedding.weight];
    for (size_t i = tci_bag_words(network) * network->dim; i < weight->count; i++)
        parameters->values[weight->offset + i] = (float)((int)(i * 11 % 29) - 14) / 100;
}

/* A model of the library's own with random weights: words the, ball, of; some buckets. */
static tc_model *make(const char *task, const char *head, size_t labels)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};
    const char *const settings[][2] = {{"arch", "ngram"},       {"embedding_dim", "19"}, {"word_ngrams", "2"},
                                       {"min_char_ngram", "2"}, {"max_char_ngram", "3"}, {"buckets", "50"},
                                       {"task", task},          {"head", head}};
    tc_config *config = NULL;
    tc_vocab_builder *words = NULL;
    tc_model *model = NULL;
    assert_ok(tc_config_create(&config));
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        assert_ok(tc_config_set(config, settings[i][0], settings[i][1]));
    assert_ok(tc_vocab_builder_create(config, &words));
    assert_ok(tc_vocab_builder_add(words, "the ball of the <unk>", 21));
    assert_ok(tc_model_create(config, words, names, labels, &model));
    tc_vocab_builder_free(words);
    tc_config_free(config);
    tci_parameters *parameters = &model->network->parameters;
    tci_bag_network *network = (tci_bag_network *)model->network;
    give_rows(network);
    const tci_tensor_info *weight = &parameters->tensors[network->output.weight];
    for (size_t i = 0; i < weight->count; i++)
        parameters->values[weight->offset + i] = (float)((int)(i * 7 % 23) - 11);
    if (network->tree) {
        uint64_t counts[7] = {90, 50, 20, 9, 5, 2, 1};
        memcpy(parameters->values + parameters->tensors[network->label_counts].offset, counts, labels * sizeof *counts);
    }
    tci_model_refresh(model);
    return model;
}

/* z of a text, in double. */
static void reference(const tc_model *model, const char *text, double *z)
{
    const tci_bag_network *network = (const tci_bag_network *)model->network;
    const float *embedding = tci_parameters_read(&model->network->parameters, network->embedding.weight);
    const float *output = tci_parameters_read(&model->network->parameters, network->output.weight);
    uint32_t ids[100];
    size_t count = 0;
    assert_ok(tc_encode(model, text, strlen(text), 100, ids, NULL, &count));
    assert_true(count > 3);
    for (size_t k = 0; k < model->label_count; k++) {
        z[k] = 0;
        for (size_t i = 0; i < count; i++)
            for (size_t d = 0; d < network->dim; d++)
                z[k] +=
                    (double)embedding[ids[i] * network->dim + d] * (double)output[k * network->dim + d] / (double)count;
    }
}

static double sigmoid(double z)
{
    return 1 / (1 + __builtin_exp(-z));
}

static void heads_make_scores_as_their_formulas_say(void **state)
{
    (void)state;
    static const char text[] = "the unknown ball, of the";
    double z[7], parts[13];
    float scores[7];
    size_t count = 0;
    tc_model *model = make("classify", "auto", 7);
    reference(model, text, z);
    assert_ok(tc_predict(model, text, strlen(text), 7, scores, &count));
    double sum = 0;
    for (size_t k = 0; k < 7; k++)
        sum += __builtin_exp(z[k]);
    for (size_t k = 0; k < 7; k++)
        assert_close(scores[k], __builtin_exp(z[k]) / sum, 1e-6);
    tc_model_free(model);

    model = make("multilabel", "auto", 7);
    assert_ok(tc_predict(model, text, strlen(text), 7, scores, &count));
    for (size_t k = 0; k < 7; k++)
        assert_close(scores[k], sigmoid(z[k]), 1e-6);
    tc_model_free(model);

    model = make("classify", "tree", 7);
    const tci_bag_network *network = (const tci_bag_network *)model->network;
    assert_ok(tc_predict(model, text, strlen(text), 7, scores, &count));
    parts[12] = 1;
    for (size_t i = 6; i-- > 0;) {
        parts[network->tree[i].right] = parts[7 + i] * sigmoid(z[i]);
        parts[network->tree[i].left] = parts[7 + i] * sigmoid(-z[i]);
    }
    sum = 0;
    for (size_t k = 0; k < 7; k++) {
        assert_close(scores[k], parts[k], 1e-6);
        sum += (double)scores[k];
    }
    assert_close(sum, 1, 1e-6);
    tc_model_free(model);
}

static void one_label_has_all_of_a_tree(void **state)
{
    (void)state;
    float score = 0;
    size_t count = 0;
    tc_model *model = make("classify", "tree", 1);
    assert_ok(tc_predict(model, "the ball", 8, 1, &score, &count));
    assert_true(score == 1.0f);
    tc_model_free(model);
}

static void a_text_of_no_rows_has_the_scores_of_zeros(void **state)
{
    (void)state;
    float scores[7];
    size_t count = 0;
    tc_model *model = make("classify", "auto", 4);
    /* the vocabulary of the builder has "</s>"; without it, and without runs, nothing is left of a text */
    tci_row row = {.ids = NULL, .length = 0};
    float hidden[32], logits[4];
    assert_int_equal(tci_bag_average((const tci_bag_network *)model->network, &row, hidden), 0);
    tci_scratch *scratch = NULL;
    assert_ok(tci_scratch_create(model, 1, &scratch));
    assert_ok(tci_model_logits(model, scratch, &row, 1, logits));
    for (size_t i = 0; i < 4; i++)
        assert_true(logits[i] == 0.0f);
    tci_scratch_free(scratch);
    assert_ok(tc_predict(model, "", 0, 7, scores, &count));
    tc_model_free(model);
}

static void duplicates_count_as_often_as_they_occur(void **state)
{
    (void)state;
    tc_model *model = make("classify", "auto", 2);
    const tci_bag_network *network = (const tci_bag_network *)model->network;
    const float *weight = tci_parameters_read(&model->network->parameters, network->embedding.weight);
    const uint32_t ids[4] = {1, 2, 1, 1};
    float hidden[32];
    tci_row row = {.ids = ids, .length = 4};
    assert_int_equal(tci_bag_average(network, &row, hidden), 4);
    for (size_t d = 0; d < network->dim; d++)
        assert_close(hidden[d], 0.75 * (double)weight[network->dim + d] + 0.25 * (double)weight[2 * network->dim + d],
                     1e-7);
    tc_model_free(model);
}

static void options_that_do_not_go_together_are_refused(void **state)
{
    (void)state;
    static const char *const cases[][6] = {
        {"arch", "ngram", "embedding_dim", "4", "skip_ngrams", "true"},
        {"arch", "ngram", "embedding_dim", "0", "head", "tree"},
        {"arch", "ngram", "embedding_dim", "4", "weights", "int8"},
        {"arch", "lstm", "embedding_dim", "0", "threads", "1"},
        {"arch", "lstm", "embedding_dim", "4", "weights", "pq"},
        {"arch", "ngram", "word_ngrams", "9", "threads", "1"},
        {"arch", "ngram", "max_char_ngram", "17", "threads", "1"},
        {"arch", "ngram", "buckets", "0", "threads", "1"},
        {"task", "multilabel", "embedding_dim", "4", "head", "softmax"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tci_options options;
        tci_options_default(&options);
        if (i == 8)
            assert_ok(tci_options_set(&options, "arch", "ngram"));
        for (size_t k = 0; k < 6; k += 2)
            assert_ok(tci_options_set(&options, cases[i][k], cases[i][k + 1]));
        if (tci_options_resolve(&options, 0) != TC_ERROR_OPTION)
            fail_msg("case %zu", i);
    }
}

/* Native files of quantized, pruned and tree models: with the right checksum an error, or a model that is safe. */
static void damaged_native_files_are_errors_or_safe(void **state)
{
    (void)state;
    long errors = 0, models = 0;
    uint64_t random = 11;
    for (size_t i = 0; i < TEST_FASTTEXT_MODELS; i++) {
        size_t size = 0;
        tc_model *model = NULL;
        uint8_t *bytes = test_fasttext_file(test_fasttext_models[i], &size);
        assert_ok(tc_model_load_memory(bytes, size, NULL, &model));
        free(bytes);
        bytes = test_model_bytes(model, &size);
        tc_model_free(model);
        size_t header = (size_t)bytes[0] | (size_t)bytes[1] << 8;
        for (size_t flip = 0; flip < 200; flip++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
            size_t at = (size_t)(random >> 33) % (flip % 2 ? size : header);
            uint8_t *copy = malloc(size);
            assert_non_null(copy);
            memcpy(copy, bytes, size);
            copy[at] ^= (uint8_t)(1u << (random >> 30 & 7));
            test_reseal(copy, size);
            tc_status status = test_read(copy, size, NULL, &model);
            if (status == TC_OK) {
                tc_status prediction = test_predict_20(model);
                assert_true(prediction == TC_OK || prediction == TC_ERROR_NUMERIC);
                models++;
            } else {
                assert_null(model);
                errors++;
            }
            tc_model_free(model);
            free(copy);
        }
        for (size_t cut = 1; cut < 60; cut++) {
            size_t less = size - cut * (size - 300) / 60;
            test_reseal(bytes, less);
            assert_int_not_equal(test_read(bytes, less, NULL, &model), TC_OK);
        }
        free(bytes);
    }
    assert_true(errors > 300 && models > 300);
}

static void tensors_of_another_shape_are_refused(void **state)
{
    (void)state;
    static const char *const edits[][3] = {
        {"\"textclf.option.pq_width\":\"2\"", "\"textclf.option.pq_width\":\"1\"", "codes"},
        {"\"textclf.option.pq_norms\":\"true\"", "\"textclf.option.pq_norms\":\"false\"", NULL},
        {"\"textclf.option.head\":\"tree\"", "\"textclf.option.head\":\"softmax\"", NULL},
        {"\"textclf.option.buckets\":\"280\"", "\"textclf.option.buckets\":\"300\"", "a bit for each bucket"},
        {"\"textclf.option.weights\":\"pq\"", "\"textclf.option.weights\":\"f32\"", "'embedding.weight' is missing"},
        {"\"textclf.option.embedding_dim\":\"5\"", "\"textclf.option.embedding_dim\":\"6\"", "vocabulary ask for"},
    };
    size_t size = 0;
    tc_model *model = NULL;
    uint8_t *bytes = test_fasttext_file("hs_cutoff.ftz", &size);
    assert_ok(tc_model_load_memory(bytes, size, NULL, &model));
    free(bytes);
    bytes = test_model_bytes(model, &size);
    tc_model_free(model);
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        size_t edited = 0;
        uint8_t *copy = test_edit_header(bytes, size, edits[i][0], edits[i][1], &edited);
        tc_status status = test_read(copy, edited, NULL, &model);
        if (edits[i][2]) { /* the others leave tensors over, whose names allow it */
            assert_int_equal(status, TC_ERROR_FORMAT);
            assert_contains(tci_error_text(), edits[i][2]);
        } else {
            assert_ok(status);
        }
        tc_model_free(model);
        model = NULL;
        free(copy);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_joins_the_two_least_counts_first),
        cmocka_unit_test(a_tree_of_any_counts_is_one),
        cmocka_unit_test(heads_make_scores_as_their_formulas_say),
        cmocka_unit_test(one_label_has_all_of_a_tree),
        cmocka_unit_test(a_text_of_no_rows_has_the_scores_of_zeros),
        cmocka_unit_test(duplicates_count_as_often_as_they_occur),
        cmocka_unit_test(options_that_do_not_go_together_are_refused),
        cmocka_unit_test(damaged_native_files_are_errors_or_safe),
        cmocka_unit_test(tensors_of_another_shape_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
