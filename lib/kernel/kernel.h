/* kernel.h: the contract of every compute kernel, one constant table of function pointers per instruction set.
 *
 * Shapes. Matrices are row-major with a row stride in floats. A "panel" is 16 columns; every matrix that a kernel reads
 * or writes by panels has a stride that is a multiple of 16 floats (TCI_PANEL) and 64-byte aligned rows, its padding
 * columns hold zeros or whatever arithmetic on zeros gives. So there are no column tails; row tails are the kernel's
 * business, and it never touches rows or elements outside what its arguments name.
 *
 * Numbers. Each element of a matrix product is one multiply-add chain in rising depth that starts from the value found
 * in C: fused on AVX2 and NEON, multiply then add in the scalar table. Blocking, row count and tails never show in a
 * bit. Element-wise functions give the same bits for an element wherever it stands. Callers have set round to nearest
 * with denormals flushed (base/cpu.h).
 *
 * A kernel never allocates and never fails. A model keeps the table that was chosen when it was made. */
#ifndef TCI_KERNEL_KERNEL_H
#define TCI_KERNEL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define TCI_PANEL 16

/* Rounds a width up to whole panels. */
#define TCI_PADDED(columns) (((size_t)(columns) + TCI_PANEL - 1) / TCI_PANEL * TCI_PANEL)

/* Constants of one step of Adam; optimizer/adam.c says what each is. */
typedef struct tci_adam_constants {
    float gradient_scale, shrink, decay, one_minus_beta1, one_minus_beta2, step_size, root_scale, epsilon;
} tci_adam_constants;

typedef struct tci_kernels {
    const char *isa; /* "scalar", "avx2", "neon" */

    /* c (rows, 16·panels) += a (rows, depth) · b, where b is packed as [panel][depth][16] by tci_pack_panels. */
    void (*gemm)(size_t rows, size_t panels, size_t depth, const float *a, size_t a_stride, const float *b, float *c,
                 size_t c_stride);

    /* c (a_columns, 16·panels) += aᵀ · b over `depth` rows: a (depth, a_columns), b (depth, 16·panels). The chain of an
     * element runs over the depth in rising order. `scratch` holds tci_gemm_transposed_scratch() floats. */
    void (*gemm_transposed)(size_t a_columns, size_t panels, size_t depth, const float *a, size_t a_stride,
                            const float *b, size_t b_stride, float *c, size_t c_stride, float *scratch);

    /* One group of 16 LSTM units for `rows` rows. gates (rows, 64): the pre-activations of i, f, g, o, 16 units each;
     * overwritten with sigmoid(i), sigmoid(f), tanh(g), sigmoid(o). Then c = f·c_previous + i·g and h = o·tanh(c), each
     * (rows, 16) inside matrices of stride state_stride. c_previous NULL counts as zeros; it may be c itself. */
    void (*lstm_cell)(size_t rows, float *gates, size_t gates_stride, const float *c_previous, float *c, float *h,
                      size_t state_stride);

    /* Backward of lstm_cell. gates: in the activations, out the gradients of the pre-activations. dh: gradient of h.
     * dc (rows, 16): in the gradient of c that came from the later step, out the one for c_previous. c_previous NULL
     * counts as zeros. All matrices but gates have stride state_stride. */
    void (*lstm_cell_backward)(size_t rows, float *gates, size_t gates_stride, const float *c_previous, const float *c,
                               const float *dh, float *dc, size_t state_stride);

    /* dst (columns, rows) = srcᵀ, or with `add` dst += srcᵀ; src (rows, columns), any sizes and strides. */
    void (*transpose)(size_t rows, size_t columns, const float *src, size_t src_stride, float *dst, size_t dst_stride,
                      bool add);

    /* One step of Adam for `count` elements. gradient NULL counts as zeros. */
    void (*adam)(const tci_adam_constants *constants, size_t count, float *value, const float *gradient, float *exp_avg,
                 float *exp_avg_sq);

    /* dst[i] += src[i] */
    void (*add)(size_t count, const float *src, float *dst);
    /* dst[column] += src[row][column], row by row in rising order: one chain from the value in dst. Columns a multiple
     * of 16. */
    void (*add_rows)(size_t rows, size_t columns, const float *src, size_t src_stride, float *dst);

    /* dst[i] = f(src[i]); src may be dst. At most 2 ulp (exp) and 4 ulp (tanh, sigmoid) where the result is normal. */
    void (*exp)(size_t count, const float *src, float *dst);
    void (*tanh)(size_t count, const float *src, float *dst);
    void (*sigmoid)(size_t count, const float *src, float *dst);
} tci_kernels;

extern const tci_kernels tci_kernels_scalar;
#if defined(TCI_HAVE_AVX2)
extern const tci_kernels tci_kernels_avx2;
#endif

/* The best table of this processor up to `max_isa` ("auto", "scalar", "avx2", "neon"); TC_ERROR_UNSUPPORTED when the
 * one named is of another architecture than this build. */
tc_status tci_kernels_choose(const char *max_isa, const tci_kernels **kernels);

/* Natural logarithm and exponential of one number, within 1 ulp of double: for losses and schedules, where libm would
 * differ between systems. log of 0 is -inf, of less NaN; exp is 0 where the result would be denormal. */
double tci_log(double value);
double tci_exp(double value);
/* Cosine of an angle in [0, π], for schedules. */
double tci_cos(double angle);

/* Packs b (depth, columns) as [panel][depth][16] with zeros in the columns that are not there. src is b itself, or with
 * `transposed` bᵀ (columns, depth). */
void tci_pack_panels(const tci_kernels *kernels, size_t depth, size_t columns, const float *src, size_t src_stride,
                     bool transposed, float *packed);

/* Floats of scratch that gemm_transposed needs for these widths. */
size_t tci_gemm_transposed_scratch(size_t a_columns, size_t panels);

#endif
