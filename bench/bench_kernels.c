/* bench_kernels.c: the rate of every kernel, beside what this core can do, measured in the same run.
 *
 *     bench_kernels [--json] [isa]
 *
 * A rate is counted by formula: 2 · rows · columns · depth operations; for few rows, which the reading of the weights
 * bounds, also 4 · columns · depth bytes, beside the rate at which this core reads a block of that size to and fro (and
 * from the front). Each figure is the median of several rounds, with the best and the worst. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"
#include "probe.h"

enum { ROUNDS = 11, FEW_ROWS = 8 };

static bool json;
static int printed;

static float *block(size_t count)
{
    float *values = probe_block(count);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(i * 2654435761u % 1000u) * 1e-3f - 0.5f;
    return values;
}

static void open_row(const char *name)
{
    if (json)
        printf("%s\n  {\"kernel\": \"%s\"", printed++ > 0 ? "," : "", name);
}

/* One product: sorted `seconds`, beside the peak and, where the weights bound it, the reading of them. */
static void report(const char *name, size_t rows, size_t depth, size_t columns, double *seconds, double peak)
{
    double work = 2.0 * (double)rows * (double)depth * (double)columns;
    double median = probe_median(seconds, ROUNDS), rate = work / median * 1e-9;
    double bytes = 4.0 * (double)depth * (double)columns, forward = 0.0, turning = 0.0;
    bool few = rows <= FEW_ROWS && strcmp(name, "gemm") == 0;
    if (few) {
        float *weights = block(depth * columns);
        forward = probe_read(weights, depth * columns * sizeof *weights, false);
        turning = probe_read(weights, depth * columns * sizeof *weights, true);
        free(weights);
    }
    open_row(name);
    if (json) {
        printf(", \"rows\": %zu, \"depth\": %zu, \"columns\": %zu, \"microseconds\": [%.4f, %.4f, %.4f], "
               "\"gflops\": %.2f, \"peak_gflops\": %.2f",
               rows, depth, columns, seconds[0] * 1e6, median * 1e6, seconds[ROUNDS - 1] * 1e6, rate, peak);
        if (few)
            printf(", \"gbs\": %.2f, \"forward_gbs\": %.2f, \"turning_gbs\": %.2f", bytes / median * 1e-9, forward,
                   turning);
        printf("}");
        return;
    }
    printf("%-10s %5zu x %5zu x %5zu  %8.1f us  %7.1f GFLOP/s", name, rows, depth, columns, median * 1e6, rate);
    if (peak > 0.0)
        printf("  %5.1f %% of peak (best round %.1f, worst %.1f)", 100.0 * rate / peak,
               100.0 * work / seconds[0] * 1e-9 / peak, 100.0 * work / seconds[ROUNDS - 1] * 1e-9 / peak);
    if (few)
        printf("  %5.1f GB/s (core reads %.1f, to and fro %.1f)", bytes / median * 1e-9, forward, turning);
    printf("\n");
}

/* One element-wise function or cell: nanoseconds for 8 floats. */
static void report_eight(const char *name, double *seconds)
{
    double median = probe_median(seconds, ROUNDS);
    open_row(name);
    if (json)
        printf(", \"nanoseconds_for_8\": [%.4f, %.4f, %.4f]}", seconds[0] * 1e9, median * 1e9,
               seconds[ROUNDS - 1] * 1e9);
    else
        printf("%-18s %6.2f ns for 8 (best round %.2f, worst %.2f)\n", name, median * 1e9, seconds[0] * 1e9,
               seconds[ROUNDS - 1] * 1e9);
}

/* Repetitions that make a round last a few milliseconds. */
static int repetitions(size_t rows, size_t depth, size_t columns)
{
    double work = 2.0 * (double)rows * (double)depth * (double)columns;
    double count = 4e8 / work;
    return count < 1.0 ? 1 : (int)count;
}

static void bench_gemm(const tci_kernels *kernels, size_t rows, size_t depth, size_t columns, size_t a_stride,
                       double peak)
{
    float *a = block(rows * a_stride), *b = block(depth * columns), *c = block(rows * (columns + 16));
    double seconds[ROUNDS];
    int turns = repetitions(rows, depth, columns);
    for (int round = -1; round < ROUNDS; round++) {
        double start = probe_now();
        for (int turn = 0; turn < turns; turn++)
            kernels->gemm(rows, columns / TCI_PANEL, depth, a, a_stride, TCI_PANEL, b, c, columns + 16, TCI_PANEL);
        if (round >= 0)
            seconds[round] = (probe_now() - start) / turns;
    }
    report("gemm", rows, depth, columns, seconds, peak);
    free(a), free(b), free(c);
}

static void bench_transposed(const tci_kernels *kernels, size_t rows, size_t depth, size_t columns, double peak)
{
    size_t b_block = TCI_PANEL * (depth | 1), c_block = TCI_PANEL * rows;
    float *a = block(rows * depth), *b = block(b_block * columns / TCI_PANEL), *c = block(rows * columns);
    float *scratch = block(tci_gemm_transposed_scratch(rows, columns / TCI_PANEL));
    double seconds[ROUNDS];
    int turns = repetitions(rows, depth, columns);
    for (int round = -1; round < ROUNDS; round++) {
        double start = probe_now();
        for (int turn = 0; turn < turns; turn++)
            kernels->gemm_transposed(rows, columns / TCI_PANEL, depth, a, rows, b, TCI_PANEL, b_block, c, TCI_PANEL,
                                     c_block, scratch);
        if (round >= 0)
            seconds[round] = (probe_now() - start) / turns;
    }
    report("transposed", rows, depth, columns, seconds, peak);
    free(a), free(b), free(c), free(scratch);
}

typedef void (*elementwise)(size_t count, const float *src, float *dst);

static void bench_elementwise(const char *name, elementwise function)
{
    enum { COUNT = 4096, TURNS = 100 };
    float *src = block(COUNT), *dst = block(COUNT);
    double seconds[ROUNDS];
    for (int round = -1; round < ROUNDS; round++) {
        double start = probe_now();
        for (int turn = 0; turn < TURNS; turn++)
            function(COUNT, src, dst);
        if (round >= 0)
            seconds[round] = (probe_now() - start) / TURNS / COUNT * 8.0;
    }
    report_eight(name, seconds);
    free(src), free(dst);
}

/* The cell of `rows` rows of 16 units. What it overwrites is written again before each call, and that copying is timed
 * alone and taken off. */
static void bench_cell(const tci_kernels *kernels, size_t rows)
{
    enum { TURNS = 2000 };
    float *gates = block(rows * 64), *again = block(rows * 64), *c = block(rows * 16), *h = block(rows * 16);
    float *dc = block(rows * 16);
    double forward[ROUNDS], backward[ROUNDS], units = (double)rows * 16.0;
    for (int round = 0; round < ROUNDS; round++) {
        double copying = 0.0;
        for (int part = 0; part < 3; part++) { /* copying, forward, backward */
            double start = probe_now();
            for (int turn = 0; turn < TURNS; turn++) {
                memcpy(gates, again, rows * 64 * sizeof *gates);
                __asm__ volatile("" : : "r"(gates) : "memory");
                if (part == 1)
                    kernels->lstm_cell(rows, gates, TCI_PANEL, rows * 16, c, c, h, 16);
                if (part == 2)
                    kernels->lstm_cell_backward(rows, gates, TCI_PANEL, rows * 16, c, c, h, dc, 16);
            }
            double seconds = (probe_now() - start) / TURNS / units * 8.0;
            if (part == 0)
                copying = seconds;
            else
                (part == 1 ? forward : backward)[round] = seconds - copying;
        }
        memset(dc, 0, rows * 16 * sizeof *dc);
    }
    report_eight("lstm_cell", forward);
    report_eight("lstm_cell_backward", backward);
    free(gates), free(again), free(c), free(h), free(dc);
}

static double peak_of(void)
{
    double narrow = probe_multiply_add(8), wide = probe_multiply_add(16);
    return wide > narrow ? wide : narrow;
}

static void bench_all(const tci_kernels *kernels)
{
    static const size_t products[][4] = {
        {512, 512, 512, 512},   {1024, 1024, 1024, 1024}, {32, 256, 1024, 256},  {8, 256, 1024, 256},
        {6400, 128, 1024, 128}, {32, 256, 512, 256},      {32, 1024, 128, 1024}, {32, 1024, 128, 1040},
        {7, 256, 1024, 256},    {13, 256, 1024, 256},
    };
    static const size_t transposed[][3] = {
        {256, 64, 512},   {256, 256, 512},   {256, 512, 1024}, {256, 6400, 1024},
        {256, 6400, 512}, {128, 1433, 1024}, {128, 330, 1024}, {2, 32, 256},
    };
    double peak = peak_of();
    for (size_t i = 0; i < sizeof products / sizeof products[0]; i++)
        bench_gemm(kernels, products[i][0], products[i][1], products[i][2], products[i][3], peak);
    peak = peak_of();
    for (size_t i = 0; i < sizeof transposed / sizeof transposed[0]; i++)
        bench_transposed(kernels, transposed[i][0], transposed[i][1], transposed[i][2], peak);
    peak = peak_of();
    for (size_t columns = 512; columns <= 1024; columns += 512)
        for (size_t rows = 1; rows <= FEW_ROWS; rows++)
            bench_gemm(kernels, rows, 256, columns, 256, peak);
    bench_elementwise("exp", kernels->exp);
    bench_elementwise("tanh", kernels->tanh);
    bench_elementwise("sigmoid", kernels->sigmoid);
    bench_elementwise("add", kernels->add);
    bench_cell(kernels, 32);
}

int main(int argc, char **argv)
{
    const tci_kernels *kernels;
    const char *isa = "auto";
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else
            isa = argv[i];
    }
    if (tci_kernels_choose(isa, &kernels) != TC_OK) {
        fprintf(stderr, "bench_kernels: %s\n", tci_error_text());
        return 2;
    }
    if (json) {
        printf("{\"isa\": \"%s\", \"rows\": [", kernels->isa);
        bench_all(kernels);
        printf("\n]}\n");
    } else {
        printf("%s; one core's multiply-add peak: %.1f GFLOP/s\n", kernels->isa, peak_of());
        bench_all(kernels);
    }
    return 0;
}
