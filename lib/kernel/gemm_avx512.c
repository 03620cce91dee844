/* gemm_avx512.c: matrix products with AVX-512, a · b with packed b and aᵀ · b; blocked as in gemm_avx2.c.
 *
 * An element is one chain of fused multiply-adds in rising depth from the value in c. Micro-kernels hold R rows × P
 * panels of c in registers, start them from c and store them after a block of the depth: bits are those of AVX2.
 *
 * Registers: a panel of a row is one vector of 16 floats. 1 to 6 rows run on four panels, in at most 24 accumulators,
 * one line of b, and 6 elements of a broadcast, of 32; what is left of four panels runs one by one. Four chains hide
 * the latency of one multiply-add a cycle (Zen 4), eight of two. More than 6 rows are dealt out evenly (13 = 5 + 4 +
 * 4), so no rest is small. More rows at once would fall on one set of the first-level cache where the rows of a are
 * pages apart: 12 rows × 1 panel do 68 % of the peak at 1024³. Order of loops: 96 rows { 256 deep { four panels { rows
 * of a micro-kernel } } }: four panels' block of 64 KB comes from the second-level cache, at 4 lines in 24 cycles.
 *
 * Reached of one core's multiply-add peak (Zen 4, gcc and clang): 512³ and 1024³ 91 to 96 %, 256 deep and 1024 columns
 * 95 to 97 % from 3 rows on; 1 row reads the weights at the rate of the core, 2 rows nearly. */
#include "kernel/gemm_blocks.h"
#include "kernel/gemm_micro_avx512.h"
#include "kernel/kernels_avx512.h"

/* A value that stays in its register: gcc would load a line again for every row that it multiplies. */
static inline __m512 kept(__m512 value)
{
    __asm__("" : "+v"(value));
    return value;
}

#define LINE(from) kept(_mm512_loadu_ps(from))

/* Statements of a macro stand one a line. */
/* clang-format off */

/* c (R, 16·P) += a · b: element (r, k) of a at a[r·a_row + (k / 16)·a_block + (k % 16)·a_step], line k of panel p of b
 * at b[k·line_step + p·panel_step]. Behind the loop c counts as new: gcc would carry each address of c through it. */
#define MICRO_KERNEL(R, P)                                                                                            \
    static void micro_##R##x##P(size_t depth, const float *a, size_t a_row, size_t a_block, size_t a_step,            \
                                const float *b, size_t line_step, size_t panel_step, float *c, size_t c_row,          \
                                size_t c_block)                                                                       \
    {                                                                                                                 \
        (void)a_row, (void)panel_step, (void)c_row, (void)c_block;                                                    \
        float *to;                                                                                                    \
        PANELS_##P(LOAD_PANEL, ROWS_##R)                                                                              \
        for (size_t some; depth > 0; depth -= some, a += a_block - some * a_step) {                                   \
            some = tci_gemm_least(depth, TCI_PANEL);                                                                  \
            for (size_t k = 0; k < some; k++, a += a_step, b += line_step) {                                          \
                PANELS_##P(PASS_PANEL, ROWS_##R)                                                                      \
            }                                                                                                         \
        }                                                                                                             \
        __asm__("" : "+r"(c));                                                                                        \
        PANELS_##P(STORE_PANEL, ROWS_##R)                                                                             \
    }
MICRO_KERNEL(1, 1)
MICRO_KERNEL(1, 4)
MICRO_KERNEL(2, 1)
MICRO_KERNEL(2, 4)
MICRO_KERNEL(3, 1)
MICRO_KERNEL(3, 4)
MICRO_KERNEL(4, 1)
MICRO_KERNEL(4, 4)
MICRO_KERNEL(5, 1)
MICRO_KERNEL(5, 4)
MICRO_KERNEL(6, 1)
MICRO_KERNEL(6, 4)
/* clang-format on */

typedef void (*micro_kernel)(size_t depth, const float *a, size_t a_row, size_t a_block, size_t a_step, const float *b,
                             size_t line_step, size_t panel_step, float *c, size_t c_row, size_t c_block);

enum { MOST_ROWS = 6, PANELS_AT_ONCE = 4 };

/* On one panel and on four; by rows, less one. */
static const micro_kernel micro_kernels[2][MOST_ROWS] = {
    {micro_1x1, micro_2x1, micro_3x1, micro_4x1, micro_5x1, micro_6x1},
    {micro_1x4, micro_2x4, micro_3x4, micro_4x4, micro_5x4, micro_6x4},
};

/* All rows of a chunk over one block of the depth, several panels at once. With `packed` a lies as
 * [micro-kernel][depth][its rows], else as micro-kernels take it. */
static void chunk_over_panels(bool packed, size_t rows, size_t panels, size_t depth, const float *a, size_t a_row,
                              size_t a_block, size_t a_step, const float *b, size_t line_step, size_t panel_step,
                              float *c, size_t c_row, size_t c_block)
{
    for (size_t panel = 0, some; panel < panels; panel += some, b += some * panel_step, c += some * c_block) {
        bool several = panels - panel >= PANELS_AT_ONCE;
        some = several ? PANELS_AT_ONCE : 1;
        for (size_t row = 0, taken; row < rows; row += taken) {
            taken = tci_gemm_even_block(rows - row, MOST_ROWS);
            micro_kernel kernel = micro_kernels[several][taken - 1];
            float *to = c + row * c_row;
            /* c of the next rows, which may come from memory */
            for (size_t next = taken; next < 2 * taken && row + next < rows; next++)
                for (size_t i = 0; i < some; i++)
                    _mm_prefetch((const char *)(to + next * c_row + i * c_block), _MM_HINT_T0);
            if (packed)
                kernel(depth, a + row * depth, 1, taken * TCI_PANEL, taken, b, line_step, panel_step, to, c_row,
                       c_block);
            else
                kernel(depth, a + row * a_row, a_row, a_block, a_step, b, line_step, panel_step, to, c_row, c_block);
        }
    }
}

void tci_gemm_avx512(size_t rows, size_t panels, size_t depth, const float *a, size_t a_row, size_t a_block,
                     const float *b, float *c, size_t c_row, size_t c_block)
{
    for (size_t row = 0, chunk; row < rows; row += chunk) {
        chunk = rows - row < 2 * TCI_GEMM_ROWS ? rows - row : TCI_GEMM_ROWS;
        for (size_t k = 0, block; k < depth; k += block) {
            block = tci_gemm_depth_block(depth - k);
            chunk_over_panels(false, chunk, panels, block, a + row * a_row + k / TCI_PANEL * a_block, a_row, a_block, 1,
                              b + k * TCI_PANEL, TCI_PANEL, depth * TCI_PANEL, c + row * c_row, c_row, c_block);
        }
    }
}

/* Lays `columns` columns of a out as [micro-kernel][depth][its rows]. */
static void pack_columns(size_t columns, size_t depth, const float *a, size_t a_stride, float *packed)
{
    for (size_t column = 0, taken; column < columns; column += taken) {
        taken = tci_gemm_even_block(columns - column, MOST_ROWS);
        const __mmask16 lanes = (__mmask16)((1u << taken) - 1);
        for (size_t k = 0; k < depth; k++, packed += taken)
            _mm512_mask_storeu_ps(packed, lanes, _mm512_maskz_loadu_ps(lanes, a + k * a_stride + column));
    }
}

static void rows_over_panels(size_t rows, size_t panels, size_t depth, const float *a, size_t a_row, size_t a_block,
                             size_t a_step, const float *b, size_t line_step, size_t panel_step, float *c, size_t c_row,
                             size_t c_block)
{
    chunk_over_panels(false, rows, panels, depth, a, a_row, a_block, a_step, b, line_step, panel_step, c, c_row,
                      c_block);
}

static void chunk_of_columns(size_t columns, size_t panels, size_t depth, const float *a, const float *b,
                             size_t panel_step, float *c, size_t c_row, size_t c_block)
{
    chunk_over_panels(true, columns, panels, depth, a, 0, 0, 0, b, TCI_PANEL, panel_step, c, c_row, c_block);
}

#include "kernel/gemm_transposed.h"

void tci_gemm_transposed_avx512(size_t a_columns, size_t panels, size_t depth, const float *a, size_t a_stride,
                                const float *b, size_t b_row, size_t b_block, float *c, size_t c_row, size_t c_block,
                                float *scratch)
{
    transposed_product(a_columns, panels, depth, a, a_stride, b, b_row, b_block, c, c_row, c_block, scratch);
}
