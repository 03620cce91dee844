/* gemm_blocks.h: how the matrix products of every instruction set are cut into blocks; the sizes are also those of
 * their scratch. */
#ifndef TCI_KERNEL_GEMM_BLOCKS_H
#define TCI_KERNEL_GEMM_BLOCKS_H

#include "kernel/kernel.h"

/* Depth of a block: one panel of b is then 16 KB, half of a first-level cache. */
#define TCI_GEMM_DEPTH 256
/* Rows of a that pass over one block of b: 96 KB of them, for the second-level cache. */
#define TCI_GEMM_ROWS 96
/* Columns of aᵀ packed at once: 384 KB, within a second-level cache. A multiple of the 6 rows of the widest kernel. */
#define TCI_GEMM_COLUMNS 384

/* Panels of b packed at once for aᵀ · b: 96 KB; two tall micro-kernels. */
#define TCI_GEMM_PANELS 6

/* The most rows of a micro-kernel. */
#define TCI_GEMM_MICRO_ROWS 6

static inline size_t tci_gemm_least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The next block of a depth of which `left` is to do: halves, in whole blocks of a, rather than a short rest. */
static inline size_t tci_gemm_depth_block(size_t left)
{
    if (left <= TCI_GEMM_DEPTH)
        return left;
    return left < 2 * TCI_GEMM_DEPTH ? TCI_PADDED((left + 1) / 2) : TCI_GEMM_DEPTH;
}

/* How many of `left` rows the next micro-kernel takes: 1 to 3 are left only of 7 or less (13 = 5 + 4 + 4). */
static inline size_t tci_gemm_row_block(size_t left)
{
    if (left == 7 || left == 8)
        return 4;
    if (left == 9 || left == 13)
        return 5;
    return tci_gemm_least(left, TCI_GEMM_MICRO_ROWS);
}

/* The same where every number up to `most` is equally good: blocks differ by one at most. */
static inline size_t tci_gemm_even_block(size_t left, size_t most)
{
    if (left <= most)
        return left;
    if (left > (most - 1) * (most - 1)) /* the division would give that, for 20 cycles of a short product's 400 */
        return most;
    size_t blocks = (left + most - 1) / most;
    return (left + blocks - 1) / blocks;
}

#endif
