/* test_optimizer.c (labels: quick): one step, and ten.
 *
 * Ten steps on given gradients end at PyTorch's weights and state, whatever the optimizer; bits do not depend on
 * threads; untouched rows are passed over; errors change nothing. Refused options are in test_optimizer_options.c. */
#include "support/testing.h"

#include <float.h>
#include <math.h>

#include "optimizer/optimizer.h"
#include "support/golden.h"
#include "support/kernels.h"

static const char *const names[] = {"embedding.weight", "fc.weight", "fc.bias"};

/* The table that all tests run with; main() takes one after the other. */
static const tci_kernels *kernels;

typedef struct workbench {
    tci_memory memory;
    tci_parameters parameters;
    tci_gradients gradients;
    tci_optimizer *optimizer;
    tci_pool *pool;
} workbench;

static const tci_optimizer_options adam = {
    .name = "adam", .learning_rate = 0.01, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
static const tci_optimizer_options sgd = {.name = "sgd", .learning_rate = 0.5};

static void open_bench(workbench *bench, size_t rows, size_t columns, size_t outputs,
                       const tci_optimizer_options *options)
{
    *bench = (workbench){0};
    tci_memory_init(&bench->memory, NULL, 0);
    tci_parameters_init(&bench->parameters, &bench->memory);
    assert_ok(tci_parameters_declare(&bench->parameters, names[0], 2, rows, columns, true, NULL));
    assert_ok(tci_parameters_declare(&bench->parameters, names[1], 2, outputs, 7, false, NULL));
    assert_ok(tci_parameters_declare(&bench->parameters, names[2], 1, 6, 1, false, NULL));
    if (options->layer_decay != 0) { /* the groups of make_optimizer_golden.py */
        for (size_t i = 0; i < 3; i++)
            bench->parameters.tensors[i].level = 2 - i;
        bench->parameters.tensors[2].undecayed = true;
    }
    assert_ok(tci_parameters_allocate(&bench->parameters));
    assert_ok(tci_gradients_create(&bench->memory, &bench->parameters, &bench->gradients));
    assert_ok(tci_optimizer_create(&bench->memory, kernels, &bench->parameters, options, &bench->optimizer));
}

static void close_bench(workbench *bench)
{
    tci_pool_free(bench->pool);
    tci_optimizer_free(bench->optimizer);
    tci_gradients_free(&bench->gradients);
    tci_parameters_free(&bench->parameters);
    assert_int_equal(bench->memory.used, 0);
}

static float *values_of(workbench *bench, const char *name)
{
    return bench->parameters.values + tci_parameters_find(&bench->parameters, name)->offset;
}

static float *gradient_of(workbench *bench, const char *name)
{
    return bench->gradients.values + tci_parameters_find(&bench->parameters, name)->offset;
}

static tc_status apply(workbench *bench, double scale, tci_optimizer_result *result)
{
    return tci_optimizer_apply(bench->optimizer, bench->pool, &bench->parameters, &bench->gradients, scale, result);
}

/* A number in [-1, 1) of its own for every place. */
static float noise(size_t place)
{
    uint32_t x = (uint32_t)place * 2654435761u + 12345u;
    x = (x ^ (x >> 15)) * 2246822519u;
    x = (x ^ (x >> 13)) * 3266489917u;
    return (float)(x >> 8) / 8388608.0F - 1.0F;
}

/* Values everywhere, gradients in the dense tensors and in every third row of the sparse one, starting with `first`. */
static void fill(workbench *bench, size_t first)
{
    for (size_t i = 0; i < 3; i++) {
        const tci_tensor_info *tensor = tci_parameters_find(&bench->parameters, names[i]);
        for (size_t j = 0; j < tensor->count; j++) {
            bench->parameters.values[tensor->offset + j] = noise(tensor->offset + j);
            if (i > 0)
                bench->gradients.values[tensor->offset + j] = noise(tensor->offset + j + 1000003);
        }
        for (size_t row = first; i == 0 && row < tensor->shape[0]; row += 3) {
            tci_gradients_touch(&bench->gradients, (uint32_t)row);
            for (size_t j = 0; j < tensor->shape[1]; j++)
                bench->gradients.values[tensor->offset + row * tensor->shape[1] + j] = noise(row * 77 + j);
        }
    }
}

/* ---- Against PyTorch ---- */

static tci_optimizer_options parse_options(const char *text, char kind[16])
{
    char word[16];
    tci_optimizer_options options = {
        .learning_rate = golden_option(text, "learning_rate", NAN),
        .beta1 = golden_option(text, "beta1", NAN),
        .beta2 = golden_option(text, "beta2", NAN),
        .epsilon = golden_option(text, "epsilon", NAN),
        .momentum = golden_option(text, "momentum", 0),
        .weight_decay = golden_option(text, "weight_decay", 0),
        .clip_norm = golden_option(text, "clip_norm", 0),
        .layer_decay = golden_option(text, "layer_decay", 0),
        .sparse_embedding = golden_option_text(text, "sparse_embedding", word, sizeof word),
        .schedule = {.warmup_steps = (uint64_t)golden_option(text, "warmup_steps", 0),
                     .total_steps = (uint64_t)golden_option(text, "total_steps", 0)},
    };
    assert_true(golden_option_text(text, "optimizer", kind, 16));
    options.name = kind;
    if (golden_option_text(text, "schedule", word, sizeof word))
        options.schedule.kind = strcmp(word, "linear") == 0 ? TCI_SCHEDULE_LINEAR : TCI_SCHEDULE_COSINE;
    return options;
}

/* The distance of a block's tensors from the golden ones, per tensor, within 1e-6 of their norm. */
static void compare_block(workbench *bench, const float *block, const golden *file, const char *prefix,
                          const char *suffix)
{
    for (size_t i = 0; i < 3; i++) {
        const tci_tensor_info *tensor = tci_parameters_find(&bench->parameters, names[i]);
        const golden_tensor *wanted = golden_get(file, "%s.%s%s", prefix, suffix, names[i]);
        double distance = 0;
        double norm = 0;
        assert_int_equal(wanted->count, tensor->count);
        for (size_t j = 0; j < tensor->count; j++) {
            double difference = (double)block[tensor->offset + j] - wanted->values[j];
            distance += difference * difference;
            norm += wanted->values[j] * wanted->values[j];
        }
        if (!(distance <= 1e-12 * norm))
            fail_msg("%s.%s%s: off by %g of %g", prefix, suffix, names[i], sqrt(distance), sqrt(norm));
    }
}

static void load_step(workbench *bench, const golden *file, int step)
{
    const golden_tensor *touched = golden_get(file, "touched.%d", step);
    tci_gradients_clear(&bench->gradients);
    for (size_t row = touched->count; row-- > 0;) { /* the order of touching must not show */
        if (touched->values[row] != 0)
            tci_gradients_touch(&bench->gradients, (uint32_t)row);
    }
    for (size_t i = 0; i < 3; i++) {
        const golden_tensor *gradient = golden_get(file, "grad.%d.%s", step, names[i]);
        for (size_t j = 0; j < gradient->count; j++)
            gradient_of(bench, names[i])[j] = (float)gradient->values[j] * 4;
    }
}

static void ten_steps_equal_pytorch(const golden *file, const char *optimizer)
{
    char key[64];
    char kind[16];
    workbench bench;
    snprintf(key, sizeof key, "opt.%s", optimizer);
    tci_optimizer_options options = parse_options(golden_metadata(file, key), kind);
    open_bench(&bench, 9, 5, 13, &options);
    for (size_t i = 0; i < 3; i++) {
        const golden_tensor *init = golden_get(file, "init.%s", names[i]);
        for (size_t j = 0; j < init->count; j++)
            values_of(&bench, names[i])[j] = (float)init->values[j];
    }
    for (int step = 1; step <= 10; step++) {
        tci_optimizer_result result;
        load_step(&bench, file, step);
        assert_ok(apply(&bench, 0.25, &result)); /* undoes the factor of 4 */
        assert_close(result.gradient_norm, golden_get(file, "norms")->values[step - 1], 1e-9);
    }
    snprintf(key, sizeof key, "after.%s", optimizer);
    compare_block(&bench, bench.parameters.values, file, key, "");
    const char *block_name = NULL;
    const float *block = NULL;
    size_t blocks = 0;
    snprintf(key, sizeof key, "state.%s", optimizer);
    for (; (block = tci_optimizer_state(bench.optimizer, blocks, &block_name)) != NULL; blocks++) {
        char suffix[64];
        assert_true(strncmp(block_name, "optim.", 6) == 0);
        snprintf(suffix, sizeof suffix, "%s.", block_name + 6);
        compare_block(&bench, block, file, key, suffix);
    }
    assert_int_equal(blocks, strncmp(kind, "adam", 4) == 0 ? 2 : strcmp(kind, "adagrad") == 0 || options.momentum != 0);
    assert_int_equal(tci_optimizer_steps(bench.optimizer), 10);
    close_bench(&bench);
}

static void every_optimizer_takes_the_ten_steps_of_pytorch(void **state)
{
    (void)state;
    golden *file = golden_open("optimizer_steps.safetensors");
    size_t optimizers = 0;
    for (size_t i = 0; golden_metadata_key(file, i); i++, optimizers++)
        ten_steps_equal_pytorch(file, golden_metadata_key(file, i) + 4);
    assert_int_equal(optimizers, 18);
    golden_close(file);
}

/* ---- Bits ---- */

static void run_three_steps(const tci_optimizer_options *options, size_t threads, float *values, double *norm)
{
    workbench bench;
    open_bench(&bench, 700, 37, 2500, options);
    assert_ok(tci_pool_create(&bench.memory, threads, &bench.pool));
    fill(&bench, 0);
    for (size_t step = 0; step < 3; step++) {
        tci_optimizer_result result;
        assert_ok(apply(&bench, 0.7, &result));
        *norm = result.gradient_norm;
    }
    memcpy(values, bench.parameters.values, bench.parameters.size * sizeof(float));
    close_bench(&bench);
}

static void the_number_of_threads_does_not_show_in_any_bit(void **state)
{
    (void)state;
    enum { SIZE = 700 * 37 + 12 + 2500 * 7 + 4 + 6 };
    static float alone[SIZE];
    static float together[SIZE];
    double norm_alone = 0;
    double norm_together = 0;
    for (size_t i = 0; tci_optimizer_name(i); i++) {
        tci_optimizer_options options = adam;
        options.name = tci_optimizer_name(i);
        options.clip_norm = 0.5;
        run_three_steps(&options, 1, alone, &norm_alone);
        for (size_t threads = 2; threads <= 5; threads++) {
            run_three_steps(&options, threads, together, &norm_together);
            assert_memory_equal(alone, together, sizeof alone);
            assert_memory_equal(&norm_alone, &norm_together, sizeof norm_alone);
        }
    }
}

static void dense_adam_moves_an_untouched_row_as_one_with_gradient_zero(void **state)
{
    (void)state;
    workbench untouched;
    workbench zero;
    open_bench(&untouched, 9, 1500, 13, &adam);
    open_bench(&zero, 9, 1500, 13, &adam);
    for (size_t first = 0; first < 2; first++) {
        fill(&untouched, 0);
        fill(&zero, 0);
        if (first == 1) {
            tci_gradients_clear(&untouched.gradients);
            tci_gradients_clear(&zero.gradients);
            for (uint32_t row = 0; row < 9; row++)
                tci_gradients_touch(&zero.gradients, row);
        }
        assert_ok(apply(&untouched, 1, NULL));
        assert_ok(apply(&zero, 1, NULL));
    }
    assert_memory_equal(untouched.parameters.values, zero.parameters.values, zero.parameters.size * sizeof(float));
    close_bench(&untouched);
    close_bench(&zero);
}

static void the_gradient_block_of_untouched_rows_is_never_read(void **state)
{
    (void)state;
    for (size_t i = 0; tci_optimizer_name(i); i++) {
        for (int sparse = 0; sparse < 2; sparse++) {
            workbench bench;
            tci_optimizer_options options = adam;
            options.name = tci_optimizer_name(i);
            options.sparse_embedding = sparse != 0;
            open_bench(&bench, 9, 5, 13, &options);
            fill(&bench, 0);
            gradient_of(&bench, names[0])[1 * 5 + 2] = NAN; /* row 1 is not touched */
            assert_ok(apply(&bench, 1, NULL));
            for (size_t j = 0; j < bench.parameters.size; j++)
                assert_true(isfinite(bench.parameters.values[j]));
            close_bench(&bench);
        }
    }
}

static void sparse_embedding_leaves_untouched_rows_as_they_are(void **state)
{
    (void)state;
    for (size_t i = 0; tci_optimizer_name(i); i++) {
        workbench bench;
        float before[9 * 5];
        tci_optimizer_options options = adam;
        options.name = tci_optimizer_name(i);
        options.sparse_embedding = true;
        open_bench(&bench, 9, 5, 13, &options);
        fill(&bench, 0);
        assert_ok(apply(&bench, 1, NULL));
        memcpy(before, values_of(&bench, names[0]), sizeof before);
        tci_gradients_clear(&bench.gradients);
        fill(&bench, 1);
        memcpy(values_of(&bench, names[0]), before, sizeof before);
        assert_ok(apply(&bench, 1, NULL));
        for (size_t row = 0; row < 9; row++) {
            bool same = memcmp(values_of(&bench, names[0]) + row * 5, before + row * 5, 5 * sizeof(float)) == 0;
            assert_int_equal(same, row % 3 != 1);
        }
        close_bench(&bench);
    }
}

static void state_and_step_counter_carry_a_run_over(void **state)
{
    (void)state;
    for (size_t i = 0; tci_optimizer_name(i); i++) {
        workbench whole;
        workbench second;
        tci_optimizer_options options = adam;
        options.name = tci_optimizer_name(i);
        options.momentum = 0.9;
        open_bench(&whole, 9, 5, 13, &options);
        open_bench(&second, 9, 5, 13, &options);
        fill(&whole, 0);
        assert_ok(apply(&whole, 1, NULL));
        fill(&second, 0);
        memcpy(second.parameters.values, whole.parameters.values, whole.parameters.size * sizeof(float));
        const char *name = NULL;
        const char *second_name = NULL;
        for (size_t block = 0; tci_optimizer_state(whole.optimizer, block, &name); block++) {
            memcpy(tci_optimizer_state(second.optimizer, block, &second_name),
                   tci_optimizer_state(whole.optimizer, block, &name), whole.parameters.size * sizeof(float));
            assert_string_equal(name, second_name);
        }
        tci_optimizer_set_steps(second.optimizer, tci_optimizer_steps(whole.optimizer));
        assert_ok(apply(&whole, 1, NULL));
        assert_ok(apply(&second, 1, NULL));
        assert_memory_equal(whole.parameters.values, second.parameters.values, whole.parameters.size * sizeof(float));
        close_bench(&whole);
        close_bench(&second);
    }
}

/* ---- Norm and clipping ---- */

static void the_norm_runs_over_all_scaled_gradients(void **state)
{
    (void)state;
    workbench bench;
    tci_optimizer_result result;
    double sum = 0;
    open_bench(&bench, 700, 37, 2500, &sgd);
    fill(&bench, 0);
    for (size_t i = 0; i < bench.parameters.size; i++)
        sum += (double)bench.gradients.values[i] * (double)bench.gradients.values[i];
    assert_ok(apply(&bench, 0.125, &result));
    assert_close(result.gradient_norm, 0.125 * sqrt(sum), 1e-12 * sqrt(sum));
    assert_close(result.learning_rate, 0.5, 0);
    close_bench(&bench);
}

static void clipping_divides_by_the_norm_and_leaves_smaller_gradients_alone(void **state)
{
    (void)state;
    const double limits[] = {0, 1.25, 5.1, 3}; /* the norm is 5 */
    const double factors[] = {1, 0.25, 1, 0.6};
    for (size_t i = 0; i < 4; i++) {
        workbench bench;
        tci_optimizer_options options = sgd;
        options.clip_norm = limits[i];
        open_bench(&bench, 9, 5, 13, &options);
        gradient_of(&bench, names[1])[0] = 6;
        gradient_of(&bench, names[2])[5] = -8;
        tci_optimizer_result result;
        assert_ok(apply(&bench, 0.5, &result));
        assert_close(result.gradient_norm, 5, 0);
        assert_close(values_of(&bench, names[1])[0], -0.5 * 3 * factors[i], 1e-6);
        assert_close(values_of(&bench, names[2])[5], 0.5 * 4 * factors[i], 1e-6);
        close_bench(&bench);
    }
}

/* ---- Errors ---- */

static void gradients_that_are_not_finite_change_nothing_and_name_the_tensor(void **state)
{
    (void)state;
    static float before[4096];
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 9; i++) {
        workbench bench;
        const char *name = names[i % 3];
        open_bench(&bench, 9, 5, 13, &adam);
        fill(&bench, 0);
        assert_ok(apply(&bench, 1, NULL));
        size_t size = bench.parameters.size * sizeof(float);
        const char *block = NULL;
        float *moments = tci_optimizer_state(bench.optimizer, 0, &block);
        memcpy(before, bench.parameters.values, size);
        memcpy(before + bench.parameters.size, moments, size);
        gradient_of(&bench, name)[i % 3 == 0 ? 3 * 5 + 4 : 5] = bad[i / 3];
        assert_int_equal(apply(&bench, 1, NULL), TC_ERROR_NUMERIC);
        assert_contains(tci_error_text(), name);
        assert_memory_equal(before, bench.parameters.values, size);
        assert_memory_equal(before + bench.parameters.size, moments, size);
        assert_int_equal(tci_optimizer_steps(bench.optimizer), 1);
        close_bench(&bench);
    }
}

static void gradients_whose_squares_overflow_are_refused_unless_clipped(void **state)
{
    (void)state;
    workbench bench;
    open_bench(&bench, 9, 5, 13, &adam);
    gradient_of(&bench, names[1])[3] = 1e20F;
    assert_int_equal(apply(&bench, 1, NULL), TC_ERROR_NUMERIC);
    assert_contains(tci_error_text(), names[1]);
    assert_ok(apply(&bench, 1e-3, NULL));
    close_bench(&bench);
    tci_optimizer_options options = adam;
    options.clip_norm = 1;
    open_bench(&bench, 9, 5, 13, &options);
    gradient_of(&bench, names[1])[3] = FLT_MAX;
    assert_ok(apply(&bench, 1, NULL));
    assert_close(values_of(&bench, names[1])[3], -0.01, 1e-6);
    close_bench(&bench);
}

static void a_scale_beyond_float_is_refused(void **state)
{
    (void)state;
    workbench bench;
    open_bench(&bench, 9, 5, 13, &sgd);
    assert_int_equal(apply(&bench, 1e39, NULL), TC_ERROR_NUMERIC);
    assert_int_equal(apply(&bench, NAN, NULL), TC_ERROR_NUMERIC);
    close_bench(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_optimizer_takes_the_ten_steps_of_pytorch),
        cmocka_unit_test(the_number_of_threads_does_not_show_in_any_bit),
        cmocka_unit_test(dense_adam_moves_an_untouched_row_as_one_with_gradient_zero),
        cmocka_unit_test(the_gradient_block_of_untouched_rows_is_never_read),
        cmocka_unit_test(sparse_embedding_leaves_untouched_rows_as_they_are),
        cmocka_unit_test(state_and_step_counter_carry_a_run_over),
        cmocka_unit_test(the_norm_runs_over_all_scaled_gradients),
        cmocka_unit_test(clipping_divides_by_the_norm_and_leaves_smaller_gradients_alone),
        cmocka_unit_test(gradients_that_are_not_finite_change_nothing_and_name_the_tensor),
        cmocka_unit_test(gradients_whose_squares_overflow_are_refused_unless_clipped),
        cmocka_unit_test(a_scale_beyond_float_is_refused),
    };
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        kernels = tables[i];
        failed += cmocka_run_group_tests_name(kernels->isa, tests, NULL, NULL);
    }
    return failed;
}
