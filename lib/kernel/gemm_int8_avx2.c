/* gemm_int8_avx2.c: matrix product with int8 weights, and the quantization of rows, with AVX2.
 *
 * 32 bytes of a packed panel are 8 columns of 4 numbers each. maddubs multiplies them with the 4 sizes of a's row, in
 * every column the same, and adds neighbours in 16 bits; madd with ones adds these in 32 bits. Where a's number is
 * negative the weight's bits are turned: ~w = -w - 1 lies in -128 to 126, so a pair is at most 2·127·128 = 32512 and
 * never saturates, and the sum lacks the size of the negative number, which is the same in every column: `negatives` is
 * added at the end. That is one exclusive or on any port where psign would take a multiplier's.
 *
 * Integer sums have a short chain, so any number of rows is as fast as one: 3 rows on one panel, or one row on four
 * panels (fewer loads of a), do 90 to 94 multiply-adds a nanosecond where floats do 58 (Zen 4, 3.7 GHz). With psign
 * they were 78, with weights widened to 16 bits for madd alone 73 to 83. */
#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "kernel/gemm_unroll.h"
#include "kernel/kernels_avx2.h"

/* Statements of a macro stand one a line. */
/* clang-format off */

#define POINT(r, p) const tci_int8_row *row_##r = tci_int8_row_at(a, r, a_stride);
#define BEGIN(r, p)                                                                                     \
    __m256i low_##r##_##p = _mm256_setzero_si256();                                                     \
    __m256i high_##r##_##p = _mm256_setzero_si256();
#define BROADCAST(r, p)                                                                                 \
    const __m256i signs_##r = broadcast(row_##r->fours[k].signs);                                       \
    const __m256i sizes_##r = broadcast(row_##r->fours[k].sizes);
#define PASS(r, p)                                                                                      \
    low_##r##_##p = _mm256_add_epi32(low_##r##_##p, products(low, signs_##r, sizes_##r, ones));         \
    high_##r##_##p = _mm256_add_epi32(high_##r##_##p, products(high, signs_##r, sizes_##r, ones));
#define END(r, p)                                                                                       \
    scale_add(low_##r##_##p, row_##r, b_scales + p * TCI_PANEL, c + r * c_row + p * c_block);           \
    scale_add(high_##r##_##p, row_##r, b_scales + p * TCI_PANEL + 8, c + r * c_row + p * c_block + 8);
#define BEGIN_PANEL(rows, p) rows(BEGIN, p)
#define END_PANEL(rows, p) rows(END, p)
#define PASS_PANEL(rows, p)                                                                             \
    {                                                                                                   \
        const __m256i low = load(b + 64 * k + p * panel_step);                                          \
        const __m256i high = load(b + 64 * k + p * panel_step + 32);                                    \
        rows(PASS, p)                                                                                   \
    }

static inline __m256i load(const int8_t *bytes)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)bytes);
}

static inline __m256i broadcast(const uint8_t bytes[4])
{
    int32_t word;
    memcpy(&word, bytes, sizeof word);
    return _mm256_set1_epi32(word);
}

static inline __m256i products(__m256i weights, __m256i signs, __m256i sizes, __m256i ones)
{
    return _mm256_madd_epi16(_mm256_maddubs_epi16(sizes, _mm256_xor_si256(weights, signs)), ones);
}

/* c[0..7] += (float)(sums + negatives) · (scale · b_scales[0..7]); not fused, as in the scalar table. */
static inline void scale_add(__m256i sums, const tci_int8_row *row, const float *b_scales, float *c)
{
    __m256 scale = _mm256_mul_ps(_mm256_set1_ps(row->scale), _mm256_loadu_ps(b_scales));
    sums = _mm256_add_epi32(sums, _mm256_set1_epi32(row->negatives));
    __m256 product = _mm256_mul_ps(_mm256_cvtepi32_ps(sums), scale);
    _mm256_storeu_ps(c, _mm256_add_ps(_mm256_loadu_ps(c), product));
}

/* R rows on P panels, which stand panel_step bytes apart, over all of the depth, which is not 0: without that case gcc
 * keeps sums in their registers from turn to turn. Not inlined, which it undoes. */
#define MICRO_KERNEL(R, P)                                                                              \
    static __attribute__((noinline)) void micro_##R##x##P(                                              \
        size_t fours, const tci_int8_row *a, size_t a_stride, const int8_t *b, size_t panel_step,       \
        const float *b_scales, float *c, size_t c_row, size_t c_block)                                  \
    {                                                                                                   \
        const __m256i ones = _mm256_set1_epi16(1);                                                      \
        (void)panel_step;                                                                               \
        (void)c_row, (void)c_block;                                                                     \
        ROWS_##R(POINT, 0)                                                                              \
        PANELS_##P(BEGIN_PANEL, ROWS_##R)                                                               \
        size_t k = 0;                                                                                   \
        do {                                                                                            \
            ROWS_##R(BROADCAST, 0)                                                                      \
            PANELS_##P(PASS_PANEL, ROWS_##R)                                                            \
        } while (++k < fours);                                                                          \
        PANELS_##P(END_PANEL, ROWS_##R)                                                                 \
    }
MICRO_KERNEL(1, 1)
MICRO_KERNEL(1, 4)
MICRO_KERNEL(2, 1)
MICRO_KERNEL(3, 1)
/* clang-format on */

void tci_gemm_int8_avx2(size_t rows, size_t panels, size_t depth, const tci_int8_row *a, size_t a_stride,
                        const int8_t *b, const float *b_scales, float *c, size_t c_row, size_t c_block)
{
    size_t fours = (depth + 3) / 4, panel_step = TCI_INT8_PANEL_BYTES(depth);
    if (fours == 0)
        return;
    for (size_t panel = 0, taken; panel < panels; panel += taken) {
        taken = rows == 1 && panels - panel >= 4 ? 4 : 1;
        if (taken == 4)
            micro_1x4(fours, a, a_stride, b, panel_step, b_scales, c, c_row, c_block);
        for (size_t row = 0, left; taken == 1 && row < rows; row += left < 3 ? left : 3) {
            const tci_int8_row *from = tci_int8_row_at(a, row, a_stride);
            float *to = c + row * c_row;
            left = rows - row;
            if (left >= 3)
                micro_3x1(fours, from, a_stride, b, 0, b_scales, to, c_row, c_block);
            else if (left == 2)
                micro_2x1(fours, from, a_stride, b, 0, b_scales, to, c_row, c_block);
            else
                micro_1x1(fours, from, a_stride, b, 0, b_scales, to, c_row, c_block);
        }
        b += taken * panel_step;
        b_scales += taken * TCI_PANEL;
        c += taken * c_block;
    }
}

/* Bits of the largest size, compared as integers. */
static uint32_t largest(size_t depth, const float *src)
{
    const __m256i without_sign = _mm256_set1_epi32(0x7fffffff);
    __m256i most = _mm256_setzero_si256();
    uint32_t lanes[8], value = 0;
    size_t k = 0;
    for (; k + 8 <= depth; k += 8)
        most = _mm256_max_epi32(most, _mm256_and_si256(_mm256_castps_si256(_mm256_loadu_ps(src + k)), without_sign));
    _mm256_storeu_si256((__m256i *)(void *)lanes, most);
    for (size_t i = 0; i < 8; i++)
        value = lanes[i] > value ? lanes[i] : value;
    for (; k < depth; k++) {
        uint32_t bits;
        memcpy(&bits, src + k, sizeof bits);
        bits &= UINT32_C(0x7fffffff);
        value = bits > value ? bits : value;
    }
    return value;
}

/* 8 numbers as two fours; returns the sizes of the negative ones. */
static inline __m256i put_8(__m256 values, __m256 inverse, struct tci_int8_four *fours)
{
    const __m256i signs_then_sizes = _mm256_setr_epi8(3, 7, 11, 15, 0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, 3, 7,
                                                      11, 15, 0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1);
    __m256i numbers = _mm256_cvtps_epi32(_mm256_mul_ps(values, inverse));
    __m256i signs = _mm256_srai_epi32(numbers, 31), sizes = _mm256_abs_epi32(numbers);
    /* one word: the sign in its highest byte, the size in its lowest */
    __m256i both = _mm256_or_si256(_mm256_slli_epi32(signs, 24), sizes);
    both = _mm256_shuffle_epi8(both, signs_then_sizes);
    _mm_storel_epi64((__m128i *)(void *)fours, _mm256_castsi256_si128(both));
    _mm_storel_epi64((__m128i *)(void *)(fours + 1), _mm256_extracti128_si256(both, 1));
    return _mm256_and_si256(signs, sizes);
}

static void quantize_row(size_t depth, const float *src, tci_int8_row *row)
{
    uint32_t bits = largest(depth, src), negatives[8];
    float most, rest[8] = {0};
    memcpy(&most, &bits, sizeof most);
    bool zeros = !(most >= TCI_INT8_LEAST && most - most == 0.0f);
    row->scale = zeros ? most - most /* NaN for what is not finite */ : most / 127.0f;
    if (zeros) {
        row->negatives = 0;
        memset(row->fours, 0, TCI_INT8_ROW_BYTES(depth) - sizeof *row);
        return;
    }
    const __m256 inverse = _mm256_set1_ps(127.0f / most);
    __m256i sum = _mm256_setzero_si256();
    size_t k = 0;
    for (; k + 8 <= depth; k += 8)
        sum = _mm256_add_epi32(sum, put_8(_mm256_loadu_ps(src + k), inverse, row->fours + k / 4));
    if (k < depth) {
        struct tci_int8_four last[2];
        memcpy(rest, src + k, (depth - k) * sizeof *rest);
        sum = _mm256_add_epi32(sum, put_8(_mm256_loadu_ps(rest), inverse, last));
        memcpy(row->fours + k / 4, last, (depth - k > 4 ? 2 : 1) * sizeof *last);
    }
    _mm256_storeu_si256((__m256i *)(void *)negatives, sum);
    for (size_t i = 1; i < 8; i++)
        negatives[0] += negatives[i];
    row->negatives = (int32_t)negatives[0];
}

void tci_quantize_avx2(size_t rows, size_t depth, const float *src, size_t src_stride, tci_int8_row *dst,
                       size_t dst_stride)
{
    for (size_t r = 0; r < rows; r++)
        quantize_row(depth, src + r * src_stride, (tci_int8_row *)(void *)((char *)dst + r * dst_stride));
}
