/* lanes_avx512.h: one vector of 16 floats by the names of lanes_avx2.h, with its bits. */
#ifndef TCI_KERNEL_LANES_AVX512_H
#define TCI_KERNEL_LANES_AVX512_H

#include <immintrin.h>

#include "kernel/kernels_avx512.h"

#define LANES 16
#define NAMED(name) tci_##name##_avx512

typedef __m512 lanes;
typedef __mmask16 lanes_mask;

static inline lanes lanes_all(float x)
{
    return _mm512_set1_ps(x);
}

static inline lanes lanes_load(const float *from)
{
    return _mm512_loadu_ps(from);
}

static inline void lanes_store(float *to, lanes x)
{
    _mm512_storeu_ps(to, x);
}

static inline lanes_mask lanes_first(size_t count)
{
    return (lanes_mask)(count < LANES ? (1u << count) - 1 : 0xffffu);
}

static inline lanes lanes_load_some(const float *from, size_t count)
{
    return _mm512_maskz_loadu_ps(lanes_first(count), from);
}

static inline void lanes_store_some(float *to, lanes x, size_t count)
{
    _mm512_mask_storeu_ps(to, lanes_first(count), x);
}

static inline lanes_mask lanes_below(lanes a, lanes b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}

static inline lanes_mask lanes_not_below(lanes a, lanes b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_NLT_UQ);
}

static inline lanes lanes_keep(lanes_mask mask, lanes x)
{
    return _mm512_maskz_mov_ps(mask, x);
}

static inline lanes lanes_select(lanes_mask mask, lanes yes, lanes no)
{
    return _mm512_mask_mov_ps(no, mask, yes);
}

static inline lanes lanes_add(lanes a, lanes b)
{
    return _mm512_add_ps(a, b);
}

static inline lanes lanes_sub(lanes a, lanes b)
{
    return _mm512_sub_ps(a, b);
}

static inline lanes lanes_mul(lanes a, lanes b)
{
    return _mm512_mul_ps(a, b);
}

static inline lanes lanes_fma(lanes a, lanes b, lanes c)
{
    return _mm512_fmadd_ps(a, b, c);
}

static inline lanes lanes_fnma(lanes a, lanes b, lanes c)
{
    return _mm512_fnmadd_ps(a, b, c);
}

static inline lanes lanes_fnms(lanes a, lanes b, lanes c)
{
    return _mm512_fnmsub_ps(a, b, c);
}

static inline lanes lanes_div(lanes a, lanes b)
{
    return _mm512_div_ps(a, b);
}

static inline lanes lanes_power(lanes shifted)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(shifted), 23));
}

static inline lanes lanes_scale(lanes x, lanes n)
{
    return _mm512_scalef_ps(x, n);
}

static inline lanes lanes_positive(lanes x)
{
    return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), x);
}

static inline lanes lanes_signed(lanes x, lanes y)
{
    return _mm512_or_ps(x, _mm512_and_ps(y, _mm512_set1_ps(-0.0f)));
}

static inline lanes lanes_max(lanes a, lanes b)
{
    return _mm512_max_ps(a, b);
}

static inline lanes lanes_min(lanes a, lanes b)
{
    return _mm512_min_ps(a, b);
}

static inline float lanes_total(const lanes x[1])
{
    __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(x[0]), _mm512_extractf32x8_ps(x[0], 1));
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

static inline float lanes_largest(const lanes x[1])
{
    __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(x[0]), _mm512_extractf32x8_ps(x[0], 1));
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}

#endif
