/* gemm_start.h: what stands in c before a product that starts from one row of numbers, or zeros; for tables whose
 * products always start from c. */
#ifndef TCI_KERNEL_GEMM_START_H
#define TCI_KERNEL_GEMM_START_H

#include <string.h>

#include "kernel/kernel.h"

static inline void start_rows(size_t rows, size_t panels, const float *start, float *c, size_t c_row, size_t c_block)
{
    static const float zeros[TCI_PANEL];
    for (size_t panel = 0; panel < panels; panel++)
        for (size_t row = 0; row < rows; row++)
            memcpy(c + row * c_row + panel * c_block, start ? start + panel * TCI_PANEL : zeros, sizeof zeros);
}

#endif
