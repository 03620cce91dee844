/* transpose_avx2.c: the transpose of a matrix with AVX2, stored or added, by squares of 8 x 8 in registers. */
#include <immintrin.h>

#include "kernel/kernels_avx2.h"

/* Rows 0 to 7 of a square become its columns. */
static inline __attribute__((always_inline)) void turn(__m256 r[8])
{
    __m256 pairs[8], fours[8];
    EACH_OF(i, 4)
    {
        pairs[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        pairs[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    EACH_OF(i, 2)
    {
        fours[4 * i] = _mm256_shuffle_ps(pairs[4 * i], pairs[4 * i + 2], 0x44);
        fours[4 * i + 1] = _mm256_shuffle_ps(pairs[4 * i], pairs[4 * i + 2], 0xEE);
        fours[4 * i + 2] = _mm256_shuffle_ps(pairs[4 * i + 1], pairs[4 * i + 3], 0x44);
        fours[4 * i + 3] = _mm256_shuffle_ps(pairs[4 * i + 1], pairs[4 * i + 3], 0xEE);
    }
    EACH_OF(i, 4)
    {
        r[i] = _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x20);
        r[i + 4] = _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x31);
    }
}

static inline __attribute__((always_inline)) void square(const float *src, size_t src_stride, float *dst,
                                                         size_t dst_stride, bool add)
{
    __m256 r[8];
    EACH_OF(i, 8) r[i] = _mm256_loadu_ps(src + i * src_stride);
    turn(r);
    EACH_OF(i, 8)
    {
        float *to = dst + i * dst_stride;
        _mm256_storeu_ps(to, add ? _mm256_add_ps(r[i], _mm256_loadu_ps(to)) : r[i]);
    }
}

#define TCI_SQUARE 8
#include "kernel/transpose_squares.h"

void tci_transpose_avx2(size_t rows, size_t columns, const float *src, size_t src_stride, float *dst, size_t dst_stride,
                        bool add)
{
    if (add)
        squares(rows, columns, src, src_stride, dst, dst_stride, true);
    else
        squares(rows, columns, src, src_stride, dst, dst_stride, false);
}
