/* bench_transformer.c: the rate of each layer of a transformer on one core, beside what this core can do, measured in
 * the same run.
 *
 *     bench_transformer [--quick] [--only PART] [isa]
 *
 * The shape is MiniLM's: six layers, 384 wide, 12 heads, 1536 between. Each pass goes through the weights of all six,
 * as a network does, so that they come from where they would come from. Operations are counted by formula, products
 * alone. Each figure is the best of several rounds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel/kernel.h"
#include "layer/attention.h"
#include "layer/dense.h"
#include "layer/layer_norm.h"
#include "probe.h"

enum { LAYERS = 6, WIDTH = 384, HEADS = 12, BETWEEN = 1536 };

typedef struct layer {
    tci_dense qkv, out, up, down;
} layer;

typedef struct bench {
    const tci_kernels *kernels;
    size_t texts, length, rows;
    layer layers[LAYERS];
    layer packed[LAYERS];
    float *x, *qkv, *heads, *mixed, *between, *before, *stats, *soft; /* activations */
    float *d_x, *d_qkv, *d_between;                                   /* gradients */
    float *gradient, *bias_gradient, *scratch;
    tci_layer_norm norm;
    tci_attention attention;
} bench;

/* Seconds of the processor's time, which others on the machine do not add to. */
static double process_now(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static float *block(size_t count)
{
    float *values = probe_block(count);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(i * 2654435761u % 1000u) * 1e-4f - 0.05f;
    return values;
}

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

static tci_dense dense_of(size_t input, size_t output, size_t parts)
{
    tci_dense dense = {.input_dim = input, .output_dim = output, .parts = parts, .weight_stride = input};
    for (size_t part = 0; part < parts; part++) {
        dense.weight[part] = block(input * output);
        dense.bias[part] = block(output);
    }
    return dense;
}

static tci_dense pack(const bench *b, tci_dense dense)
{
    float *packed = block(tci_dense_packed_floats(&dense)), *scratch = block(tci_dense_scratch(&dense));
    tci_dense_pack(&dense, b->kernels, packed, scratch);
    free(scratch);
    dense.packed = packed;
    return dense;
}

static void set_up(bench *b, const tci_kernels *kernels, size_t most_rows, size_t longest)
{
    b->kernels = kernels;
    b->attention = (tci_attention){.heads = HEADS, .head_dim = WIDTH / HEADS};
    size_t scratch =
        most(tci_attention_scratch(&b->attention, longest), tci_attention_backward_scratch(&b->attention, longest));
    for (size_t i = 0; i < LAYERS; i++) {
        layer *l = b->layers + i;
        *l = (layer){dense_of(WIDTH, WIDTH, 3), dense_of(WIDTH, WIDTH, 1), dense_of(WIDTH, BETWEEN, 1),
                     dense_of(BETWEEN, WIDTH, 1)};
        b->packed[i] = (layer){pack(b, l->qkv), pack(b, l->out), pack(b, l->up), pack(b, l->down)};
    }
    const layer *l = b->layers;
    scratch = most(most(scratch, tci_dense_scratch(&l->qkv)), tci_dense_scratch(&l->out));
    scratch = most(most(scratch, tci_dense_scratch(&l->up)), tci_dense_scratch(&l->down));
    b->scratch = block(scratch);
    b->x = block(most_rows * WIDTH), b->heads = block(most_rows * WIDTH), b->mixed = block(most_rows * WIDTH);
    b->qkv = block(most_rows * 3 * WIDTH), b->between = block(most_rows * BETWEEN);
    b->before = block(most_rows * BETWEEN), b->stats = block(most_rows * 2), b->soft = block(most_rows * HEADS * 2);
    b->d_x = block(most_rows * WIDTH), b->d_qkv = block(most_rows * 3 * WIDTH);
    b->d_between = block(most_rows * BETWEEN);
    b->gradient = block((size_t)WIDTH * BETWEEN), b->bias_gradient = block(BETWEEN);
    b->norm = (tci_layer_norm){WIDTH, 1e-12f, block(WIDTH), block(WIDTH)};
}

static void forward(const bench *b, const tci_dense *dense, const float *x, tci_activation activation,
                    const float *residual, float *before, float *y)
{
    size_t width = tci_dense_width(dense);
    tci_dense_output output = {y, width, activation, before, residual, residual ? width : 0};
    tci_dense_forward(dense, b->kernels, 0, tci_dense_panels(dense), b->rows, x, dense->input_dim, &output, b->scratch);
}

static tci_attention_text text_at(const bench *b, size_t text, float *stats)
{
    size_t row = text * b->length;
    const float *q = b->qkv + row * 3 * WIDTH;
    return (tci_attention_text){.length = b->length,
                                .q = q,
                                .k = q + WIDTH,
                                .v = q + 2 * WIDTH,
                                .stride = (size_t)3 * WIDTH,
                                .out = b->heads + row * WIDTH,
                                .out_stride = WIDTH,
                                .stats = stats ? stats + row * HEADS * 2 : NULL};
}

static void attend(const bench *b, float *stats)
{
    for (size_t i = 0; i < b->texts; i++) {
        tci_attention_text text = text_at(b, i, stats);
        tci_attention_forward(&b->attention, b->kernels, &text, 0, HEADS, b->scratch);
    }
}

/* The parts that are timed: each runs once for a layer. */
static void run_qkv(const bench *b, size_t i)
{
    forward(b, &b->packed[i].qkv, b->x, TCI_ACTIVATION_NONE, NULL, NULL, b->qkv);
}

static void run_attention(const bench *b, size_t i)
{
    (void)i;
    attend(b, NULL);
}

static void run_out(const bench *b, size_t i)
{
    forward(b, &b->packed[i].out, b->heads, TCI_ACTIVATION_NONE, b->x, NULL, b->mixed);
}

static void run_up(const bench *b, size_t i)
{
    forward(b, &b->packed[i].up, b->mixed, TCI_ACTIVATION_GELU, NULL, NULL, b->between);
}

static void run_down(const bench *b, size_t i)
{
    forward(b, &b->packed[i].down, b->between, TCI_ACTIVATION_NONE, b->x, NULL, b->mixed);
}

static void run_norm(const bench *b, size_t i)
{
    (void)i;
    tci_layer_norm_forward(&b->norm, b->kernels, b->rows, b->x, b->mixed, NULL);
}

static void run_all(const bench *b, size_t i)
{
    run_qkv(b, i), run_attention(b, i), run_out(b, i), run_norm(b, i), run_up(b, i), run_down(b, i), run_norm(b, i);
}

static void train_qkv(const bench *b, size_t i)
{
    forward(b, &b->layers[i].qkv, b->x, TCI_ACTIVATION_NONE, NULL, NULL, b->qkv);
}

static void train_attention(const bench *b, size_t i)
{
    (void)i;
    attend(b, b->soft);
}

static void train_up(const bench *b, size_t i)
{
    forward(b, &b->layers[i].up, b->mixed, TCI_ACTIVATION_GELU, NULL, b->before, b->between);
}

static void train_down(const bench *b, size_t i)
{
    forward(b, &b->layers[i].down, b->between, TCI_ACTIVATION_NONE, b->x, NULL, b->mixed);
}

static void back(const bench *b, const tci_dense *dense, const float *dy, float *dx)
{
    tci_dense_backward_input(dense, b->kernels, 0, dense->input_dim / TCI_PANEL, b->rows, dy, tci_dense_width(dense),
                             dx, dense->input_dim, false, b->scratch);
}

static void weigh(const bench *b, const tci_dense *dense, const float *x, const float *dy)
{
    float *dweight[TCI_DENSE_PARTS] = {b->gradient, b->gradient, b->gradient};
    float *dbias[TCI_DENSE_PARTS] = {b->bias_gradient, b->bias_gradient, b->bias_gradient};
    tci_dense_backward_weight(dense, b->kernels, 0, tci_dense_panels(dense), b->rows, x, dense->input_dim, dy,
                              tci_dense_width(dense), dweight, dbias, false, b->scratch);
}

static void back_down(const bench *b, size_t i)
{
    back(b, &b->layers[i].down, b->d_x, b->d_between);
}

static void weigh_down(const bench *b, size_t i)
{
    weigh(b, &b->layers[i].down, b->between, b->d_x);
}

static void back_gelu(const bench *b, size_t i)
{
    (void)i;
    tci_activation_backward(TCI_ACTIVATION_GELU, b->kernels, b->rows * BETWEEN, b->before, b->d_between, b->d_between);
}

static void back_up(const bench *b, size_t i)
{
    back(b, &b->layers[i].up, b->d_between, b->d_x);
}

static void weigh_up(const bench *b, size_t i)
{
    weigh(b, &b->layers[i].up, b->x, b->d_between);
}

static void back_norm(const bench *b, size_t i)
{
    (void)i;
    tci_layer_norm_backward(&b->norm, b->kernels, b->rows, b->x, b->stats, b->mixed, b->d_x, false);
    tci_layer_norm_gradients(&b->norm, b->kernels, 0, WIDTH, b->rows, b->x, b->stats, b->mixed, b->gradient,
                             b->bias_gradient, false);
}

static void back_attention(const bench *b, size_t i)
{
    (void)i;
    for (size_t t = 0; t < b->texts; t++) {
        tci_attention_text text = text_at(b, t, b->soft);
        float *d = b->d_qkv + t * b->length * 3 * WIDTH;
        tci_attention_gradients gradients = {b->d_x + t * b->length * WIDTH, d, d + WIDTH, d + 2 * WIDTH,
                                             (size_t)3 * WIDTH};
        tci_attention_backward(&b->attention, b->kernels, &text, &gradients, 0, HEADS, b->scratch);
    }
}

static void back_qkv(const bench *b, size_t i)
{
    back(b, &b->layers[i].qkv, b->d_qkv, b->d_x);
}

static void weigh_qkv(const bench *b, size_t i)
{
    weigh(b, &b->layers[i].qkv, b->x, b->d_qkv);
}

typedef struct part {
    const char *name;
    void (*run)(const bench *b, size_t layer);
    double dense, attention; /* multiply-adds: of a row, and of a row and key */
} part;

#define SQUARE ((double)WIDTH * WIDTH)
#define FEED ((double)WIDTH * BETWEEN)

static const part prediction[] = {
    {"query, key, value", run_qkv, 3 * SQUARE, 0},
    {"attention", run_attention, 0, 2 * WIDTH},
    {"output", run_out, SQUARE, 0},
    {"up, GELU", run_up, FEED, 0},
    {"down", run_down, FEED, 0},
    {"layer norm", run_norm, 0, 0},
    {"whole layer", run_all, 4 * SQUARE + 2 * FEED, 2 * WIDTH},
};
static const part training[] = {
    {"query, key, value", train_qkv, 3 * SQUARE, 0},
    {"attention", train_attention, 0, 2 * WIDTH},
    {"up, GELU", train_up, FEED, 0},
    {"down", train_down, FEED, 0},
    {"d down", back_down, FEED, 0},
    {"d down weight", weigh_down, FEED, 0},
    {"d GELU", back_gelu, 0, 0},
    {"d up", back_up, FEED, 0},
    {"d up weight", weigh_up, FEED, 0},
    {"d layer norm", back_norm, 0, 0},
    {"d attention", back_attention, 0, 4 * WIDTH},
    {"d query, key, value", back_qkv, 3 * SQUARE, 0},
    {"d q, k, v weight", weigh_qkv, 3 * SQUARE, 0},
};

static const char *only; /* part of a name; NULL: all */

static double peak_now(void)
{
    double narrow = probe_multiply_add(8), wide = probe_multiply_add(16);
    return narrow > wide ? narrow : wide;
}

static void time_parts(const bench *b, const part *parts, size_t count, int rounds)
{
    for (size_t p = 0; p < count; p++) {
        if (only && !strstr(parts[p].name, only))
            continue;
        double best = 1e9, peak = 0.0;
        double work = 2.0 * (double)b->rows * (parts[p].dense + parts[p].attention * (double)b->length) * LAYERS;
        int turns = (int)(2e9 / (2.0 * (double)b->rows * SQUARE * 8 * LAYERS)) + 1;
        for (int round = 0; round < rounds; round++) {
            double start = process_now();
            for (int turn = 0; turn < turns; turn++)
                for (size_t i = 0; i < LAYERS; i++)
                    parts[p].run(b, i);
            double seconds = (process_now() - start) / turns, now = round % 4 ? 0.0 : peak_now();
            best = seconds < best ? seconds : best;
            peak = now > peak ? now : peak;
        }
        printf("  %-20s %9.3f ms", parts[p].name, best * 1e3);
        if (work > 0.0)
            printf("  %6.1f GFLOP/s, %5.1f %% of %.1f", work / best * 1e-9, 100.0 * work / best * 1e-9 / peak, peak);
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    static const size_t shapes[][2] = {{1, 16}, {1, 128}, {8, 128}, {32, 128}};
    const tci_kernels *kernels;
    const char *isa = "auto";
    int rounds = 21;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0)
            rounds = 3;
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            only = argv[++i];
        else
            isa = argv[i];
    }
    if (tci_kernels_choose(isa, &kernels) != TC_OK) {
        fprintf(stderr, "bench_transformer: %s\n", tci_error_text());
        return 2;
    }
    static bench b;
    set_up(&b, kernels, (size_t)32 * 128, 128);
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        b.texts = shapes[s][0], b.length = shapes[s][1], b.rows = b.texts * b.length;
        printf("%s, %zu x %zu tokens, six layers:\n", kernels->isa, b.texts, b.length);
        time_parts(&b, prediction, sizeof prediction / sizeof prediction[0], rounds);
    }
    printf("training:\n");
    time_parts(&b, training, sizeof training / sizeof training[0], rounds / 3);
    return 0;
}
