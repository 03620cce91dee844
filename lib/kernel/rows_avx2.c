/* rows_avx2.c: the rows of rows_scalar.c, 8 columns at a time, with its bits: not fused, because products and sums are
 * not what these wait for. Rows come from all over a table that no cache holds: each is asked for AHEAD rows before it
 * is read, which hides most of the way to memory. */
#include "kernel/kernels_avx2.h"
#include "kernel/vector_avx2.h"

#define AHEAD 8
#define LINE 16 /* floats */

static inline void prefetch_row(size_t i, size_t listed, const uint32_t *index, const float *table, size_t width)
{
    if (i + AHEAD >= listed)
        return;
    const float *row = table + (size_t)index[i + AHEAD] * width;
    for (size_t c = 0; c < width; c += LINE)
        _mm_prefetch((const char *)(row + c), _MM_HINT_T0);
    _mm_prefetch((const char *)(row + width - 1), _MM_HINT_T0);
}

/* 64 columns, their sums in registers. */
static inline void gather_64(size_t count, size_t listed, const uint32_t *index, const float *scales,
                             const float *table, size_t width, bool first, float *dst)
{
    __m256 s0 = _mm256_loadu_ps(dst), s1 = _mm256_loadu_ps(dst + 8), s2 = _mm256_loadu_ps(dst + 16),
           s3 = _mm256_loadu_ps(dst + 24), s4 = _mm256_loadu_ps(dst + 32), s5 = _mm256_loadu_ps(dst + 40),
           s6 = _mm256_loadu_ps(dst + 48), s7 = _mm256_loadu_ps(dst + 56);
    const __m256 one = _mm256_set1_ps(1.0f);
    for (size_t i = 0; i < count; i++) {
        const float *row = table + (size_t)index[i] * width;
        if (first)
            prefetch_row(i, listed, index, table, width);
        __m256 scale = scales ? _mm256_set1_ps(scales[i]) : one; /* times one is exact */
        s0 = _mm256_add_ps(s0, _mm256_mul_ps(scale, _mm256_loadu_ps(row)));
        s1 = _mm256_add_ps(s1, _mm256_mul_ps(scale, _mm256_loadu_ps(row + 8)));
        s2 = _mm256_add_ps(s2, _mm256_mul_ps(scale, _mm256_loadu_ps(row + 16)));
        s3 = _mm256_add_ps(s3, _mm256_mul_ps(scale, _mm256_loadu_ps(row + 24)));
        s4 = _mm256_add_ps(s4, _mm256_mul_ps(scale, _mm256_loadu_ps(row + 32)));
        s5 = _mm256_add_ps(s5, _mm256_mul_ps(scale, _mm256_loadu_ps(row + 40)));
        s6 = _mm256_add_ps(s6, _mm256_mul_ps(scale, _mm256_loadu_ps(row + 48)));
        s7 = _mm256_add_ps(s7, _mm256_mul_ps(scale, _mm256_loadu_ps(row + 56)));
    }
    _mm256_storeu_ps(dst, s0);
    _mm256_storeu_ps(dst + 8, s1);
    _mm256_storeu_ps(dst + 16, s2);
    _mm256_storeu_ps(dst + 24, s3);
    _mm256_storeu_ps(dst + 32, s4);
    _mm256_storeu_ps(dst + 40, s5);
    _mm256_storeu_ps(dst + 48, s6);
    _mm256_storeu_ps(dst + 56, s7);
}

/* Up to 32 columns, those in `lanes` of each vector. */
static inline void gather_32(size_t count, size_t listed, const uint32_t *index, const float *scales,
                             const float *table, size_t width, bool first, const __m256i lanes[4], float *dst)
{
    __m256i l0 = lanes[0], l1 = lanes[1], l2 = lanes[2], l3 = lanes[3];
    __m256 s0 = _mm256_maskload_ps(dst, l0), s1 = _mm256_maskload_ps(dst + 8, l1),
           s2 = _mm256_maskload_ps(dst + 16, l2), s3 = _mm256_maskload_ps(dst + 24, l3);
    const __m256 one = _mm256_set1_ps(1.0f);
    for (size_t i = 0; i < count; i++) {
        const float *row = table + (size_t)index[i] * width;
        if (first)
            prefetch_row(i, listed, index, table, width);
        __m256 scale = scales ? _mm256_set1_ps(scales[i]) : one;
        s0 = _mm256_add_ps(s0, _mm256_mul_ps(scale, _mm256_maskload_ps(row, l0)));
        s1 = _mm256_add_ps(s1, _mm256_mul_ps(scale, _mm256_maskload_ps(row + 8, l1)));
        s2 = _mm256_add_ps(s2, _mm256_mul_ps(scale, _mm256_maskload_ps(row + 16, l2)));
        s3 = _mm256_add_ps(s3, _mm256_mul_ps(scale, _mm256_maskload_ps(row + 24, l3)));
    }
    _mm256_maskstore_ps(dst, l0, s0);
    _mm256_maskstore_ps(dst + 8, l1, s1);
    _mm256_maskstore_ps(dst + 16, l2, s2);
    _mm256_maskstore_ps(dst + 24, l3, s3);
}

void tci_gather_rows_avx2(size_t count, size_t listed, const uint32_t *index, const float *scales, const float *table,
                          size_t width, float *dst)
{
    size_t column = 0;
    for (; width - column >= 64; column += 64)
        gather_64(count, listed, index, scales, table + column, width, column == 0, dst + column);
    for (; column < width; column += 32) {
        __m256i lanes[4];
        for (size_t i = 0; i < 4; i++)
            lanes[i] = tci_lanes_avx2(width - column < 8 * i ? 0 : width - column - 8 * i);
        gather_32(count, listed, index, scales, table + column, width, column == 0, lanes, dst + column);
    }
}

void tci_scatter_rows_avx2(size_t count, size_t listed, const uint32_t *index, const float *scales, const float *src,
                           float *table, size_t width, size_t first, size_t last)
{
    const __m256i lanes = tci_lanes_avx2((last - first) % 8);
    const __m256 one = _mm256_set1_ps(1.0f);
    for (size_t i = 0; i < count; i++) {
        float *row = table + (size_t)index[i] * width;
        prefetch_row(i, listed, index, table, width);
        __m256 scale = scales ? _mm256_set1_ps(scales[i]) : one;
        size_t c = first;
        for (; last - c >= 8; c += 8)
            _mm256_storeu_ps(row + c,
                             _mm256_add_ps(_mm256_loadu_ps(row + c), _mm256_mul_ps(scale, _mm256_loadu_ps(src + c))));
        if (c < last) {
            __m256 sum = _mm256_mul_ps(scale, _mm256_maskload_ps(src + c, lanes));
            _mm256_maskstore_ps(row + c, lanes, _mm256_add_ps(_mm256_maskload_ps(row + c, lanes), sum));
        }
    }
}

void tci_dot_rows_avx2(size_t count, const uint32_t *index, const float *table, size_t width, const float *vector,
                       float *dst)
{
    const __m256i lanes = tci_lanes_avx2(width % 8);
    for (size_t i = 0; i < count; i++) {
        const float *row = table + (size_t)index[i] * width;
        __m256 sums = _mm256_setzero_ps();
        size_t c = 0;
        for (; width - c >= 8; c += 8)
            sums = _mm256_add_ps(sums, _mm256_mul_ps(_mm256_loadu_ps(row + c), _mm256_loadu_ps(vector + c)));
        if (c < width)
            sums = _mm256_add_ps(
                sums, _mm256_mul_ps(_mm256_maskload_ps(row + c, lanes), _mm256_maskload_ps(vector + c, lanes)));
        __m128 four = _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1));
        __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        dst[i] = _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
    }
}
