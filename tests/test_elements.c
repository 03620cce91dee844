/* labels: quick. elements.c: conversions against arithmetic, element by element. */
#include "support/testing.h"

#include <float.h>
#include <math.h>

#include "serialization/elements.h"

static float convert(tci_dtype dtype, const void *value)
{
    uint8_t bytes[9];
    float result;
    memcpy(bytes + 1, value, tci_dtype_bits(dtype) / 8); /* of no alignment */
    tci_elements_to_float(dtype, bytes + 1, 1, &result);
    return result;
}

static bool finite_alone(tci_dtype dtype, const void *value, bool narrow)
{
    uint8_t bytes[9];
    memcpy(bytes + 1, value, tci_dtype_bits(dtype) / 8);
    return tci_elements_check(dtype, bytes + 1, 1, narrow) == 1;
}

static bool same_bits(float a, float b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static void every_half_is_its_value(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 65536; i++) {
        uint16_t half = (uint16_t)i;
        int exponent = (int)(i >> 10 & 31);
        double fraction = (double)(i & 1023) / 1024, sign = i & 0x8000 ? -1 : 1;
        float value = convert(TCI_DTYPE_F16, &half);
        assert_int_equal(finite_alone(TCI_DTYPE_F16, &half, true), exponent != 31);
        if (exponent == 31)
            assert_true((i & 1023) ? isnan(value) : value == sign * INFINITY);
        else
            assert_true(same_bits(value, (float)(sign * (exponent ? ldexp(1 + fraction, exponent - 15)
                                                                  : ldexp(fraction, -14)))));
    }
}

static void every_bfloat_is_the_upper_half_of_a_float(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 65536; i++) {
        uint16_t upper = (uint16_t)i;
        uint32_t bits = i << 16;
        float value = convert(TCI_DTYPE_BF16, &upper), wanted;
        memcpy(&wanted, &bits, sizeof wanted);
        assert_memory_equal(&value, &wanted, sizeof value);
        assert_int_equal(finite_alone(TCI_DTYPE_BF16, &upper, false), isfinite(wanted) != 0);
    }
}

static void doubles_round_as_the_processor_rounds(void **state)
{
    (void)state;
    uint64_t seed = 1;
    static const double edges[] = {0.0,
                                   -0.0,
                                   1,
                                   -1,
                                   FLT_MAX,
                                   -FLT_MAX,
                                   FLT_MIN,
                                   0x1p-149,
                                   0x1p-150,
                                   0x1.8p-150,
                                   0x1.8p-149,
                                   0x1.fffffffffffffp-127,
                                   0x1.000001p0,
                                   0x1.000001000001p0,
                                   0x1.000003p0,
                                   0x1p-151,
                                   DBL_MIN,
                                   5e-324,
                                   0x1p128,
                                   0x1.8p128,
                                   0x1.fp1023,
                                   0x1.fffffefffffffp127,
                                   0x1.ffffffp-1,
                                   0x1.fffffffp-127};
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++)
        assert_true(same_bits(convert(TCI_DTYPE_F64, &edges[i]), (float)edges[i]));
    for (int i = 0; i < 300000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t bits = seed ^ seed >> 33;
        /* Exponents around the floats' own; fractions with many ties. */
        bits = (bits & UINT64_C(0x800FFFFFFFFFFFFF)) | (uint64_t)(1023 - 160 + (int)(seed >> 40 & 255)) << 52;
        if (i % 3 == 0)
            bits &= ~UINT64_C(0xFFFFFFF);
        double value;
        memcpy(&value, &bits, sizeof value);
        assert_true(same_bits(convert(TCI_DTYPE_F64, &value), (float)value));
    }
}

static void a_double_that_no_float_holds_is_not_finite_when_narrowed(void **state)
{
    (void)state;
    static const double most = 0x1.fffffefffffffp127, more = 0x1.ffffffp127, large = -1e300, infinite = INFINITY,
                        nothing = NAN;
    assert_true(finite_alone(TCI_DTYPE_F64, &most, true));
    assert_false(finite_alone(TCI_DTYPE_F64, &more, true));
    assert_true(finite_alone(TCI_DTYPE_F64, &more, false));
    assert_false(finite_alone(TCI_DTYPE_F64, &large, true));
    assert_true(finite_alone(TCI_DTYPE_F64, &large, false));
    assert_false(finite_alone(TCI_DTYPE_F64, &infinite, false));
    assert_false(finite_alone(TCI_DTYPE_F64, &nothing, false));
    assert_true(isnan(convert(TCI_DTYPE_F64, &nothing)));
}

static void the_first_float_that_is_not_finite_is_found(void **state)
{
    (void)state;
    float values[100] = {0};
    values[3] = -FLT_MAX;
    assert_int_equal(tci_elements_check(TCI_DTYPE_F32, (const uint8_t *)values, 100, true), 100);
    for (size_t i = 99; i > 60; i -= 13) {
        values[i] = i % 2 ? NAN : -INFINITY;
        assert_int_equal(tci_elements_check(TCI_DTYPE_F32, (const uint8_t *)values, 100, true), i);
    }
    assert_int_equal(tci_elements_check(TCI_DTYPE_F32, (const uint8_t *)values, 0, true), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_is_its_value),
        cmocka_unit_test(every_bfloat_is_the_upper_half_of_a_float),
        cmocka_unit_test(doubles_round_as_the_processor_rounds),
        cmocka_unit_test(a_double_that_no_float_holds_is_not_finite_when_narrowed),
        cmocka_unit_test(the_first_float_that_is_not_finite_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
