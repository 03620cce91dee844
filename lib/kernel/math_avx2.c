/* math_avx2.c: element-wise kernels over arrays, and sums of rows, with AVX2. */
#include "kernel/lanes_avx2.h"

#include "kernel/arrays.h"
#include "kernel/exponentials.h"

ARRAY_FUNCTION(tci_exp_avx2, lanes_exp)
ARRAY_FUNCTION(tci_tanh_avx2, lanes_tanh)
ARRAY_FUNCTION(tci_sigmoid_avx2, lanes_sigmoid)

void tci_add_avx2(size_t count, const float *src, float *dst)
{
    size_t i = 0;
    for (; count - i >= 8; i += 8)
        _mm256_storeu_ps(dst + i, _mm256_add_ps(_mm256_loadu_ps(dst + i), _mm256_loadu_ps(src + i)));
    if (i < count) {
        __m256i rest = tci_lanes_avx2(count - i);
        __m256 sum = _mm256_add_ps(_mm256_maskload_ps(dst + i, rest), _mm256_maskload_ps(src + i, rest));
        _mm256_maskstore_ps(dst + i, rest, sum);
    }
}

/* Two pairs, of codes 0 and 1, each in its book. */
static inline __m128 two_pairs(const uint8_t *book, const uint8_t *codes)
{
    __m128i first = _mm_loadl_epi64((const __m128i *)(const void *)(book + 8 * codes[0]));
    __m128i second = _mm_loadl_epi64((const __m128i *)(const void *)(book + 2048 + 8 * codes[1]));
    return _mm_castsi128_ps(_mm_unpacklo_epi64(first, second));
}

void tci_add_pairs_avx2(size_t count, const uint32_t *rows, const float *norms, const uint8_t *codes, size_t stride,
                        const void *book, float *dst)
{
    const uint8_t *bytes = book;
    __m256 sum = _mm256_loadu_ps(dst);
    for (size_t i = 0; i < count; i++) {
        const uint8_t *row = codes + rows[i] * stride;
        __m256 pairs = _mm256_set_m128(two_pairs(bytes + 2 * 2048, row + 2), two_pairs(bytes, row));
        sum = _mm256_add_ps(sum, _mm256_mul_ps(_mm256_set1_ps(norms[i]), pairs));
    }
    _mm256_storeu_ps(dst, sum);
}

/* 32 columns at a time: four chains of additions hide their latency, and a line of src is read whole. */
void tci_add_rows_avx2(size_t rows, size_t columns, const float *src, size_t src_stride, float *dst)
{
    size_t column = 0;
    for (; columns - column >= 32; column += 32) {
        const float *from = src + column;
        float *to = dst + column;
        __m256 sum0 = _mm256_loadu_ps(to), sum1 = _mm256_loadu_ps(to + 8);
        __m256 sum2 = _mm256_loadu_ps(to + 16), sum3 = _mm256_loadu_ps(to + 24);
        for (size_t row = 0; row < rows; row++, from += src_stride) {
            sum0 = _mm256_add_ps(sum0, _mm256_loadu_ps(from));
            sum1 = _mm256_add_ps(sum1, _mm256_loadu_ps(from + 8));
            sum2 = _mm256_add_ps(sum2, _mm256_loadu_ps(from + 16));
            sum3 = _mm256_add_ps(sum3, _mm256_loadu_ps(from + 24));
        }
        _mm256_storeu_ps(to, sum0);
        _mm256_storeu_ps(to + 8, sum1);
        _mm256_storeu_ps(to + 16, sum2);
        _mm256_storeu_ps(to + 24, sum3);
    }
    for (; column < columns; column += 8) {
        const float *from = src + column;
        __m256 sum = _mm256_loadu_ps(dst + column);
        for (size_t row = 0; row < rows; row++, from += src_stride)
            sum = _mm256_add_ps(sum, _mm256_loadu_ps(from));
        _mm256_storeu_ps(dst + column, sum);
    }
}

void tci_sum_rows_avx2(size_t count, const uint32_t *index, const float *src, float *dst)
{
    uint32_t seen = 0; /* the number that appears next for the first time */
    for (size_t i = 0; i < count; i++, src += TCI_PANEL) {
        float *to = dst + (size_t)index[i] * TCI_PANEL;
        __m256 low = _mm256_loadu_ps(src), high = _mm256_loadu_ps(src + 8);
        if (index[i] == seen) {
            seen++;
        } else {
            low = _mm256_add_ps(_mm256_loadu_ps(to), low);
            high = _mm256_add_ps(_mm256_loadu_ps(to + 8), high);
        }
        _mm256_storeu_ps(to, low);
        _mm256_storeu_ps(to + 8, high);
    }
}
