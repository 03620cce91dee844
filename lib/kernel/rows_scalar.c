/* rows_scalar.c: sums over, additions to and products with rows of a table that are listed by number. Multiply, then
 * add: every table of kernels has these bits. */
#include "kernel/kernels_scalar.h"

#include <string.h>

void tci_gather_rows_scalar(size_t count, size_t listed, const uint32_t *index, const float *scales, const void *table,
                            size_t width, float *dst)
{
    (void)listed;
    for (size_t i = 0; i < count; i++) {
        const char *row = (const char *)table + (size_t)index[i] * width * sizeof *dst;
        for (size_t c = 0; c < width; c++) {
            float value;
            memcpy(&value, row + c * sizeof value, sizeof value);
            dst[c] += scales ? scales[i] * value : value;
        }
    }
}

void tci_scatter_rows_scalar(size_t count, size_t listed, const uint32_t *index, const float *scales, const float *src,
                             float *table, size_t width, size_t first, size_t last)
{
    (void)listed;
    for (size_t i = 0; i < count; i++) {
        float *row = table + (size_t)index[i] * width;
        for (size_t c = first; c < last; c++)
            row[c] += scales ? scales[i] * src[c] : src[c];
    }
}

void tci_dot_rows_scalar(size_t count, const uint32_t *index, const float *table, size_t width, const float *vector,
                         float *dst)
{
    for (size_t i = 0; i < count; i++) {
        const float *row = table + (size_t)index[i] * width;
        float sums[8] = {0};
        for (size_t c = 0; c < width; c++)
            sums[c % 8] += row[c] * vector[c];
        dst[i] = ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
    }
}
