/* labels: quick */
/* test_narrow.c: floats to bfloat16 and int8 and back: nearest, ties to even, bounds of error, ends of the range; whole
 * parameters by name. */
#include "support/testing.h"

#include <math.h>

#include "base/cpu.h"
#include "support/kernels.h"
#include "tensor/narrow.h"

static float widened(uint16_t narrow)
{
    float value;
    tci_widen_bf16(1, &narrow, &value);
    return value;
}

static void every_bfloat16_survives(void **state)
{
    (void)state;
    for (uint32_t half = 0; half < 0x10000; half++) {
        uint16_t narrow = 0, before = (uint16_t)half;
        if ((half & 0x7f80) == 0x7f80)
            continue; /* not finite */
        float value = widened(before);
        assert_int_equal(bits_of(value), half << 16);
        tci_narrow_bf16(1, &value, &narrow);
        assert_int_equal(narrow, before);
    }
}

static void bfloat16_is_the_nearest_and_ties_are_even(void **state)
{
    (void)state;
    static const struct {
        uint32_t bits;
        uint16_t narrow;
    } cases[] = {{0x3f807fff, 0x3f80}, {0x3f808000, 0x3f80}, {0x3f808001, 0x3f81}, {0x3f818000, 0x3f82},
                 {0xbf808001, 0xbf81}, {0x3fffffff, 0x4000}, {0x00000001, 0x0000}, {0x80008001, 0x8001},
                 {0x7f7f7fff, 0x7f7f}, {0x7f7f8000, 0x7f7f}, {0x7f7fffff, 0x7f7f}, {0xff7fffff, 0xff7f}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        float value = float_of(cases[i].bits);
        uint16_t narrow = 0;
        tci_narrow_bf16(1, &value, &narrow);
        assert_int_equal(narrow, cases[i].narrow);
    }
}

static void int8_is_off_by_half_a_step_at_most(void **state)
{
    (void)state;
    uint32_t random = 7;
    for (size_t count = 1; count < 200; count++) {
        float values[200], back[200], most = 0.0f;
        int8_t narrow[200];
        for (size_t i = 0; i < count; i++) {
            values[i] = next_float(&random) * (count % 2 ? 1e-6f : 3e4f);
            most = fabsf(values[i]) > most ? fabsf(values[i]) : most;
        }
        float scale = tci_narrow_int8(count, values, narrow);
        tci_widen_int8(count, narrow, scale, back);
        assert_true(fabs((double)scale * 127.0 / (double)most - 1.0) < 1e-6);
        for (size_t i = 0; i < count; i++) {
            assert_true(narrow[i] >= -127);
            assert_true(fabsf(back[i] - values[i]) <= 0.50001f * scale);
            if (fabsf(values[i]) == most)
                assert_int_equal(abs(narrow[i]), 127);
        }
    }
}

static void int8_that_was_widened_is_found_again(void **state)
{
    (void)state;
    uint32_t random = 3;
    for (size_t turn = 0; turn < 500; turn++) {
        int8_t first[31], again[31];
        float values[31], scale = fabsf(next_float(&random)) + 1e-3f;
        for (size_t i = 0; i < 31; i++)
            first[i] = (int8_t)(next_float(&random) * 127.0f);
        first[turn % 31] = turn % 2 ? 127 : -127;
        tci_widen_int8(31, first, scale, values);
        float found = tci_narrow_int8(31, values, again);
        assert_memory_equal(first, again, sizeof first);
        assert_true(fabsf(found - scale) <= 2e-7f * scale);
    }
}

static void int8_rows_at_the_ends_of_the_range(void **state)
{
    (void)state;
    float values[3] = {0.0f, -0.0f, 0x1p-101f};
    int8_t narrow[3] = {1, 1, 1};
    assert_true(tci_narrow_int8(3, values, narrow) == 1.0f);
    assert_true(narrow[0] == 0 && narrow[1] == 0 && narrow[2] == 0);
    values[1] = -3.4028234e38f;
    float scale = tci_narrow_int8(3, values, narrow);
    assert_true(tci_scale_is_good(scale));
    assert_int_equal(narrow[1], -127);
    assert_true(tci_narrow_int8(0, values, narrow) == 1.0f);
}

static void a_scale_is_positive_and_finite_127_times(void **state)
{
    (void)state;
    static const uint32_t good[] = {0x00000001, 0x00800000, 0x3f800000, 0x7c010203};
    static const uint32_t bad[] = {0x00000000, 0x80000000, 0x80000001, 0xbf800000, 0x7c010204, 0x7f7fffff, 0x7f800000,
                                   0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001};
    assert_true(127.0f * float_of(0x7c010203) <= 3.4028235e38f);
    assert_true(127.0f * float_of(0x7c010204) > 3.4028235e38f);
    for (int entered = 0; entered < 2; entered++) {
        tci_float_environment environment = {0};
        if (entered)
            environment = tci_float_enter();
        for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
            assert_true(tci_scale_is_good(float_of(good[i])));
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
            assert_false(tci_scale_is_good(float_of(bad[i])));
        if (entered)
            tci_float_leave(environment);
    }
}

static void declare(tci_parameters *parameters, tci_memory *memory, tci_element element)
{
    tci_parameters_init(parameters, memory);
    assert_ok(tci_parameters_declare_matrix(parameters, element, "m", 5, 3, false, NULL));
    assert_ok(tci_parameters_declare(parameters, "v", 1, 4, 1, false, NULL));
    assert_ok(tci_parameters_declare_matrix(parameters, element, "n", 2, 7, false, NULL));
    assert_ok(tci_parameters_declare_scales(parameters));
    assert_ok(tci_parameters_allocate(parameters));
}

static void parameters_are_converted_by_name(void **state)
{
    (void)state;
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    for (tci_element via = TCI_ELEMENT_BF16; via <= TCI_ELEMENT_INT8; via++) {
        tci_parameters from, narrow, copy, back;
        declare(&from, &memory, TCI_ELEMENT_F32);
        declare(&narrow, &memory, via);
        declare(&copy, &memory, via);
        declare(&back, &memory, TCI_ELEMENT_F32);
        assert_int_equal(narrow.tensor_count, via == TCI_ELEMENT_INT8 ? 5 : 3);
        uint32_t random = 5;
        for (size_t i = 0; i < from.size; i++)
            from.values[i] = next_float(&random);
        assert_ok(tci_parameters_convert(&from, &narrow, NULL));
        assert_ok(tci_parameters_convert(&narrow, &copy, NULL));
        assert_memory_equal(narrow.values, copy.values, narrow.size * sizeof(float));
        assert_ok(tci_parameters_convert(&narrow, &back, NULL));
        const tci_tensor_info *v = tci_parameters_find(&from, "v");
        assert_memory_equal(from.values + v->offset, back.values + tci_parameters_find(&back, "v")->offset,
                            v->count * sizeof(float));
        for (size_t i = 0; i < 3; i += 2) {
            const tci_tensor_info *a = &from.tensors[i], *b = &back.tensors[i];
            for (size_t k = 0; k < a->count; k++)
                assert_close(back.values[b->offset + k], from.values[a->offset + k], 1.0 / 250);
        }
        from.values[from.tensors[2].offset + 8] = INFINITY;
        assert_int_equal(tci_parameters_convert(&from, &narrow, NULL), TC_ERROR_NUMERIC);
        assert_contains(tci_error_text(), "tensor 'n': row 1");
        tci_parameters_free(&from), tci_parameters_free(&narrow), tci_parameters_free(&copy),
            tci_parameters_free(&back);
    }
    assert_int_equal(memory.used, 0);
}

static void scales_have_names_of_ours(void **state)
{
    (void)state;
    tci_memory memory;
    tci_parameters parameters;
    tci_memory_init(&memory, NULL, 0);
    declare(&parameters, &memory, TCI_ELEMENT_INT8);
    const tci_tensor_info *scales = tci_parameters_find(&parameters, "textclf.scale.n");
    assert_non_null(scales);
    assert_int_equal(scales - parameters.tensors, parameters.tensors[2].scales);
    assert_true(scales->rank == 1 && scales->shape[0] == 2 && scales->element == TCI_ELEMENT_F32);
    assert_null(tci_parameters_find(&parameters, "textclf.scale.v"));
    tci_parameters_free(&parameters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bfloat16_survives),
        cmocka_unit_test(bfloat16_is_the_nearest_and_ties_are_even),
        cmocka_unit_test(int8_is_off_by_half_a_step_at_most),
        cmocka_unit_test(int8_that_was_widened_is_found_again),
        cmocka_unit_test(int8_rows_at_the_ends_of_the_range),
        cmocka_unit_test(a_scale_is_positive_and_finite_127_times),
        cmocka_unit_test(parameters_are_converted_by_name),
        cmocka_unit_test(scales_have_names_of_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
