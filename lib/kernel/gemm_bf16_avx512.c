/* gemm_bf16_avx512.c: matrix product with bfloat16 weights with AVX-512: the chains of gemm_avx512.c over half as many
 * bytes.
 *
 * 64 bytes of a panel are two lines of 16 columns (tci_pack_panels_bf16): shifted left by 16 bits the first, with their
 * low halves masked out the second. So a line costs one integer operation beside the multiply-adds of its rows, on the
 * same two ports. One row runs on eight panels, bound by that; 2 to 6 rows run on four. */
#include "kernel/gemm_blocks.h"
#include "kernel/gemm_micro_avx512.h"
#include "kernel/kernels_avx512.h"

static inline __m512i two_lines(const uint16_t *words)
{
    __m512i both = _mm512_loadu_si512(words);
    __asm__("" : "+v"(both)); /* one load, that is no operand of an operation */
    return both;
}

static inline __m512 first(__m512i both)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(both, 16));
}

static inline __m512 second(__m512i both)
{
    return _mm512_castsi512_ps(_mm512_and_si512(both, _mm512_set1_epi32((int)0xffff0000u)));
}

#define ELEMENT(r) a[(size_t)r * a_row]

/* Statements of a macro stand one a line. */
/* clang-format off */

/* Two depths of few rows, panel by panel: shifts are one port's business alone, and many of them in a row make it a
 * third slower. */
#define ELEMENTS(r, p)                                                                                                \
    const __m512 x_##r = tci_kept(_mm512_set1_ps(ELEMENT(r)));                                                        \
    const __m512 y_##r = tci_kept(_mm512_set1_ps(a[(size_t)r * a_row + 1]));
#define PASS_FIRST(r, p) sum_##r##_##p = _mm512_fmadd_ps(x_##r, line_0, sum_##r##_##p);
#define PASS_SECOND(r, p) sum_##r##_##p = _mm512_fmadd_ps(y_##r, line_1, sum_##r##_##p);
#define PASS_PANEL(rows, p)                                                                                           \
    {                                                                                                                 \
        const __m512i both = two_lines((p < 4 ? b : far) + p % 4 * panel_step);                                       \
        const __m512 line_0 = first(both);                                                                            \
        rows(PASS_FIRST, p)                                                                                           \
        const __m512 line_1 = second(both);                                                                           \
        rows(PASS_SECOND, p)                                                                                          \
    }
#define BY_PANEL(R, P) ROWS_##R(ELEMENTS, 0) PANELS_##P(PASS_PANEL, ROWS_##R)

/* Two depths of more rows, one after the other; between them gcc would keep what it has loaded, in more registers than
 * there are. */
#define FOUR_LINES(line)                                                                                              \
    const __m512 line_0 = line(two_lines(b)), line_1 = line(two_lines(b + panel_step));                               \
    const __m512 line_2 = line(two_lines(b + 2 * panel_step)), line_3 = line(two_lines(b + 3 * panel_step));
#define BY_ROW(R, P)                                                                                                  \
    {                                                                                                                 \
        FOUR_LINES(first) ROWS_##R(PASS_4, 0)                                                                         \
    }                                                                                                                 \
    a++;                                                                                                              \
    __asm__("" : "+r"(b));                                                                                            \
    {                                                                                                                 \
        FOUR_LINES(second) ROWS_##R(PASS_##P, 0)                                                                      \
    }                                                                                                                 \
    a--;

/* c (R, 16·P) += a · b: a row-major, lines k and k + 1 of panel p of b at b[16·k + p·panel_step].
 * Of an odd depth the last is left out. */
#define MICRO_KERNEL(R, P, PASS_TWO)                                                                                  \
    static void micro_##R##x##P(size_t depth, const float *a, size_t a_row, const uint16_t *b, size_t panel_step,     \
                                float *c, size_t c_row, size_t c_block)                                               \
    {                                                                                                                 \
        (void)a_row, (void)panel_step, (void)c_block;                                                                 \
        const size_t start_row = c_row, start_block = c_block;                                                        \
        const float *start = c, *from;                                                                                \
        float *to;                                                                                                    \
        const uint16_t *far = P > 4 ? b + 4 * panel_step : b;                                                         \
        PANELS_##P(LOAD_PANEL, ROWS_##R)                                                                              \
        for (; depth > 1; depth -= 2, a += 2, b += 2 * TCI_PANEL, far += 2 * TCI_PANEL) {                             \
            PASS_TWO(R, P)                                                                                            \
        }                                                                                                             \
        __asm__("" : "+r"(c)); /* gcc would carry each address of c through the loop */                               \
        PANELS_##P(STORE_PANEL, ROWS_##R)                                                                             \
    }
MICRO_KERNEL(1, 1, BY_PANEL)
MICRO_KERNEL(1, 4, BY_PANEL)
MICRO_KERNEL(1, 8, BY_PANEL)
MICRO_KERNEL(2, 4, BY_PANEL)
MICRO_KERNEL(3, 4, BY_PANEL)
MICRO_KERNEL(4, 4, BY_ROW)
MICRO_KERNEL(5, 4, BY_ROW)
MICRO_KERNEL(6, 4, BY_ROW)
/* clang-format on */

typedef void (*micro_kernel)(size_t depth, const float *a, size_t a_row, const uint16_t *b, size_t panel_step, float *c,
                             size_t c_row, size_t c_block);

enum { MOST_ROWS = 6 };

/* On four panels; by rows, less one. */
static const micro_kernel micro_kernels[MOST_ROWS] = {micro_1x4, micro_2x4, micro_3x4, micro_4x4, micro_5x4, micro_6x4};

/* The last of an odd depth, whose line is the first of two at b. */
static void last_line(size_t rows, size_t panels, const float *a, size_t a_stride, const uint16_t *b, size_t panel_step,
                      float *c, size_t c_row, size_t c_block)
{
    for (size_t panel = 0; panel < panels; panel++, b += panel_step, c += c_block) {
        for (size_t row = 0; row < rows; row++) {
            float *to = c + row * c_row;
            const __m512 x = _mm512_set1_ps(a[row * a_stride]);
            _mm512_storeu_ps(to, _mm512_fmadd_ps(x, first(two_lines(b)), _mm512_loadu_ps(to)));
        }
    }
}

/* All rows of a chunk over one block of the depth; panels that are left of four run row by row. */
static void chunk_of_rows(size_t rows, size_t panels, size_t depth, const float *a, size_t a_stride, const uint16_t *b,
                          size_t panel_step, float *c, size_t c_row, size_t c_block)
{
    for (size_t panel = 0, some; panel < panels; panel += some, b += some * panel_step, c += some * c_block) {
        some = panels - panel >= 8 && rows == 1 ? 8 : panels - panel >= 4 ? 4 : 1;
        for (size_t row = 0, taken; row < rows; row += taken) {
            taken = some == 1 ? 1 : tci_gemm_even_block(rows - row, MOST_ROWS);
            micro_kernel kernel = some == 8 ? micro_1x8 : some == 1 ? micro_1x1 : micro_kernels[taken - 1];
            kernel(depth, a + row * a_stride, a_stride, b, panel_step, c + row * c_row, c_row, c_block);
        }
    }
}

void tci_gemm_bf16_avx512(size_t rows, size_t panels, size_t depth, const float *a, size_t a_stride, const uint16_t *b,
                          float *c, size_t c_row, size_t c_block)
{
    size_t panel_step = TCI_BF16_PADDED(depth) * TCI_PANEL;
    for (size_t row = 0, chunk; row < rows; row += chunk) {
        chunk = rows - row < 2 * TCI_GEMM_ROWS ? rows - row : TCI_GEMM_ROWS;
        for (size_t k = 0, block; k < depth; k += block) {
            block = tci_gemm_depth_block(depth - k);
            chunk_of_rows(chunk, panels, block, a + row * a_stride + k, a_stride, b + k * TCI_PANEL, panel_step,
                          c + row * c_row, c_row, c_block);
        }
    }
    if (depth % 2)
        last_line(rows, panels, a + depth - 1, a_stride, b + (depth - 1) * TCI_PANEL, panel_step, c, c_row, c_block);
}
