/* bench_kernels.c: the rate of every kernel, beside the multiply-add peak of this core measured in the same run.
 *
 *     bench_kernels [isa]
 *
 * A rate is counted by formula: 2 · rows · columns · depth operations. Each figure is the median of several rounds; the
 * peak is measured before each group and printed, so that a host that changes its speed shows. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel/kernel.h"

#define ROUNDS 11

static double now(void)
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

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, by_value);
    return values[count / 2];
}

/* Billions of operations a second of 12 independent chains of 8-wide fused multiply-adds; 0 where there is no probe.
 * The loop is one piece of assembler, so no compiler can merge, drop or spill any of it. */
static double peak(void)
{
#if defined(__x86_64__) && defined(TCI_HAVE_AVX2)
    double rates[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        const uint64_t turns = 200000;
        uint64_t left = turns;
        double start = now();
        __asm__ volatile("vzeroall\n"
                         "1:\n\t"
                         "vfmadd231ps %%ymm12, %%ymm13, %%ymm0\n\t"
                         "vfmadd231ps %%ymm12, %%ymm13, %%ymm1\n\t"
                         "vfmadd231ps %%ymm12, %%ymm13, %%ymm2\n\t"
                         "vfmadd231ps %%ymm12, %%ymm13, %%ymm3\n\t"
                         "vfmadd231ps %%ymm12, %%ymm13, %%ymm4\n\t"
                         "vfmadd231ps %%ymm12, %%ymm13, %%ymm5\n\t"
                         "vfmadd231ps %%ymm12, %%ymm13, %%ymm6\n\t"
                         "vfmadd231ps %%ymm12, %%ymm13, %%ymm7\n\t"
                         "vfmadd231ps %%ymm12, %%ymm13, %%ymm8\n\t"
                         "vfmadd231ps %%ymm12, %%ymm13, %%ymm9\n\t"
                         "vfmadd231ps %%ymm12, %%ymm13, %%ymm10\n\t"
                         "vfmadd231ps %%ymm12, %%ymm13, %%ymm11\n\t"
                         "dec %0\n\t"
                         "jnz 1b\n\t"
                         "vzeroupper"
                         : "+r"(left)
                         :
                         : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                           "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
        rates[round] = (double)turns * 12.0 * 16.0 / (now() - start) * 1e-9;
    }
    return median(rates, ROUNDS);
#else
    return 0.0;
#endif
}

static float *block(size_t count)
{
    float *values = aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64);
    if (!values) {
        fprintf(stderr, "bench_kernels: out of memory\n");
        exit(1);
    }
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(i * 2654435761u % 1000u) * 1e-3f - 0.5f;
    return values;
}

static void report(const char *name, size_t rows, size_t depth, size_t columns, double *seconds, double limit)
{
    double work = 2.0 * (double)rows * (double)depth * (double)columns;
    double rate = work / median(seconds, ROUNDS) * 1e-9;
    printf("%-10s %5zu x %5zu x %5zu  %8.1f us  %7.1f GFLOP/s", name, rows, depth, columns, seconds[ROUNDS / 2] * 1e6,
           rate);
    if (limit > 0.0)
        printf("  %5.1f %% of peak (best round %.1f, worst %.1f)", 100.0 * rate / limit,
               100.0 * work / seconds[0] * 1e-9 / limit, 100.0 * work / seconds[ROUNDS - 1] * 1e-9 / limit);
    printf("\n");
}

/* Repetitions that make a round last a few milliseconds. */
static int repetitions(size_t rows, size_t depth, size_t columns)
{
    double work = 2.0 * (double)rows * (double)depth * (double)columns;
    double count = 4e8 / work;
    return count < 1.0 ? 1 : (int)count;
}

static void bench_gemm(const tci_kernels *kernels, size_t rows, size_t depth, size_t columns, size_t a_stride,
                       double limit)
{
    float *a = block(rows * a_stride), *b = block(depth * columns), *c = block(rows * (columns + 16));
    double seconds[ROUNDS];
    int turns = repetitions(rows, depth, columns);
    for (int round = -1; round < ROUNDS; round++) {
        double start = now();
        for (int turn = 0; turn < turns; turn++)
            kernels->gemm(rows, columns / TCI_PANEL, depth, a, a_stride, b, c, columns + 16);
        if (round >= 0)
            seconds[round] = (now() - start) / turns;
    }
    report("gemm", rows, depth, columns, seconds, limit);
    free(a), free(b), free(c);
}

static void bench_transposed(const tci_kernels *kernels, size_t rows, size_t depth, size_t columns, size_t b_stride,
                             double limit)
{
    float *a = block(rows * depth), *b = block(depth * b_stride), *c = block(rows * columns);
    float *scratch = block(tci_gemm_transposed_scratch(rows, columns / TCI_PANEL));
    double seconds[ROUNDS];
    int turns = repetitions(rows, depth, columns);
    for (int round = -1; round < ROUNDS; round++) {
        double start = now();
        for (int turn = 0; turn < turns; turn++)
            kernels->gemm_transposed(rows, columns / TCI_PANEL, depth, a, rows, b, b_stride, c, columns, scratch);
        if (round >= 0)
            seconds[round] = (now() - start) / turns;
    }
    report("transposed", rows, depth, columns, seconds, limit);
    free(a), free(b), free(c), free(scratch);
}

typedef void (*elementwise)(size_t count, const float *src, float *dst);

static void bench_elementwise(const char *name, elementwise function)
{
    enum { COUNT = 4096, TURNS = 100 };
    float *src = block(COUNT), *dst = block(COUNT);
    double seconds[ROUNDS];
    for (int round = -1; round < ROUNDS; round++) {
        double start = now();
        for (int turn = 0; turn < TURNS; turn++)
            function(COUNT, src, dst);
        if (round >= 0)
            seconds[round] = (now() - start) / TURNS / COUNT;
    }
    printf("%-10s %6.2f ns for 8\n", name, median(seconds, ROUNDS) * 8e9);
    free(src), free(dst);
}

static void bench_cell(const tci_kernels *kernels, size_t rows)
{
    enum { TURNS = 2000 };
    float *gates = block(rows * 64), *c = block(rows * 16), *h = block(rows * 16), *dc = block(rows * 16);
    double forward[ROUNDS], backward[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        double start = now();
        for (int turn = 0; turn < TURNS; turn++)
            kernels->lstm_cell(rows, gates, 64, c, c, h, 16);
        forward[round] = (now() - start) / TURNS / (double)rows;
        memset(dc, 0, rows * 16 * sizeof *dc);
        start = now();
        for (int turn = 0; turn < TURNS; turn++)
            kernels->lstm_cell_backward(rows, gates, 64, c, c, h, dc, 16);
        backward[round] = (now() - start) / TURNS / (double)rows;
    }
    printf("lstm_cell  %zu rows: %.1f ns a row of 16 units forward, %.1f backward\n", rows,
           median(forward, ROUNDS) * 1e9, median(backward, ROUNDS) * 1e9);
    free(gates), free(c), free(h), free(dc);
}

int main(int argc, char **argv)
{
    const tci_kernels *kernels;
    if (tci_kernels_choose(argc > 1 ? argv[1] : "auto", &kernels) != TC_OK) {
        fprintf(stderr, "bench_kernels: %s\n", tci_error_text());
        return 2;
    }
    double limit = peak();
    printf("%s; one core's multiply-add peak, 8 wide: %.1f GFLOP/s\n", kernels->isa, limit);
    static const size_t products[][4] = {
        {512, 512, 512, 512},  {32, 256, 1024, 256},  {8, 256, 1024, 256}, {6400, 128, 1024, 128}, {32, 256, 512, 256},
        {32, 1024, 128, 1024}, {32, 1024, 128, 1040}, {7, 256, 1024, 256}, {13, 256, 1024, 256},   {1, 256, 512, 256},
        {2, 256, 512, 256},    {3, 256, 512, 256},    {4, 256, 512, 256},  {5, 256, 512, 256},     {6, 256, 512, 256},
        {1, 256, 1024, 256},   {2, 256, 1024, 256},   {3, 256, 1024, 256},
    };
    for (size_t i = 0; i < sizeof products / sizeof products[0]; i++)
        bench_gemm(kernels, products[i][0], products[i][1], products[i][2], products[i][3], limit);
    limit = peak();
    printf("peak: %.1f GFLOP/s\n", limit);
    static const size_t transposed[][4] = {
        {256, 64, 512, 1024},    {256, 256, 512, 1024}, {256, 256, 512, 1040}, {256, 512, 1024, 1024},
        {128, 1433, 1024, 1040}, {128, 6400, 512, 512}, {2, 32, 256, 256},
    };
    for (size_t i = 0; i < sizeof transposed / sizeof transposed[0]; i++)
        bench_transposed(kernels, transposed[i][0], transposed[i][1], transposed[i][2], transposed[i][3], limit);
    bench_elementwise("exp", kernels->exp);
    bench_elementwise("tanh", kernels->tanh);
    bench_elementwise("sigmoid", kernels->sigmoid);
    bench_elementwise("add", kernels->add);
    bench_cell(kernels, 32);
    return 0;
}
