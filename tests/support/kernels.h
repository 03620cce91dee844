/* kernels.h: what the kernel tests share: every table of this processor, guarded blocks, pseudo-random numbers, bits.
 */
#ifndef TEST_SUPPORT_KERNELS_H
#define TEST_SUPPORT_KERNELS_H

#include "support/testing.h"

#include "kernel/kernel.h"

#define KERNEL_TABLES 4

/* All tables that run here; returns their number. */
static inline size_t kernel_tables(const tci_kernels *tables[KERNEL_TABLES])
{
    static const char *const names[KERNEL_TABLES] = {"scalar", "avx2", "avx512", "neon"};
    size_t count = 0;
    for (size_t i = 0; i < KERNEL_TABLES; i++)
        if (tci_kernels_choose(names[i], &tables[count]) == TC_OK && strcmp(tables[count]->isa, names[i]) == 0)
            count++;
    return count;
}

/* The tables other than scalar fuse multiply and add. */
static inline bool kernel_fuses(const tci_kernels *kernels)
{
    return strcmp(kernels->isa, "scalar") != 0;
}

static inline uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The same bits, or both NaN. */
static inline bool same_float(float a, float b)
{
    return bits_of(a) == bits_of(b) || (a != a && b != b);
}

/* Uniform in [-1, 1), from a running state. */
static inline float next_float(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(int32_t)*state * 0x1p-31f;
}

/* `count` floats in [-1, 1), 64-byte aligned, in a block of their own so that the address sanitizer sees what is read
 * past them. */
static inline float *random_block(size_t count, uint32_t *state)
{
    float *block = NULL;
    if (posix_memalign((void **)&block, 64, (count ? count : 1) * sizeof(float)))
        abort();
    for (size_t i = 0; i < count; i++)
        block[i] = next_float(state);
    return block;
}

static inline float *copy_block(const float *from, size_t count)
{
    float *block = NULL;
    if (posix_memalign((void **)&block, 64, (count ? count : 1) * sizeof(float)))
        abort();
    memcpy(block, from, count * sizeof(float));
    return block;
}

#endif
