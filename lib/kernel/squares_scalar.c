/* squares_scalar.c: sums of squares in double in plain C, and their total for every table. */
#include "kernel/kernels_scalar.h"

void tci_add_squares_scalar(size_t count, const float *restrict src, double lanes[restrict TCI_SQUARE_LANES])
{
    size_t i = 0;
    for (; i + TCI_SQUARE_LANES <= count; i += TCI_SQUARE_LANES) {
        for (size_t lane = 0; lane < TCI_SQUARE_LANES; lane++)
            lanes[lane] += (double)src[i + lane] * (double)src[i + lane];
    }
    for (size_t lane = 0; i + lane < count; lane++)
        lanes[lane] += (double)src[i + lane] * (double)src[i + lane];
}

double tci_square_total(double lanes[TCI_SQUARE_LANES])
{
    for (size_t width = TCI_SQUARE_LANES / 2; width > 0; width /= 2) {
        for (size_t lane = 0; lane < width; lane++)
            lanes[lane] += lanes[lane + width];
    }
    return lanes[0];
}
