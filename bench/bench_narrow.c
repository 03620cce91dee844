/* bench_narrow.c: what narrow weights give: the products with float, bfloat16 and int8 weights side by side, over row
 * counts, and the quantization that int8 needs for each row.
 *
 *     bench_narrow [isa]
 *
 * The shape is the recurrent product of the seed model, 256 deep, 1024 columns: 1 MB, 512 KB and 256 KB of weights.
 * Each figure is the fastest of several rounds, the types by turns. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel/kernel.h"

#define ROUNDS 15
#define DEPTH 256
#define PANELS 64
#define WIDE (PANELS * TCI_PANEL)
#define ROWS 64

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void *block(size_t count, size_t size)
{
    void *values = aligned_alloc(64, (count * size + 63) / 64 * 64);
    if (!values) {
        fprintf(stderr, "bench_narrow: out of memory\n");
        exit(1);
    }
    for (size_t i = 0; i < count; i++) {
        float value = (float)(i * 2654435761u % 1000u) * 1e-3f - 0.5f;
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        if (size == sizeof value)
            ((float *)values)[i] = value;
        else if (size == sizeof(uint16_t))
            ((uint16_t *)values)[i] = (uint16_t)(bits >> 16);
        else
            ((int8_t *)values)[i] = (int8_t)(value * 254.0f);
    }
    return values;
}

int main(int argc, char **argv)
{
    const tci_kernels *kernels;
    if (tci_kernels_choose(argc > 1 ? argv[1] : "auto", &kernels) != TC_OK) {
        fprintf(stderr, "bench_narrow: %s\n", tci_error_text());
        return 2;
    }
    float *a = block(ROWS * DEPTH, sizeof(float)), *f32 = block(DEPTH * WIDE, sizeof(float));
    float *c = block(ROWS * (WIDE + 16), sizeof(float)), *scales = block(WIDE, sizeof(float));
    uint16_t *bf16 = block(DEPTH * WIDE, sizeof(uint16_t));
    int8_t *int8 = block(PANELS * TCI_INT8_PANEL_BYTES(DEPTH), 1);
    size_t stride = TCI_INT8_ROW_BYTES(DEPTH);
    tci_int8_row *rows = block(ROWS * stride, 1);
    kernels->quantize(ROWS, DEPTH, a, DEPTH, rows, stride);
    static const size_t counts[] = {1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 32, 64};
    printf("%s, depth %d, %d columns: microseconds (multiply-adds a nanosecond)\n", kernels->isa, DEPTH, WIDE);
    printf("%5s %16s %16s %16s %10s\n", "rows", "f32", "bf16", "int8", "quantize");
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        double best[4] = {1e9, 1e9, 1e9, 1e9}, work = (double)counts[i] * DEPTH * WIDE;
        int turns = (int)(3e7 / work) + 1;
        for (int round = 0; round < ROUNDS; round++) {
            for (int type = 0; type < 4; type++) {
                double start = now();
                for (int turn = 0; turn < turns; turn++) {
                    if (type == 0)
                        kernels->gemm(counts[i], PANELS, DEPTH, a, DEPTH, TCI_PANEL, f32, c, WIDE + 16, TCI_PANEL);
                    else if (type == 1)
                        kernels->gemm_bf16(counts[i], PANELS, DEPTH, a, DEPTH, bf16, c, WIDE + 16, TCI_PANEL);
                    else if (type == 2)
                        kernels->gemm_int8(counts[i], PANELS, DEPTH, rows, stride, int8, scales, c, WIDE + 16,
                                           TCI_PANEL);
                    else
                        kernels->quantize(counts[i], DEPTH, a, DEPTH, rows, stride);
                }
                double seconds = (now() - start) / turns;
                best[type] = seconds < best[type] ? seconds : best[type];
            }
        }
        printf("%5zu", counts[i]);
        for (int type = 0; type < 3; type++)
            printf("  %7.2f (%5.1f)", best[type] * 1e6, work / best[type] * 1e-9);
        printf(" %10.3f\n", best[3] * 1e6);
    }
    free(a), free(f32), free(c), free(scales), free(bf16), free(int8), free(rows);
    return 0;
}
