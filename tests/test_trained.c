/* test_trained.c (labels: quick): what a frozen tensor costs, which is nothing, and groups of tensors with rates of
 * their own.
 *
 * Blocks of gradients, moments and best weights hold the trained tensors alone; a frozen one stays bit by bit and has
 * no part in the norm; the others take the steps that they take beside trained ones. */
#include "support/testing.h"

#include <math.h>

#include "optimizer/optimizer.h"

enum { WORDS, LOWER, LOWER_BIAS, HEAD, HEAD_BIAS, TENSORS };

typedef struct workbench {
    tci_memory memory;
    tci_parameters parameters;
    tci_gradients gradients;
    tci_optimizer *optimizer;
} workbench;

/* Bit i of *context: tensor i is frozen. */
static bool frozen_bit(const void *context, size_t index)
{
    return (*(const unsigned *)context >> index & 1) != 0;
}

static float noise(size_t tensor, size_t place)
{
    uint32_t x = (uint32_t)(tensor * 7919 + place) * 2654435761u + 12345u;
    x = (x ^ (x >> 15)) * 2246822519u;
    return (float)(x >> 8) / 8388608.0F - 1.0F;
}

static void open_bench(workbench *bench, unsigned frozen, const tci_optimizer_options *options)
{
    static const size_t rows[] = {11, 23, 23, 3, 3}, columns[] = {5, 7, 1, 23, 1}, levels[] = {2, 1, 1, 0, 0};
    static const char *const names[] = {"words", "lower", "lower.bias", "head", "head.bias"};
    *bench = (workbench){0};
    tci_memory_init(&bench->memory, NULL, 0);
    tci_parameters_init(&bench->parameters, &bench->memory);
    for (size_t i = 0; i < TENSORS; i++) {
        assert_ok(tci_parameters_declare(&bench->parameters, names[i], i == LOWER_BIAS || i == HEAD_BIAS ? 1 : 2,
                                         rows[i], columns[i], i == WORDS, NULL));
        bench->parameters.tensors[i].level = levels[i];
    }
    bench->parameters.tensors[LOWER_BIAS].undecayed = bench->parameters.tensors[HEAD_BIAS].undecayed = true;
    assert_ok(tci_parameters_allocate(&bench->parameters));
    tci_parameters_set_trained(&bench->parameters, frozen_bit, &frozen);
    assert_ok(tci_gradients_create(&bench->memory, &bench->parameters, &bench->gradients));
    assert_ok(
        tci_optimizer_create(&bench->memory, &tci_kernels_scalar, &bench->parameters, options, &bench->optimizer));
    for (size_t i = 0; i < TENSORS; i++) {
        const tci_tensor_info *tensor = &bench->parameters.tensors[i];
        float *gradient = tci_gradients_of(&bench->gradients, i);
        assert_int_equal(gradient == NULL, frozen >> i & 1);
        for (size_t k = 0; k < tensor->count; k++) {
            bench->parameters.values[tensor->offset + k] = noise(i, k);
            if (gradient)
                gradient[k] = noise(i + 100, k);
        }
        for (size_t row = 0; gradient && i == WORDS && row < tensor->shape[0]; row++)
            tci_gradients_touch(&bench->gradients, (uint32_t)row);
    }
}

static void close_bench(workbench *bench)
{
    tci_optimizer_free(bench->optimizer);
    tci_gradients_free(&bench->gradients);
    tci_parameters_free(&bench->parameters);
    assert_int_equal(bench->memory.used, 0);
}

static const float *values_of(const workbench *bench, size_t index)
{
    return bench->parameters.values + bench->parameters.tensors[index].offset;
}

static double squares(size_t count, const float *values)
{
    double sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += (double)values[k] * (double)values[k];
    return sum;
}

static const tci_optimizer_options kinds[] = {
    {.name = "adam", .learning_rate = 0.01, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8},
    {.name = "adamw", .learning_rate = 0.01, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .weight_decay = 0.1},
    {.name = "sgd", .learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.1},
    {.name = "adagrad", .learning_rate = 0.1, .epsilon = 1e-10, .weight_decay = 0.1},
};
#define KINDS (sizeof kinds / sizeof kinds[0])

static void a_frozen_tensor_stands_still_and_the_others_step_as_beside_trained_ones(void **state)
{
    (void)state;
    for (size_t o = 0; o < KINDS; o++) {
        for (unsigned frozen = 0; frozen < 1u << TENSORS; frozen++) {
            workbench all, some;
            tci_optimizer_result result;
            double norm = 0;
            open_bench(&all, 0, &kinds[o]);
            open_bench(&some, frozen, &kinds[o]);
            for (int step = 0; step < 3; step++) {
                assert_ok(tci_optimizer_apply(all.optimizer, NULL, &all.parameters, &all.gradients, 1, NULL));
                assert_ok(tci_optimizer_apply(some.optimizer, NULL, &some.parameters, &some.gradients, 1, &result));
            }
            for (size_t i = 0; i < TENSORS; i++) {
                size_t count = all.parameters.tensors[i].count;
                bool still = (frozen >> i & 1) != 0;
                const float *gradient = tci_gradients_of(&some.gradients, i);
                for (size_t k = 0; k < count; k++)
                    assert_true(values_of(&some, i)[k] == (still ? noise(i, k) : values_of(&all, i)[k]));
                norm += gradient ? squares(count, gradient) : 0;
            }
            assert_true(fabs(result.gradient_norm - sqrt(norm)) <= 1e-12 * sqrt(norm));
            close_bench(&all);
            close_bench(&some);
        }
    }
}

static void blocks_have_no_place_for_what_is_frozen(void **state)
{
    workbench bench;
    size_t memory[3];
    static const unsigned frozen[] = {0, 1u << LOWER, (1u << TENSORS) - 1};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        open_bench(&bench, frozen[i], &kinds[0]);
        memory[i] = bench.memory.used;
        if (i == 0)
            assert_int_equal(tci_trained_floats(&bench.parameters), bench.parameters.size);
        if (i == 1) /* 23 x 7 floats and the gap up to the next line of 16 */
            assert_int_equal(bench.parameters.size - tci_trained_floats(&bench.parameters), 176);
        if (i == 2)
            assert_int_equal(tci_trained_floats(&bench.parameters), 0);
        close_bench(&bench);
    }
    assert_true(memory[1] <= memory[0] - 3 * 176 * sizeof(float)); /* gradient and two moments */
    assert_true(memory[2] < memory[1]);
}

static void trained_tensors_are_copied_and_exchanged_and_no_others(void **state)
{
    workbench bench;
    float block[1024];
    (void)state;
    open_bench(&bench, 1u << WORDS | 1u << HEAD, &kinds[0]);
    assert_true(tci_trained_floats(&bench.parameters) <= 1024);
    tci_trained_copy(&bench.parameters, block);
    for (size_t i = 0; i < TENSORS; i++) {
        tci_tensor_info *tensor = &bench.parameters.tensors[i];
        for (size_t k = 0; k < tensor->count; k++) {
            if (!tensor->frozen)
                assert_true(block[tci_trained_offset(tensor) + k] == noise(i, k));
            bench.parameters.values[tensor->offset + k] = -2;
        }
    }
    tci_trained_swap(&bench.parameters, block);
    for (size_t i = 0; i < TENSORS; i++) {
        const tci_tensor_info *tensor = &bench.parameters.tensors[i];
        for (size_t k = 0; k < tensor->count; k++) {
            assert_true(values_of(&bench, i)[k] == (tensor->frozen ? -2 : noise(i, k)));
            if (!tensor->frozen)
                assert_true(block[tci_trained_offset(tensor) + k] == -2);
        }
    }
    close_bench(&bench);
}

/* One step of sgd shows the rate of a tensor: (old - new) / gradient. */
static void a_layer_learns_at_the_rate_of_its_level(void **state)
{
    workbench bench;
    static const double factors[] = {0.25, 0.5, 0.5, 1, 1};
    const tci_optimizer_options options = {.name = "sgd", .learning_rate = 0.5, .layer_decay = 0.5};
    tci_optimizer_result result;
    (void)state;
    open_bench(&bench, 0, &options);
    assert_ok(tci_optimizer_apply(bench.optimizer, NULL, &bench.parameters, &bench.gradients, 1, &result));
    assert_close(result.learning_rate, 0.5, 0);
    for (size_t i = 0; i < TENSORS; i++) {
        for (size_t k = 0; k < bench.parameters.tensors[i].count; k++)
            assert_close((double)values_of(&bench, i)[k],
                         (double)noise(i, k) - 0.5 * factors[i] * (double)noise(i + 100, k), 1e-6);
    }
    close_bench(&bench);
}

static void weight_decay_passes_over_undecayed_tensors(void **state)
{
    workbench with, without;
    tci_optimizer_options plain = kinds[1];
    (void)state;
    plain.weight_decay = 0;
    open_bench(&with, 0, &kinds[1]);
    open_bench(&without, 0, &plain);
    assert_ok(tci_optimizer_apply(with.optimizer, NULL, &with.parameters, &with.gradients, 1, NULL));
    assert_ok(tci_optimizer_apply(without.optimizer, NULL, &without.parameters, &without.gradients, 1, NULL));
    for (size_t i = 0; i < TENSORS; i++)
        assert_int_equal(values_of(&with, i)[1] == values_of(&without, i)[1], i == LOWER_BIAS || i == HEAD_BIAS);
    close_bench(&with);
    close_bench(&without);
}

static void a_layer_decay_outside_its_range_is_refused(void **state)
{
    static const double refused[] = {-0.1, 1.5, NAN};
    workbench bench;
    tci_optimizer *optimizer = NULL;
    (void)state;
    open_bench(&bench, 0, &kinds[0]);
    for (size_t i = 0; i < 3; i++) {
        tci_optimizer_options options = kinds[0];
        options.layer_decay = refused[i];
        assert_int_equal(
            tci_optimizer_create(&bench.memory, &tci_kernels_scalar, &bench.parameters, &options, &optimizer),
            TC_ERROR_OPTION);
        assert_contains(tci_error_text(), "layer_decay");
        assert_null(optimizer);
    }
    close_bench(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frozen_tensor_stands_still_and_the_others_step_as_beside_trained_ones),
        cmocka_unit_test(blocks_have_no_place_for_what_is_frozen),
        cmocka_unit_test(trained_tensors_are_copied_and_exchanged_and_no_others),
        cmocka_unit_test(a_layer_learns_at_the_rate_of_its_level),
        cmocka_unit_test(weight_decay_passes_over_undecayed_tensors),
        cmocka_unit_test(a_layer_decay_outside_its_range_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
