/* squares_avx2.c: sums of squares in double with AVX2. The square of a float is exact in double, so that a fused
 * addition has the bits of one that is not. */
#include <immintrin.h>

#include "kernel/kernels_avx2.h"
#include "kernel/kernels_scalar.h"

void tci_add_squares_avx2(size_t count, const float *src, double lanes[TCI_SQUARE_LANES])
{
    size_t whole = count / TCI_SQUARE_LANES * TCI_SQUARE_LANES;
    __m256d sums[4];
    EACH_OF(k, 4) sums[k] = _mm256_loadu_pd(lanes + 4 * k);
    for (size_t i = 0; i < whole; i += TCI_SQUARE_LANES) {
        EACH_OF(k, 4)
        {
            __m256d x = _mm256_cvtps_pd(_mm_loadu_ps(src + i + 4 * k));
            sums[k] = _mm256_fmadd_pd(x, x, sums[k]);
        }
    }
    EACH_OF(k, 4) _mm256_storeu_pd(lanes + 4 * k, sums[k]);
    tci_add_squares_scalar(count - whole, src + whole, lanes);
}
