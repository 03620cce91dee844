/* labels: quick
 * Models of n-grams with a part of their features and with narrow weights: which features are kept, against a sort;
 * what the narrow arithmetic gives, against its formula in doubles. */
#include "support/testing.h"

#include <math.h>

#include "base/cpu.h"
#include "model/conversion.h"
#include "model/ngram_network.h"
#include "model/predict_many.h"
#include "support/failing.h"
#include "support/tiny_model.h"
#include "tensor/narrow.h"

#define BUCKETS 1000
#define MEMBERS 300
#define LABELS 3

static const char *const names[LABELS] = {"a", "b", "c"};
static const char *const texts[] = {"a good film",
                                    "bad",
                                    "",
                                    "the plot of the film, and the music of it, are good; the rest is bad",
                                    "good good good bad",
                                    "nothing of this was seen"};
#define TEXTS (sizeof texts / sizeof texts[0])

static uint32_t draw(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* A model with weights at MEMBERS of the buckets; a few of them are equal. `host` NULL: the default allocator. */
static tc_model *make_model_with(const tc_allocator *host, const char *task, size_t label_count, uint32_t seed)
{
    tci_options options;
    tci_pipeline *pipeline = NULL;
    tci_memory memory;
    tci_index_set set;
    tc_model *model = NULL;
    test_ngram_parts(task, "1000", &options, &pipeline);
    tci_memory_init(&memory, NULL, 0);
    assert_ok(tci_index_set_init(&set, &memory, BUCKETS));
    for (size_t i = 0; i < MEMBERS;) {
        uint32_t bucket = draw(&seed) % BUCKETS;
        i += !tci_index_set_has(&set, bucket);
        tci_index_set_put(&set, bucket);
    }
    assert_ok(tci_index_set_count(&set));
    assert_ok(tci_model_build(host, NULL, &options, pipeline, &set, names, label_count, &model));
    tci_index_set_free(&set);
    tci_parameters *parameters = &model->network->parameters;
    for (size_t t = 0; t < parameters->tensor_count; t++) {
        for (size_t i = 0; i < parameters->tensors[t].count; i++)
            parameters->values[parameters->tensors[t].offset + i] = (float)((int)(draw(&seed) % 41) - 20) / 16;
    }
    return model;
}

static tc_model *make_model(const char *task, size_t label_count, uint32_t seed)
{
    return make_model_with(NULL, task, label_count, seed);
}

static tci_ngram_network *network_of(const tc_model *model)
{
    return (tci_ngram_network *)model->network;
}

static void note_texts(tc_model *model, uint32_t seed)
{
    float *counts = NULL;
    assert_ok(tci_alloc(&model->memory, MEMBERS, sizeof *counts, "texts", &counts));
    for (size_t i = 0; i < MEMBERS; i++)
        counts[i] = (float)(1 + draw(&seed) % 5);
    tci_ngram_note_texts(network_of(model), counts);
}

static double importance(const tci_ngram_network *network, size_t row)
{
    const float *weights = tci_parameters_read(&network->base.parameters, TCI_NGRAM_WEIGHT);
    double sum = 0;
    for (size_t c = 0; c < network->columns; c++)
        sum += (double)weights[row * network->columns + c] * (double)weights[row * network->columns + c];
    return network->texts ? sum * (double)network->texts[row] : sum;
}

/* How many rows come before this one: those that matter more, and earlier ones that matter as much. */
static size_t place_of(const tci_ngram_network *network, size_t row)
{
    size_t before = 0;
    for (size_t other = 0; other < network->set.count; other++)
        before += importance(network, other) > importance(network, row) ||
                  (importance(network, other) == importance(network, row) && other < row);
    return before;
}

static void what_matters_most_is_kept_and_of_equals_the_lower_bucket(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 7, 100, 299, MEMBERS};
    for (size_t i = 0; i < 4 * sizeof sizes / sizeof sizes[0]; i++) {
        size_t most = sizes[i / 4], kept = 0, bucket = 0;
        uint32_t rows[MEMBERS];
        tci_memory memory;
        tci_index_set set;
        tc_model *model = make_model("classify", i % 2 ? 3 : 2, (uint32_t)i + 1);
        const tci_ngram_network *network = network_of(model);
        if (i % 4 > 1)
            note_texts(model, 7);
        tci_memory_init(&memory, NULL, 0);
        assert_ok(tci_index_set_init(&set, &memory, BUCKETS));
        assert_ok(tci_ngram_choose(network, most, rows, &set));
        assert_int_equal(set.count, most);
        for (size_t row = 0; row < MEMBERS; row++, bucket++) {
            while (!tci_index_set_has(&network->set, (uint32_t)bucket))
                bucket++;
            bool wanted = place_of(network, row) < most;
            assert_int_equal(tci_index_set_has(&set, (uint32_t)bucket), wanted);
            if (wanted)
                assert_int_equal(rows[kept++], row);
        }
        assert_int_equal(kept, most);
        tci_index_set_free(&set);
        tci_model_release(model);
        assert_int_equal(atomic_load(&memory.used), 0);
    }
}

static tc_model *converted(const tc_model *model, int32_t weights, uint64_t most)
{
    tc_model *copy = NULL;
    tci_options options = model->options;
    options.weights = weights;
    options.max_features = most;
    assert_ok(tci_model_convert(model, &options, &copy));
    return copy;
}

static void predict(const tc_model *model, float logits[TEXTS][LABELS])
{
    tci_scratch *scratch = NULL;
    assert_ok(tci_scratch_create(model, 1, &scratch));
    tci_float_environment environment = tci_float_enter();
    for (size_t i = 0; i < TEXTS; i++)
        assert_ok(tci_model_predict_text(model, scratch, texts[i], strlen(texts[i]), logits[i]));
    tci_float_leave(environment);
    tci_scratch_free(scratch);
}

/* The weight of a bucket as a float; 0 where it has none. */
static float weight_of(const tc_model *model, uint32_t bucket, size_t column)
{
    const tci_ngram_network *network = network_of(model);
    uint32_t row = tci_index_set_rank(&network->set, bucket);
    float weights[LABELS];
    if (row == TCI_INDEX_SET_NONE)
        return 0;
    tci_widen_row(&network->base.parameters, TCI_NGRAM_WEIGHT, row, weights);
    return weights[column];
}

/* Logits by the formulas of ngram_network.h, of weights that are read one by one. */
static void check_logits(const tc_model *model)
{
    float logits[TEXTS][LABELS];
    const tci_ngram_network *network = network_of(model);
    const float *bias = tci_parameters_read(&network->base.parameters, TCI_NGRAM_BIAS);
    const float *calibration = tci_parameters_read(&network->base.parameters, TCI_NGRAM_CALIBRATION);
    tci_encoded encoded;
    predict(model, logits);
    tci_encoded_init(&encoded, (tci_memory *)&model->memory, false);
    for (size_t i = 0; i < TEXTS; i++) {
        double squares = 0, sums[LABELS] = {0};
        assert_ok(tci_pipeline_encode(model->pipeline, texts[i], strlen(texts[i]), &encoded));
        for (size_t f = 0; f < encoded.count; f++) {
            double x = (1 + log(encoded.counts[f])) * (TCI_FEATURE_IS_LIGHT(encoded.ids[f]) ? 0.5 : 1);
            squares += x * x;
            for (size_t c = 0; c < network->columns; c++)
                sums[c] += x * (double)weight_of(model, TCI_FEATURE_BUCKET(encoded.ids[f]), c);
        }
        for (size_t c = 0; c < network->columns; c++) {
            double margin = (double)bias[c] + (squares > 0 ? sums[c] / sqrt(squares) : 0);
            double logit = (double)calibration[0] * margin + (double)calibration[1];
            bool both = network->columns < model->label_count;
            assert_true(fabs((double)logits[i][both ? 1 : c] - (both ? logit / 2 : logit)) < 1e-5);
        }
    }
    tci_encoded_free(&encoded);
}

static const struct {
    const char *task;
    size_t labels;
} kinds[] = {{"classify", 2}, {"classify", 3}, {"multilabel", 2}, {"regress", 1}};
#define KINDS (sizeof kinds / sizeof kinds[0])

static void a_part_of_the_features_predicts_by_its_own_weights(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        tc_model *model = make_model(kinds[k].task, kinds[k].labels, 3), *small = converted(model, TCI_WEIGHTS_F32, 50);
        const tci_ngram_network *from = network_of(model), *to = network_of(small);
        assert_int_equal(to->set.count, 50);
        for (uint32_t bucket = 0; bucket < BUCKETS; bucket++) {
            if (!tci_index_set_has(&to->set, bucket))
                continue;
            assert_true(place_of(from, tci_index_set_rank(&from->set, bucket)) < 50);
            for (size_t c = 0; c < to->columns; c++)
                assert_true(weight_of(small, bucket, c) == weight_of(model, bucket, c));
        }
        for (size_t t = TCI_NGRAM_BIAS; t <= TCI_NGRAM_CALIBRATION; t++)
            assert_memory_equal(tci_parameters_read(&to->base.parameters, t),
                                tci_parameters_read(&from->base.parameters, t),
                                to->base.parameters.tensors[t].count * sizeof(float));
        check_logits(small);
        tci_model_release(small);
        tci_model_release(model);
    }
}

static void int8_weights_are_numbers_with_a_scale_for_each_column(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        tc_model *model = make_model(kinds[k].task, kinds[k].labels, 4);
        tci_parameters *from = &model->network->parameters;
        size_t columns = network_of(model)->columns;
        float *weights = from->values + from->tensors[TCI_NGRAM_WEIGHT].offset;
        for (size_t c = 0; c < columns; c++)
            weights[c] = (float)(c + 3); /* the largest of its column */
        tc_model *narrow = converted(model, TCI_WEIGHTS_INT8, k % 2 ? 120 : 0);
        const tci_parameters *to = &narrow->network->parameters;
        const float *scales = tci_parameters_read(to, to->tensors[TCI_NGRAM_WEIGHT].scales);
        assert_int_equal(to->tensors[to->tensors[TCI_NGRAM_WEIGHT].scales].count, columns);
        for (size_t c = 0; c < columns; c++)
            assert_true(scales[c] == (float)(c + 3) / 127.0f);
        for (uint32_t bucket = 0; bucket < BUCKETS; bucket++) {
            if (!tci_index_set_has(&network_of(narrow)->set, bucket))
                continue;
            for (size_t c = 0; c < columns; c++) {
                double wide = (double)weight_of(model, bucket, c), found = (double)weight_of(narrow, bucket, c);
                assert_true(fabs(found - wide) <= (double)scales[c] * 0.5000001);
            }
        }
        check_logits(narrow);
        tci_model_release(narrow);
        tci_model_release(model);
    }
}

static void a_column_of_zeros_has_scale_1(void **state)
{
    (void)state;
    tc_model *model = make_model("classify", 3, 5);
    const tci_parameters *from = &model->network->parameters;
    for (size_t row = 0; row < MEMBERS; row++)
        from->values[from->tensors[TCI_NGRAM_WEIGHT].offset + row * LABELS + 1] = 0;
    tc_model *narrow = converted(model, TCI_WEIGHTS_INT8, 0);
    const tci_parameters *to = &narrow->network->parameters;
    assert_true(tci_parameters_read(to, to->tensors[TCI_NGRAM_WEIGHT].scales)[1] == 1);
    for (size_t row = 0; row < MEMBERS; row++)
        assert_int_equal(((const int8_t *)tci_parameters_data(to, TCI_NGRAM_WEIGHT))[row * LABELS + 1], 0);
    model->network->parameters.values[MEMBERS * LABELS / 2] = INFINITY;
    tci_options options = model->options;
    options.weights = TCI_WEIGHTS_INT8;
    tc_model *none = NULL;
    assert_int_equal(tci_model_convert(model, &options, &none), TC_ERROR_NUMERIC);
    assert_null(none);
    tci_model_release(narrow);
    tci_model_release(model);
}

static void bfloat16_predicts_the_bits_of_its_widened_weights(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        float one[TEXTS][LABELS] = {{0}}, other[TEXTS][LABELS] = {{0}};
        tc_model *model = make_model(kinds[k].task, kinds[k].labels, 6);
        for (size_t i = 0; i < network_of(model)->columns * MEMBERS; i++)
            model->network->parameters.values[i] *= 1.0009765625f;
        tc_model *half = converted(model, TCI_WEIGHTS_BF16, 0), *wide = converted(half, TCI_WEIGHTS_F32, 0);
        predict(half, one);
        predict(wide, other);
        assert_memory_equal(one, other, sizeof one);
        check_logits(half);
        tci_model_release(wide);
        tci_model_release(half);
        tci_model_release(model);
    }
}

/* What a copy keeps is the same, and so is what it predicts from the bytes of its file. */
static void copies_choose_and_predict_alike(void **state)
{
    (void)state;
    for (int32_t weights = TCI_WEIGHTS_F32; weights <= TCI_WEIGHTS_INT8; weights++) {
        float one[TEXTS][LABELS] = {{0}}, other[TEXTS][LABELS] = {{0}};
        tc_model *model = make_model("multilabel", 3, 8), *loaded = NULL;
        note_texts(model, 9);
        tc_model *clone = converted(model, TCI_WEIGHTS_F32, 0), *step = converted(clone, TCI_WEIGHTS_F32, 200);
        tc_model *at_once = converted(model, weights, 60), *in_steps = converted(step, weights, 60);
        size_t a_size = 0, b_size = 0;
        uint8_t *a = test_model_bytes(at_once, &a_size), *b = test_model_bytes(in_steps, &b_size);
        assert_int_equal(a_size, b_size);
        assert_memory_equal(a, b, a_size);
        assert_ok(test_read(a, a_size, NULL, &loaded));
        assert_null(network_of(loaded)->texts);
        assert_int_equal(loaded->options.max_features, 60);
        predict(at_once, one);
        predict(loaded, other);
        assert_memory_equal(one, other, sizeof one);
        tc_model *smaller = converted(loaded, weights, 20); /* of narrow weights, which keep their bits */
        for (uint32_t bucket = 0; bucket < BUCKETS; bucket++) {
            for (size_t c = 0; tci_index_set_has(&network_of(smaller)->set, bucket) && c < LABELS; c++)
                assert_true(weight_of(smaller, bucket, c) == weight_of(loaded, bucket, c));
        }
        check_logits(smaller);
        free(a), free(b);
        tci_model_release(smaller), tci_model_release(loaded), tci_model_release(in_steps), tci_model_release(at_once);
        tci_model_release(step), tci_model_release(clone), tci_model_release(model);
    }
}

static void without_memory_there_is_no_copy_and_nothing_is_held(void **state)
{
    (void)state;
    test_allocator allocator;
    test_allocator_init(&allocator, TEST_NEVER, false);
    const tc_allocator host = test_allocator_host(&allocator);
    tc_model *model = make_model_with(&host, "multilabel", 3, 10);
    static const double thresholds[LABELS] = {0.5, 0.25, 1};
    note_texts(model, 11);
    assert_ok(tci_model_set_thresholds(model, thresholds));
    tci_options options = model->options;
    options.weights = TCI_WEIGHTS_INT8;
    options.max_features = 70;
    long blocks = allocator.live_blocks;
    for (long n = 0;; n++) {
        tc_model *copy = NULL;
        allocator.fail_at = allocator.calls + n;
        allocator.failed = false;
        tc_status status = tci_model_convert(model, &options, &copy);
        assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
        assert_true((copy != NULL) == (status == TC_OK));
        tci_model_release(copy);
        assert_int_equal(allocator.live_blocks, blocks);
        if (!allocator.failed)
            break;
    }
    tci_model_release(model);
    assert_nothing_held(&allocator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_matters_most_is_kept_and_of_equals_the_lower_bucket),
        cmocka_unit_test(a_part_of_the_features_predicts_by_its_own_weights),
        cmocka_unit_test(int8_weights_are_numbers_with_a_scale_for_each_column),
        cmocka_unit_test(a_column_of_zeros_has_scale_1),
        cmocka_unit_test(bfloat16_predicts_the_bits_of_its_widened_weights),
        cmocka_unit_test(copies_choose_and_predict_alike),
        cmocka_unit_test(without_memory_there_is_no_copy_and_nothing_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
