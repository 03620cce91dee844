/* kernel.h: the contract of every compute kernel, one constant table of function pointers per instruction set.
 *
 * Shapes. A "panel" is 16 columns (TCI_PANEL). A matrix is addressed by two steps in floats: element (r, k) stands at
 * [r·row + (k / 16)·block + k % 16]. Row-major it has a row of the stride and a block of 16; "blocked" it has a row of
 * 16 and a block that holds all its rows, so that a panel is one stream. What a kernel reads or writes by panels is
 * 64-byte aligned, its padding columns hold zeros or whatever arithmetic on zeros gives. So there are no column tails;
 * row tails are the kernel's business, and it never touches rows or elements outside what its arguments name.
 *
 * Numbers. Each element of a matrix product is one multiply-add chain in rising depth that starts from the value found
 * in C: fused on AVX2, AVX-512 and NEON, multiply then add in the scalar table. Blocking, row count and tails never
 * show in a bit. Element-wise functions give the same bits for an element wherever it stands. AVX-512 has the bits of
 * AVX2. Callers have set round to nearest with denormals flushed (base/cpu.h).
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

/* A row of int8 numbers in -127 to 127 with a common scale, in the form that the products of its table read.
 * AVX2, NEON, scalar: sign and size apart, because AVX2 multiplies sizes (unsigned) with weights whose bits are turned
 * where the number is negative. ~w = -w - 1, so that leaves out the sizes of the negative numbers once for each column:
 * their sum is `negatives`.
 * AVX-512: bytes of number + 128 where `fours` begins, and 128 behind the depth up to whole fours; no `negatives`. */
typedef struct tci_int8_row {
    float scale;
    int32_t negatives;
    struct tci_int8_four {
        uint8_t signs[4]; /* 0xff for a negative number, else 0 */
        uint8_t sizes[4];
    } fours[]; /* (depth / 4, rounded up), zeros behind the depth */
} tci_int8_row;

#define TCI_INT8_DEPTH 131072 /* 127 · 128 · depth fits 32 bits */
#define TCI_INT8_LEAST 0x1p-100f

/* Bytes of a row; never more than those of as many floats padded to panels. */
#define TCI_INT8_ROW_BYTES(depth) (sizeof(tci_int8_row) + ((size_t)(depth) + 3) / 4 * sizeof(struct tci_int8_four))

/* Row number `index` of rows that are `stride` bytes apart. */
static inline const tci_int8_row *tci_int8_row_at(const tci_int8_row *rows, size_t index, size_t stride)
{
    return (const tci_int8_row *)(const void *)((const char *)rows + index * stride);
}

typedef struct tci_drop_constants {
    uint32_t key[2]; /* of Philox 4x32-10, base/random.h */
    uint32_t threshold;
    float scale;
} tci_drop_constants;

#define TCI_SQUARE_LANES 16

typedef struct tci_kernels {
    const char *isa; /* "scalar", "avx2", "avx512", "neon" */

    /* c (rows, 16·panels) += a (rows, depth) · b, where b is packed as [panel][depth][16] by tci_pack_panels. */
    void (*gemm)(size_t rows, size_t panels, size_t depth, const float *a, size_t a_row, size_t a_block, const float *b,
                 float *c, size_t c_row, size_t c_block);

    /* c = start + a · b: the chains of each row start from start (16·panels), or with NULL from zero. */
    void (*gemm_from)(size_t rows, size_t panels, size_t depth, const float *a, size_t a_row, size_t a_block,
                      const float *b, const float *start, float *c, size_t c_row, size_t c_block);

    /* gemm with b in bfloat16, packed by tci_pack_panels_bf16: the bits of gemm with b widened to floats. a is
     * row-major; c's element (r, n) stands at [r·c_row + (n / 16)·c_block + n % 16]. */
    void (*gemm_bf16)(size_t rows, size_t panels, size_t depth, const float *a, size_t a_stride, const uint16_t *b,
                      float *c, size_t c_row, size_t c_block);

    /* c (rows, 16·panels) += (float)(a · b) · (scale of a's row · scale of b's column), where a (rows, depth) holds
     * rows quantized, a_stride bytes apart, and b is packed by tci_pack_panels_int8. The sum of an element is an exact
     * integer (depth up to TCI_INT8_DEPTH), converted to float, multiplied and added with one rounding each: the same
     * bits in every table. */
    void (*gemm_int8)(size_t rows, size_t panels, size_t depth, const tci_int8_row *a, size_t a_stride, const int8_t *b,
                      const float *b_scales, float *c, size_t c_row, size_t c_block);

    /* Quantizes rows (depth) of floats, each by its own largest size: scale = max/127, element = x · (127/max) rounded
     * to nearest, ties to even. A row whose largest size is below TCI_INT8_LEAST becomes zeros; one that holds NaN or
     * infinity becomes zeros with a scale of NaN, so that all that comes of it is NaN. The same numbers in every
     * table. */
    void (*quantize)(size_t rows, size_t depth, const float *src, size_t src_stride, tci_int8_row *dst,
                     size_t dst_stride);
    /* A row of numbers in -127 to 127 that have been quantized before. */
    void (*int8_row)(size_t depth, const int8_t *numbers, float scale, tci_int8_row *row);

    /* c (a_columns, 16·panels) += aᵀ · b over `depth` rows: a (depth, a_columns) row-major, b (depth, 16·panels). The
     * chain of an element runs over the depth in rising order. `scratch` holds tci_gemm_transposed_scratch() floats. */
    void (*gemm_transposed)(size_t a_columns, size_t panels, size_t depth, const float *a, size_t a_stride,
                            const float *b, size_t b_row, size_t b_block, float *c, size_t c_row, size_t c_block,
                            float *scratch);

    /* One group of 16 LSTM units for `rows` rows. gates, 4 blocks `gates_block` apart with rows of 16 `gates_row`
     * apart: the pre-activations of i, f, g, o; overwritten with sigmoid(i), sigmoid(f), tanh(g), sigmoid(o). Then
     * c = f·c_previous + i·g and h = o·tanh(c), each with rows of 16 `state_row` apart. c_previous NULL counts as
     * zeros; it may be c itself. With other distances the rows may as well be the groups of one row. */
    void (*lstm_cell)(size_t rows, float *gates, size_t gates_row, size_t gates_block, const float *c_previous,
                      float *c, float *h, size_t state_row);

    /* Backward of lstm_cell. gates: in the activations, out the gradients of the pre-activations. dh: gradient of h.
     * dc: in the gradient of c that came from the later step, out the one for c_previous. c_previous NULL counts as
     * zeros. */
    void (*lstm_cell_backward)(size_t rows, float *gates, size_t gates_row, size_t gates_block, const float *c_previous,
                               const float *c, const float *dh, float *dc, size_t state_row);

    /* dst (rows, 16·panels) = the rows of src with these numbers; row i goes to dst[i·dst_row + panel·dst_block]. */
    void (*gather_panels)(size_t rows, size_t panels, const uint32_t *index, const float *src, size_t src_row,
                          float *dst, size_t dst_row, size_t dst_block);

    /* dst (.., 16): row index[i] is the sum of all src rows i (.., 16) with that index, in rising order of i. Indices
     * are numbered by first appearance: dst need hold nothing before. */
    void (*sum_rows)(size_t count, const uint32_t *index, const float *src, float *dst);

    /* dst (columns, rows) = srcᵀ, or with `add` dst += srcᵀ; src (rows, columns), any sizes and strides. */
    void (*transpose)(size_t rows, size_t columns, const float *src, size_t src_stride, float *dst, size_t dst_stride,
                      bool add);

    /* One step of Adam for `count` elements. gradient NULL counts as zeros. */
    void (*adam)(const tci_adam_constants *constants, size_t count, float *value, const float *gradient, float *exp_avg,
                 float *exp_avg_sq);

    /* lanes[i % TCI_SQUARE_LANES] += src[i]², exact in double before it is added. */
    void (*add_squares)(size_t count, const float *src, double lanes[TCI_SQUARE_LANES]);

    /* dst[i] += src[i] */
    void (*add)(size_t count, const float *src, float *dst);
    /* dst (8) += norms[i] times four pairs of floats, for each rows[i] in turn: pair k is number codes[rows[i]·stride +
     * k] of book[k], which begins 2048·k bytes behind `book`. A product is rounded before it is added; the floats of
     * the book may stand at any address. */
    void (*add_pairs)(size_t count, const uint32_t *rows, const float *norms, const uint8_t *codes, size_t stride,
                      const void *book, float *dst);
    /* dst[column] += src[row][column], row by row in rising order: one chain from the value in dst. Columns a multiple
     * of 16. */
    void (*add_rows)(size_t rows, size_t columns, const float *src, size_t src_stride, float *dst);

    /* Rows of a table (.., width) that are listed by number. A sum is one chain in the order of the list; multiplied,
     * then added: the same bits in every table of kernels. scales (count) NULL: all 1. The list goes on to `listed`
     * rows, which may be asked for ahead.
     * gather: dst (width) += Σ scale · row; the floats of its table may stand at any address.
     * scatter: each row += scale · src, in columns [first, last) alone.
     * dot: dst[i] = row i · vector, columns c in eight chains by c % 8, which are added 4 apart, then 2, then 1. */
    void (*gather_rows)(size_t count, size_t listed, const uint32_t *index, const float *scales, const void *table,
                        size_t width, float *dst);
    void (*scatter_rows)(size_t count, size_t listed, const uint32_t *index, const float *scales, const float *src,
                         float *table, size_t width, size_t first, size_t last);
    void (*dot_rows)(size_t count, const uint32_t *index, const float *table, size_t width, const float *vector,
                     float *dst);

    /* dst[i] = f(src[i]); src may be dst. At most 2 ulp (exp) and 4 ulp (tanh, sigmoid) where the result is normal. */
    void (*exp)(size_t count, const float *src, float *dst);
    void (*tanh)(size_t count, const float *src, float *dst);
    void (*sigmoid)(size_t count, const float *src, float *dst);

    /* dst[i] = gelu(src[i]), layer/activation.h; src may be dst. gelu is off by at most 4 · 2^-24 · |src[i]|, gelu_tanh
     * by 4 ulp of a normal result. dst[i] = dy[i] · gelu'(src[i]) backwards; src or dy may be dst. */
    void (*gelu)(size_t count, const float *src, float *dst);
    void (*gelu_tanh)(size_t count, const float *src, float *dst);
    void (*gelu_backward)(size_t count, const float *src, const float *dy, float *dst);
    void (*gelu_tanh_backward)(size_t count, const float *src, const float *dy, float *dst);

    /* Softmax but for the division: row r of x (rows, stride) has columns + r·step elements (step 0 or 1), which become
     * exp(scale · (x - largest)), and zeros behind them up to `width`, a multiple of 16. stats (rows, 2): the largest
     * element and 1 / sum of what they became. A sum runs in 16 chains, by column % 16, which are added 8 apart, then
     * 4, 2, 1. */
    void (*softmax)(size_t rows, size_t columns, size_t step, size_t width, float scale, float *x, size_t stride,
                    float *stats);
    /* From the same x and stats, with p = exp(scale · (x - largest)) / sum and factors f of what was dropped (rows,
     * stride), NULL: all 1: x becomes p · f, and dx p · (dx · f - inner[r]) · scale, with zeros behind both. */
    void (*softmax_backward)(size_t rows, size_t columns, size_t step, size_t width, float scale, float *x, float *dx,
                             size_t stride, const float *stats, const float *inner, const float *factors);

    /* Layer norm of rows (columns), layer/layer_norm.h; sums as in softmax, zeros behind the columns up to the next 16.
     * stats may be NULL. `y` may be x, `dx` may be dy unless `add` adds to it. */
    void (*layer_norm)(size_t rows, size_t columns, size_t stride, float epsilon, const float *gain, const float *bias,
                       const float *x, float *y, float *stats);
    void (*layer_norm_backward)(size_t rows, size_t columns, size_t stride, const float *gain, const float *x,
                                const float *stats, const float *dy, float *dx, bool add);
    /* dgain (columns) += (x - mean) · deviation · dy, dbias += dy, each column one chain down the rows. */
    void (*layer_norm_gradients)(size_t rows, size_t columns, size_t stride, const float *x, const float *stats,
                                 const float *dy, float *dgain, float *dbias);

    /* x[4g + i] = 0 where word i of Philox's draw g, counter[0] + g being its first number, is below the threshold,
     * else times scale; count is a multiple of 16. */
    void (*drop)(const tci_drop_constants *constants, const uint32_t counter[4], size_t count, float *x);
} tci_kernels;

extern const tci_kernels tci_kernels_scalar;
#if defined(TCI_HAVE_AVX2)
extern const tci_kernels tci_kernels_avx2;
extern const tci_kernels tci_kernels_avx512;
#endif
#if defined(TCI_HAVE_NEON)
extern const tci_kernels tci_kernels_neon;
#endif

/* The best table of this processor up to `max_isa` ("auto", "scalar", "avx2", "avx512", "neon"); TC_ERROR_UNSUPPORTED
 * when the one named is of another architecture than this build. */
tc_status tci_kernels_choose(const char *max_isa, const tci_kernels **kernels);

/* Natural logarithm and exponential of one number, within 1 ulp of double: for losses and schedules, where libm would
 * differ between systems. log of 0 is -inf, of less NaN; exp is 0 where the result would be denormal. */
double tci_log(double value);
double tci_exp(double value);
/* Cosine of an angle in [0, π], for schedules. */
double tci_cos(double angle);

/* The lanes of add_squares summed up, 8 apart first, then 4, 2, 1. Overwrites them. */
double tci_square_total(double lanes[TCI_SQUARE_LANES]);

/* Packs b (depth, columns) as [panel][depth][16] with zeros in the columns that are not there. src is b itself, or with
 * `transposed` bᵀ (columns, depth). */
void tci_pack_panels(const tci_kernels *kernels, size_t depth, size_t columns, const float *src, size_t src_stride,
                     bool transposed, float *packed);

/* The same for bfloat16, b's element (k, n) at src[k·depth_stride + n·column_stride], as [panel][depth / 2][16][2] with
 * zeros behind the depth: of a panel's 32-bit words the low halves are one line, the high halves the next. */
void tci_pack_panels_bf16(size_t depth, size_t columns, const uint16_t *src, size_t depth_stride, size_t column_stride,
                          uint16_t *packed);
/* Depth of a panel of it. */
#define TCI_BF16_PADDED(depth) (((size_t)(depth) + 1) / 2 * 2)

/* The same for int8 in -127 to 127: a panel is [depth / 4][16][4] with zeros behind the depth, then 16 integers of 32
 * bits, -128 times the sum of each column. */
void tci_pack_panels_int8(size_t depth, size_t columns, const int8_t *src, size_t depth_stride, size_t column_stride,
                          int8_t *packed);
#define TCI_INT8_PANEL_BYTES(depth) ((((size_t)(depth) + 3) / 4 + 1) * 4 * TCI_PANEL)

/* Floats of scratch that gemm_transposed needs for these widths. */
size_t tci_gemm_transposed_scratch(size_t a_columns, size_t panels);

#endif
