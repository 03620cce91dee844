/* gemm_blocks.h: the block sizes of the packed products, shared with the function that sizes their scratch. */
#ifndef TCI_KERNEL_GEMM_BLOCKS_H
#define TCI_KERNEL_GEMM_BLOCKS_H

/* Depth of a block: one panel of b is then 16 KB, half of a first-level cache. */
#define TCI_GEMM_DEPTH 256
/* Columns of aᵀ packed at once: 288 KB, within a second-level cache. A multiple of the 6 rows of the widest kernel. */
#define TCI_GEMM_COLUMNS 288

#endif
