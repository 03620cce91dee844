/* labels: quick */
/* test_gemm_int8.c: the int8 product of every table is the exact integer sum, scaled with one rounding each, whatever
 * the shape and however large the numbers; rows are quantized alike in every table. */
#include "support/testing.h"

#include <math.h>

#include "base/cpu.h"
#include "support/kernels.h"

typedef struct shape {
    size_t rows, panels, depth;
    size_t c_stride; /* 0: c in blocks of 16 columns */
} shape;

/* How the numbers are drawn. */
typedef enum kind { ANY, EXTREMES, ALL_127, ALL_MINUS_127, OPPOSITE } kind;

static int8_t draw(kind drawn, bool weight, uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    int value = (int)((*state >> 8) % 255) - 127;
    if (drawn == EXTREMES)
        value = value < 0 ? -127 : 127;
    else if (drawn == ALL_127)
        value = 127;
    else if (drawn == ALL_MINUS_127)
        value = -127;
    else if (drawn == OPPOSITE)
        value = weight ? 127 : -127;
    return (int8_t)value;
}

static int8_t *draw_block(size_t count, kind drawn, bool weight, uint32_t *state)
{
    int8_t *values = malloc(count ? count : 1);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++)
        values[i] = draw(drawn, weight, state);
    return values;
}

/* Rows of exactly their size, at the stride given, so that the address sanitizer sees what is read past them. */
static tci_int8_row *make_rows(const tci_kernels *kernels, size_t rows, size_t depth, size_t stride,
                               const int8_t *numbers, uint32_t *state)
{
    char *block = malloc(rows ? (rows - 1) * stride + TCI_INT8_ROW_BYTES(depth) : 1);
    assert_non_null(block);
    for (size_t r = 0; r < rows; r++)
        kernels->int8_row(depth, numbers + r * depth, fabsf(next_float(state)) + 0.001f,
                          (tci_int8_row *)(void *)(block + r * stride));
    return (tci_int8_row *)(void *)block;
}

static void check(const tci_kernels *kernels, shape s, kind drawn)
{
    uint32_t state = (uint32_t)(s.rows * 7919 + s.panels * 104729 + s.depth);
    size_t columns = s.panels * TCI_PANEL, stride = TCI_INT8_ROW_BYTES(s.depth) + s.rows % 3 * 8;
    size_t c_row = s.c_stride ? s.c_stride : TCI_PANEL, c_block = s.c_stride ? TCI_PANEL : (s.rows | 1) * TCI_PANEL;
    size_t c_count = s.rows * c_row + s.panels * c_block;
    int8_t *a = draw_block(s.rows * s.depth, drawn, false, &state),
           *b = draw_block(s.depth * columns, drawn, true, &state);
    tci_int8_row *rows = make_rows(kernels, s.rows, s.depth, stride, a, &state);
    float *scale_block = random_block(columns + 1, &state), *scales = scale_block + 1;
    float *before = random_block(c_count, &state), *c = copy_block(before, c_count);
    int8_t *block = malloc(s.panels * TCI_INT8_PANEL_BYTES(s.depth) + 1), *packed = block + 1;
    assert_non_null(block);
    tci_pack_panels_int8(s.depth, columns, b, columns, 1, packed);
    kernels->gemm_int8(s.rows, s.panels, s.depth, rows, stride, packed, scales, c, c_row, c_block);
    for (size_t i = 0; i < c_count; i++) {
        size_t row = i / c_row, column = i % c_row;
        if (s.c_stride == 0) {
            row = i % c_block / TCI_PANEL;
            column = i / c_block * TCI_PANEL + i % TCI_PANEL;
        }
        bool named = row < s.rows && column < columns;
        volatile float wanted = before[i];
        int64_t sum = 0;
        for (size_t k = 0; named && k < s.depth; k++)
            sum += a[row * s.depth + k] * b[k * columns + column];
        if (named) {
            volatile float scale = tci_int8_row_at(rows, row, stride)->scale * scales[column];
            volatile float product = (float)(int32_t)sum * scale;
            wanted += product;
        }
        if (bits_of(c[i]) != bits_of(wanted))
            fail_msg("%s, %zu x %zu x %zu, element (%zu, %zu): %.9g instead of %.9g", kernels->isa, s.rows, s.depth,
                     columns, row, column, (double)c[i], (double)wanted);
    }
    free(a), free(b), free(rows), free(scale_block), free(before), free(c), free(block);
}

static void int8_is_exact_at_every_shape(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++) {
        for (size_t rows = 0; rows <= 20; rows++)
            for (size_t panels = 0; panels <= 9; panels++) {
                size_t depth = (rows * 37 + panels * 11) % 41, gap = rows % 3 * TCI_PANEL;
                check(tables[i], (shape){rows, panels, depth, panels * TCI_PANEL + gap}, ANY);
                check(tables[i], (shape){rows, panels, depth, 0}, ANY);
            }
        static const size_t depths[] = {1, 2, 3, 4, 5, 255, 256, 257, 700};
        for (size_t d = 0; d < sizeof depths / sizeof depths[0]; d++)
            for (size_t rows = 1; rows <= 7; rows++)
                check(tables[i], (shape){rows, 5, depths[d], 80}, ANY);
    }
}

static void int8_is_exact_where_16_bits_are_nearly_full(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++)
        for (kind drawn = EXTREMES; drawn <= OPPOSITE; drawn++)
            for (size_t rows = 1; rows <= 5; rows++)
                check(tables[i], (shape){rows, 5, 37, 80}, drawn);
}

static void int8_is_exact_at_the_largest_depth(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++)
        for (kind drawn = ALL_127; drawn <= OPPOSITE; drawn++)
            check(tables[i], (shape){1, 1, TCI_INT8_DEPTH, 16}, drawn);
}

static void a_scale_that_is_nan_reaches_its_row_alone(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    enum { DEPTH = 9, STRIDE = TCI_INT8_ROW_BYTES(DEPTH) };
    for (size_t i = 0; i < count; i++) {
        uint32_t state = 3;
        int8_t *a = draw_block(3 * DEPTH, ANY, false, &state), *b = draw_block(DEPTH * 16, ANY, true, &state);
        tci_int8_row *rows = make_rows(tables[i], 3, DEPTH, STRIDE, a, &state);
        float *scales = random_block(16, &state), *c = random_block(48, &state);
        int8_t packed[TCI_INT8_PANEL_BYTES(DEPTH)];
        ((tci_int8_row *)(void *)((char *)rows + STRIDE))->scale = NAN;
        tci_pack_panels_int8(DEPTH, 16, b, 16, 1, packed);
        tables[i]->gemm_int8(3, 1, DEPTH, rows, STRIDE, packed, scales, c, 16, 16);
        for (size_t n = 0; n < 48; n++)
            assert_int_equal(isnan(c[n]) != 0, n / 16 == 1);
        free(a), free(b), free(rows), free(scales), free(c);
    }
}

static void packed_int8_holds_every_element_and_zeros_beside(void **unused)
{
    (void)unused;
    enum { DEPTH = 6, COLUMNS = 21, PADDED = 32, DEEP = 8, PANEL = TCI_INT8_PANEL_BYTES(DEPTH) };
    int8_t src[DEPTH * COLUMNS], packed[2 * PANEL + 1];
    for (size_t i = 0; i < DEPTH * COLUMNS; i++)
        src[i] = (int8_t)(i + 1);
    for (size_t transposed = 0; transposed < 2; transposed++) {
        size_t depth_stride = transposed ? 1 : COLUMNS, column_stride = transposed ? DEPTH : 1;
        packed[2 * PANEL] = 7;
        tci_pack_panels_int8(DEPTH, COLUMNS, src, depth_stride, column_stride, packed);
        for (size_t n = 0; n < PADDED; n++) {
            const int8_t *panel = packed + n / 16 * PANEL;
            int32_t sum = 0, start;
            for (size_t k = 0; k < DEEP; k++) {
                int8_t expected = n < COLUMNS && k < DEPTH ? src[k * depth_stride + n * column_stride] : 0;
                assert_int_equal(panel[k / 4 * 64 + n % 16 * 4 + k % 4], expected);
                sum += expected;
            }
            memcpy(&start, panel + DEEP * 16 + n % 16 * 4, sizeof start);
            assert_int_equal(start, -128 * sum);
        }
        assert_int_equal(packed[2 * PANEL], 7);
    }
}

/* What a row of any form holds: its product with the identity. Without its scale, which stays as it is. */
static void read_row(const tci_kernels *kernels, size_t depth, tci_int8_row *row, int numbers[])
{
    size_t columns = TCI_PADDED(depth), panels = columns / TCI_PANEL;
    int8_t *identity = calloc(depth * columns + 1, 1), *packed = malloc(panels * TCI_INT8_PANEL_BYTES(depth) + 1);
    float *ones = malloc(columns * sizeof *ones + 1), *c = calloc(columns + 1, sizeof *c), scale = row->scale;
    assert_true(identity && packed && ones && c);
    for (size_t k = 0; k < depth; k++)
        identity[k * columns + k] = 1;
    for (size_t n = 0; n < columns; n++)
        ones[n] = 1.0f;
    tci_pack_panels_int8(depth, columns, identity, columns, 1, packed);
    row->scale = 1.0f;
    kernels->gemm_int8(1, panels, depth, row, 0, packed, ones, c, columns, TCI_PANEL);
    row->scale = scale;
    for (size_t k = 0; k < depth; k++)
        numbers[k] = (int)c[k];
    free(identity), free(packed), free(ones), free(c);
}

static void filled_rows_hold_their_numbers(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    int8_t numbers[255];
    for (size_t i = 0; i < sizeof numbers; i++)
        numbers[i] = (int8_t)((int)i - 127);
    for (size_t i = 0; i < count; i++)
        for (size_t depth = 0; depth <= sizeof numbers; depth++) {
            tci_int8_row *row = malloc(TCI_INT8_ROW_BYTES(depth));
            int held[255];
            assert_non_null(row);
            tables[i]->int8_row(depth, numbers, 0.5f, row);
            read_row(tables[i], depth, row, held);
            for (size_t k = 0; k < depth; k++)
                assert_int_equal(held[k], numbers[k]);
            assert_true(row->scale == 0.5f);
            free(row);
        }
}

static void a_row_is_quantized_by_its_largest_size(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++) {
        uint32_t state = 11;
        for (size_t depth = 1; depth <= 70; depth++) {
            float *block = random_block(depth + 1, &state), *src = block + 1, most = 0.0f;
            src[depth / 2] = depth % 2 ? 1.5f : -1.5f;
            for (size_t k = 0; k < depth; k++)
                most = fabsf(src[k]) > most ? fabsf(src[k]) : most;
            tci_int8_row *row = malloc(TCI_INT8_ROW_BYTES(depth));
            assert_non_null(row);
            tables[i]->quantize(1, depth, src, depth, row, 0);
            volatile float scale = most / 127.0f, inverse = 127.0f / most;
            int held[70];
            assert_int_equal(bits_of(row->scale), bits_of(scale));
            read_row(tables[i], depth, row, held);
            for (size_t k = 0; k < depth; k++) {
                volatile float scaled = src[k] * inverse;
                assert_int_equal(held[k], (int)nearbyintf(scaled));
            }
            free(row), free(block);
        }
    }
}

static void ties_are_rounded_to_even(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    /* the largest size is 127, so that the factor is 1 */
    static const float src[] = {127.0f, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 126.5f, -126.5f, 125.5f, 0.49999997f};
    static const int wanted[] = {127, 0, 2, 2, 0, -2, -2, 126, -126, 126, 0};
    enum { DEPTH = sizeof src / sizeof src[0] };
    for (size_t i = 0; i < count; i++) {
        tci_int8_row *row = malloc(TCI_INT8_ROW_BYTES(DEPTH));
        assert_non_null(row);
        int held[DEPTH];
        tables[i]->quantize(1, DEPTH, src, DEPTH, row, 0);
        read_row(tables[i], DEPTH, row, held);
        for (size_t k = 0; k < DEPTH; k++)
            assert_int_equal(held[k], wanted[k]);
        free(row);
    }
}

/* Any floats at all: all tables agree, and no number leaves -127 to 127. */
static void every_table_quantizes_alike(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    static const uint32_t largest[] = {0x00000000, 0x00000001, 0x007fffff, 0x00800000, 0x0d7fffff,
                                       0x0d800000, 0x3f800000, 0x3f7fffff, 0x7f7fffff, 0x7f7ffffe,
                                       0x7f800000, 0xff800000, 0x7fc00000, 0xff812345};
    uint32_t state = 17;
    tci_float_environment environment = tci_float_enter();
    for (size_t turn = 0; turn < 4000; turn++) {
        size_t depth = 1 + turn % 37;
        float src[37];
        for (size_t k = 0; k < depth; k++) {
            state = state * 1664525u + 1013904223u;
            uint32_t exponent = (uint32_t)(turn / 14 % 24) << 4 << 23;
            src[k] = turn % 3 ? next_float(&state) * float_of(exponent & 0x7f000000) : float_of(state >> 1);
        }
        src[turn % depth] = float_of(largest[turn % 14]);
        tci_int8_row *first = calloc(1, TCI_INT8_ROW_BYTES(depth)), *other = calloc(1, TCI_INT8_ROW_BYTES(depth));
        int held[2][37];
        assert_true(first && other);
        tables[0]->quantize(1, depth, src, depth, first, 0);
        read_row(tables[0], depth, first, held[0]);
        for (size_t k = 0; k < depth; k++)
            assert_true(held[0][k] >= -127 && held[0][k] <= 127);
        for (size_t i = 1; i < count; i++) {
            tables[i]->quantize(1, depth, src, depth, other, 0);
            read_row(tables[i], depth, other, held[1]);
            assert_true(same_float(first->scale, other->scale));
            assert_memory_equal(held[0], held[1], depth * sizeof(int));
        }
        free(first), free(other);
    }
    tci_float_leave(environment);
}

static void rows_that_are_not_finite_become_zeros_of_scale_nan(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < count; i++)
        for (size_t b = 0; b < 3; b++)
            for (size_t at = 0; at < 19; at++) {
                float src[38];
                for (size_t k = 0; k < 38; k++)
                    src[k] = 1.0f;
                src[at] = bad[b];
                tci_int8_row *rows = malloc(2 * TCI_INT8_ROW_BYTES(19));
                assert_non_null(rows);
                tables[i]->quantize(2, 19, src, 19, rows, TCI_INT8_ROW_BYTES(19));
                tci_int8_row *second = (tci_int8_row *)(void *)((char *)rows + TCI_INT8_ROW_BYTES(19));
                int held[2][19];
                assert_true(rows->scale != rows->scale && second->scale == 1.0f / 127.0f);
                read_row(tables[i], 19, rows, held[0]);
                read_row(tables[i], 19, second, held[1]);
                for (size_t k = 0; k < 19; k++)
                    assert_true(held[0][k] == 0 && held[1][k] == 127);
                free(rows);
            }
}

static void a_row_of_next_to_nothing_is_zero(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++) {
        float src[3] = {0.0f, -0x1p-101f, 0x1.fffffep-101f};
        int held[3];
        tci_int8_row *row = malloc(TCI_INT8_ROW_BYTES(3));
        assert_non_null(row);
        tables[i]->quantize(1, 3, src, 3, row, 0);
        read_row(tables[i], 3, row, held);
        assert_true(row->scale == 0.0f && held[0] == 0 && held[1] == 0 && held[2] == 0);
        src[0] = TCI_INT8_LEAST;
        tables[i]->quantize(1, 3, src, 3, row, 0);
        read_row(tables[i], 3, row, held);
        assert_true(row->scale > 0.0f && held[0] == 127);
        free(row);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(int8_is_exact_at_every_shape),
        cmocka_unit_test(int8_is_exact_where_16_bits_are_nearly_full),
        cmocka_unit_test(int8_is_exact_at_the_largest_depth),
        cmocka_unit_test(a_scale_that_is_nan_reaches_its_row_alone),
        cmocka_unit_test(packed_int8_holds_every_element_and_zeros_beside),
        cmocka_unit_test(filled_rows_hold_their_numbers),
        cmocka_unit_test(a_row_is_quantized_by_its_largest_size),
        cmocka_unit_test(ties_are_rounded_to_even),
        cmocka_unit_test(every_table_quantizes_alike),
        cmocka_unit_test(rows_that_are_not_finite_become_zeros_of_scale_nan),
        cmocka_unit_test(a_row_of_next_to_nothing_is_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
