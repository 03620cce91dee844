/* gemm_micro_avx512.h: what the micro-kernels of products with float and bfloat16 weights share with AVX-512: R rows ×
 * P panels of c in named registers, one vector of 16 floats each, that start from c and are stored to it.
 *
 * The kernel that uses them has c, c_row, c_block, `float *to`, and for a pass a, a_row, b, panel_step; the file
 * defines LINE(from), which gives a line of a panel as 16 floats. */
#ifndef TCI_KERNEL_GEMM_MICRO_AVX512_H
#define TCI_KERNEL_GEMM_MICRO_AVX512_H

#include <immintrin.h>

#include "kernel/gemm_unroll.h"

/* Statements of a macro stand one a line. */
/* clang-format off */

#define LOAD(r, p)                                                                                                    \
    __m512 sum_##r##_##p = _mm512_loadu_ps(to);                                                                       \
    to += c_row;
#define STORE(r, p)                                                                                                   \
    _mm512_storeu_ps(to, sum_##r##_##p);                                                                              \
    to += c_row;
#define PASS(r, p)                                                                                                    \
    sum_##r##_##p = _mm512_fmadd_ps(_mm512_set1_ps(a[(size_t)r * a_row]), line, sum_##r##_##p);
#define LOAD_PANEL(rows, p)                                                                                           \
    to = c + p * c_block;                                                                                             \
    rows(LOAD, p)
#define STORE_PANEL(rows, p)                                                                                          \
    to = c + p * c_block;                                                                                             \
    rows(STORE, p)
#define PASS_PANEL(rows, p)                                                                                           \
    {                                                                                                                 \
        const __m512 line = LINE(b + p * panel_step);                                                                 \
        rows(PASS, p)                                                                                                 \
    }
/* clang-format on */

#endif
