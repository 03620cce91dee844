/* vector_avx512.h: exp, tanh and sigmoid of 16 floats: the operations of vector_avx2.h, with masks where
 * that one has vectors of ones and zeros. */
#ifndef TCI_KERNEL_VECTOR_AVX512_H
#define TCI_KERNEL_VECTOR_AVX512_H

#include <immintrin.h>

#include "kernel/constants.h"

/* x = n ln 2 + r: returns p = exp(r) - 1. */
static inline __m512 tci_exp_parts_avx512(__m512 x, __m512 *n)
{
    const __m512 magic = _mm512_set1_ps(TCI_ROUND_MAGIC);
    __m512 shifted = _mm512_fmadd_ps(x, _mm512_set1_ps(TCI_LOG2_E), magic);
    *n = _mm512_sub_ps(shifted, magic);
    __m512 r = _mm512_fnmadd_ps(*n, _mm512_set1_ps(TCI_LN2_HIGH), x);
    r = _mm512_fnmadd_ps(*n, _mm512_set1_ps(TCI_LN2_LOW), r);
    __m512 p = _mm512_set1_ps(TCI_EXP_P0);
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(TCI_EXP_P1));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(TCI_EXP_P2));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(TCI_EXP_P3));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(TCI_EXP_P4));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(TCI_EXP_P5));
    return _mm512_fmadd_ps(p, _mm512_mul_ps(r, r), r);
}

/* x · 2^n is exact wherever it is no denormal. */
static inline __m512 tci_exp_avx512_16(__m512 x)
{
    __m512 n;
    __mmask16 kept = _mm512_cmp_ps_mask(x, _mm512_set1_ps(TCI_EXP_LEAST), _CMP_NLT_UQ);
    __m512 p = tci_exp_parts_avx512(_mm512_min_ps(_mm512_set1_ps(TCI_EXP_CLAMP), x), &n);
    p = _mm512_add_ps(_mm512_set1_ps(1.0f), p);
    return _mm512_maskz_scalef_ps(kept, p, n);
}

static inline __m512 tci_sigmoid_avx512_16(__m512 x)
{
    const __m512 one = _mm512_set1_ps(1.0f);
    __m512 n;
    __mmask16 kept = _mm512_cmp_ps_mask(x, _mm512_set1_ps(TCI_EXP_LEAST), _CMP_NLT_UQ);
    __m512 negative = _mm512_sub_ps(_mm512_setzero_ps(), x);
    negative = _mm512_max_ps(_mm512_set1_ps(TCI_EXP_LEAST), negative);
    /* what is dropped below is only kept from overflowing here */
    negative = _mm512_min_ps(_mm512_set1_ps(-TCI_EXP_LEAST), negative);
    __m512 p = tci_exp_parts_avx512(negative, &n);
    __m512 scale = _mm512_scalef_ps(one, n);
    return _mm512_maskz_div_ps(kept, one, _mm512_fmadd_ps(scale, p, _mm512_add_ps(one, scale)));
}

static inline __m512 tci_tanh_avx512_16(__m512 x)
{
    const __m512 one = _mm512_set1_ps(1.0f), two = _mm512_set1_ps(2.0f);
    __m512 sign = _mm512_and_ps(x, _mm512_set1_ps(-0.0f));
    __m512 size = _mm512_xor_ps(x, sign);
    __m512 z = _mm512_mul_ps(size, size);
    __m512 q = _mm512_set1_ps(TCI_TANH_Q0);
    q = _mm512_fmadd_ps(q, z, _mm512_set1_ps(TCI_TANH_Q1));
    q = _mm512_fmadd_ps(q, z, _mm512_set1_ps(TCI_TANH_Q2));
    q = _mm512_fmadd_ps(q, z, _mm512_set1_ps(TCI_TANH_Q3));
    q = _mm512_fmadd_ps(q, z, _mm512_set1_ps(TCI_TANH_Q4));
    __m512 n;
    __m512 p = tci_exp_parts_avx512(_mm512_mul_ps(two, _mm512_min_ps(_mm512_set1_ps(TCI_TANH_CLAMP), size)), &n);
    __m512 scale = _mm512_scalef_ps(one, n);
    __m512 above = _mm512_div_ps(two, _mm512_fmadd_ps(scale, p, _mm512_add_ps(one, scale)));
    __m512 value = _mm512_sub_ps(one, above);
    __mmask16 small = _mm512_cmp_ps_mask(size, _mm512_set1_ps(TCI_TANH_JOINT), _CMP_LT_OQ);
    value = _mm512_mask_mov_ps(value, small, _mm512_fmadd_ps(size, _mm512_mul_ps(z, q), size));
    return _mm512_or_ps(value, sign);
}

#endif
