/* adam_avx2.c: Adam's update of a run of elements with AVX2; the formulas are in optimizer/adam.c.
 *
 * Bound by memory where the blocks do not fit a cache (28 bytes an element, 24 without a gradient), else by the square
 * root and the division, of which each vector needs one. */
#include <immintrin.h>

#include "kernel/kernels_avx2.h"
#include "kernel/lanes_avx2.h"

typedef struct vectors {
    __m256 gradient_scale, shrink, decay, one_minus_beta1, one_minus_beta2, step_size, root_scale, epsilon;
} vectors;

/* Eight elements: value, exp_avg and exp_avg_sq in and out. */
static inline __attribute__((always_inline)) void update(const vectors *k, __m256 gradient, __m256 *value, __m256 *m,
                                                         __m256 *v)
{
    __m256 g = _mm256_fmadd_ps(k->gradient_scale, gradient, _mm256_mul_ps(k->decay, *value));
    *m = _mm256_fmadd_ps(k->one_minus_beta1, _mm256_sub_ps(g, *m), *m);
    *v = _mm256_fmadd_ps(k->one_minus_beta2, _mm256_fmsub_ps(g, g, *v), *v);
    __m256 root = _mm256_fmadd_ps(k->root_scale, _mm256_sqrt_ps(*v), k->epsilon);
    *value = _mm256_fnmadd_ps(k->step_size, _mm256_div_ps(*m, root), _mm256_mul_ps(k->shrink, *value));
}

void tci_adam_avx2(const tci_adam_constants *constants, size_t count, float *value, const float *gradient,
                   float *exp_avg, float *exp_avg_sq)
{
    const vectors k = {_mm256_set1_ps(constants->gradient_scale),  _mm256_set1_ps(constants->shrink),
                       _mm256_set1_ps(constants->decay),           _mm256_set1_ps(constants->one_minus_beta1),
                       _mm256_set1_ps(constants->one_minus_beta2), _mm256_set1_ps(constants->step_size),
                       _mm256_set1_ps(constants->root_scale),      _mm256_set1_ps(constants->epsilon)};
    size_t i = 0;
    for (; count - i >= 8; i += 8) {
        __m256 g = gradient ? _mm256_loadu_ps(gradient + i) : _mm256_setzero_ps();
        __m256 p = _mm256_loadu_ps(value + i), m = _mm256_loadu_ps(exp_avg + i), v = _mm256_loadu_ps(exp_avg_sq + i);
        update(&k, g, &p, &m, &v);
        _mm256_storeu_ps(value + i, p);
        _mm256_storeu_ps(exp_avg + i, m);
        _mm256_storeu_ps(exp_avg_sq + i, v);
    }
    if (i < count) {
        __m256i rest = tci_lanes_avx2(count - i);
        __m256 g = gradient ? _mm256_maskload_ps(gradient + i, rest) : _mm256_setzero_ps();
        __m256 p = _mm256_maskload_ps(value + i, rest), m = _mm256_maskload_ps(exp_avg + i, rest);
        __m256 v = _mm256_maskload_ps(exp_avg_sq + i, rest);
        update(&k, g, &p, &m, &v);
        _mm256_maskstore_ps(value + i, rest, p);
        _mm256_maskstore_ps(exp_avg + i, rest, m);
        _mm256_maskstore_ps(exp_avg_sq + i, rest, v);
    }
}
