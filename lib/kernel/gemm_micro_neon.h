/* gemm_micro_neon.h: the micro-kernels of the matrix products with NEON and the loops around them, for float and for
 * bfloat16 weights: the file that includes it says before what a weight is, and what gives a line of a panel as floats.
 *
 * An element is one chain of fused multiply-adds in rising depth from the value in c. Micro-kernels hold R rows × P
 * panels of c in registers, start them from c and store them after a block of the depth.
 *
 * Registers: a panel of a row is 4 vectors of 4 floats. 6 rows × 1 panel take 24 accumulators, 4 of b, and some with
 * one element of a each, of 32: fmla takes its factor from a lane, so nothing is broadcast. Per depth that is 24 fmla
 * to 10 loads. 16 chains would do for four pipes of latency 4: so 4 to 6 rows run on one panel, fewer on several at
 * once. Rows are dealt out so that 1 to 3 are left only of 7 or less (13 = 5 + 4 + 4). Order of loops: 96 rows
 * { 256 deep { panel { rows of a micro-kernel } } }: a panel's block is 16 KB and stays in the first-level cache.
 *
 * gcc and clang keep all of it in registers, in every micro-kernel (gcc by a flag in lib/CMakeLists.txt). The blocking
 * is reasoned: it has not yet been measured on hardware. */
#ifndef TCI_KERNEL_GEMM_MICRO_NEON_H
#define TCI_KERNEL_GEMM_MICRO_NEON_H

#include <arm_neon.h>

#include "kernel/gemm_blocks.h"
#include "kernel/gemm_unroll.h"
#include "kernel/kernel.h"

#if !defined(TCI_WEIGHT) || !defined(TCI_FIRST_LINE) || !defined(TCI_SECOND_LINE) || !defined(TCI_PANELS_AT_ONCE)
#error "TCI_WEIGHT: a type. TCI_FIRST_LINE, TCI_SECOND_LINE: four vectors of the pair. TCI_PANELS_AT_ONCE: by rows"
#endif

/* Statements of a macro stand one a line. */
/* clang-format off */

/* Columns 4·q to 4·q + 3 of row r in panel p: SUM(q, r, p), found and stored at AT(q, r, p). */
#define SUM(q, r, p) sum_##q##_##r##_##p
#define AT(q, r, p) (c + r * c_row + p * c_block + 4 * q)
#define LOAD(r, p)                                                                   \
    float32x4_t SUM(0, r, p) = vld1q_f32(AT(0, r, p));                               \
    float32x4_t SUM(1, r, p) = vld1q_f32(AT(1, r, p));                               \
    float32x4_t SUM(2, r, p) = vld1q_f32(AT(2, r, p));                               \
    float32x4_t SUM(3, r, p) = vld1q_f32(AT(3, r, p));
#define STORE(r, p)                                                                  \
    vst1q_f32(AT(0, r, p), SUM(0, r, p));                                            \
    vst1q_f32(AT(1, r, p), SUM(1, r, p));                                            \
    vst1q_f32(AT(2, r, p), SUM(2, r, p));                                            \
    vst1q_f32(AT(3, r, p), SUM(3, r, p));
#define POINT(r, p) const float *a_##r = a + r * a_row;
#define ADVANCE(r, p) a_##r += a_block;
#define PASS(r, p)                                                                   \
    {                                                                                \
        float x = a_##r[at];                                                         \
        SUM(0, r, p) = vfmaq_n_f32(SUM(0, r, p), b0, x);                             \
        SUM(1, r, p) = vfmaq_n_f32(SUM(1, r, p), b1, x);                             \
        SUM(2, r, p) = vfmaq_n_f32(SUM(2, r, p), b2, x);                             \
        SUM(3, r, p) = vfmaq_n_f32(SUM(3, r, p), b3, x);                             \
    }
#define LOAD_PANEL(rows, p) rows(LOAD, p)
#define STORE_PANEL(rows, p) rows(STORE, p)
#define FIRST_LINE(rows, p)                                                          \
    {                                                                                \
        TCI_FIRST_LINE(b + p * panel_step, line_step, b0, b1, b2, b3)                \
        rows(PASS, p)                                                                \
    }
#define SECOND_LINE(rows, p)                                                         \
    {                                                                                \
        TCI_SECOND_LINE(b + p * panel_step, line_step, b0, b1, b2, b3)               \
        rows(PASS, p)                                                                \
    }

#define MICRO_KERNEL(R, P)                                                                                            \
    static void micro_##R##x##P(size_t depth, const float *a, size_t a_row, size_t a_block, size_t a_step,            \
                                const TCI_WEIGHT *b, size_t line_step, size_t panel_step, float *c, size_t c_row,     \
                                size_t c_block)                                                                       \
    {                                                                                                                 \
        (void)a_row;                                                                                                  \
        (void)panel_step;                                                                                             \
        (void)c_row;                                                                                                  \
        (void)c_block;                                                                                                \
        PANELS_##P(LOAD_PANEL, ROWS_##R)                                                                              \
        ROWS_##R(POINT, 0)                                                                                            \
        while (depth > 0) {                                                                                           \
            size_t end = (depth < TCI_PANEL ? depth : TCI_PANEL) * a_step;                                            \
            for (size_t at = 0; at < end; at += a_step, b += 2 * line_step) {                                         \
                PANELS_##P(FIRST_LINE, ROWS_##R)                                                                      \
                if ((at += a_step) == end)                                                                            \
                    break;                                                                                            \
                __asm__("" : "+r"(b)); /* what has been loaded is not kept for the second line */                     \
                PANELS_##P(SECOND_LINE, ROWS_##R)                                                                     \
            }                                                                                                         \
            ROWS_##R(ADVANCE, 0)                                                                                      \
            depth -= depth < TCI_PANEL ? depth : TCI_PANEL;                                                           \
        }                                                                                                             \
        PANELS_##P(STORE_PANEL, ROWS_##R)                                                                             \
    }
MICRO_KERNEL(1, 1)
MICRO_KERNEL(1, 2)
MICRO_KERNEL(1, 3)
MICRO_KERNEL(1, 4)
MICRO_KERNEL(2, 1)
MICRO_KERNEL(2, 2)
MICRO_KERNEL(2, 3)
MICRO_KERNEL(3, 1)
MICRO_KERNEL(3, 2)
MICRO_KERNEL(4, 1)
MICRO_KERNEL(5, 1)
MICRO_KERNEL(6, 1)
/* clang-format on */

/* c (R, 16·P) += a · b: element (r, k) of a at a[r·a_row + (k / 16)·a_block + (k % 16)·a_step], line k of panel p of b
 * at b[k·line_step + p·panel_step]. */
typedef void (*micro_kernel)(size_t depth, const float *a, size_t a_row, size_t a_block, size_t a_step,
                             const TCI_WEIGHT *b, size_t line_step, size_t panel_step, float *c, size_t c_row,
                             size_t c_block);

enum { MOST_ROWS = TCI_GEMM_MICRO_ROWS, MOST_PANELS = 4 };

/* By rows and panels, each less one; and how many panels at most that many rows take. */
static const micro_kernel micro_kernels[MOST_ROWS][MOST_PANELS] = {
    {micro_1x1, micro_1x2, micro_1x3, micro_1x4},
    {micro_2x1, micro_2x2, micro_2x3},
    {micro_3x1, micro_3x2},
    {micro_4x1},
    {micro_5x1},
    {micro_6x1},
};
static const size_t panels_at_once[MOST_ROWS] = TCI_PANELS_AT_ONCE;

/* The rows of one micro-kernel over all panels: as many at once as it takes, but not one alone at the end. */
static void rows_over_panels(size_t rows, size_t panels, size_t depth, const float *a, size_t a_row, size_t a_block,
                             size_t a_step, const TCI_WEIGHT *b, size_t line_step, size_t panel_step, float *c,
                             size_t c_row, size_t c_block)
{
    size_t most = panels_at_once[rows - 1];
    for (size_t panel = 0, taken; panel < panels; panel += taken) {
        size_t left = panels - panel;
        taken = left == most + 1 ? (left + 1) / 2 : tci_gemm_least(left, most);
        micro_kernels[rows - 1][taken - 1](depth, a, a_row, a_block, a_step, b + panel * panel_step, line_step,
                                           panel_step, c + panel * c_block, c_row, c_block);
    }
}

/* All rows of a chunk over one block of the depth, panel by panel; then the 1 to 3 rows that are left. */
static void chunk_of_rows(size_t rows, size_t panels, size_t depth, const float *a, size_t a_row, size_t a_block,
                          const TCI_WEIGHT *b, size_t panel_step, float *c, size_t c_row, size_t c_block)
{
    size_t many = 0;
    for (size_t taken; rows - many >= 4; many += taken)
        taken = tci_gemm_row_block(rows - many);
    for (size_t panel = 0; panel < panels; panel++) {
        for (size_t row = 0, taken; row < many; row += taken) {
            taken = tci_gemm_row_block(rows - row);
            micro_kernels[taken - 1][0](depth, a + row * a_row, a_row, a_block, 1, b + panel * panel_step, TCI_PANEL, 0,
                                        c + row * c_row + panel * c_block, c_row, 0);
        }
    }
    if (many < rows)
        rows_over_panels(rows - many, panels, depth, a + many * a_row, a_row, a_block, 1, b, TCI_PANEL, panel_step,
                         c + many * c_row, c_row, c_block);
}

/* c (rows, 16·panels) += a (rows, depth) · b, packed with so many lines a panel. */
static void product(size_t rows, size_t panels, size_t depth, size_t lines, const float *a, size_t a_row,
                    size_t a_block, const TCI_WEIGHT *b, float *c, size_t c_row, size_t c_block)
{
    for (size_t row = 0, chunk; row < rows; row += chunk) {
        chunk = rows - row < 2 * TCI_GEMM_ROWS ? rows - row : TCI_GEMM_ROWS;
        for (size_t k = 0, block; k < depth; k += block) {
            block = tci_gemm_depth_block(depth - k);
            chunk_of_rows(chunk, panels, block, a + row * a_row + k / TCI_PANEL * a_block, a_row, a_block,
                          b + k * TCI_PANEL, lines * TCI_PANEL, c + row * c_row, c_row, c_block);
        }
    }
}

#endif
