/* labels: quick */
/* test_kernels_avx512.c: AVX-512 computes the bits of AVX2, in every kernel and in a whole training. What each table
 * must be by itself is tested beside the scalar one, file by file; here the two are held against each other. */
#include "support/testing.h"

#include <math.h>

#include "base/cpu.h"
#include "support/kernels.h"
#include "support/small_host.h"

#if defined(TCI_HAVE_AVX2)
/* The two tables; without AVX-512 the test is skipped. */
static const tci_kernels *const tables[2] = {&tci_kernels_avx2, &tci_kernels_avx512};
#define NEED_AVX512()                                                                                                  \
    if (!tci_cpu_has_avx512())                                                                                         \
    skip()

static void same_bits(const char *what, size_t number, const float *avx2, const float *avx512, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!same_float(avx2[i], avx512[i]))
            fail_msg("%s %zu, float %zu: %.9g (%08x) with AVX2, %.9g (%08x) with AVX-512", what, number, i,
                     (double)avx2[i], bits_of(avx2[i]), (double)avx512[i], bits_of(avx512[i]));
}

/* Floats of every kind: NaN, infinities, zeros, denormals, both sides of the joints of exp, tanh and sigmoid, any bits,
 * and ordinary numbers. */
static float any_float(size_t i, uint32_t *state)
{
    static const uint32_t kinds[] = {0x7fc00000, 0xffc12345, 0x7f800000, 0xff800000, 0x00000000, 0x80000000,
                                     0x00000001, 0x807fffff, 0x3f1fffff, 0x3f200000, 0xbf1fffff, 0xbf200000,
                                     0x41119999, 0x4111999a, 0xc2aeac4f, 0xc2aeac50, 0x42aeac4f, 0x42aeac50,
                                     0x42b20000, 0x42b17217, 0x42b17218};
    float ordinary = next_float(state) * (i % 7 ? 4.0f : 90.0f);
    if (i % 64 < sizeof kinds / sizeof kinds[0])
        return float_of(kinds[i % 64]);
    return i % 3 ? ordinary : float_of(*state * 2654435761u);
}

static float *any_block(size_t count, uint32_t *state)
{
    float *block = random_block(count, state);
    for (size_t i = 0; i < count; i++)
        block[i] = any_float(i, state);
    return block;
}

static void check_products(size_t rows, size_t panels, size_t depth, bool blocked)
{
    uint32_t state = (uint32_t)(rows * 7919 + panels * 104729 + depth);
    size_t wide = panels * TCI_PANEL, a_row = depth + rows % 3, deep = TCI_PADDED(depth);
    size_t c_row = blocked ? TCI_PANEL : wide + rows % 2 * 16, c_block = blocked ? (rows | 1) * TCI_PANEL : TCI_PANEL;
    size_t count = blocked ? panels * c_block : rows * c_row;
    float *a = random_block(rows * deep + rows * a_row, &state), *b = random_block(depth * wide, &state);
    float *c[2] = {random_block(count, &state)}, *at = random_block(depth * (rows + 3), &state);
    float *scratch = random_block(tci_gemm_transposed_scratch(rows, panels), &state);
    uint16_t *narrow = malloc((TCI_BF16_PADDED(depth) * wide + 1) * sizeof *narrow);
    c[1] = copy_block(c[0], count);
    assert_non_null(narrow);
    for (size_t i = 0; i < TCI_BF16_PADDED(depth) * wide; i++)
        narrow[i] = (uint16_t)(bits_of(b[i % (depth * wide)]) >> 16);
    for (size_t i = 0; i < 2; i++) {
        const tci_kernels *k = tables[i];
        if (blocked)
            k->gemm(rows, panels, depth, a, TCI_PANEL, rows * TCI_PANEL, b, c[i], c_row, c_block);
        else
            k->gemm(rows, panels, depth, a, a_row, TCI_PANEL, b, c[i], c_row, c_block);
        k->gemm_transposed(rows, panels, depth, at, rows + 3, b, blocked ? TCI_PANEL : wide,
                           blocked ? depth * TCI_PANEL : TCI_PANEL, c[i], c_row, c_block, scratch);
        k->gemm_bf16(rows, panels, depth, a, a_row, narrow, c[i], c_row, c_block);
    }
    same_bits("products of rows", rows, c[0], c[1], count);
    free(a), free(b), free(c[0]), free(c[1]), free(at), free(scratch), free(narrow);
}

static void products_of_every_shape_have_the_bits_of_avx2(void **unused)
{
    (void)unused;
    NEED_AVX512();
    for (size_t rows = 1; rows <= 40; rows++)
        for (size_t panels = 1; panels <= 9; panels++)
            check_products(rows, panels, 1 + (rows * 37 + panels * 11) % 67, (rows + panels) % 2 == 0);
    static const size_t depths[] = {255, 256, 257, 511, 513, 700};
    for (size_t d = 0; d < sizeof depths / sizeof depths[0]; d++)
        for (size_t rows = 1; rows <= 13; rows += 3)
            check_products(rows, 5, depths[d], d % 2 == 0);
    check_products(301, 5, 33, false);
    check_products(97, 3, 300, true);
}

static void quantized_products_have_the_bits_of_avx2(void **unused)
{
    (void)unused;
    NEED_AVX512();
    for (size_t rows = 1; rows <= 40; rows++)
        for (size_t panels = 1; panels <= 9; panels++) {
            uint32_t state = (uint32_t)(rows * 31 + panels);
            size_t depth = 1 + (rows * 37 + panels * 11) % 167, wide = panels * TCI_PANEL, count = rows * wide;
            size_t stride = TCI_INT8_ROW_BYTES(depth), packed = depth * wide;
            float *x = random_block(rows * depth, &state), *scales = random_block(wide, &state);
            float *c[2] = {random_block(count, &state)};
            int8_t *weights = malloc(packed), *panel = malloc(panels * TCI_INT8_PANEL_BYTES(depth));
            assert_true(weights && panel);
            c[1] = copy_block(c[0], count);
            for (size_t i = 0; i < packed; i++)
                weights[i] = (int8_t)(next_float(&state) * 127.0f);
            tci_pack_panels_int8(depth, wide, weights, wide, 1, panel);
            for (size_t i = 0; i < 2; i++) {
                tci_int8_row *row = malloc(rows * stride);
                assert_non_null(row);
                tables[i]->quantize(rows, depth, x, depth, row, stride);
                tables[i]->gemm_int8(rows, panels, depth, row, stride, panel, scales, c[i], wide, TCI_PANEL);
                free(row);
            }
            same_bits("int8 products of rows", rows, c[0], c[1], count);
            free(x), free(scales), free(weights), free(panel), free(c[0]), free(c[1]);
        }
}

static void cells_have_the_bits_of_avx2(void **unused)
{
    (void)unused;
    NEED_AVX512();
    enum { ROWS = 3000, STRIDE = 32 };
    for (size_t turn = 0; turn < 4; turn++) {
        uint32_t state = 7 + (uint32_t)turn;
        bool first = turn % 2 == 0;
        float *gates[2], *c[2], *h[2], *dc[2], *before = any_block(ROWS * STRIDE, &state);
        gates[0] = any_block(ROWS * 64, &state), gates[1] = copy_block(gates[0], ROWS * 64);
        c[0] = any_block(ROWS * STRIDE, &state), c[1] = copy_block(c[0], ROWS * STRIDE);
        h[0] = any_block(ROWS * STRIDE, &state), h[1] = copy_block(h[0], ROWS * STRIDE);
        dc[0] = any_block(ROWS * STRIDE, &state), dc[1] = copy_block(dc[0], ROWS * STRIDE);
        tci_float_environment environment = tci_float_enter();
        for (size_t i = 0; i < 2; i++)
            tables[i]->lstm_cell(ROWS, gates[i], TCI_PANEL, ROWS * TCI_PANEL, first ? NULL : before, c[i], h[i],
                                 STRIDE);
        same_bits("gates of turn", turn, gates[0], gates[1], ROWS * 64);
        for (size_t i = 0; i < 2; i++)
            tables[i]->lstm_cell_backward(ROWS, gates[i], TCI_PANEL, ROWS * TCI_PANEL, first ? NULL : before, c[i],
                                          before, dc[i], STRIDE);
        tci_float_leave(environment);
        same_bits("gradients of turn", turn, gates[0], gates[1], ROWS * 64);
        same_bits("c of turn", turn, c[0], c[1], ROWS * STRIDE);
        same_bits("h of turn", turn, h[0], h[1], ROWS * STRIDE);
        same_bits("dc of turn", turn, dc[0], dc[1], ROWS * STRIDE);
        for (size_t i = 0; i < 2; i++)
            free(gates[i]), free(c[i]), free(h[i]), free(dc[i]);
        free(before);
    }
}

static void functions_have_the_bits_of_avx2(void **unused)
{
    (void)unused;
    NEED_AVX512();
    enum { COUNT = 100000 };
    uint32_t state = 3;
    float *src = any_block(COUNT, &state), *dst[2] = {random_block(COUNT, &state), random_block(COUNT, &state)};
    tci_float_environment environment = tci_float_enter();
    for (size_t count = COUNT; count > COUNT - 20; count--)
        for (size_t function = 0; function < 3; function++) {
            for (size_t i = 0; i < 2; i++)
                (function == 0   ? tables[i]->exp
                 : function == 1 ? tables[i]->tanh
                                 : tables[i]->sigmoid)(count, src, dst[i]);
            same_bits("function", function, dst[0], dst[1], count);
        }
    for (size_t count = COUNT; count > COUNT - 20; count--)
        for (size_t function = 0; function < 4; function++) {
            for (size_t i = 0; i < 2; i++) {
                const tci_kernels *k = tables[i];
                if (function < 2)
                    (function == 0 ? k->gelu : k->gelu_tanh)(count, src, dst[i]);
                else
                    (function == 2 ? k->gelu_backward : k->gelu_tanh_backward)(count, src, src, dst[i]);
            }
            same_bits("GELU", function, dst[0], dst[1], count);
        }
    tci_float_leave(environment);
    free(src), free(dst[0]), free(dst[1]);
}

static void softmax_and_layer_norm_have_the_bits_of_avx2(void **unused)
{
    (void)unused;
    NEED_AVX512();
    enum { ROWS = 5, MOST = 112, COUNT = ROWS * MOST };
    for (size_t columns = 1; columns <= MOST - ROWS; columns++) {
        uint32_t state = (uint32_t)columns;
        bool odd = columns % 2 == 1; /* numbers of every kind */
        size_t stride = TCI_PADDED(columns), step = columns % 3 == 0;
        float *x = odd ? any_block(COUNT, &state) : random_block(COUNT, &state);
        float *gain = random_block(columns, &state), *bias = random_block(columns, &state);
        float *dy = random_block(COUNT, &state), *e[2], *y[2], *dx[2], *db[2], *stats[2];
        tci_float_environment environment = tci_float_enter();
        for (size_t i = 0; i < 2; i++) {
            e[i] = copy_block(x, COUNT), y[i] = copy_block(x, COUNT), dx[i] = copy_block(dy, COUNT);
            stats[i] = copy_block(dy, (size_t)ROWS * 4), db[i] = copy_block(dy, columns);
            tables[i]->softmax(ROWS, columns, step, MOST, 0.3f, e[i], MOST, stats[i]);
            memcpy(y[i], x, COUNT * sizeof *x);
            tables[i]->softmax_backward(ROWS, columns, step, MOST, 0.3f, y[i], dx[i], MOST, stats[i], dy,
                                        odd ? NULL : e[i]);
        }
        same_bits("softmax of", columns, e[0], e[1], COUNT);
        same_bits("its sums of", columns, stats[0], stats[1], (size_t)2 * ROWS);
        same_bits("its values of", columns, y[0], y[1], COUNT);
        same_bits("its gradient of", columns, dx[0], dx[1], COUNT);
        for (size_t i = 0; i < 2; i++) {
            tables[i]->layer_norm(ROWS, columns, stride, 1e-5f, gain, bias, x, y[i], stats[i]);
            tables[i]->layer_norm_backward(ROWS, columns, stride, gain, x, stats[i], dy, dx[i], odd);
            tables[i]->layer_norm_gradients(ROWS, columns, stride, x, stats[i], dy, e[i], db[i]);
        }
        tci_float_leave(environment);
        same_bits("layer norm of", columns, y[0], y[1], COUNT);
        same_bits("its gradient of", columns, dx[0], dx[1], COUNT);
        same_bits("its gains of", columns, e[0], e[1], COUNT);
        same_bits("its biases of", columns, db[0], db[1], columns);
        free(x), free(gain), free(bias), free(dy);
        for (size_t i = 0; i < 2; i++)
            free(e[i]), free(y[i]), free(dx[i]), free(db[i]), free(stats[i]);
    }
}

static void adam_and_sums_have_the_bits_of_avx2(void **unused)
{
    (void)unused;
    NEED_AVX512();
    const tci_adam_constants constants = {0.7f, 0.99f, 0.01f, 0.1f, 0.001f, 0.003f, 1.4f, 1e-8f};
    enum { COUNT = 211 };
    for (size_t count = 0; count <= COUNT; count++) {
        uint32_t state = 5 + (uint32_t)count;
        float *gradient = any_block(COUNT, &state), *v[2] = {random_block(COUNT, &state)};
        float *value[2] = {any_block(COUNT, &state)}, *m[2] = {any_block(COUNT, &state)};
        for (size_t i = 0; i < COUNT; i++)
            v[0][i] = fabsf(v[0][i]);
        value[1] = copy_block(value[0], COUNT), m[1] = copy_block(m[0], COUNT), v[1] = copy_block(v[0], COUNT);
        tci_float_environment environment = tci_float_enter();
        for (size_t i = 0; i < 2; i++) {
            tables[i]->adam(&constants, count, value[i], count % 2 ? gradient : NULL, m[i], v[i]);
            tables[i]->add(count, gradient, m[i]);
            tables[i]->add_rows(3, count / 48 * 16, gradient, count / 48 * 16, v[i]);
        }
        tci_float_leave(environment);
        same_bits("values of", count, value[0], value[1], COUNT);
        same_bits("sums of", count, m[0], m[1], COUNT);
        same_bits("rows of", count, v[0], v[1], COUNT);
        free(gradient);
        for (size_t i = 0; i < 2; i++)
            free(value[i]), free(m[i]), free(v[i]);
    }
}

static void trains_the_same(const char *settings)
{
    char with[2][300];
    size_t size[2] = {0, 0};
    uint8_t *file[2];
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(with[i], sizeof with[i], "%s max_isa=%s", settings, tables[i]->isa);
        file[i] = host_train(with[i], 130, &size[i]);
    }
    assert_int_equal(size[0], size[1]);
    if (memcmp(file[0], file[1], size[0]) != 0)
        fail_msg("%s: another file", settings);
    free(file[0]), free(file[1]);
}

static void a_training_gives_the_same_file_with_both(void **unused)
{
    (void)unused;
    NEED_AVX512();
    trains_the_same("num_layers=2 bidirectional=true dropout=0.2 epochs=2 batch_size=32 clip_norm=1");
    trains_the_same("hidden_dim=70 embedding_dim=33 pooling=mean optimizer=adamw weight_decay=0.01 epochs=1 threads=2");
}
#else
static void nothing_to_compare(void **unused)
{
    (void)unused;
    skip();
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
#if defined(TCI_HAVE_AVX2)
        cmocka_unit_test(products_of_every_shape_have_the_bits_of_avx2),
        cmocka_unit_test(quantized_products_have_the_bits_of_avx2),
        cmocka_unit_test(cells_have_the_bits_of_avx2),
        cmocka_unit_test(functions_have_the_bits_of_avx2),
        cmocka_unit_test(softmax_and_layer_norm_have_the_bits_of_avx2),
        cmocka_unit_test(adam_and_sums_have_the_bits_of_avx2),
        cmocka_unit_test(a_training_gives_the_same_file_with_both),
#else
        cmocka_unit_test(nothing_to_compare),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
