/* gemm_blocks.h: the block sizes of the matrix products, shared with the function that sizes their scratch. */
#ifndef TCI_KERNEL_GEMM_BLOCKS_H
#define TCI_KERNEL_GEMM_BLOCKS_H

/* Depth of a block: one panel of b is then 16 KB, half of a first-level cache. */
#define TCI_GEMM_DEPTH 256
/* Rows of a that pass over one block of b: 96 KB of them, for the second-level cache. */
#define TCI_GEMM_ROWS 96
/* Columns of aᵀ packed at once: 288 KB, within a second-level cache. A multiple of the 6 rows of the widest kernel. */
#define TCI_GEMM_COLUMNS 288

/* Panels of b packed at once for aᵀ · b: 64 KB. */
#define TCI_GEMM_PANELS 4

#endif
