/* gemm_int8_avx512.c: matrix product with int8 weights, and the quantization of rows, with AVX-512 and VNNI.
 *
 * 64 bytes of a packed panel are its 16 columns of 4 numbers each, one vector. vpdpbusd multiplies them with 4 bytes of
 * a's row, which it takes as unsigned, and adds all to 32 bits. Rows hold their numbers + 128 for it, and the sum of a
 * column begins with -128 times the sum of its weights, which stands behind the panel: so nothing runs for 64 weights
 * but their load and that one instruction. One row runs on eight panels: the instruction takes five cycles, and with
 * four sums to add to the second-level cache would wait for it. What passes 32 bits on the way is taken mod 2^32, and
 * the last sum fits. */
#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "kernel/gemm_blocks.h"
#include "kernel/gemm_unroll.h"
#include "kernel/lanes_avx512.h"

/* Statements of a macro stand one a line. */
/* clang-format off */

#define POINT(r, p) const tci_int8_row *row_##r = tci_int8_row_at(a, r, a_stride);
#define BEGIN(r, p) __m512i sum_##r##_##p = _mm512_loadu_si512(b + 64 * fours + p * panel_step);
#define PASS(r, p) add_products(&sum_##r##_##p, four_##r, line);
#define BROADCAST(r, p) const __m512i four_##r = broadcast((const uint8_t *)row_##r->fours + 4 * k);
#define END(r, p) scale_add(sum_##r##_##p, row_##r->scale, b_scales + p * TCI_PANEL, c + r * c_row + p * c_block);
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

/* _mm512_dpbusd_epi32, for which gcc moves sums from register to register and back, as costly as the products. */
static inline void add_products(__m512i *sums, __m512i bytes, __m512i weights)
{
    __asm__("vpdpbusd %2, %1, %0" : "+v"(*sums) : "v"(bytes), "v"(weights));
}

static inline __m512i broadcast(const uint8_t bytes[4])
{
    int32_t word;
    memcpy(&word, bytes, sizeof word);
    return _mm512_set1_epi32(word);
}

/* c[0..15] += (float)sums · (scale · b_scales[0..15]); not fused, as in the scalar table. */
static inline void scale_add(__m512i sums, float scale, const float *b_scales, float *c)
{
    __m512 scales = _mm512_mul_ps(_mm512_set1_ps(scale), _mm512_loadu_ps(b_scales));
    __m512 product = _mm512_mul_ps(_mm512_cvtepi32_ps(sums), scales);
    _mm512_storeu_ps(c, _mm512_add_ps(_mm512_loadu_ps(c), product));
}

/* R rows on P panels, which stand panel_step bytes apart, over all of the depth, which is not 0: without that case gcc
 * keeps sums in their registers from turn to turn. */
#define MICRO_KERNEL(R, P)                                                                                            \
    static void micro_##R##x##P(size_t fours, const tci_int8_row *a, size_t a_stride, const int8_t *b,                \
                                size_t panel_step, const float *b_scales, float *c, size_t c_row, size_t c_block)     \
    {                                                                                                                 \
        (void)panel_step;                                                                                             \
        (void)c_row, (void)c_block;                                                                                   \
        ROWS_##R(POINT, 0)                                                                                            \
        PANELS_##P(BEGIN_PANEL, ROWS_##R)                                                                             \
        size_t k = 0;                                                                                                 \
        do {                                                                                                          \
            ROWS_##R(BROADCAST, 0)                                                                                    \
            PANELS_##P(PASS_PANEL, ROWS_##R)                                                                          \
        } while (++k < fours);                                                                                        \
        PANELS_##P(END_PANEL, ROWS_##R)                                                                               \
    }
MICRO_KERNEL(1, 1)
MICRO_KERNEL(1, 4)
MICRO_KERNEL(1, 8)
MICRO_KERNEL(2, 1)
MICRO_KERNEL(2, 4)
MICRO_KERNEL(3, 1)
MICRO_KERNEL(3, 4)

/* clang-format on */

typedef void (*micro_kernel)(size_t fours, const tci_int8_row *a, size_t a_stride, const int8_t *b, size_t panel_step,
                             const float *b_scales, float *c, size_t c_row, size_t c_block);

enum { MOST_ROWS = 3, PANELS_AT_ONCE = 4, ONE_ROW_PANELS = 8, ZERO = 128 /* the byte of number 0 */ };

/* On one panel and on four; by rows, less one. */
static const micro_kernel micro_kernels[2][MOST_ROWS] = {
    {micro_1x1, micro_2x1, micro_3x1},
    {micro_1x4, micro_2x4, micro_3x4},
};

void tci_gemm_int8_avx512(size_t rows, size_t panels, size_t depth, const tci_int8_row *a, size_t a_stride,
                          const int8_t *b, const float *b_scales, float *c, size_t c_row, size_t c_block)
{
    size_t fours = (depth + 3) / 4, panel_step = TCI_INT8_PANEL_BYTES(depth);
    if (fours == 0)
        return;
    for (size_t panel = 0, some; panel < panels; panel += some) {
        bool several = panels - panel >= PANELS_AT_ONCE;
        some = several ? PANELS_AT_ONCE : 1;
        if (rows == 1 && panels - panel >= ONE_ROW_PANELS)
            some = ONE_ROW_PANELS;
        for (size_t row = 0, taken; row < rows; row += taken) {
            taken = tci_gemm_even_block(rows - row, MOST_ROWS);
            micro_kernel kernel = some == ONE_ROW_PANELS ? micro_1x8 : micro_kernels[several][taken - 1];
            kernel(fours, tci_int8_row_at(a, row, a_stride), a_stride, b + panel * panel_step, panel_step,
                   b_scales + panel * TCI_PANEL, c + row * c_row + panel * c_block, c_row, c_block);
        }
    }
}

/* The largest size, compared as the integers that sizes of floats are ordered like: NaN is larger than all. */
static float largest(size_t depth, const float *src)
{
    const __m512i without_sign = _mm512_set1_epi32(0x7fffffff);
    __m512i most = _mm512_setzero_si512();
    for (size_t k = 0; k < depth; k += 16) {
        __m512i values = _mm512_maskz_loadu_epi32(lanes_first(depth - k), src + k);
        most = _mm512_max_epi32(most, _mm512_and_si512(values, without_sign));
    }
    int32_t bits = _mm512_reduce_max_epi32(most);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void quantize_row(size_t depth, const float *src, tci_int8_row *row)
{
    uint8_t *to = (uint8_t *)row->fours;
    size_t padded = (depth + 3) / 4 * 4;
    float most = largest(depth, src);
    bool zeros = !(most >= TCI_INT8_LEAST && most - most == 0.0f);
    row->scale = zeros ? most - most /* NaN for what is not finite */ : most / 127.0f;
    if (zeros) {
        memset(to, ZERO, padded);
        return;
    }
    const __m512 inverse = _mm512_set1_ps(127.0f / most);
    for (size_t k = 0; k < padded; k += 16) {
        __m512 values = _mm512_maskz_loadu_ps(lanes_first(depth - k), src + k);
        __m512i numbers = _mm512_cvtps_epi32(_mm512_mul_ps(values, inverse));
        numbers = _mm512_add_epi32(numbers, _mm512_set1_epi32(ZERO));
        _mm512_mask_cvtepi32_storeu_epi8(to + k, lanes_first(padded - k), numbers);
    }
}

void tci_quantize_avx512(size_t rows, size_t depth, const float *src, size_t src_stride, tci_int8_row *dst,
                         size_t dst_stride)
{
    for (size_t r = 0; r < rows; r++)
        quantize_row(depth, src + r * src_stride, (tci_int8_row *)(void *)((char *)dst + r * dst_stride));
}

void tci_int8_row_avx512(size_t depth, const int8_t *numbers, float scale, tci_int8_row *row)
{
    uint8_t *to = (uint8_t *)row->fours;
    row->scale = scale;
    for (size_t k = 0; k < depth; k++)
        to[k] = (uint8_t)(numbers[k] + ZERO);
    memset(to + depth, ZERO, (depth + 3) / 4 * 4 - depth);
}
