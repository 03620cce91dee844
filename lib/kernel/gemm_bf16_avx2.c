/* gemm_bf16_avx2.c: matrix product with bfloat16 weights: the chains of gemm_avx2.c over half as many bytes.
 *
 * 64 bytes of a panel are two lines of 16 columns (tci_pack_panels_bf16): shifted left by 16 bits the first, with their
 * low halves masked out the second. That costs two integer operations for two FMA of each row, and these run beside
 * the FMA from four rows on: as fast as floats. One row is bound by them and by the second-level cache.
 *
 * Registers: 4 to 6 rows run on one panel, 2 rows on two, one row on four. 3 rows run as 2 and 1: on two panels they
 * would need 18 registers, on one their 6 chains leave FMA units idle. */
#include <immintrin.h>

#include "kernel/gemm_blocks.h"
#include "kernel/gemm_unroll.h"
#include "kernel/kernels_avx2.h"

/* Statements of a macro stand one a line. */
/* clang-format off */

#define LOAD(r, p)                                                                                      \
    __m256 low_##r##_##p = _mm256_loadu_ps(c + r * c_row + p * c_block);                                \
    __m256 high_##r##_##p = _mm256_loadu_ps(c + r * c_row + p * c_block + 8);
#define STORE(r, p)                                                                                     \
    _mm256_storeu_ps(c + r * c_row + p * c_block, low_##r##_##p);                                       \
    _mm256_storeu_ps(c + r * c_row + p * c_block + 8, high_##r##_##p);
#define POINT(r, p) const float *a_##r = a + r * a_stride;
#define PASS(r, p)                                                                                      \
    {                                                                                                   \
        __m256 x = _mm256_broadcast_ss(a_##r + k);                                                      \
        low_##r##_##p = _mm256_fmadd_ps(x, low, low_##r##_##p);                                         \
        high_##r##_##p = _mm256_fmadd_ps(x, high, high_##r##_##p);                                      \
    }
#define LOAD_PANEL(rows, p) rows(LOAD, p)
#define STORE_PANEL(rows, p) rows(STORE, p)
#define FIRST_LINE(rows, p)                                                                             \
    {                                                                                                   \
        __m256 low = _mm256_castsi256_ps(_mm256_slli_epi32(words(b + p * panel_step), 16));             \
        __m256 high = _mm256_castsi256_ps(_mm256_slli_epi32(words(b + p * panel_step + 16), 16));       \
        rows(PASS, p)                                                                                   \
    }
#define SECOND_LINE(rows, p)                                                                            \
    {                                                                                                   \
        __m256 low = _mm256_castsi256_ps(_mm256_and_si256(words(b + p * panel_step), high_halves));     \
        __m256 high = _mm256_castsi256_ps(_mm256_and_si256(words(b + p * panel_step + 16), high_halves)); \
        rows(PASS, p)                                                                                   \
    }

static inline __m256i words(const uint16_t *from)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)from);
}

/* c (R, 16·P) += a · b: a row-major, lines k and k + 1 of panel p of b at b[16·k + p·panel_step]. */
#define MICRO_KERNEL(R, P)                                                                              \
    static void micro_##R##x##P(size_t depth, const float *a, size_t a_stride, const uint16_t *b,       \
                                size_t panel_step, float *c, size_t c_row, size_t c_block)              \
    {                                                                                                   \
        const __m256i high_halves = _mm256_set1_epi32((int)0xffff0000);                                 \
        (void)a_stride;                                                                                 \
        (void)panel_step;                                                                               \
        (void)c_row, (void)c_block;                                                                     \
        PANELS_##P(LOAD_PANEL, ROWS_##R)                                                                \
        ROWS_##R(POINT, 0)                                                                              \
        for (size_t k = 0; k < depth; k++, b += 2 * TCI_PANEL) {                                        \
            PANELS_##P(FIRST_LINE, ROWS_##R)                                                            \
            if (++k == depth)                                                                           \
                break;                                                                                  \
            __asm__("" : "+r"(b)); /* gcc would keep what it has loaded */                              \
            PANELS_##P(SECOND_LINE, ROWS_##R)                                                           \
        }                                                                                               \
        PANELS_##P(STORE_PANEL, ROWS_##R)                                                               \
    }
MICRO_KERNEL(1, 1)
MICRO_KERNEL(1, 4)
MICRO_KERNEL(2, 1)
MICRO_KERNEL(2, 2)
MICRO_KERNEL(4, 1)
MICRO_KERNEL(5, 1)
MICRO_KERNEL(6, 1)
/* clang-format on */

/* How many of `left` rows the next micro-kernel takes: less than 4 only of 3 or 7. */
static size_t row_block(size_t left)
{
    if (left == 8)
        return 4;
    if (left == 7 || left == 9 || left == 13)
        return 5;
    return left == 3 ? 2 : tci_gemm_least(left, 6);
}

/* 1 or 2 rows over all panels, several panels at once. */
static void few_rows(size_t rows, size_t panels, size_t depth, const float *a, size_t a_stride, const uint16_t *b,
                     size_t panel_step, float *c, size_t c_row, size_t c_block)
{
    size_t many = rows == 1 ? 4 : 2;
    for (size_t panel = 0, taken; panel < panels; panel += taken, b += taken * panel_step, c += taken * c_block) {
        taken = panels - panel >= many ? many : 1;
        if (taken == 4)
            micro_1x4(depth, a, a_stride, b, panel_step, c, c_row, c_block);
        else if (taken == 2)
            micro_2x2(depth, a, a_stride, b, panel_step, c, c_row, c_block);
        else if (rows == 2)
            micro_2x1(depth, a, a_stride, b, panel_step, c, c_row, c_block);
        else
            micro_1x1(depth, a, a_stride, b, panel_step, c, c_row, c_block);
    }
}

/* All rows of a chunk over one block of the depth. */
static void chunk_of_rows(size_t rows, size_t panels, size_t depth, const float *a, size_t a_stride, const uint16_t *b,
                          size_t panel_step, float *c, size_t c_row, size_t c_block)
{
    size_t many = 0;
    for (size_t taken; rows - many >= 4; many += taken)
        taken = row_block(rows - many);
    for (size_t panel = 0; panel < panels; panel++) {
        for (size_t row = 0, taken; row < many; row += taken) {
            const float *from = a + row * a_stride;
            const uint16_t *lines = b + panel * panel_step;
            float *to = c + row * c_row + panel * c_block;
            taken = row_block(rows - row);
            if (taken == 6)
                micro_6x1(depth, from, a_stride, lines, 0, to, c_row, c_block);
            else if (taken == 5)
                micro_5x1(depth, from, a_stride, lines, 0, to, c_row, c_block);
            else
                micro_4x1(depth, from, a_stride, lines, 0, to, c_row, c_block);
        }
    }
    for (size_t row = many, taken; row < rows; row += taken) {
        taken = row_block(rows - row);
        few_rows(taken, panels, depth, a + row * a_stride, a_stride, b, panel_step, c + row * c_row, c_row, c_block);
    }
}

void tci_gemm_bf16_avx2(size_t rows, size_t panels, size_t depth, const float *a, size_t a_stride, const uint16_t *b,
                        float *c, size_t c_row, size_t c_block)
{
    for (size_t row = 0, chunk; row < rows; row += chunk) {
        chunk = rows - row < 2 * TCI_GEMM_ROWS ? rows - row : TCI_GEMM_ROWS;
        for (size_t k = 0, block; k < depth; k += block) {
            block = tci_gemm_depth_block(depth - k);
            chunk_of_rows(chunk, panels, block, a + row * a_stride + k, a_stride, b + k * TCI_PANEL,
                          TCI_BF16_PADDED(depth) * TCI_PANEL, c + row * c_row, c_row, c_block);
        }
    }
}
