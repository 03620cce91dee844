/* dropout_avx512.c: sixteen draws of Philox 4x32-10 at once (base/random.c), for 64 elements; as dropout_avx2.c. */
#include <immintrin.h>

#include "kernel/kernels_avx512.h"

/* High and low halves of the 32-bit products of each lane with m (twice in each 64 bits). */
static inline __m512i multiply(__m512i a, __m512i m, __m512i *high)
{
    __m512i even = _mm512_mul_epu32(a, m), odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), m);
    *high = _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 32), odd);
    return _mm512_mask_blend_epi32(0xAAAA, even, _mm512_slli_epi64(odd, 32));
}

/* words[r]: of elements 16·r to 16·r + 15. */
static inline void draw(const uint32_t key[2], const uint32_t counter[4], __m512i words[4])
{
    const __m512i m0 = _mm512_set1_epi64(0xD2511F53), m1 = _mm512_set1_epi64(0xCD9E8D57);
    __m512i c0 = _mm512_add_epi32(_mm512_set1_epi32((int)counter[0]),
                                  _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    __m512i c1 = _mm512_set1_epi32((int)counter[1]), c2 = _mm512_set1_epi32((int)counter[2]);
    __m512i c3 = _mm512_set1_epi32((int)counter[3]);
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
        __m512i high0, high1, low0 = multiply(c0, m0, &high0), low1 = multiply(c2, m1, &high1);
        c0 = _mm512_xor_si512(_mm512_xor_si512(high1, c1), _mm512_set1_epi32((int)k0));
        c2 = _mm512_xor_si512(_mm512_xor_si512(high0, c3), _mm512_set1_epi32((int)k1));
        c1 = low1;
        c3 = low0;
    }
    __m512i a = _mm512_unpacklo_epi32(c0, c1), b = _mm512_unpacklo_epi32(c2, c3);
    __m512i c = _mm512_unpackhi_epi32(c0, c1), d = _mm512_unpackhi_epi32(c2, c3);
    words[0] = _mm512_unpacklo_epi64(a, b);
    words[1] = _mm512_unpackhi_epi64(a, b);
    words[2] = _mm512_unpacklo_epi64(c, d);
    words[3] = _mm512_unpackhi_epi64(c, d);
}

void tci_drop_avx512(const tci_drop_constants *constants, const uint32_t counter[4], size_t count, float *x)
{
    const __m512i threshold = _mm512_set1_epi32((int)constants->threshold);
    const __m512 scale = _mm512_set1_ps(constants->scale);
    uint32_t at[4] = {counter[0], counter[1], counter[2], counter[3]};
    for (size_t k = 0; k < count; k += 64, at[0] += 16) {
        __m512i words[4];
        draw(constants->key, at, words);
        for (size_t r = 0; r < 4 && k + 16 * r < count; r++) {
            __mmask16 kept = _mm512_cmpge_epu32_mask(words[r], threshold);
            float *to = x + k + 16 * r;
            _mm512_storeu_ps(to, _mm512_maskz_mul_ps(kept, _mm512_loadu_ps(to), scale));
        }
    }
}
