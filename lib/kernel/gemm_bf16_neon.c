/* gemm_bf16_neon.c: matrix product with bfloat16 weights: the chains of gemm_neon.c over half as many bytes.
 *
 * A line of a panel is two loads of 4 words: shifted left by 16 bits they are columns 0 to 7 as floats, with their low
 * halves masked out columns 8 to 15. That is four integer operations to 24 fmla of six rows; the mask takes one
 * register more (29, and those with elements of a, of 32). */
#include "kernel/kernels_neon.h"

#define TCI_WEIGHT uint16_t
#define TCI_PANELS_AT_ONCE                                                                                             \
    {                                                                                                                  \
        4, 2, 1, 1, 1, 1                                                                                               \
    } /* more, and clang runs out of registers */
#define TCI_LOAD_LINE(from, b0, b1, b2, b3)                                                                            \
    uint32x4_t left = vreinterpretq_u32_u16(vld1q_u16(from)), right = vreinterpretq_u32_u16(vld1q_u16((from) + 8));    \
    const uint32x4_t high_halves = vdupq_n_u32(0xffff0000u);                                                           \
    float32x4_t b0 = vreinterpretq_f32_u32(vshlq_n_u32(left, 16));                                                     \
    float32x4_t b1 = vreinterpretq_f32_u32(vshlq_n_u32(right, 16));                                                    \
    float32x4_t b2 = vreinterpretq_f32_u32(vandq_u32(left, high_halves));                                              \
    float32x4_t b3 = vreinterpretq_f32_u32(vandq_u32(right, high_halves));
#include "kernel/gemm_micro_neon.h"

void tci_gemm_bf16_neon(size_t rows, size_t panels, size_t depth, const float *a, size_t a_stride, const uint16_t *b,
                        float *c, size_t c_row, size_t c_block)
{
    product(rows, panels, depth, a, a_stride, TCI_PANEL, b, c, c_row, c_block);
}
