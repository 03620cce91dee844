/* lanes_avx2.h: one vector of 8 floats by names that every instruction set has, for kernels that are written once:
 * gelu.h, softmax.h, norm_rows.h. lanes_avx512.h and lanes_neon.h have the same names; fused operations and the
 * treatment of NaN are the same, so the bits are. */
#ifndef TCI_KERNEL_LANES_AVX2_H
#define TCI_KERNEL_LANES_AVX2_H

#include "kernel/kernels_avx2.h"
#include "kernel/vector_avx2.h"

#define LANES 8
#define NAMED(name) tci_##name##_avx2

typedef __m256 lanes;
typedef __m256 lanes_mask;

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

/* NaN in the second stays. */
static inline lanes lanes_max(lanes a, lanes b)
{
    return _mm256_max_ps(a, b);
}

static inline lanes lanes_min(lanes a, lanes b)
{
    return _mm256_min_ps(a, b);
}

static inline lanes lanes_exp(lanes x)
{
    return tci_exp_avx2_8(x);
}

static inline lanes lanes_sigmoid(lanes x)
{
    return tci_sigmoid_avx2_8(x);
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
