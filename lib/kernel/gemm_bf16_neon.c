/* gemm_bf16_neon.c: matrix product with bfloat16 weights: the chains of gemm_neon.c over half as many bytes.
 *
 * 64 bytes of a panel are two lines of 16 columns (tci_pack_panels_bf16): shifted left by 16 bits the first, with their
 * low halves masked out the second. That is four integer operations to 24 fmla of six rows; the mask takes one register
 * more (29, and those with elements of a, of 32). */
#include <arm_neon.h>

#include "kernel/kernels_neon.h"

#define TCI_WEIGHT uint16_t
#define TCI_PANELS_AT_ONCE                                                                                             \
    {                                                                                                                  \
        4, 2, 1, 1, 1, 1                                                                                               \
    } /* more, and clang runs out of registers */
#define TCI_FIRST_LINE(from, step, b0, b1, b2, b3)                                                                     \
    float32x4_t b0 = first(from), b1 = first(from + 8), b2 = first(from + 16), b3 = first(from + 24);
#define TCI_SECOND_LINE(from, step, b0, b1, b2, b3)                                                                    \
    float32x4_t b0 = second(from), b1 = second(from + 8), b2 = second(from + 16), b3 = second(from + 24);

/* 4 columns of the two lines at `words`. */
static inline float32x4_t first(const uint16_t *words)
{
    return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_u16(vld1q_u16(words)), 16));
}

static inline float32x4_t second(const uint16_t *words)
{
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_u16(vld1q_u16(words)), vdupq_n_u32(0xffff0000u)));
}

#include "kernel/gemm_micro_neon.h"

void tci_gemm_bf16_neon(size_t rows, size_t panels, size_t depth, const float *a, size_t a_stride, const uint16_t *b,
                        float *c, size_t c_row, size_t c_block)
{
    product(rows, panels, depth, TCI_BF16_PADDED(depth), a, a_stride, TCI_PANEL, b, c, c_row, c_block);
}
