/* labels: quick */
/* test_adam.c: Adam's update of every table, in bits from the formula; an element does not depend on its neighbours. */
#include "support/testing.h"

#include <math.h>

#include "support/kernels.h"

static float multiply_add(bool fused, float a, float b, float sum)
{
    volatile float product = a * b;
    return fused ? fmaf(a, b, sum) : product + sum;
}

/* gradient NULL: zeros */
static void check(const tci_kernels *kernels, const tci_adam_constants *k, size_t count, bool with_gradient)
{
    bool fused = kernel_fuses(kernels);
    uint32_t state = (uint32_t)(3 * count + with_gradient);
    float *value = random_block(count, &state), *gradient = random_block(count, &state);
    float *m = random_block(count, &state), *v = random_block(count, &state);
    for (size_t i = 0; i < count; i++)
        v[i] = fabsf(v[i]);
    float *new_value = copy_block(value, count), *new_m = copy_block(m, count), *new_v = copy_block(v, count);
    kernels->adam(k, count, new_value, with_gradient ? gradient : NULL, new_m, new_v);
    for (size_t i = 0; i < count; i++) {
        volatile float decayed = k->decay * value[i], shrunk = k->shrink * value[i];
        float g = multiply_add(fused, k->gradient_scale, with_gradient ? gradient[i] : 0.0f, decayed);
        volatile float to_g = g - m[i];
        float wanted_m = multiply_add(fused, k->one_minus_beta1, to_g, m[i]);
        volatile float to_square = multiply_add(fused, g, g, -v[i]);
        float wanted_v = multiply_add(fused, k->one_minus_beta2, to_square, v[i]);
        float root = multiply_add(fused, k->root_scale, sqrtf(wanted_v), k->epsilon);
        volatile float direction = wanted_m / root;
        assert_int_equal(bits_of(new_m[i]), bits_of(wanted_m));
        assert_int_equal(bits_of(new_v[i]), bits_of(wanted_v));
        assert_int_equal(bits_of(new_value[i]), bits_of(multiply_add(fused, -k->step_size, direction, shrunk)));
    }
    free(value), free(gradient), free(m), free(v), free(new_value), free(new_m), free(new_v);
}

static void each_element_takes_the_formulas_step(void **unused)
{
    (void)unused;
    const tci_adam_constants constants[] = {
        {0.25f, 1.0f, 0.0f, 0.1f, 0.001f, 0.01f, 1.5f, 1e-8f},
        {1.0f, 0.99f, 0.0f, 0.1f, 0.001f, 0.5f, 1.0f, 1e-3f},
        {0.125f, 1.0f, 0.02f, 0.3f, 0.01f, 0.1f, 31.6f, 1e-8f},
    };
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < 3; k++)
            for (size_t length = 0; length <= 27; length++) {
                check(tables[i], &constants[k], length, true);
                check(tables[i], &constants[k], length, false);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_element_takes_the_formulas_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
