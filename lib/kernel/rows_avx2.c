/* rows_avx2.c: the rows of rows_scalar.c, 8 columns at a time, with its bits: not fused, because products and sums are
 * not what these wait for. Rows come from all over a table that no cache holds: each is asked for AHEAD rows before it
 * is read, which hides most of the way to memory. */
#include "kernel/kernels_avx2.h"
#include "kernel/lanes_avx2.h"

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

/* Up to 64 columns, their sums in registers, the last vector's `rest` of them. `vectors` is a constant wherever this is
 * inlined. */
static inline __attribute__((always_inline)) void gather(size_t vectors, size_t rest, size_t count, size_t listed,
                                                         const uint32_t *index, const float *scales, const float *table,
                                                         size_t width, float *dst)
{
    const __m256 one = _mm256_set1_ps(1.0f);
    const __m256i some = tci_lanes_avx2(rest);
    size_t last = vectors - 1;
    __m256 sums[8];
    EACH_OF(k, last) sums[k] = _mm256_loadu_ps(dst + 8 * k);
    sums[last] = _mm256_maskload_ps(dst + 8 * last, some);
    for (size_t i = 0; i < count; i++) {
        const float *row = table + (size_t)index[i] * width;
        prefetch_row(i, listed, index, table, width);
        __m256 scale = scales ? _mm256_set1_ps(scales[i]) : one; /* times one is exact */
        EACH_OF(k, last) sums[k] = _mm256_add_ps(sums[k], _mm256_mul_ps(scale, _mm256_loadu_ps(row + 8 * k)));
        sums[last] = _mm256_add_ps(sums[last], _mm256_mul_ps(scale, _mm256_maskload_ps(row + 8 * last, some)));
    }
    EACH_OF(k, last) _mm256_storeu_ps(dst + 8 * k, sums[k]);
    _mm256_maskstore_ps(dst + 8 * last, some, sums[last]);
}

void tci_gather_rows_avx2(size_t count, size_t listed, const uint32_t *index, const float *scales, const void *table,
                          size_t width, float *dst)
{
    for (size_t column = 0; column < width; column += 64, dst += 64, listed = 0) { /* what was asked for comes whole */
        const float *from = (const float *)table + column; /* for loads that ask for no alignment */
        size_t left = width - column < 64 ? width - column : 64;
        size_t vectors = (left + 7) / 8, rest = left - 8 * (vectors - 1);
        switch (vectors) {
#define VECTORS(n)                                                                                                     \
    case n:                                                                                                            \
        gather(n, rest, count, listed, index, scales, from, width, dst);                                               \
        break;
            VECTORS(1)
            VECTORS(2)
            VECTORS(3)
            VECTORS(4)
            VECTORS(5)
            VECTORS(6)
            VECTORS(7)
        default:
            gather(8, rest, count, listed, index, scales, from, width, dst);
            break;
#undef VECTORS
        }
    }
}

void tci_scatter_rows_avx2(size_t count, size_t listed, const uint32_t *index, const float *scales, const float *src,
                           float *table, size_t width, size_t first, size_t last)
{
    const __m256i some = tci_lanes_avx2((last - first) % 8);
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
            __m256 sum = _mm256_mul_ps(scale, _mm256_maskload_ps(src + c, some));
            _mm256_maskstore_ps(row + c, some, _mm256_add_ps(_mm256_maskload_ps(row + c, some), sum));
        }
    }
}

void tci_dot_rows_avx2(size_t count, const uint32_t *index, const float *table, size_t width, const float *vector,
                       float *dst)
{
    const __m256i some = tci_lanes_avx2(width % 8);
    for (size_t i = 0; i < count; i++) {
        const float *row = table + (size_t)index[i] * width;
        __m256 sums = _mm256_setzero_ps();
        size_t c = 0;
        for (; width - c >= 8; c += 8)
            sums = _mm256_add_ps(sums, _mm256_mul_ps(_mm256_loadu_ps(row + c), _mm256_loadu_ps(vector + c)));
        if (c < width)
            sums = _mm256_add_ps(
                sums, _mm256_mul_ps(_mm256_maskload_ps(row + c, some), _mm256_maskload_ps(vector + c, some)));
        __m128 four = _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1));
        __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        dst[i] = _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
    }
}
