/* labels: quick. cpu.c: instruction sets and the floating-point environment. */
#include "support/testing.h"

#include <fenv.h>

#include "base/cpu.h"

#if defined(__clang__)
#pragma STDC FENV_ACCESS ON
#endif

static void instruction_sets_are_those_of_the_compiler(void **state)
{
    (void)state;
#if defined(__x86_64__)
    assert_int_equal(tci_cpu_has_avx2(), __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
    assert_int_equal(tci_cpu_has_avx512(),
                     tci_cpu_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                         __builtin_cpu_supports("avx512vnni"));
    assert_false(tci_cpu_has_neon());
#elif defined(__aarch64__)
    assert_true(tci_cpu_has_neon());
    assert_false(tci_cpu_has_avx2());
    assert_false(tci_cpu_has_avx512());
#endif
}

static double third(void)
{
    volatile double one = 1.0, three = 3.0;
    return one / three;
}

static bool denormals_are_flushed(void)
{
    volatile float tiny = 0x1p-126f, half = 0.5f, denormal = 0x1p-140f, large = 0x1p20f;
    volatile float result = tiny * half, scaled = denormal * large;
    return result == 0.0f && scaled == 0.0f;
}

static void the_hosts_modes_are_set_aside_and_come_back(void **state)
{
    (void)state;
#if defined(__x86_64__) || defined(__aarch64__)
    double nearest = third();
    fesetround(FE_UPWARD);
    double upward = third();
    assert_true(upward > nearest);
    tci_float_environment environment = tci_float_enter();
    bool same = third() == nearest, flushed = denormals_are_flushed();
    tci_float_leave(environment);
    assert_true(same);
    assert_true(flushed);
    assert_int_equal(fegetround(), FE_UPWARD);
    assert_true(third() == upward);
    fesetround(FE_TONEAREST);
    assert_false(denormals_are_flushed());
#endif
}

static void calls_within_calls_restore_the_outer_modes(void **state)
{
    (void)state;
#if defined(__x86_64__) || defined(__aarch64__)
    tci_float_environment outer = tci_float_enter();
    tci_float_environment inner = tci_float_enter();
    tci_float_leave(inner);
    bool flushed = denormals_are_flushed();
    tci_float_leave(outer);
    assert_true(flushed);
    assert_false(denormals_are_flushed());
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instruction_sets_are_those_of_the_compiler),
        cmocka_unit_test(the_hosts_modes_are_set_aside_and_come_back),
        cmocka_unit_test(calls_within_calls_restore_the_outer_modes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
