/* gemm_micro_avx512.h: what the micro-kernels of products with float and bfloat16 weights share with AVX-512: R rows ×
 * P panels of c in named registers, one vector of 16 floats each, that start from some place and are stored to c.
 *
 * The kernel that uses them has start, start_row, start_block, c, c_row, c_block, `const float *from`, `float *to`, and
 * for a pass b, panel_step; the file defines LINE(from), which gives a line of a panel as 16 floats, and ELEMENT(r), an
 * element of row r of a. */
#ifndef TCI_KERNEL_GEMM_MICRO_AVX512_H
#define TCI_KERNEL_GEMM_MICRO_AVX512_H

#include <immintrin.h>

#include "kernel/gemm_unroll.h"

/* A value that stays in its register: gcc would load it again for each operation that it is an operand of. */
static inline __m512 tci_kept(__m512 value)
{
    __asm__("" : "+v"(value));
    return value;
}

/* Statements of a macro stand one a line. */
/* clang-format off */

#define LOAD(r, p)                                                                                                    \
    __m512 sum_##r##_##p = _mm512_loadu_ps(from);                                                                     \
    from += start_row;
#define STORE(r, p)                                                                                                   \
    _mm512_storeu_ps(to, sum_##r##_##p);                                                                              \
    to += c_row;
#define LOAD_PANEL(rows, p)                                                                                           \
    from = start + p * start_block;                                                                                   \
    rows(LOAD, p)
#define STORE_PANEL(rows, p)                                                                                          \
    to = c + p * c_block;                                                                                             \
    rows(STORE, p)
/* One depth: the lines of all panels stay, a's elements pass one by one. */
#define LINES_1 const __m512 line_0 = LINE(b);
#define LINES_2 LINES_1 const __m512 line_1 = LINE(b + panel_step);
#define LINES_3 LINES_2 const __m512 line_2 = LINE(b + 2 * panel_step);
#define LINES_4 LINES_3 const __m512 line_3 = LINE(b + 3 * panel_step);
#define PASS(r, p) sum_##r##_##p = _mm512_fmadd_ps(x, line_##p, sum_##r##_##p);
#define PASS_1(r, p)                                                                                                  \
    {                                                                                                                 \
        const __m512 x = tci_kept(_mm512_set1_ps(ELEMENT(r)));                                                        \
        PASS(r, 0)                                                                                                    \
    }
#define PASS_2(r, p)                                                                                                  \
    {                                                                                                                 \
        const __m512 x = tci_kept(_mm512_set1_ps(ELEMENT(r)));                                                        \
        PASS(r, 0) PASS(r, 1)                                                                                         \
    }
#define PASS_3(r, p)                                                                                                  \
    {                                                                                                                 \
        const __m512 x = tci_kept(_mm512_set1_ps(ELEMENT(r)));                                                        \
        PASS(r, 0) PASS(r, 1) PASS(r, 2)                                                                              \
    }
#define PASS_4(r, p)                                                                                                  \
    {                                                                                                                 \
        const __m512 x = tci_kept(_mm512_set1_ps(ELEMENT(r)));                                                        \
        PASS(r, 0) PASS(r, 1) PASS(r, 2) PASS(r, 3)                                                                   \
    }
/* clang-format on */

#endif
