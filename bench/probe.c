/* probe.c: the machine's own rates: multiply-adds and reads of one core; see probe.h. */
#define _GNU_SOURCE
#include "probe.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { ROUNDS = 11 };

double probe_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double probe_median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, by_value);
    return values[count / 2];
}

#if defined(__x86_64__)
#define CLOBBERED                                                                                                      \
    "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",  \
        "xmm12", "xmm13", "xmm14", "xmm15"
#define CHAIN(vector, number) "vfmadd231ps %%" vector "12, %%" vector "13, %%" vector number "\n\t"
#define FOUR(vector, a, b, c, d) CHAIN(vector, a) CHAIN(vector, b) CHAIN(vector, c) CHAIN(vector, d)
#define CHAINS(vector)                                                                                                 \
    FOUR(vector, "0", "1", "2", "3") FOUR(vector, "4", "5", "6", "7") FOUR(vector, "8", "9", "10", "11")

static void chains_of_8(uint64_t turns)
{
    __asm__ volatile("vzeroall\n"
                     "1:\n\t" CHAINS("ymm") "dec %0\n\t"
                                            "jnz 1b\n\t"
                                            "vzeroupper"
                     : "+r"(turns)
                     :
                     : CLOBBERED);
}

static void chains_of_16(uint64_t turns)
{
    __asm__ volatile("vzeroall\n"
                     "1:\n\t" CHAINS("zmm") "dec %0\n\t"
                                            "jnz 1b\n\t"
                                            "vzeroupper"
                     : "+r"(turns)
                     :
                     : CLOBBERED);
}

static bool has_lanes(int lanes)
{
    if (lanes == 16)
        return __builtin_cpu_supports("avx512f");
    return lanes == 8 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

/* 256 bytes a turn, forwards or backwards. */
static void read_through(const char *place, size_t bytes, ptrdiff_t step)
{
    uint64_t turns = bytes / 256;
    __asm__ volatile("1:\n\t"
                     "vmovaps (%0), %%ymm0\n\t"
                     "vmovaps 32(%0), %%ymm1\n\t"
                     "vmovaps 64(%0), %%ymm2\n\t"
                     "vmovaps 96(%0), %%ymm3\n\t"
                     "vmovaps 128(%0), %%ymm4\n\t"
                     "vmovaps 160(%0), %%ymm5\n\t"
                     "vmovaps 192(%0), %%ymm6\n\t"
                     "vmovaps 224(%0), %%ymm7\n\t"
                     "add %2, %0\n\t"
                     "dec %1\n\t"
                     "jnz 1b\n\t"
                     "vzeroupper"
                     : "+r"(place), "+r"(turns)
                     : "r"(step)
                     : CLOBBERED);
}
#else
static bool has_lanes(int lanes)
{
    (void)lanes;
    return false;
}
static void chains_of_8(uint64_t turns)
{
    (void)turns;
}
static void chains_of_16(uint64_t turns)
{
    (void)turns;
}

static void read_through(const char *place, size_t bytes, ptrdiff_t step)
{
    static volatile uint64_t sink;
    uint64_t sums[8] = {0};
    for (size_t done = 0; done < bytes; done += 256, place += step) {
        uint64_t part[32];
        memcpy(part, place, sizeof part);
        for (int i = 0; i < 32; i++)
            sums[i % 8] ^= part[i];
    }
    sink = sums[0] ^ sums[1] ^ sums[2] ^ sums[3] ^ sums[4] ^ sums[5] ^ sums[6] ^ sums[7];
    (void)sink;
}
#endif

double probe_multiply_add(int lanes)
{
    const uint64_t turns = 200000;
    double rates[ROUNDS];
    if (!has_lanes(lanes))
        return 0.0;
    for (int round = 0; round < ROUNDS; round++) {
        double start = probe_now();
        if (lanes == 16)
            chains_of_16(turns);
        else
            chains_of_8(turns);
        rates[round] = (double)turns * 12.0 * 2.0 * lanes / (probe_now() - start) * 1e-9;
    }
    return probe_median(rates, ROUNDS);
}

double probe_read(const void *block, size_t bytes, bool turning)
{
    const char *front = block, *back = front + bytes - 256;
    int turns = (int)(32e6 / (double)bytes) + 1;
    double rates[ROUNDS];
    for (int round = -1; round < ROUNDS; round++) {
        double start = probe_now();
        for (int turn = 0; turn < 2 * turns; turn++) {
            bool backwards = turning && turn % 2 != 0;
            read_through(backwards ? back : front, bytes, backwards ? -256 : 256);
        }
        if (round >= 0)
            rates[round] = 2.0 * turns * (double)bytes / (probe_now() - start) * 1e-9;
    }
    return probe_median(rates, ROUNDS);
}

float *probe_block(size_t count)
{
    const size_t page = (size_t)1 << 21;
    size_t bytes = (count * sizeof(float) + page - 1) / page * page;
    float *block = aligned_alloc(page, bytes);
    if (!block) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
#ifdef MADV_HUGEPAGE
    (void)madvise(block, bytes, MADV_HUGEPAGE);
#endif
    memset(block, 0, bytes);
    return block;
}
