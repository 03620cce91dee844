/* labels: quick. Converted models against values that a script computed in float64
 * (tests/golden/make_narrow_golden.py); what is kept of a model; how much memory it takes. */
#include "support/testing.h"

#include <math.h>

#include "base/cpu.h"
#include "model/conversion.h"
#include "model/predict_many.h"
#include "serialization/native.h"
#include "support/golden_model.h"
#include "support/tiny_model.h"

#define TOLERANCE 1e-5
#define ROWS 64
#define LABELS 16

static tc_model *converted(const tc_model *model, int32_t weights, int32_t isa)
{
    tc_model *narrow = NULL;
    tci_options options = model->options;
    options.weights = weights;
    options.max_isa = isa;
    assert_ok(tci_model_convert(model, &options, &narrow));
    return narrow;
}

static size_t predict(const tc_model *model, const tc_examples *examples, float *logits)
{
    tci_row rows[ROWS];
    for (size_t i = 0; i < examples->rows; i++)
        rows[i] = tci_examples_row(examples, i);
    assert_ok(tci_predict_rows(model, NULL, rows, examples->rows, logits));
    return examples->rows * model->label_count;
}

/* "CASE.bf16" or "CASE.int8" against the model of CASE. */
static void check_case(const golden_tensor *expected, int32_t isa)
{
    char name[64];
    float logits[ROWS * LABELS];
    tci_options options;
    const char *dot = strrchr(expected->name, '.');
    int32_t weights = strcmp(dot, ".bf16") == 0 ? TCI_WEIGHTS_BF16 : TCI_WEIGHTS_INT8;
    (void)snprintf(name, sizeof name, "%.*s.safetensors", (int)(dot - expected->name), expected->name);
    golden *file = golden_open(name);
    golden_model_options(file, &options);
    tc_model *model = golden_model_create(file, &options), *narrow = converted(model, weights, isa);
    tc_examples *examples = golden_model_examples(file, model);
    assert_int_equal(predict(narrow, examples, logits), expected->count);
    for (size_t i = 0; i < expected->count; i++) {
        if (!(fabs(logits[i] - expected->values[i]) <= TOLERANCE * fmax(1, fabs(expected->values[i]))))
            fail_msg("%s: logit %zu is %.9g, in float64 %.17g", expected->name, i, (double)logits[i],
                     expected->values[i]);
    }
    tci_examples_release(examples);
    tci_model_release(narrow);
    tci_model_release(model);
    golden_close(file);
}

static void logits_are_those_of_the_narrow_arithmetic_in_float64(void **state)
{
    (void)state;
    static const int32_t tables[] = {TCI_ISA_SCALAR, TCI_ISA_AUTO};
    golden *file = golden_open("narrow.safetensors");
    size_t count = 0;
    for (size_t isa = 0; isa < 2; isa++)
        for (size_t i = 0; golden_at(file, i); i++, count++)
            check_case(golden_at(file, i), tables[isa]);
    assert_true(count >= 60);
    golden_close(file);
}

/* bfloat16 is a matter of storage: the bits of the same weights as floats. */
static void bfloat16_predicts_the_bits_of_its_widened_weights(void **state)
{
    (void)state;
    static const int32_t tables[] = {TCI_ISA_SCALAR, TCI_ISA_AUTO};
    static const char *const cases[] = {"ce_h33_bi_mean.safetensors", "ce_l2_bi_max.safetensors"};
    for (size_t i = 0; i < 4; i++) {
        float narrow_logits[ROWS * LABELS], wide_logits[ROWS * LABELS];
        tci_options options;
        golden *file = golden_open(cases[i / 2]);
        golden_model_options(file, &options);
        tc_model *model = golden_model_create(file, &options);
        tc_model *narrow = converted(model, TCI_WEIGHTS_BF16, tables[i % 2]);
        tc_model *wide = converted(narrow, TCI_WEIGHTS_F32, tables[i % 2]);
        tc_examples *examples = golden_model_examples(file, model);
        size_t count = predict(narrow, examples, narrow_logits);
        assert_int_equal(predict(wide, examples, wide_logits), count);
        assert_memory_equal(narrow_logits, wide_logits, count * sizeof(float));
        tci_examples_release(examples);
        tci_model_release(wide), tci_model_release(narrow), tci_model_release(model);
        golden_close(file);
    }
}

static void the_same_type_keeps_every_bit(void **state)
{
    (void)state;
    tc_model *model = test_tiny_model(NULL);
    for (int32_t weights = TCI_WEIGHTS_F32; weights <= TCI_WEIGHTS_INT8; weights++) {
        tc_model *first = converted(model, weights, TCI_ISA_AUTO), *second = converted(first, weights, TCI_ISA_AUTO);
        size_t a_size = 0, b_size = 0;
        uint8_t *a = test_model_bytes(first, &a_size), *b = test_model_bytes(second, &b_size);
        assert_int_equal(a_size, b_size);
        assert_memory_equal(a, b, a_size);
        free(a), free(b);
        tci_model_release(second), tci_model_release(first);
    }
    tci_model_release(model);
}

static void widened_weights_are_narrowed_to_the_same_numbers(void **state)
{
    (void)state;
    tc_model *model = test_tiny_model(NULL);
    tc_model *narrow = converted(model, TCI_WEIGHTS_INT8, TCI_ISA_AUTO);
    tc_model *wide = converted(narrow, TCI_WEIGHTS_F32, TCI_ISA_AUTO);
    tc_model *again = converted(wide, TCI_WEIGHTS_INT8, TCI_ISA_AUTO);
    tc_model *half = converted(narrow, TCI_WEIGHTS_BF16, TCI_ISA_AUTO); /* from narrow to narrow, as through f32 */
    tc_model *half_of_wide = converted(wide, TCI_WEIGHTS_BF16, TCI_ISA_AUTO);
    for (size_t i = 0; i < narrow->network->parameters.tensor_count; i++) {
        const tci_tensor_info *tensor = &narrow->network->parameters.tensors[i];
        if (tensor->element == TCI_ELEMENT_INT8)
            assert_memory_equal(tci_parameters_data(&narrow->network->parameters, i),
                                tci_parameters_data(&again->network->parameters, i), tensor->count);
    }
    assert_memory_equal(half->network->parameters.values, half_of_wide->network->parameters.values,
                        half->network->parameters.size * sizeof(float));
    tci_model_release(half), tci_model_release(half_of_wide), tci_model_release(again);
    tci_model_release(wide), tci_model_release(narrow), tci_model_release(model);
}

static void narrow_models_take_less_memory(void **state)
{
    (void)state;
    static const char *const large[] = {"embedding_dim", "128", "hidden_dim", "256", NULL};
    tc_model *model = test_tiny_model(large);
    tc_model *half = converted(model, TCI_WEIGHTS_BF16, TCI_ISA_AUTO);
    tc_model *quarter = converted(model, TCI_WEIGHTS_INT8, TCI_ISA_AUTO);
    size_t base = sizeof *model + 8192, wide = model->memory.used - base; /* the object itself, labels, lists */
    assert_true(half->memory.used - base < wide * 52 / 100);
    assert_true(quarter->memory.used - base < wide * 28 / 100);
    tci_model_release(quarter), tci_model_release(half), tci_model_release(model);
}

static void weights_that_are_not_finite_are_refused(void **state)
{
    (void)state;
    tc_model *model = test_tiny_model(NULL), *narrow = NULL;
    tci_options options = model->options;
    model->network->parameters.values[4] = NAN;
    options.weights = TCI_WEIGHTS_INT8;
    assert_int_equal(tci_model_convert(model, &options, &narrow), TC_ERROR_NUMERIC);
    assert_null(narrow);
    assert_contains(tci_error_text(), "tensor 'embedding.weight': row 1");
    tci_model_release(model);
}

/* Weights at the end of the range: infinity meets infinity within the gates, and what comes of it is told. */
static void a_state_that_is_not_a_number_is_told(void **state)
{
    (void)state;
    tc_model *model = test_tiny_model(NULL);
    float *values = model->network->parameters.values;
    for (size_t i = 0; i < 5; i++) { /* embedding, weight_ih, weight_hh, bias_ih, bias_hh */
        const tci_tensor_info *tensor = &model->network->parameters.tensors[i];
        for (size_t k = 0; k < tensor->count; k++)
            values[tensor->offset + k] = i < 2 ? 3e38f : -3e38f; /* inf, then -inf */
    }
    tc_model *narrow = converted(model, TCI_WEIGHTS_INT8, TCI_ISA_AUTO);
    tci_scratch *scratch = NULL;
    float scores[2];
    assert_ok(tci_scratch_create(narrow, 1, &scratch));
    tci_float_environment environment = tci_float_enter();
    assert_ok(tci_model_predict_text(narrow, scratch, "the good film", 13, scores));
    tc_status status = tci_model_scores(narrow, 1, scores);
    tci_float_leave(environment);
    assert_int_equal(status, TC_ERROR_NUMERIC);
    tci_scratch_free(scratch);
    tci_model_release(narrow), tci_model_release(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_are_those_of_the_narrow_arithmetic_in_float64),
        cmocka_unit_test(bfloat16_predicts_the_bits_of_its_widened_weights),
        cmocka_unit_test(the_same_type_keeps_every_bit),
        cmocka_unit_test(widened_weights_are_narrowed_to_the_same_numbers),
        cmocka_unit_test(narrow_models_take_less_memory),
        cmocka_unit_test(weights_that_are_not_finite_are_refused),
        cmocka_unit_test(a_state_that_is_not_a_number_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
