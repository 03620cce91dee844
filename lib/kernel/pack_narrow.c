/* pack_narrow.c: lays bfloat16 and int8 matrices out in panels; kernel.h says how. */
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
        int32_t starts[TCI_PANEL] = {0};
        for (size_t k = 0; k < depth; k += 4, packed += 4 * TCI_PANEL) {
            for (size_t n = 0; n < TCI_PANEL; n++) {
                const int8_t *from = src + k * depth_stride + (first + n) * column_stride;
                for (size_t i = 0; i < 4; i++) {
                    packed[4 * n + i] = n < width && k + i < depth ? from[i * depth_stride] : 0;
                    starts[n] -= 128 * packed[4 * n + i];
                }
            }
        }
        memcpy(packed, starts, sizeof starts);
        packed += sizeof starts;
    }
}
