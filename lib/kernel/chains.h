/* chains.h: the 16 chains of a sum as vectors, for softmax.h and norm_rows.h. A lanes_*.h stands before. */
#ifndef TCI_KERNEL_CHAINS_H
#define TCI_KERNEL_CHAINS_H

#define CHAINS (TCI_PANEL / LANES) /* vectors */
#define EACH_CHAIN(i) _Pragma("GCC unroll 4") for (size_t i = 0; i < CHAINS; i++)

/* Of `count` floats from a place on, how many stand behind the first i vectors. */
static inline size_t behind(size_t count, size_t i)
{
    return count > i * LANES ? count - i * LANES : 0;
}

#endif
