/* narrow_scalar.c: matrix products with bfloat16 and int8 weights, and the quantization of rows, in plain C.
 *
 * bfloat16 is the upper half of a float: c (rows, 16·panels) += a · b with each element of b widened, one chain as in
 * gemm_scalar.c. int8: c += (float)(sum of integers) · (scale of the row · scale of the column). Layouts: kernel.h. */
#include <string.h>

#include "kernel/constants.h"
#include "kernel/kernels_scalar.h"

static float widened(uint16_t high)
{
    uint32_t bits = (uint32_t)high << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void tci_gemm_bf16_scalar(size_t rows, size_t panels, size_t depth, const float *a, size_t a_stride, const uint16_t *b,
                          float *c, size_t c_row, size_t c_block)
{
    for (size_t panel = 0; panel < panels; panel++) {
        for (size_t row = 0; row < rows; row++) {
            float *sum = c + row * c_row + panel * c_block;
            for (size_t k = 0; k < depth; k++) {
                const uint16_t *lines = b + (panel * TCI_BF16_PADDED(depth) + k / 2 * 2) * TCI_PANEL;
                float factor = a[row * a_stride + k];
                for (size_t n = 0; n < TCI_PANEL; n++)
                    sum[n] += factor * widened(lines[2 * n + k % 2]);
            }
        }
    }
}

/* The integer sums of one row and one packed panel. */
static void panel_sums(size_t depth, const tci_int8_row *a, const int8_t *b, int32_t sums[TCI_PANEL])
{
    memset(sums, 0, TCI_PANEL * sizeof *sums);
    for (size_t k = 0; k < depth; k += 4, b += 4 * TCI_PANEL) {
        const struct tci_int8_four *four = &a->fours[k / 4];
        int32_t x[4];
        for (size_t i = 0; i < 4; i++)
            x[i] = four->signs[i] ? -four->sizes[i] : four->sizes[i];
        for (size_t n = 0; n < TCI_PANEL; n++)
            sums[n] += x[0] * b[4 * n] + x[1] * b[4 * n + 1] + x[2] * b[4 * n + 2] + x[3] * b[4 * n + 3];
    }
}

void tci_gemm_int8_scalar(size_t rows, size_t panels, size_t depth, const tci_int8_row *a, size_t a_stride,
                          const int8_t *b, const float *b_scales, float *c, size_t c_row, size_t c_block)
{
    for (size_t panel = 0; depth > 0 && panel < panels; panel++) {
        const float *scales = b_scales + panel * TCI_PANEL;
        for (size_t row = 0; row < rows; row++) {
            const tci_int8_row *numbers = tci_int8_row_at(a, row, a_stride);
            float *to = c + row * c_row + panel * c_block;
            int32_t sums[TCI_PANEL];
            panel_sums(depth, numbers, b + panel * TCI_INT8_PANEL_BYTES(depth), sums);
            for (size_t n = 0; n < TCI_PANEL; n++)
                to[n] += (float)sums[n] * (numbers->scale * scales[n]);
        }
    }
}

/* The largest size, compared as the integers that sizes of floats are ordered like: NaN is larger than all. */
static float largest(size_t depth, const float *src)
{
    uint32_t most = 0;
    for (size_t k = 0; k < depth; k++) {
        uint32_t bits;
        memcpy(&bits, src + k, sizeof bits);
        bits &= UINT32_C(0x7fffffff);
        most = bits > most ? bits : most;
    }
    float value;
    memcpy(&value, &most, sizeof value);
    return value;
}

/* x rounded to nearest, ties to even; |x| below 2^22. */
static int32_t rounded(float x)
{
    int32_t bits;
    float shifted = x + TCI_ROUND_MAGIC;
    memcpy(&bits, &shifted, sizeof bits);
    return bits - TCI_ROUND_MAGIC_BITS;
}

void tci_quantize_scalar(size_t rows, size_t depth, const float *src, size_t src_stride, tci_int8_row *dst,
                         size_t dst_stride)
{
    for (size_t r = 0; r < rows; r++, src += src_stride) {
        tci_int8_row *row = (tci_int8_row *)(void *)((char *)dst + r * dst_stride);
        float most = largest(depth, src);
        memset(row, 0, TCI_INT8_ROW_BYTES(depth));
        if (!(most >= TCI_INT8_LEAST && most - most == 0.0f)) {
            row->scale = most - most; /* NaN for what is not finite */
            continue;
        }
        row->scale = most / 127.0f;
        float inverse = 127.0f / most;
        for (size_t k = 0; k < depth; k++) {
            int32_t number = rounded(src[k] * inverse);
            struct tci_int8_four *four = &row->fours[k / 4];
            four->signs[k % 4] = number < 0 ? 0xff : 0;
            four->sizes[k % 4] = (uint8_t)(number < 0 ? -number : number);
            row->negatives -= number < 0 ? number : 0;
        }
    }
}

void tci_int8_row_scalar(size_t depth, const int8_t *numbers, float scale, tci_int8_row *row)
{
    /* Four numbers in one word: sizes are at most 127, so no sum carries into its neighbour. */
    const uint32_t ones = UINT32_C(0x01010101);
    uint32_t negatives = 0;
    for (size_t k = 0; k < depth; k += 4) {
        uint32_t word = 0;
        memcpy(&word, numbers + k, depth - k < 4 ? depth - k : 4);
        uint32_t signs = (word >> 7 & ones) * 0xff;
        uint32_t sizes = (word ^ signs) + (signs & ones), negative = sizes & signs;
        negative = (negative & UINT32_C(0x00ff00ff)) + (negative >> 8 & UINT32_C(0x00ff00ff));
        negatives += (negative & 0xffff) + (negative >> 16);
        memcpy(row->fours[k / 4].signs, &signs, sizeof signs);
        memcpy(row->fours[k / 4].sizes, &sizes, sizeof sizes);
    }
    row->scale = scale;
    row->negatives = (int32_t)negatives;
}
