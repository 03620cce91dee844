/* labels: exhaustive */
/* test_math_exhaustive.c: exp, tanh and sigmoid of every table over all 2^32 floats: error bounds, order of neighbours,
 * NaN for NaN, symmetry of tanh; the cell's sigmoid and tanh, which a table may compute in wider vectors. Takes
 * minutes: run by `ctest -C exhaustive -L exhaustive`, never by default. */
#include "support/testing.h"

#include "base/cpu.h"
#include "support/float_check.h"

#define BLOCK 4096u

static double worst[3];
static float last[3]; /* each table's result at the float before */

static void check_oddness(const tci_kernels *const *tables, size_t count, const float *src)
{
    static float opposite[BLOCK], dst[BLOCK], expected[BLOCK];
    for (uint32_t i = 0; i < BLOCK; i++)
        opposite[i] = float_of(bits_of(src[i]) ^ 0x80000000u);
    for (size_t t = 0; t < count; t++) {
        tables[t]->tanh(BLOCK, src, dst);
        tables[t]->tanh(BLOCK, opposite, expected);
        for (uint32_t i = 0; i < BLOCK; i++)
            if (bits_of(dst[i]) != (bits_of(expected[i]) ^ 0x80000000u))
                fail_msg("%s tanh is not odd at %.9g", tables[t]->isa, (double)src[i]);
    }
}

static void check_block(const tci_kernels *const *tables, size_t count, float_function which, uint32_t first)
{
    static float src[BLOCK], dst[BLOCK];
    static double exact[BLOCK];
    for (uint32_t i = 0; i < BLOCK; i++)
        src[i] = float_of(first + i);
    bool falling = first >> 31;           /* along the bits of negative floats */
    if (which == FLOAT_TANH && falling) { /* costs no reference: tanh is odd in bits */
        check_oddness(tables, count, src);
        return;
    }
    for (uint32_t i = 0; i < BLOCK; i++)
        exact[i] = float_reference(which, src[i]);
    for (size_t t = 0; t < count; t++) {
        apply_float_function(tables[t], which, BLOCK, src, dst);
        for (uint32_t i = 0; i < BLOCK; i++) {
            double error = float_error(src[i], dst[i], exact[i]);
            worst[t] = error > worst[t] ? error : worst[t];
            if (error > float_error_bound(which))
                fail_msg("%s %s(%.9g) = %.9g: %.2f units off", tables[t]->isa, float_function_names[which],
                         (double)src[i], (double)dst[i], error);
            if (falling ? dst[i] > last[t] : dst[i] < last[t])
                fail_msg("%s %s is not monotone at %.9g", tables[t]->isa, float_function_names[which], (double)src[i]);
            last[t] = dst[i];
        }
    }
}

static void check_all(float_function which)
{
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    tci_float_environment environment = tci_float_enter();
    memset(worst, 0, sizeof worst);
    for (uint32_t half = 0; half < 2; half++) {
        for (size_t t = 0; t < count; t++)
            last[t] = NAN; /* compares false */
        for (uint32_t block = 0; block < 0x80000000u / BLOCK; block++)
            check_block(tables, count, which, half << 31 | block * BLOCK);
    }
    tci_float_leave(environment);
    for (size_t t = 0; t < count; t++)
        print_message("%s %s: at most %.3f units in the last place\n", tables[t]->isa, float_function_names[which],
                      worst[t]);
}

static void exp_of_all_floats(void **unused)
{
    (void)unused;
    check_all(FLOAT_EXP);
}

static void tanh_of_all_floats(void **unused)
{
    (void)unused;
    check_all(FLOAT_TANH);
}

static void sigmoid_of_all_floats(void **unused)
{
    (void)unused;
    check_all(FLOAT_SIGMOID);
}

/* A block as the pre-activations of all gates. */
static void check_cells(const tci_kernels *kernels, const float *src)
{
    static float gates[4][BLOCK], c[BLOCK], h[BLOCK], sigmoid[BLOCK], tangent[BLOCK];
    for (size_t gate = 0; gate < 4; gate++)
        memcpy(gates[gate], src, sizeof gates[gate]);
    kernels->lstm_cell(BLOCK / TCI_PANEL, gates[0], TCI_PANEL, BLOCK, NULL, c, h, TCI_PANEL);
    kernels->sigmoid(BLOCK, src, sigmoid);
    kernels->tanh(BLOCK, src, tangent);
    for (size_t gate = 0; gate < 4; gate++)
        for (uint32_t i = 0; i < BLOCK; i++)
            if (!same_float(gates[gate][i], gate == 2 ? tangent[i] : sigmoid[i]))
                fail_msg("%s: gate %zu of %.9g is %.9g", kernels->isa, gate, (double)src[i], (double)gates[gate][i]);
}

static void cells_have_these_functions_of_all_floats(void **unused)
{
    (void)unused;
    static float src[BLOCK];
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    tci_float_environment environment = tci_float_enter();
    for (uint32_t block = 0; block <= 0xffffffffu / BLOCK; block++) {
        for (uint32_t i = 0; i < BLOCK; i++)
            src[i] = float_of(block * BLOCK + i);
        for (size_t t = 0; t < count; t++)
            check_cells(tables[t], src);
    }
    tci_float_leave(environment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exp_of_all_floats),
        cmocka_unit_test(tanh_of_all_floats),
        cmocka_unit_test(sigmoid_of_all_floats),
        cmocka_unit_test(cells_have_these_functions_of_all_floats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
