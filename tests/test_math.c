/* labels: quick */
/* test_math.c: the element-wise kernels of every table, and log, exp and cos in double. The promise over all floats is
 * checked in test_math_exhaustive.c; here a sample of them: floats against double, doubles against long double. */
#include "support/testing.h"

#include "base/cpu.h"
#include "support/float_check.h"

/* A step between sampled floats that meets every exponent at other fractions. */
#define STRIDE 10007u

/* The float of these bits and its neighbour: error and order. Returns the error. */
static double check_pair(const tci_kernels *kernels, float_function which, uint32_t bits)
{
    float pair[2] = {float_of(bits), float_of(bits + 1)}, result[2];
    apply_float_function(kernels, which, 2, pair, result);
    double error = float_error(pair[0], result[0], float_reference(which, pair[0]));
    if (error > float_error_bound(which))
        fail_msg("%s %s(%.9g) = %.9g: %.2f units off", kernels->isa, float_function_names[which], (double)pair[0],
                 (double)result[0], error);
    if ((pair[0] < pair[1] && result[0] > result[1]) || (pair[0] > pair[1] && result[0] < result[1]))
        fail_msg("%s %s is not monotone at %.9g", kernels->isa, float_function_names[which], (double)pair[0]);
    return error;
}

static void check_sample(const tci_kernels *kernels, float_function which)
{
    double worst = 0.0;
    for (uint64_t bits = 0; bits < 0x100000000u; bits += STRIDE) {
        double error = check_pair(kernels, which, (uint32_t)bits);
        worst = error > worst ? error : worst;
    }
    print_message("%s %s: %.2f units in the last place\n", kernels->isa, float_function_names[which], worst);
}

static void check_samples(void)
{
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++)
        for (int which = FLOAT_EXP; which <= FLOAT_SIGMOID; which++)
            check_sample(tables[i], (float_function)which);
}

static void functions_keep_their_error_bounds_and_order(void **unused)
{
    (void)unused;
    check_samples();
}

static tci_float_environment environment_before;

static int flush_denormals(void **unused)
{
    (void)unused;
    environment_before = tci_float_enter();
    return 0;
}

static int restore_environment(void **unused)
{
    (void)unused;
    tci_float_leave(environment_before);
    return 0;
}

static void functions_keep_them_with_denormals_flushed(void **unused)
{
    (void)unused;
    check_samples();
}

/* Every float near the places where a formula changes over to another one, or its n to the next. */
static void functions_keep_them_where_formulas_meet(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    float places[300] = {0.28f, 0.625f, 9.1f, 9.0109f, 87.33654f, 88.3f, 88.72284f, 89.0f, 103.97f, 1e-20f};
    size_t place_count = 10;
    for (int n = 0; n < 129; n++) {
        places[place_count++] = (float)((n + 0.5) * 0.693147180559945309);
        places[place_count++] = (float)((n + 0.5) * 0.5 * 0.693147180559945309);
    }
    for (size_t i = 0; i < count; i++)
        for (int which = FLOAT_EXP; which <= FLOAT_SIGMOID; which++)
            for (size_t p = 0; p < 2 * place_count; p++) {
                uint32_t bits = bits_of(places[p / 2]) ^ (uint32_t)(p % 2) << 31;
                for (uint32_t step = 0; step < 400; step++)
                    check_pair(tables[i], (float_function)which, bits - 200 + step);
            }
}

static void special_values_are_exact(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    const float src[8] = {INFINITY, -INFINITY, NAN, 0.0f, -0.0f, FLT_MAX, -FLT_MAX, float_of(0xffffffffu)};
    const float expected[3][8] = {{INFINITY, 0.0f, NAN, 1.0f, 1.0f, INFINITY, 0.0f, NAN},
                                  {1.0f, -1.0f, NAN, 0.0f, -0.0f, 1.0f, -1.0f, NAN},
                                  {1.0f, 0.0f, NAN, 0.5f, 0.5f, 1.0f, 0.0f, NAN}};
    for (size_t i = 0; i < count; i++)
        for (int which = FLOAT_EXP; which <= FLOAT_SIGMOID; which++) {
            float dst[8];
            apply_float_function(tables[i], (float_function)which, 8, src, dst);
            for (size_t j = 0; j < 8; j++)
                if (!same_float(dst[j], expected[which][j]))
                    fail_msg("%s %s(%g) = %g", tables[i]->isa, float_function_names[which], (double)src[j],
                             (double)dst[j]);
        }
}

static void bits_do_not_depend_on_the_denormal_mode(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++)
        for (int which = FLOAT_EXP; which <= FLOAT_SIGMOID; which++)
            for (uint32_t bits = 0xc2a00000u; bits < 0xc3000000u; bits += 61) { /* -80 to -128: where exp runs out */
                float x = float_of(bits), free_mode, flushed;
                apply_float_function(tables[i], (float_function)which, 1, &x, &free_mode);
                tci_float_environment environment = tci_float_enter();
                apply_float_function(tables[i], (float_function)which, 1, &x, &flushed);
                tci_float_leave(environment);
                assert_int_equal(bits_of(free_mode), bits_of(flushed));
            }
}

/* Runs an array function over [offset, offset + count) of a block; what lies around must stay. */
static void an_element_has_the_same_bits_wherever_it_stands(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    uint32_t state = 11;
    for (size_t i = 0; i < table_count; i++)
        for (int which = FLOAT_EXP; which <= FLOAT_SIGMOID; which++)
            for (size_t count = 0; count <= 41; count++) {
                size_t offset = count % 7;
                float *src = random_block(offset + count, &state), *dst = random_block(offset + count + 9, &state);
                float *before = copy_block(dst, offset + count + 9);
                for (size_t j = 0; j < count; j++)
                    src[offset + j] *= 20.0f;
                apply_float_function(tables[i], (float_function)which, count, src + offset, dst + offset);
                for (size_t j = 0; j < offset + count + 9; j++) {
                    float expected = before[j];
                    if (j >= offset && j < offset + count)
                        apply_float_function(tables[i], (float_function)which, 1, src + j, &expected);
                    assert_int_equal(bits_of(dst[j]), bits_of(expected));
                }
                apply_float_function(tables[i], (float_function)which, count, src + offset, src + offset);
                assert_memory_equal(src + offset, dst + offset, count * sizeof(float)); /* in place */
                free(src), free(dst), free(before);
            }
}

static void add_adds_each_element_and_nothing_else(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    uint32_t state = 3;
    for (size_t i = 0; i < table_count; i++)
        for (size_t count = 0; count <= 41; count++) {
            float *src = random_block(count + 1, &state), *dst = random_block(count + 12, &state);
            float *before = copy_block(dst, count + 12);
            tables[i]->add(count, src + 1, dst + 3);
            for (size_t j = 0; j < count + 12; j++) {
                float expected = j >= 3 && j < count + 3 ? before[j] + src[j - 2] : before[j];
                assert_int_equal(bits_of(dst[j]), bits_of(expected));
            }
            free(src), free(dst), free(before);
        }
}

static void squares_are_added_to_their_lanes(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    uint32_t state = 5;
    for (size_t i = 0; i < table_count; i++)
        for (size_t count = 0; count <= 70; count++) {
            float *src = random_block(count + 1, &state);
            double lanes[TCI_SQUARE_LANES], expected[TCI_SQUARE_LANES];
            for (size_t lane = 0; lane < TCI_SQUARE_LANES; lane++)
                lanes[lane] = expected[lane] = (double)lane / 3.0;
            src[count / 2] = 1e30f; /* whose square is no float */
            tables[i]->add_squares(count, src + 1, lanes);
            for (size_t j = 0; j < count; j++)
                expected[j % TCI_SQUARE_LANES] += (double)src[j + 1] * (double)src[j + 1];
            assert_memory_equal(lanes, expected, sizeof lanes);
            free(src);
            for (size_t j = 0; j < 8; j++)
                expected[j] += expected[j + 8];
            double even = (expected[0] + expected[4]) + (expected[2] + expected[6]);
            double odd = (expected[1] + expected[5]) + (expected[3] + expected[7]);
            assert_true(tci_square_total(lanes) == even + odd);
        }
}

static void add_rows_is_one_chain_down_each_column(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    uint32_t state = 4;
    for (size_t i = 0; i < table_count; i++)
        for (size_t rows = 0; rows <= 9; rows++)
            for (size_t columns = 0; columns <= 112; columns += 16) {
                size_t stride = columns + 16 * (rows % 3);
                float *src = random_block(rows ? (rows - 1) * stride + columns : 0, &state);
                float *dst = random_block(columns + 16, &state), *before = copy_block(dst, columns + 16);
                tables[i]->add_rows(rows, columns, src, stride, dst);
                for (size_t column = 0; column < columns + 16; column++) {
                    float expected = before[column];
                    for (size_t row = 0; row < rows && column < columns; row++)
                        expected += src[row * stride + column];
                    assert_int_equal(bits_of(dst[column]), bits_of(expected));
                }
                free(src), free(dst), free(before);
            }
}

/* Within one unit in the last place of double; libm stands within less than one itself, hence two. */
static void assert_one_unit(const char *name, double at, double value, long double exact)
{
    double unit = fabs((double)exact) * 0x1p-52;
    if (!(fabsl((long double)value - exact) <= (long double)unit))
        fail_msg("%s(%.17g) = %.17g instead of %.17Lg", name, at, value, exact);
}

/* Where a machine is software, long double is software on top of it. */
enum { DOUBLE_STEP = TEST_EVERY(41) };

static void log_exp_and_cos_in_double_are_within_one_unit(void **unused)
{
    (void)unused;
    double x = 1e-300;
    for (int i = 0; i < 200000; i++) {
        if (i % DOUBLE_STEP == 0)
            assert_one_unit("log", x, tci_log(x), logl((long double)x));
        x *= 1.0069;
    }
    for (int i = 0; i < 200000; i += DOUBLE_STEP) {
        x = 0.25 + i * 1.3e-5;
        assert_one_unit("log", x, tci_log(x), logl((long double)x));
        x = -700.0 + i * 0.007;
        assert_one_unit("exp", x, tci_exp(x), expl((long double)x));
        x = (i - 100000) * 1e-5;
        assert_one_unit("exp", x, tci_exp(x), expl((long double)x));
        x = i * 1.57079e-5;
        assert_one_unit("cos", x, tci_cos(x), cosl((long double)x));
    }
    assert_one_unit("log", 5e-324, tci_log(5e-324), logl((long double)5e-324));
}

static void log_exp_and_cos_have_exact_ends(void **unused)
{
    (void)unused;
    assert_true(tci_log(0.0) == -(double)INFINITY && tci_log(-0.0) == -(double)INFINITY);
    assert_true(tci_log(1.0) == 0.0 && tci_log((double)INFINITY) == (double)INFINITY);
    assert_true(isnan(tci_log(-1.0)) && isnan(tci_log((double)NAN)) && isnan(tci_log(-(double)INFINITY)));
    assert_true(tci_exp(0.0) == 1.0 && tci_exp((double)INFINITY) == (double)INFINITY);
    assert_true(tci_exp(-(double)INFINITY) == 0.0 && tci_exp(-745.0) == 0.0 && tci_exp(710.0) == (double)INFINITY);
    assert_true(isnan(tci_exp((double)NAN)) && isfinite(tci_exp(709.7)));
    assert_true(tci_cos(0.0) == 1.0 && tci_cos(3.14159265358979311600) == -1.0);
    assert_true(fabs(tci_cos(1.57079632679489655800)) < 1e-16);
    /* a denormal keeps its logarithm when denormals count as zero */
    tci_float_environment environment = tci_float_enter();
    double value = tci_log(5e-324);
    tci_float_leave(environment);
    assert_true(fabs(value + 744.44007192138126) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_keep_their_error_bounds_and_order),
        cmocka_unit_test_setup_teardown(functions_keep_them_with_denormals_flushed, flush_denormals,
                                        restore_environment),
        cmocka_unit_test(functions_keep_them_where_formulas_meet),
        cmocka_unit_test(special_values_are_exact),
        cmocka_unit_test(bits_do_not_depend_on_the_denormal_mode),
        cmocka_unit_test(an_element_has_the_same_bits_wherever_it_stands),
        cmocka_unit_test(add_adds_each_element_and_nothing_else),
        cmocka_unit_test(squares_are_added_to_their_lanes),
        cmocka_unit_test(add_rows_is_one_chain_down_each_column),
        cmocka_unit_test(log_exp_and_cos_in_double_are_within_one_unit),
        cmocka_unit_test(log_exp_and_cos_have_exact_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
