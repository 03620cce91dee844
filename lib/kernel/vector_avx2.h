/* vector_avx2.h: exp, tanh and sigmoid of 8 floats, inlined into the array functions and the LSTM cell.
 *
 * The formulas are those of math_scalar.c with fused multiply-adds. The result of an element does not depend on its
 * neighbours. Masks and the operand order of min and max (the second operand is returned when one is NaN) let NaN pass.
 */
#ifndef TCI_KERNEL_VECTOR_AVX2_H
#define TCI_KERNEL_VECTOR_AVX2_H

#include <immintrin.h>
#include <stddef.h>

#include "kernel/constants.h"

/* Lanes below `count` (at most 8). */
static inline __m256i tci_lanes_avx2(size_t count)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* x = n ln 2 + r: returns p = exp(r) - 1; *n holds n in each integer. */
static inline __m256 tci_exp_parts_avx2(__m256 x, __m256i *n)
{
    const __m256 magic = _mm256_set1_ps(TCI_ROUND_MAGIC);
    __m256 shifted = _mm256_fmadd_ps(x, _mm256_set1_ps(TCI_LOG2_E), magic);
    __m256 rounded = _mm256_sub_ps(shifted, magic);
    __m256 r = _mm256_fnmadd_ps(rounded, _mm256_set1_ps(TCI_LN2_HIGH), x);
    r = _mm256_fnmadd_ps(rounded, _mm256_set1_ps(TCI_LN2_LOW), r);
    __m256 p = _mm256_set1_ps(TCI_EXP_P0);
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(TCI_EXP_P1));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(TCI_EXP_P2));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(TCI_EXP_P3));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(TCI_EXP_P4));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(TCI_EXP_P5));
    *n = _mm256_sub_epi32(_mm256_castps_si256(shifted), _mm256_set1_epi32(TCI_ROUND_MAGIC_BITS));
    return _mm256_fmadd_ps(p, _mm256_mul_ps(r, r), r);
}

/* 2^n, -126 <= n <= 127. */
static inline __m256 tci_power_of_two_avx2(__m256i n)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}

static inline __m256 tci_exp_avx2_8(__m256 x)
{
    __m256i n;
    __m256 dropped = _mm256_cmp_ps(x, _mm256_set1_ps(TCI_EXP_LEAST), _CMP_LT_OQ);
    __m256 p = tci_exp_parts_avx2(_mm256_min_ps(_mm256_set1_ps(TCI_EXP_CLAMP), x), &n);
    __m256i half = _mm256_srai_epi32(n, 1); /* 2^128 is no float */
    __m256 value = _mm256_mul_ps(_mm256_add_ps(_mm256_set1_ps(1.0f), p), tci_power_of_two_avx2(half));
    value = _mm256_mul_ps(value, tci_power_of_two_avx2(_mm256_sub_epi32(n, half)));
    return _mm256_andnot_ps(dropped, value);
}

static inline __m256 tci_sigmoid_avx2_8(__m256 x)
{
    const __m256 one = _mm256_set1_ps(1.0f);
    __m256i n;
    __m256 dropped = _mm256_cmp_ps(x, _mm256_set1_ps(TCI_EXP_LEAST), _CMP_LT_OQ);
    __m256 negative = _mm256_sub_ps(_mm256_setzero_ps(), x);
    negative = _mm256_max_ps(_mm256_set1_ps(TCI_EXP_LEAST), negative);
    /* what is dropped below is only kept from overflowing here */
    negative = _mm256_min_ps(_mm256_set1_ps(-TCI_EXP_LEAST), negative);
    __m256 p = tci_exp_parts_avx2(negative, &n);
    __m256 scale = tci_power_of_two_avx2(n);
    __m256 value = _mm256_div_ps(one, _mm256_fmadd_ps(scale, p, _mm256_add_ps(one, scale)));
    return _mm256_andnot_ps(dropped, value);
}

static inline __m256 tci_tanh_avx2_8(__m256 x)
{
    const __m256 one = _mm256_set1_ps(1.0f), two = _mm256_set1_ps(2.0f);
    __m256 sign = _mm256_and_ps(x, _mm256_set1_ps(-0.0f));
    __m256 size = _mm256_xor_ps(x, sign);
    __m256 z = _mm256_mul_ps(size, size);
    __m256 q = _mm256_set1_ps(TCI_TANH_Q0);
    q = _mm256_fmadd_ps(q, z, _mm256_set1_ps(TCI_TANH_Q1));
    q = _mm256_fmadd_ps(q, z, _mm256_set1_ps(TCI_TANH_Q2));
    q = _mm256_fmadd_ps(q, z, _mm256_set1_ps(TCI_TANH_Q3));
    q = _mm256_fmadd_ps(q, z, _mm256_set1_ps(TCI_TANH_Q4));
    __m256 below = _mm256_fmadd_ps(size, _mm256_mul_ps(z, q), size);
    __m256i n;
    __m256 p = tci_exp_parts_avx2(_mm256_mul_ps(two, _mm256_min_ps(_mm256_set1_ps(TCI_TANH_CLAMP), size)), &n);
    __m256 scale = tci_power_of_two_avx2(n);
    __m256 above = _mm256_div_ps(two, _mm256_fmadd_ps(scale, p, _mm256_add_ps(one, scale)));
    above = _mm256_sub_ps(one, above);
    __m256 small = _mm256_cmp_ps(size, _mm256_set1_ps(TCI_TANH_JOINT), _CMP_LT_OQ);
    return _mm256_or_ps(_mm256_blendv_ps(above, below, small), sign);
}

#endif
