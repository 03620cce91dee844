/* pack_narrow.c: lays bfloat16 and int8 matrices out in panels, and numbers as rows of the int8 product; kernel.h says
 * how. */
#include <string.h>

#include "kernel/kernel.h"

void tci_pack_panels_bf16(size_t depth, size_t columns, const uint16_t *src, size_t depth_stride, size_t column_stride,
                          uint16_t *packed)
{
    for (size_t first = 0; first < columns; first += TCI_PANEL) {
        size_t width = columns - first < TCI_PANEL ? columns - first : TCI_PANEL;
        for (size_t k = 0; k < depth; k += 2, packed += 2 * TCI_PANEL) {
            for (size_t n = 0; n < TCI_PANEL; n++) {
                const uint16_t *from = src + k * depth_stride + (first + n) * column_stride;
                packed[2 * n] = n < width ? from[0] : 0;
                packed[2 * n + 1] = n < width && k + 1 < depth ? from[depth_stride] : 0;
            }
        }
    }
}

void tci_pack_panels_int8(size_t depth, size_t columns, const int8_t *src, size_t depth_stride, size_t column_stride,
                          int8_t *packed)
{
    for (size_t first = 0; first < columns; first += TCI_PANEL) {
        size_t width = columns - first < TCI_PANEL ? columns - first : TCI_PANEL;
        for (size_t k = 0; k < depth; k += 4, packed += 4 * TCI_PANEL) {
            for (size_t n = 0; n < TCI_PANEL; n++) {
                const int8_t *from = src + k * depth_stride + (first + n) * column_stride;
                for (size_t i = 0; i < 4; i++)
                    packed[4 * n + i] = n < width && k + i < depth ? from[i * depth_stride] : 0;
            }
        }
    }
}

void tci_int8_row_fill(size_t depth, const int8_t *numbers, float scale, tci_int8_row *row)
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
