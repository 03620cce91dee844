/* test_loss.c (labels: quick): what all losses share.
 *
 * Loss and bias gradient of every golden case of PyTorch, gradients against finite differences, rows and parts of a
 * batch, weights, errors. */
#include "support/testing.h"
#include "support/c_locale.h"

#include <math.h>

#include "layer/loss.h"
#include "support/golden.h"

static const char *const files[] = {"ce_l1_uni_last",
                                    "ce_l1_uni_mean",
                                    "ce_l1_uni_max",
                                    "ce_l1_bi_last",
                                    "ce_l1_bi_mean",
                                    "ce_l1_bi_max",
                                    "ce_l2_uni_last",
                                    "ce_l2_uni_mean",
                                    "ce_l2_uni_max",
                                    "ce_l2_bi_last",
                                    "ce_l2_bi_mean",
                                    "ce_l2_bi_max",
                                    "ce_h20_last",
                                    "ce_h33_bi_mean",
                                    "ce_weighted",
                                    "bce",
                                    "mse"};

enum { ROWS = 5, LABELS = 4, STRIDE = 7 };

/* A batch with every option in use; labels 1, 3, 0, 2, 1. */
typedef struct labelled_rows {
    float logits[ROWS * STRIDE];
    uint32_t classes[ROWS];
    float targets[ROWS * STRIDE];
    float weights[ROWS];
    float class_weights[LABELS];
    tci_loss_batch batch;
} labelled_rows;

static void make_sample(labelled_rows *sample, bool binary_targets)
{
    for (size_t i = 0; i < ROWS * STRIDE; i++) {
        sample->logits[i] = (float)((double)(i * 37 % 23) / 4 - 2.6);
        sample->targets[i] = binary_targets ? (float)(i % 3 == 0) : (float)((double)(i * 17 % 11) - 5.1);
    }
    for (size_t row = 0; row < ROWS; row++) {
        sample->classes[row] = (uint32_t)((row * 2 + 1) % LABELS + row / 2) % LABELS;
        sample->weights[row] = 0.5F * (float)row;
    }
    for (size_t label = 0; label < LABELS; label++)
        sample->class_weights[label] = 0.25F + 0.5F * (float)label;
    sample->batch = (tci_loss_batch){.rows = ROWS,
                                     .labels = LABELS,
                                     .logits = sample->logits,
                                     .logits_stride = STRIDE,
                                     .classes = sample->classes,
                                     .targets = sample->targets,
                                     .targets_stride = STRIDE,
                                     .weights = sample->weights,
                                     .class_weights = sample->class_weights,
                                     .label_smoothing = 0.2};
}

static float *to_floats(const golden_tensor *tensor)
{
    float *values = malloc((tensor ? tensor->count : 0) * sizeof(float) + 1);
    assert_non_null(values);
    for (size_t i = 0; tensor && i < tensor->count; i++)
        values[i] = (float)tensor->values[i];
    return values;
}

static void compare_with_golden(const char *name)
{
    char path[64];
    uint32_t classes[64];
    float dlogits[64 * 8];
    tci_loss_sum sum;
    snprintf(path, sizeof path, "%s.safetensors", name);
    golden *file = golden_open(path);
    const golden_tensor *logits = golden_get(file, "logits");
    const golden_tensor *labels = golden_find(file, "labels");
    const golden_tensor *bias = golden_get(file, "grad.fc.bias");
    for (size_t i = 0; labels && i < labels->count; i++)
        classes[i] = (uint32_t)labels->values[i];
    float *values = to_floats(logits);
    float *weights = to_floats(golden_get(file, "weights"));
    float *targets = to_floats(golden_find(file, "targets"));
    float *class_weights = to_floats(golden_find(file, "class_weights"));
    tci_loss_batch batch = {.rows = logits->shape[0],
                            .labels = logits->shape[1],
                            .logits = values,
                            .logits_stride = logits->shape[1],
                            .classes = classes,
                            .targets = targets,
                            .targets_stride = logits->shape[1],
                            .weights = weights,
                            .class_weights = golden_find(file, "class_weights") ? class_weights : NULL,
                            .label_smoothing = c_strtod(golden_metadata(file, "label_smoothing"), NULL)};
    const tci_loss *loss = tci_loss_find(golden_metadata(file, "loss"));
    assert_non_null(loss);
    assert_ok(loss->compute(&batch, &sum, dlogits, batch.labels));
    assert_close(sum.weighted_loss / sum.weight, golden_get(file, "loss")->values[0], 2e-7);
    for (size_t label = 0; label < batch.labels; label++) {
        double gradient = 0;
        for (size_t row = 0; row < batch.rows; row++)
            gradient += (double)dlogits[row * batch.labels + label];
        assert_close(gradient / sum.weight, bias->values[label], 2e-7);
    }
    free(values);
    free(weights);
    free(targets);
    free(class_weights);
    golden_close(file);
}

static void loss_and_bias_gradient_equal_pytorch_in_every_golden_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        compare_with_golden(files[i]);
}

static double weighted_loss(const tci_loss *loss, const labelled_rows *sample)
{
    tci_loss_sum sum;
    assert_ok(loss->compute(&sample->batch, &sum, NULL, 0));
    return sum.weighted_loss;
}

static const tci_loss *const losses[] = {&tci_cross_entropy, &tci_binary_cross_entropy, &tci_mean_squared_error};

static void gradients_are_those_of_the_weighted_sum(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        labelled_rows sample;
        tci_loss_sum sum;
        float dlogits[ROWS * LABELS];
        make_sample(&sample, losses[i] == &tci_binary_cross_entropy);
        assert_ok(losses[i]->compute(&sample.batch, &sum, dlogits, LABELS));
        for (size_t j = 0; j < ROWS * LABELS; j++) {
            float *logit = &sample.logits[j / LABELS * STRIDE + j % LABELS];
            const float before = *logit;
            *logit = before + 0x1p-10F;
            double above = weighted_loss(losses[i], &sample);
            *logit = before - 0x1p-10F;
            double below = weighted_loss(losses[i], &sample);
            *logit = before;
            assert_close((above - below) / 0x1p-9, dlogits[j], 1e-6);
        }
    }
}

static void a_batch_costs_the_sum_of_its_parts_and_a_row_has_the_same_gradient_bits_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        labelled_rows sample;
        tci_loss_sum whole;
        tci_loss_sum parts = {0, 0};
        float together[ROWS * LABELS];
        float alone[LABELS];
        make_sample(&sample, true);
        assert_ok(losses[i]->compute(&sample.batch, &whole, together, LABELS));
        for (size_t row = 0; row < ROWS; row++) {
            tci_loss_batch part = sample.batch;
            tci_loss_sum sum;
            part.rows = 1;
            part.logits += row * STRIDE;
            part.targets += row * STRIDE;
            part.classes += row;
            part.weights += row;
            assert_ok(losses[i]->compute(&part, &sum, alone, LABELS));
            assert_memory_equal(alone, together + row * LABELS, sizeof alone);
            parts.weighted_loss += sum.weighted_loss;
            parts.weight += sum.weight;
        }
        assert_close(parts.weighted_loss, whole.weighted_loss, 1e-14);
        assert_close(parts.weight, whole.weight, 1e-14);
    }
}

static void a_row_of_weight_zero_counts_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        labelled_rows sample;
        tci_loss_sum sum;
        float dlogits[LABELS];
        const float zeros[LABELS] = {0};
        make_sample(&sample, true);
        sample.batch.rows = 1; /* its weight is 0 */
        assert_ok(losses[i]->compute(&sample.batch, &sum, dlogits, LABELS));
        assert_close(sum.weighted_loss, 0, 0);
        assert_close(sum.weight, 0, 0);
        for (size_t j = 0; j < LABELS; j++)
            assert_close(dlogits[j], zeros[j], 0);
    }
}

static void missing_weights_are_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        labelled_rows sample;
        tci_loss_sum with;
        tci_loss_sum without;
        make_sample(&sample, true);
        for (size_t j = 0; j < ROWS; j++)
            sample.weights[j] = 1;
        for (size_t j = 0; j < LABELS; j++)
            sample.class_weights[j] = 1;
        assert_ok(losses[i]->compute(&sample.batch, &with, NULL, 0));
        sample.batch.weights = NULL;
        sample.batch.class_weights = NULL;
        assert_ok(losses[i]->compute(&sample.batch, &without, NULL, 0));
        assert_memory_equal(&with, &without, sizeof with);
    }
}

static void logits_that_are_not_finite_are_an_error_that_names_the_row(void **state)
{
    (void)state;
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 9; i++) {
        labelled_rows sample;
        tci_loss_sum sum = {-1, -2};
        float scores[LABELS];
        make_sample(&sample, true);
        sample.logits[3 * STRIDE + 2] = bad[i / 3];
        assert_int_equal(losses[i % 3]->compute(&sample.batch, &sum, NULL, 0), TC_ERROR_NUMERIC);
        assert_contains(tci_error_text(), "logit 2 of row 3");
        assert_close(sum.weighted_loss, -1, 0);
        assert_int_equal(losses[i % 3]->scores(LABELS, sample.logits + 3 * STRIDE, scores), TC_ERROR_NUMERIC);
    }
}

static void scores_may_overwrite_their_logits(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        labelled_rows sample;
        float scores[LABELS];
        make_sample(&sample, true);
        assert_ok(losses[i]->scores(LABELS, sample.logits, scores));
        assert_ok(losses[i]->scores(LABELS, sample.logits, sample.logits));
        assert_memory_equal(scores, sample.logits, sizeof scores);
    }
}

static void losses_are_found_by_the_names_of_the_option(void **state)
{
    (void)state;
    assert_ptr_equal(tci_loss_find("cross_entropy"), &tci_cross_entropy);
    assert_ptr_equal(tci_loss_find("bce"), &tci_binary_cross_entropy);
    assert_ptr_equal(tci_loss_find("mse"), &tci_mean_squared_error);
    assert_null(tci_loss_find("auto"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_and_bias_gradient_equal_pytorch_in_every_golden_case),
        cmocka_unit_test(gradients_are_those_of_the_weighted_sum),
        cmocka_unit_test(a_batch_costs_the_sum_of_its_parts_and_a_row_has_the_same_gradient_bits_alone),
        cmocka_unit_test(a_row_of_weight_zero_counts_nothing),
        cmocka_unit_test(missing_weights_are_ones),
        cmocka_unit_test(logits_that_are_not_finite_are_an_error_that_names_the_row),
        cmocka_unit_test(scores_may_overwrite_their_logits),
        cmocka_unit_test(losses_are_found_by_the_names_of_the_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
