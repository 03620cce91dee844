/* dropout_avx2.c: eight draws of Philox 4x32-10 at once (base/random.c), for 32 elements.
 *
 * Lane 4·half + r draws for the group of four elements 2·r + half, so that the words, transposed within the halves, lie
 * as the elements do. */
#include <immintrin.h>

#include "kernel/kernels_avx2.h"

/* High and low halves of the 32-bit products of each lane with m (twice in each 64 bits). */
static inline __m256i multiply(__m256i a, __m256i m, __m256i *high)
{
    __m256i even = _mm256_mul_epu32(a, m), odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), m);
    *high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
    return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);
}

/* words[r]: of elements 8·r to 8·r + 7. */
static inline void draw(const uint32_t key[2], const uint32_t counter[4], __m256i words[4])
{
    const __m256i m0 = _mm256_set1_epi64x(0xD2511F53), m1 = _mm256_set1_epi64x(0xCD9E8D57);
    __m256i c0 = _mm256_add_epi32(_mm256_set1_epi32((int)counter[0]), _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7));
    __m256i c1 = _mm256_set1_epi32((int)counter[1]), c2 = _mm256_set1_epi32((int)counter[2]);
    __m256i c3 = _mm256_set1_epi32((int)counter[3]);
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
        __m256i high0, high1, low0 = multiply(c0, m0, &high0), low1 = multiply(c2, m1, &high1);
        c0 = _mm256_xor_si256(_mm256_xor_si256(high1, c1), _mm256_set1_epi32((int)k0));
        c2 = _mm256_xor_si256(_mm256_xor_si256(high0, c3), _mm256_set1_epi32((int)k1));
        c1 = low1;
        c3 = low0;
    }
    __m256i a = _mm256_unpacklo_epi32(c0, c1), b = _mm256_unpacklo_epi32(c2, c3);
    __m256i c = _mm256_unpackhi_epi32(c0, c1), d = _mm256_unpackhi_epi32(c2, c3);
    words[0] = _mm256_unpacklo_epi64(a, b);
    words[1] = _mm256_unpackhi_epi64(a, b);
    words[2] = _mm256_unpacklo_epi64(c, d);
    words[3] = _mm256_unpackhi_epi64(c, d);
}

void tci_drop_avx2(const tci_drop_constants *constants, const uint32_t counter[4], size_t count, float *x)
{
    const __m256i threshold = _mm256_set1_epi32((int)constants->threshold);
    const __m256 scale = _mm256_set1_ps(constants->scale);
    uint32_t at[4] = {counter[0], counter[1], counter[2], counter[3]};
    for (size_t k = 0; k < count; k += 32, at[0] += 8) {
        __m256i words[4];
        draw(constants->key, at, words);
        for (size_t r = 0; r < 4 && k + 8 * r < count; r++) {
            __m256i kept = _mm256_cmpeq_epi32(_mm256_max_epu32(words[r], threshold), words[r]);
            float *to = x + k + 8 * r;
            _mm256_storeu_ps(to, _mm256_and_ps(_mm256_castsi256_ps(kept), _mm256_mul_ps(_mm256_loadu_ps(to), scale)));
        }
    }
}
