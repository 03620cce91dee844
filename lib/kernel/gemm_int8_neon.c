/* gemm_int8_neon.c: matrix product with int8 weights, and the quantization of rows, with NEON as every AArch64 has it
 * (the dot products of ARMv8.2 are not used).
 *
 * 16 bytes of a packed panel are 4 columns of 4 numbers each. smull multiplies 8 of them with the row's four numbers,
 * twice side by side, into 16 bits; smlal adds the products of the next four lines (2·127·127 = 32258 fits); sadalp
 * adds neighbours into 32 bits. So an accumulator holds two halves of two columns, added at the end: 8 of them for one
 * row of one panel, 16 for two rows, with 4 registers of their numbers and 2 of weights, of 32; a third row does not
 * fit. Sums of integers are exact in any order. Not yet measured on hardware. */
#include <arm_neon.h>
#include <string.h>

#include "kernel/gemm_unroll.h"
#include "kernel/kernels_neon.h"

/* Four numbers of a row, twice. */
static inline int8x8_t numbers_of(const struct tci_int8_four *four)
{
    uint32x2_t both = vreinterpret_u32_u8(vld1_u8((const uint8_t *)(const void *)four)); /* signs, sizes */
    int8x8_t signs = vreinterpret_s8_u32(vdup_lane_u32(both, 0)), sizes = vreinterpret_s8_u32(vdup_lane_u32(both, 1));
    return vsub_s8(veor_s8(sizes, signs), signs);
}

/* c (1, 4) += (float)sums · (scale · scales) */
static inline void put_4(int32x4_t left, int32x4_t right, float scale, const float *scales, float *c)
{
    float32x4_t sums = vcvtq_f32_s32(vpaddq_s32(left, right));
    vst1q_f32(c, vaddq_f32(vld1q_f32(c), vmulq_f32(sums, vmulq_n_f32(vld1q_f32(scales), scale))));
}

/* Statements of a macro stand one a line. */
/* clang-format off */
#define QUARTERS(M, rows) M(rows, 0) M(rows, 1) M(rows, 2) M(rows, 3)

/* Columns 4·q to 4·q + 3 of row r: their first two and last two. */
#define ZERO(r, q) int32x4_t left_##r##_##q = vdupq_n_s32(0), right_##r##_##q = vdupq_n_s32(0);
#define ZERO_QUARTER(rows, q) rows(ZERO, q)
#define POINT(r, q) const struct tci_int8_four *a_##r = tci_int8_row_at(a, r, a_stride)->fours;
#define NUMBERS(r, q) int8x8_t x_##r = numbers_of(a_##r + k), y_##r = numbers_of(a_##r + k + 1);
#define LAST_NUMBERS(r, q) int8x8_t x_##r = numbers_of(a_##r + k);
#define PASS(r, q)                                                                                                 \
    left_##r##_##q = vpadalq_s16(left_##r##_##q, vmlal_s8(vmull_s8(vget_low_s8(now), x_##r),                       \
                                                          vget_low_s8(next), y_##r));                              \
    right_##r##_##q = vpadalq_s16(right_##r##_##q, vmlal_s8(vmull_s8(vget_high_s8(now), x_##r),                    \
                                                            vget_high_s8(next), y_##r));
#define LAST_PASS(r, q)                                                                                            \
    left_##r##_##q = vpadalq_s16(left_##r##_##q, vmull_s8(vget_low_s8(now), x_##r));                               \
    right_##r##_##q = vpadalq_s16(right_##r##_##q, vmull_s8(vget_high_s8(now), x_##r));
#define PASS_QUARTER(rows, q)                                                                                      \
    {                                                                                                              \
        int8x16_t now = vld1q_s8(b + 16 * q), next = vld1q_s8(b + 4 * TCI_PANEL + 16 * q);                         \
        rows(PASS, q)                                                                                              \
    }
#define LAST_QUARTER(rows, q)                                                                                      \
    {                                                                                                              \
        int8x16_t now = vld1q_s8(b + 16 * q);                                                                      \
        rows(LAST_PASS, q)                                                                                         \
    }
#define PUT(r, q)                                                                                                  \
    put_4(left_##r##_##q, right_##r##_##q, tci_int8_row_at(a, r, a_stride)->scale, b_scales + 4 * q,               \
          c + r * c_row + 4 * q);
#define PUT_QUARTER(rows, q) rows(PUT, q)

/* R rows of one panel; the depth in fours. */
#define MICRO_KERNEL(R)                                                                                            \
    static void micro_##R(size_t fours, const tci_int8_row *a, size_t a_stride, const int8_t *b,                   \
                          const float *b_scales, float *c, size_t c_row)                                        \
    {                                                                                                              \
        (void)c_row;                                                                                               \
        QUARTERS(ZERO_QUARTER, ROWS_##R)                                                                           \
        ROWS_##R(POINT, 0)                                                                                         \
        size_t k = 0;                                                                                              \
        for (; fours - k >= 2; k += 2, b += 8 * TCI_PANEL) {                                                       \
            ROWS_##R(NUMBERS, 0)                                                                                   \
            QUARTERS(PASS_QUARTER, ROWS_##R)                                                                       \
        }                                                                                                          \
        if (k < fours) {                                                                                           \
            ROWS_##R(LAST_NUMBERS, 0)                                                                              \
            QUARTERS(LAST_QUARTER, ROWS_##R)                                                                       \
        }                                                                                                          \
        QUARTERS(PUT_QUARTER, ROWS_##R)                                                                            \
    }
MICRO_KERNEL(1)
MICRO_KERNEL(2)
/* clang-format on */

/* Panels outside: a panel of weights passes over all rows while it is in the first-level cache. */
void tci_gemm_int8_neon(size_t rows, size_t panels, size_t depth, const tci_int8_row *a, size_t a_stride,
                        const int8_t *b, const float *b_scales, float *c, size_t c_row, size_t c_block)
{
    size_t fours = (depth + 3) / 4;
    for (size_t panel = 0; depth > 0 && panel < panels; panel++) {
        size_t row = 0;
        for (; rows - row >= 2; row += 2)
            micro_2(fours, tci_int8_row_at(a, row, a_stride), a_stride, b, b_scales, c + row * c_row, c_row);
        if (row < rows)
            micro_1(fours, tci_int8_row_at(a, row, a_stride), a_stride, b, b_scales, c + row * c_row, c_row);
        b += TCI_INT8_PANEL_BYTES(depth);
        b_scales += TCI_PANEL;
        c += c_block;
    }
}

/* The largest size, compared as the integers that sizes of floats are ordered like: NaN is larger than all. */
static float largest(size_t depth, const float *src)
{
    const uint32x4_t without_sign = vdupq_n_u32(0x7fffffffu);
    uint32x4_t most = vdupq_n_u32(0);
    float rest[4] = {0}, value;
    size_t k = 0;
    for (; k + 4 <= depth; k += 4)
        most = vmaxq_u32(most, vandq_u32(vreinterpretq_u32_f32(vld1q_f32(src + k)), without_sign));
    memcpy(rest, src + k, (depth - k) * sizeof *rest);
    most = vmaxq_u32(most, vandq_u32(vreinterpretq_u32_f32(vld1q_f32(rest)), without_sign));
    uint32_t bits = vmaxvq_u32(most);
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Quantizes four numbers; returns the sizes of the negative ones. */
static inline int32x4_t put_four(float32x4_t values, float inverse, struct tci_int8_four *four)
{
    int32x4_t numbers = vcvtnq_s32_f32(vmulq_n_f32(values, inverse)); /* to nearest, ties to even */
    int32x4_t signs = vshrq_n_s32(numbers, 31), sizes = vabsq_s32(numbers);
    int8x8_t both = vmovn_s16(vcombine_s16(vmovn_s32(signs), vmovn_s32(sizes)));
    vst1_u8((uint8_t *)(void *)four, vreinterpret_u8_s8(both));
    return vandq_s32(signs, sizes);
}

static void quantize_row(size_t depth, const float *src, tci_int8_row *row)
{
    float most = largest(depth, src), rest[4] = {0};
    row->negatives = 0;
    if (!(most >= TCI_INT8_LEAST && most - most == 0.0f)) {
        row->scale = most - most; /* NaN for what is not finite */
        memset(row->fours, 0, TCI_INT8_ROW_BYTES(depth) - sizeof *row);
        return;
    }
    row->scale = most / 127.0f;
    float inverse = 127.0f / most;
    int32x4_t sum = vdupq_n_s32(0);
    size_t k = 0;
    for (; k + 4 <= depth; k += 4)
        sum = vaddq_s32(sum, put_four(vld1q_f32(src + k), inverse, row->fours + k / 4));
    if (k < depth) {
        memcpy(rest, src + k, (depth - k) * sizeof *rest);
        sum = vaddq_s32(sum, put_four(vld1q_f32(rest), inverse, row->fours + k / 4));
    }
    row->negatives = vaddvq_s32(sum);
}

void tci_quantize_neon(size_t rows, size_t depth, const float *src, size_t src_stride, tci_int8_row *dst,
                       size_t dst_stride)
{
    for (size_t r = 0; r < rows; r++)
        quantize_row(depth, src + r * src_stride, (tci_int8_row *)(void *)((char *)dst + r * dst_stride));
}
