/* labels: quick */
/* test_choose.c: which table a value of max_isa gives. */
#include "support/testing.h"

#include "base/cpu.h"
#include "support/kernels.h"

static void auto_takes_the_best_table_of_this_processor(void **unused)
{
    (void)unused;
    const tci_kernels *kernels = NULL;
    assert_ok(tci_kernels_choose("auto", &kernels));
#if defined(TCI_HAVE_AVX2)
    assert_string_equal(kernels->isa, tci_cpu_has_avx512() ? "avx512" : tci_cpu_has_avx2() ? "avx2" : "scalar");
#elif defined(TCI_HAVE_NEON)
    assert_string_equal(kernels->isa, "neon");
#else
    assert_string_equal(kernels->isa, "scalar");
#endif
}

static void scalar_is_always_there(void **unused)
{
    (void)unused;
    const tci_kernels *kernels = NULL;
    assert_ok(tci_kernels_choose("scalar", &kernels));
    assert_ptr_equal(kernels, &tci_kernels_scalar);
}

static void a_set_that_is_not_here_is_unsupported_and_the_error_names_what_is(void **unused)
{
    (void)unused;
    const tci_kernels *kernels = &tci_kernels_scalar;
#if defined(TCI_HAVE_AVX2)
    const char *missing = "neon", *accepted = "accepted: auto, scalar, avx2, avx512";
#elif defined(TCI_HAVE_NEON)
    const char *missing = "avx2", *accepted = "accepted: auto, scalar, neon";
#else
    const char *missing = "avx2", *accepted = "accepted: auto, scalar";
#endif
    assert_int_equal(tci_kernels_choose(missing, &kernels), TC_ERROR_UNSUPPORTED);
    assert_ptr_equal(kernels, &tci_kernels_scalar); /* a failed call leaves its output */
    assert_non_null(strstr(tci_error_text(), missing));
    assert_non_null(strstr(tci_error_text(), accepted));
}

static void an_unknown_set_is_a_wrong_option(void **unused)
{
    (void)unused;
    const tci_kernels *kernels = NULL;
    assert_int_equal(tci_kernels_choose("avx1024", &kernels), TC_ERROR_OPTION);
    assert_non_null(strstr(tci_error_text(), "avx1024"));
    assert_non_null(strstr(tci_error_text(), "auto, scalar, avx2, avx512, neon"));
}

static void a_set_caps_the_choice(void **unused)
{
    (void)unused;
#if defined(TCI_HAVE_AVX2)
    const tci_kernels *kernels = NULL;
    assert_ok(tci_kernels_choose("avx2", &kernels));
    assert_string_equal(kernels->isa, tci_cpu_has_avx2() ? "avx2" : "scalar");
    assert_ok(tci_kernels_choose("avx512", &kernels)); /* the next best where the processor lacks it */
    assert_string_equal(kernels->isa, tci_cpu_has_avx512() ? "avx512" : tci_cpu_has_avx2() ? "avx2" : "scalar");
#else
    skip();
#endif
}

static void every_table_is_complete(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++) {
        const tci_kernels *kernels = tables[i];
        assert_true(kernels->gemm && kernels->gemm_transposed && kernels->lstm_cell && kernels->lstm_cell_backward);
        assert_true(kernels->gemm_bf16 && kernels->gemm_int8 && kernels->quantize && kernels->int8_row);
        assert_true(kernels->gather_panels && kernels->sum_rows && kernels->transpose && kernels->adam);
        assert_true(kernels->add && kernels->add_squares && kernels->add_rows && kernels->exp && kernels->tanh &&
                    kernels->sigmoid);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auto_takes_the_best_table_of_this_processor),
        cmocka_unit_test(scalar_is_always_there),
        cmocka_unit_test(a_set_that_is_not_here_is_unsupported_and_the_error_names_what_is),
        cmocka_unit_test(a_set_caps_the_choice),
        cmocka_unit_test(an_unknown_set_is_a_wrong_option),
        cmocka_unit_test(every_table_is_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
