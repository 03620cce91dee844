/* gemm_avx2.c: matrix products with AVX2 and FMA, blocked as in Goto and van de Geijn, "Anatomy of high-performance
 * matrix multiplication" (ACM TOMS 34, 2008).
 *
 * An element is one chain of fused multiply-adds in rising depth from the value in c. Micro-kernels hold R rows × P
 * panels of c in registers, start them from c and store them after a block of the depth: blocks, tails and row counts
 * never show in a bit.
 *
 * Registers: 6 rows × 1 panel take 12 accumulators, 2 of b and 1 of a, of 16; two FMA units of latency 4 need 8. So 4
 * to 6 rows run on one panel; fewer rows run on 2 to 4 panels at once. Rows are dealt out so that 1 to 3 are left only
 * of 7 or less (13 = 5 + 4 + 4). Order of loops: 96 rows { 256 deep { panel { rows of a micro-kernel } } }: a panel's
 * block is 16 KB and stays in the first-level cache, the rows of a in the second. */
#include <immintrin.h>
#include <string.h>

#include "kernel/gemm_start.h"
#include "kernel/gemm_blocks.h"
#include "kernel/gemm_unroll.h"
#include "kernel/kernels_avx2.h"

/* Statements of a macro stand one a line. */
/* clang-format off */

#define LOAD(r, p)                                                               \
    __m256 low_##r##_##p = _mm256_loadu_ps(c + r * c_row + p * c_block);         \
    __m256 high_##r##_##p = _mm256_loadu_ps(c + r * c_row + p * c_block + 8);
#define STORE(r, p)                                                              \
    _mm256_storeu_ps(c + r * c_row + p * c_block, low_##r##_##p);                \
    _mm256_storeu_ps(c + r * c_row + p * c_block + 8, high_##r##_##p);
#define LOAD_PANEL(rows, p) rows(LOAD, p)
#define STORE_PANEL(rows, p) rows(STORE, p)
#define POINT(r, p) const float *a_##r = a + r * a_row;
#define ADVANCE(r, p) a_##r += a_block;

/* One depth of one panel: both halves of b stay, a's elements pass one by one. */
#define PASS(r, p)                                                               \
    {                                                                            \
        __m256 x = _mm256_broadcast_ss(a_##r + k * a_step);                  \
        low_##r##_##p = _mm256_fmadd_ps(x, low, low_##r##_##p);                  \
        high_##r##_##p = _mm256_fmadd_ps(x, high, high_##r##_##p);               \
    }
#define STEP_1(rows)                                                             \
    __m256 low = _mm256_loadu_ps(line), high = _mm256_loadu_ps(line + 8);        \
    rows(PASS, 0)

/* One depth of several panels: a's elements stay, b's halves pass one by one. */
#define BROADCAST(r, p) __m256 x_##r = _mm256_broadcast_ss(a_##r + k * a_step);
#define PASS_LOW(r, p) low_##r##_##p = _mm256_fmadd_ps(x_##r, half, low_##r##_##p);
#define PASS_HIGH(r, p) high_##r##_##p = _mm256_fmadd_ps(x_##r, half, high_##r##_##p);
#define PASS_PANEL(rows, p)                                                      \
    half = _mm256_loadu_ps(line + p * panel_step);                               \
    rows(PASS_LOW, p)                                                            \
    half = _mm256_loadu_ps(line + p * panel_step + 8);                           \
    rows(PASS_HIGH, p)
#define STEP_2(rows) rows(BROADCAST, 0) __m256 half; PASS_PANEL(rows, 0) PASS_PANEL(rows, 1)
#define STEP_3(rows) STEP_2(rows) PASS_PANEL(rows, 2)
#define STEP_4(rows) STEP_3(rows) PASS_PANEL(rows, 3)

#define BY_FOUR _Pragma("GCC unroll 4") /* the compilers do not unroll by themselves, and two rows gain by it */

/* c (R, 16·P) += a · b. Element (r, k) of a at a[r·a_row + (k / 16)·a_block + (k % 16)·a_step], line k of panel p of b
 * at b[k·line_step + p·panel_step]. Inlined where the steps are known. */
#define MICRO_KERNEL(R, P, UNROLL)                                                                                    \
    static inline __attribute__((always_inline)) void micro_##R##x##P(                                                \
        size_t depth, const float *a, size_t a_row, size_t a_block, size_t a_step, const float *b, size_t line_step,  \
        size_t panel_step, float *c, size_t c_row, size_t c_block)                                                    \
    {                                                                                                                 \
        (void)a_row;                                                                                                  \
        (void)panel_step;                                                                                             \
        (void)c_row;                                                                                                  \
        (void)c_block;                                                                                                \
        PANELS_##P(LOAD_PANEL, ROWS_##R)                                                                              \
        ROWS_##R(POINT, 0)                                                                                            \
        const float *line = b;                                                                                        \
        for (; depth >= TCI_PANEL; depth -= TCI_PANEL) {                                                              \
            UNROLL                                                                                                    \
            for (size_t k = 0; k < TCI_PANEL; k++, line += line_step) {                                               \
                STEP_##P(ROWS_##R)                                                                                    \
            }                                                                                                         \
            ROWS_##R(ADVANCE, 0)                                                                                      \
        }                                                                                                             \
        for (size_t k = 0; k < depth; k++, line += line_step) {                                                       \
            STEP_##P(ROWS_##R)                                                                                        \
        }                                                                                                             \
        PANELS_##P(STORE_PANEL, ROWS_##R)                                                                             \
    }
MICRO_KERNEL(1, 1, )
MICRO_KERNEL(1, 2, )
MICRO_KERNEL(1, 3, )
MICRO_KERNEL(1, 4, )
MICRO_KERNEL(2, 1, BY_FOUR)
MICRO_KERNEL(2, 2, BY_FOUR)
MICRO_KERNEL(2, 3, BY_FOUR)
MICRO_KERNEL(3, 1, )
MICRO_KERNEL(3, 2, )
MICRO_KERNEL(4, 1, )
MICRO_KERNEL(5, 1, )
MICRO_KERNEL(6, 1, )
/* clang-format on */

/* 1 to 3 rows over all panels, several panels at once. */
static void rows_over_panels(size_t rows, size_t panels, size_t depth, const float *a, size_t a_row, size_t a_block,
                             size_t a_step, const float *b, size_t line_step, size_t panel_step, float *c, size_t c_row,
                             size_t c_block)
{
    for (size_t panel = 0, taken; panel < panels; panel += taken) {
        const float *bp = b + panel * panel_step;
        float *cp = c + panel * c_block;
        size_t left = panels - panel;
#define FEW(R, P)                                                                                                      \
    micro_##R##x##P(depth, a, a_row, a_block, a_step, bp, line_step, panel_step, cp, c_row, c_block), taken = P
        if (rows == 1) {
            if (left >= 4)
                FEW(1, 4);
            else if (left == 3)
                FEW(1, 3);
            else if (left == 2)
                FEW(1, 2);
            else
                FEW(1, 1);
        } else if (rows == 2) {
            if (left == 3 || left > 4)
                FEW(2, 3);
            else if (left >= 2)
                FEW(2, 2);
            else
                FEW(2, 1);
        } else if (left >= 2) {
            FEW(3, 2);
        } else {
            FEW(3, 1);
        }
#undef FEW
    }
}

/* All rows of a chunk over one block of the depth. */
static void chunk_of_rows(size_t rows, size_t panels, size_t depth, const float *a, size_t a_row, size_t a_block,
                          const float *b, size_t panel_step, float *c, size_t c_row, size_t c_block)
{
    size_t many = 0;
    for (size_t taken; rows - many >= 4; many += taken)
        taken = tci_gemm_row_block(rows - many);
    for (size_t panel = 0; panel < panels; panel++) {
        const float *bp = b + panel * panel_step;
        float *cp = c + panel * c_block;
        for (size_t row = 0, taken; row < many; row += taken) {
            const float *ap = a + row * a_row;
            float *to = cp + row * c_row;
            taken = tci_gemm_row_block(rows - row);
            /* c of the next rows, which may come from memory: a tenth of the time where it does */
            for (size_t next = taken; next < 2 * taken && row + next < rows; next++)
                _mm_prefetch((const char *)(to + next * c_row), _MM_HINT_T0);
            if (taken == 6)
                micro_6x1(depth, ap, a_row, a_block, 1, bp, TCI_PANEL, 0, to, c_row, 0);
            else if (taken == 5)
                micro_5x1(depth, ap, a_row, a_block, 1, bp, TCI_PANEL, 0, to, c_row, 0);
            else
                micro_4x1(depth, ap, a_row, a_block, 1, bp, TCI_PANEL, 0, to, c_row, 0);
        }
    }
    if (many < rows)
        rows_over_panels(rows - many, panels, depth, a + many * a_row, a_row, a_block, 1, b, TCI_PANEL, panel_step,
                         c + many * c_row, c_row, c_block);
}

void tci_gemm_avx2(size_t rows, size_t panels, size_t depth, const float *a, size_t a_row, size_t a_block,
                   const float *b, float *c, size_t c_row, size_t c_block)
{
    size_t panel_step = depth * TCI_PANEL;
    for (size_t row = 0, chunk; row < rows; row += chunk) {
        chunk = rows - row < 2 * TCI_GEMM_ROWS ? rows - row : TCI_GEMM_ROWS;
        for (size_t k = 0, block; k < depth; k += block) {
            block = tci_gemm_depth_block(depth - k);
            chunk_of_rows(chunk, panels, block, a + row * a_row + k / TCI_PANEL * a_block, a_row, a_block,
                          b + k * TCI_PANEL, panel_step, c + row * c_row, c_row, c_block);
        }
    }
}

void tci_gemm_from_avx2(size_t rows, size_t panels, size_t depth, const float *a, size_t a_row, size_t a_block,
                        const float *b, const float *start, float *c, size_t c_row, size_t c_block)
{
    start_rows(rows, panels, start, c, c_row, c_block);
    tci_gemm_avx2(rows, panels, depth, a, a_row, a_block, b, c, c_row, c_block);
}

enum { PACKED_LINES = 16 };

/* Lays a few columns of a, `depth` deep, out as [depth][columns]; inlined where their number is known. */
static inline __attribute__((always_inline)) void pack_few(size_t columns, size_t depth, const float *a,
                                                           size_t a_stride, float *packed)
{
    for (size_t k = 0; k < depth; k++)
        memcpy(packed + k * columns, a + k * a_stride, columns * sizeof(float));
}

/* Lays `columns` columns of a out as [micro-kernel][depth][its rows], some lines at a time: whole columns of a wide
 * matrix would fall on few sets of the first-level cache. */
static void pack_columns(size_t columns, size_t depth, const float *a, size_t a_stride, float *packed)
{
    for (size_t first = 0, some; first < depth; first += some, a += some * a_stride) {
        some = tci_gemm_least(depth - first, PACKED_LINES);
        for (size_t column = 0, taken; column < columns; column += taken) {
            taken = tci_gemm_row_block(columns - column);
            float *to = packed + column * depth + first * taken;
            if (taken == 6)
                pack_few(6, some, a + column, a_stride, to);
            else if (taken == 5)
                pack_few(5, some, a + column, a_stride, to);
            else if (taken == 4)
                pack_few(4, some, a + column, a_stride, to);
            else
                pack_few(taken, some, a + column, a_stride, to);
        }
    }
}

/* One panel of c for a chunk of packed columns of a. */
static void panel_of_columns(size_t columns, size_t depth, const float *a, const float *b, float *c, size_t c_row)
{
#define COLUMNS(R) micro_##R##x1(depth, a, 1, R *TCI_PANEL, R, b, TCI_PANEL, 0, to, c_row, 0)
    for (size_t column = 0, taken; column < columns; column += taken) {
        float *to = c + column * c_row;
        taken = tci_gemm_row_block(columns - column);
        if (taken == 6)
            COLUMNS(6);
        else if (taken == 5)
            COLUMNS(5);
        else if (taken == 4)
            COLUMNS(4);
        else
            COLUMNS(3); /* of 7 columns */
        a += depth * taken;
    }
#undef COLUMNS
}

static void chunk_of_columns(size_t columns, size_t panels, size_t depth, const float *a, const float *b,
                             size_t panel_step, float *c, size_t c_row, size_t c_block)
{
    for (size_t panel = 0; panel < panels; panel++)
        panel_of_columns(columns, depth, a, b + panel * panel_step, c + panel * c_block, c_row);
}

#include "kernel/gemm_transposed.h"

void tci_gemm_transposed_avx2(size_t a_columns, size_t panels, size_t depth, const float *a, size_t a_stride,
                              const float *b, size_t b_row, size_t b_block, float *c, size_t c_row, size_t c_block,
                              float *scratch)
{
    transposed_product(a_columns, panels, depth, a, a_stride, b, b_row, b_block, c, c_row, c_block, scratch);
}
