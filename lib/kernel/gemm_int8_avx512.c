/* gemm_int8_avx512.c: matrix product with int8 weights, with AVX-512 and VNNI. (Quantizing rows gains nothing by it.)
 *
 * 64 bytes of a packed panel are its 16 columns of 4 numbers each, one vector. vpdpbusd multiplies them with the 4
 * sizes of a's row and adds all to 32 bits, exactly. Where a's number is negative the weight's bits are turned, as in
 * gemm_int8_avx2.c, which says why: that exclusive or runs beside the multiplications, on other ports.
 *
 * One row runs on four panels and reads the weights as fast as the core does (256 KB in 2.4 us, Zen 4); 2 or 3 rows do
 * 190 to 200 multiply-adds a nanosecond, twice those of AVX2, where vpdpbusd alone could do 236. */
#include <immintrin.h>
#include <string.h>

#include "kernel/gemm_blocks.h"
#include "kernel/gemm_unroll.h"
#include "kernel/kernels_avx512.h"

/* Statements of a macro stand one a line. */
/* clang-format off */

#define POINT(r, p) const tci_int8_row *row_##r = tci_int8_row_at(a, r, a_stride);
#define BEGIN(r, p) __m512i sum_##r##_##p = _mm512_setzero_si512();
#define PASS(r, p)                                                                                                    \
    sum_##r##_##p = _mm512_dpbusd_epi32(sum_##r##_##p, sizes_##r, _mm512_xor_si512(line, signs_##r));
#define BROADCAST(r, p)                                                                                               \
    const __m512i signs_##r = broadcast(row_##r->fours[k].signs);                                                     \
    const __m512i sizes_##r = broadcast(row_##r->fours[k].sizes);
#define END(r, p) scale_add(sum_##r##_##p, row_##r, b_scales + p * TCI_PANEL, c + r * c_row + p * c_block);
#define BEGIN_PANEL(rows, p) rows(BEGIN, p)
#define END_PANEL(rows, p) rows(END, p)
#define PASS_PANEL(rows, p)                                                                                           \
    {                                                                                                                 \
        const __m512i line = kept(_mm512_loadu_si512(b + 64 * k + p * panel_step));                                   \
        rows(PASS, p)                                                                                                 \
    }

/* A line that stays in its register: gcc would load it again for every row. */
static inline __m512i kept(__m512i line)
{
    __asm__("" : "+v"(line));
    return line;
}

static inline __m512i broadcast(const uint8_t bytes[4])
{
    int32_t word;
    memcpy(&word, bytes, sizeof word);
    return _mm512_set1_epi32(word);
}

/* c[0..15] += (float)(sums + negatives) · (scale · b_scales[0..15]); not fused, as in the scalar table. */
static inline void scale_add(__m512i sums, const tci_int8_row *row, const float *b_scales, float *c)
{
    __m512 scale = _mm512_mul_ps(_mm512_set1_ps(row->scale), _mm512_loadu_ps(b_scales));
    sums = _mm512_add_epi32(sums, _mm512_set1_epi32(row->negatives));
    __m512 product = _mm512_mul_ps(_mm512_cvtepi32_ps(sums), scale);
    _mm512_storeu_ps(c, _mm512_add_ps(_mm512_loadu_ps(c), product));
}

/* R rows on P panels, which stand panel_step bytes apart, over all of the depth. */
#define MICRO_KERNEL(R, P)                                                                                            \
    static void micro_##R##x##P(size_t fours, const tci_int8_row *a, size_t a_stride, const int8_t *b,                \
                                size_t panel_step, const float *b_scales, float *c, size_t c_row, size_t c_block)     \
    {                                                                                                                 \
        (void)panel_step;                                                                                             \
        (void)c_row, (void)c_block;                                                                                   \
        ROWS_##R(POINT, 0)                                                                                            \
        PANELS_##P(BEGIN_PANEL, ROWS_##R)                                                                             \
        for (size_t k = 0; k < fours; k++) {                                                                          \
            ROWS_##R(BROADCAST, 0)                                                                                    \
            PANELS_##P(PASS_PANEL, ROWS_##R)                                                                          \
        }                                                                                                             \
        PANELS_##P(END_PANEL, ROWS_##R)                                                                               \
    }
MICRO_KERNEL(1, 1)
MICRO_KERNEL(1, 4)
MICRO_KERNEL(2, 1)
MICRO_KERNEL(2, 4)
MICRO_KERNEL(3, 1)
MICRO_KERNEL(3, 4)

/* clang-format on */

typedef void (*micro_kernel)(size_t fours, const tci_int8_row *a, size_t a_stride, const int8_t *b, size_t panel_step,
                             const float *b_scales, float *c, size_t c_row, size_t c_block);

enum { MOST_ROWS = 3, PANELS_AT_ONCE = 4 };

/* On one panel and on four; by rows, less one. */
static const micro_kernel micro_kernels[2][MOST_ROWS] = {
    {micro_1x1, micro_2x1, micro_3x1},
    {micro_1x4, micro_2x4, micro_3x4},
};

void tci_gemm_int8_avx512(size_t rows, size_t panels, size_t depth, const tci_int8_row *a, size_t a_stride,
                          const int8_t *b, const float *b_scales, float *c, size_t c_row, size_t c_block)
{
    size_t fours = (depth + 3) / 4, panel_step = fours * 4 * TCI_PANEL;
    if (fours == 0)
        return;
    for (size_t panel = 0, some; panel < panels; panel += some) {
        bool several = panels - panel >= PANELS_AT_ONCE;
        some = several ? PANELS_AT_ONCE : 1;
        for (size_t row = 0, taken; row < rows; row += taken) {
            taken = tci_gemm_even_block(rows - row, MOST_ROWS);
            micro_kernels[several][taken - 1](fours, tci_int8_row_at(a, row, a_stride), a_stride,
                                              b + panel * panel_step, panel_step, b_scales + panel * TCI_PANEL,
                                              c + row * c_row + panel * c_block, c_row, c_block);
        }
    }
}
