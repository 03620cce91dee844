/* gemm_bf16_avx512.c: matrix product with bfloat16 weights with AVX-512: the chains of gemm_avx512.c over half as many
 * bytes.
 *
 * A line of a panel, 32 bytes, becomes 16 floats by one permutation of its 16-bit halves, each to the upper half of
 * its float, with zeros in the lower: one more operation for each six multiply-adds. From 4 rows on, 4 to 6 rows run
 * on four panels at once; fewer rows than 4 are AVX2's business, which is bound by the same reading. */
#include "kernel/gemm_blocks.h"
#include "kernel/gemm_micro_avx512.h"
#include "kernel/kernels_avx2.h"
#include "kernel/kernels_avx512.h"

/* The 16 columns of a line as floats: `places` has the place of each in the line, in the odd halves. */
static inline __m512 widened(const uint16_t *line, __m512i places)
{
    const __m256i halves = _mm256_loadu_si256((const __m256i *)(const void *)line);
    return _mm512_castsi512_ps(_mm512_maskz_permutexvar_epi16(0xaaaaaaaa, places, _mm512_castsi256_si512(halves)));
}

/* Columns n and n + 8 stand side by side (tci_pack_panels_bf16). */
static inline __m512i column_places(void)
{
    return _mm512_slli_epi32(_mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15), 16);
}

#define LINE(from) widened(from, places)

/* Statements of a macro stand one a line. */
/* clang-format off */

/* c (R, 16·P) += a · b: a row-major, line k of panel p of b at b[16·k + p·panel_step]. */
#define MICRO_KERNEL(R, P)                                                                                            \
    static void micro_##R##x##P(size_t depth, const float *a, size_t a_row, const uint16_t *b, size_t panel_step,     \
                                float *c, size_t c_row, size_t c_block)                                               \
    {                                                                                                                 \
        const __m512i places = column_places();                                                                       \
        (void)panel_step, (void)c_block;                                                                              \
        const size_t start_row = c_row, start_block = c_block;                                                        \
        const float *start = c, *from;                                                                                \
        float *to;                                                                                                    \
        PANELS_##P(LOAD_PANEL, ROWS_##R)                                                                              \
        for (size_t k = 0; k < depth; k++, a++, b += TCI_PANEL) {                                                     \
            LINES_##P ROWS_##R(PASS_##P, 0)                                                                           \
        }                                                                                                             \
        __asm__("" : "+r"(c)); /* gcc would carry each address of c through the loop */                               \
        PANELS_##P(STORE_PANEL, ROWS_##R)                                                                             \
    }
MICRO_KERNEL(4, 1)
MICRO_KERNEL(4, 4)
MICRO_KERNEL(5, 1)
MICRO_KERNEL(5, 4)
MICRO_KERNEL(6, 1)
MICRO_KERNEL(6, 4)
/* clang-format on */

typedef void (*micro_kernel)(size_t depth, const float *a, size_t a_row, const uint16_t *b, size_t panel_step, float *c,
                             size_t c_row, size_t c_block);

enum { LEAST_ROWS = 4, MOST_ROWS = 6, PANELS_AT_ONCE = 4 };

/* On one panel and on four; by rows, less the least. */
static const micro_kernel micro_kernels[2][MOST_ROWS - LEAST_ROWS + 1] = {{micro_4x1, micro_5x1, micro_6x1},
                                                                          {micro_4x4, micro_5x4, micro_6x4}};

/* All rows of a chunk over one block of the depth. */
static void chunk_of_rows(size_t rows, size_t panels, size_t depth, const float *a, size_t a_stride, const uint16_t *b,
                          size_t panel_step, float *c, size_t c_row, size_t c_block)
{
    for (size_t panel = 0, some; panel < panels; panel += some, b += some * panel_step, c += some * c_block) {
        bool several = panels - panel >= PANELS_AT_ONCE;
        some = several ? PANELS_AT_ONCE : 1;
        for (size_t row = 0, taken; row < rows; row += taken) {
            taken = tci_gemm_even_block(rows - row, MOST_ROWS); /* 4 or more of all but 7 */
            micro_kernels[several][taken - LEAST_ROWS](depth, a + row * a_stride, a_stride, b, panel_step,
                                                       c + row * c_row, c_row, c_block);
        }
    }
}

void tci_gemm_bf16_avx512(size_t rows, size_t panels, size_t depth, const float *a, size_t a_stride, const uint16_t *b,
                          float *c, size_t c_row, size_t c_block)
{
    size_t few = rows < LEAST_ROWS ? rows : rows == 7 ? 3 : 0, many = rows - few; /* 7 are 4 and 3 */
    for (size_t row = 0, chunk; row < many; row += chunk) {
        chunk = many - row < 2 * TCI_GEMM_ROWS ? many - row : TCI_GEMM_ROWS;
        for (size_t k = 0, block; k < depth; k += block) {
            block = tci_gemm_depth_block(depth - k);
            chunk_of_rows(chunk, panels, block, a + row * a_stride + k, a_stride, b + k * TCI_PANEL, depth * TCI_PANEL,
                          c + row * c_row, c_row, c_block);
        }
    }
    if (few > 0)
        tci_gemm_bf16_avx2(few, panels, depth, a + many * a_stride, a_stride, b, c + many * c_row, c_row, c_block);
}
