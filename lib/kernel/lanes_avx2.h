/* lanes_avx2.h: one vector of 8 floats by names that every instruction set has, for kernels that are written once:
 * exponentials.h, lstm_cell.h, gelu.h, softmax.h, norm_rows.h. lanes_avx512.h and lanes_neon.h have the same names;
 * fused operations and the treatment of NaN are the same, so the bits are. */
#ifndef TCI_KERNEL_LANES_AVX2_H
#define TCI_KERNEL_LANES_AVX2_H

#include <immintrin.h>

#include "kernel/kernels_avx2.h"

#define LANES 8
#define NAMED(name) tci_##name##_avx2

typedef __m256 lanes;
typedef __m256 lanes_mask;

/* Lanes below `count` (at most 8). */
static inline __m256i tci_lanes_avx2(size_t count)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline lanes lanes_all(float x)
{
    return _mm256_set1_ps(x);
}

static inline lanes lanes_load(const float *from)
{
    return _mm256_loadu_ps(from);
}

static inline void lanes_store(float *to, lanes x)
{
    _mm256_storeu_ps(to, x);
}

/* The first `count` lanes, any number; zeros behind. */
static inline lanes lanes_load_some(const float *from, size_t count)
{
    return _mm256_maskload_ps(from, tci_lanes_avx2(count < LANES ? count : LANES));
}

static inline void lanes_store_some(float *to, lanes x, size_t count)
{
    _mm256_maskstore_ps(to, tci_lanes_avx2(count < LANES ? count : LANES), x);
}

static inline lanes_mask lanes_first(size_t count)
{
    return _mm256_castsi256_ps(tci_lanes_avx2(count < LANES ? count : LANES));
}

static inline lanes_mask lanes_below(lanes a, lanes b)
{
    return _mm256_cmp_ps(a, b, _CMP_LT_OQ);
}

/* Also where either is NaN. */
static inline lanes_mask lanes_not_below(lanes a, lanes b)
{
    return _mm256_cmp_ps(a, b, _CMP_NLT_UQ);
}

/* Zeros outside the mask. */
static inline lanes lanes_keep(lanes_mask mask, lanes x)
{
    return _mm256_and_ps(mask, x);
}

static inline lanes lanes_select(lanes_mask mask, lanes yes, lanes no)
{
    return _mm256_blendv_ps(no, yes, mask);
}

static inline lanes lanes_add(lanes a, lanes b)
{
    return _mm256_add_ps(a, b);
}

static inline lanes lanes_sub(lanes a, lanes b)
{
    return _mm256_sub_ps(a, b);
}

static inline lanes lanes_mul(lanes a, lanes b)
{
    return _mm256_mul_ps(a, b);
}

/* a · b + c, one rounding. */
static inline lanes lanes_fma(lanes a, lanes b, lanes c)
{
    return _mm256_fmadd_ps(a, b, c);
}

/* c - a · b */
static inline lanes lanes_fnma(lanes a, lanes b, lanes c)
{
    return _mm256_fnmadd_ps(a, b, c);
}

/* -(a · b) - c */
static inline lanes lanes_fnms(lanes a, lanes b, lanes c)
{
    return _mm256_fnmsub_ps(a, b, c);
}

static inline lanes lanes_div(lanes a, lanes b)
{
    return _mm256_div_ps(a, b);
}

/* 2^n of n + TCI_POWER_MAGIC, -126 <= n <= 127. */
static inline lanes lanes_power(lanes shifted)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(shifted), 23));
}

/* x · 2^n of a whole n, -126 <= n <= 128. */
static inline lanes lanes_scale(lanes x, lanes n)
{
    const __m256i bias = _mm256_set1_epi32(127);
    __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1); /* 2^128 is no float */
    __m256i rest = _mm256_sub_epi32(whole, half);
    x = _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23)));
    return _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23)));
}

/* |x| */
static inline lanes lanes_positive(lanes x)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
}

/* |x| with the sign of y; x has none. */
static inline lanes lanes_signed(lanes x, lanes y)
{
    return _mm256_or_ps(x, _mm256_and_ps(y, _mm256_set1_ps(-0.0f)));
}

/* NaN in the second stays. */
static inline lanes lanes_max(lanes a, lanes b)
{
    return _mm256_max_ps(a, b);
}

static inline lanes lanes_min(lanes a, lanes b)
{
    return _mm256_min_ps(a, b);
}

/* Of 16 numbers: added 8 apart, then 4, 2, 1. */
static inline float lanes_total(const lanes x[2])
{
    __m256 eight = _mm256_add_ps(x[0], x[1]);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

static inline float lanes_largest(const lanes x[2])
{
    __m256 eight = _mm256_max_ps(x[0], x[1]);
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}

#endif
