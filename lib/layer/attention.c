/* attention.c: see attention.h. For one head K is packed with keys as columns and V as it stands, so that scores and
 * output are products with packed panels; the division by a row's sum waits for its output. Backward, with P made again
 * from the scores and M the dropout's factors:
 *
 *     dV += (P∘M)^T dO     dP = (dO V^T)∘M     dS = P (dP - Σ dO out) / √head_dim     dQ = dS K     dK += dS^T Q */
#include "layer/attention.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "layer/dropout.h"

/* Floats of a tile of scores, as far as its rows allow. */
#define TILE_FLOATS 16384
#define LEAST_ROWS 12
#define MOST_ROWS 96

/* Query rows of a tile; the length alone decides. */
static size_t tile_rows(size_t length)
{
    size_t rows = TILE_FLOATS / TCI_PADDED(length);
    rows = rows < LEAST_ROWS ? LEAST_ROWS : rows > MOST_ROWS ? MOST_ROWS : rows;
    size_t tiles = (length + rows - 1) / rows;
    return (length + tiles - 1) / tiles;
}

/* The most floats that tile_rows() · padded length takes for any length up to this. */
static size_t most_tile(size_t longest)
{
    size_t width = TCI_PADDED(longest);
    size_t most = TILE_FLOATS > LEAST_ROWS * width ? TILE_FLOATS : LEAST_ROWS * width;
    return most < MOST_ROWS * width ? most : MOST_ROWS * width;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t most_rows(size_t longest)
{
    return least(MOST_ROWS, longest);
}

size_t tci_attention_scratch(const tci_attention *attention, size_t longest)
{
    size_t width = TCI_PADDED(longest), head = TCI_PADDED(attention->head_dim);
    return width * attention->head_dim + longest * head + most_tile(longest) + most_rows(longest) * head +
           TCI_PADDED(2 * most_rows(longest));
}

size_t tci_attention_backward_scratch(const tci_attention *attention, size_t longest)
{
    size_t width = TCI_PADDED(longest), head = TCI_PADDED(attention->head_dim);
    size_t tiles = attention->dropout > 0.0 ? 3 : 2;
    return 2 * width * attention->head_dim + 6 * longest * head + tiles * most_tile(longest) +
           TCI_PADDED(most_rows(longest)) + tci_gemm_transposed_scratch(width, head / TCI_PANEL);
}

/* 1 / √head_dim */
static float scale_of(const tci_attention *attention)
{
    return 1.0f / sqrtf((float)attention->head_dim);
}

/* Drops elements of a tile: probabilities of queries [first, first + rows) or their gradients. */
static void drop(const tci_attention *attention, const tci_kernels *kernels, const tci_attention_text *text,
                 size_t head, size_t first, size_t rows, size_t width, float *tile)
{
    if (attention->dropout <= 0.0)
        return;
    tci_dropout dropout = {.rate = attention->dropout,
                           .seed = attention->seed,
                           .step = attention->step,
                           .layer = attention->layer,
                           .first_unit = (uint32_t)(head * TCI_PADDED(text->length)),
                           .width = width,
                           .kernels = kernels};
    for (size_t r = 0; r < rows; r++)
        tci_dropout_vector(&dropout, text->position, (uint32_t)(text->first_token + first + r), tile + r * width);
}

/* Columns [0, columns) of rows there, zeros up to `width`. */
static void copy_rows(size_t rows, size_t columns, const float *src, size_t src_stride, float *dst, size_t dst_stride,
                      size_t width)
{
    for (size_t r = 0; r < rows; r++) {
        memcpy(dst + r * dst_stride, src + r * src_stride, columns * sizeof *dst);
        memset(dst + r * dst_stride + columns, 0, (width - columns) * sizeof *dst);
    }
}

/* Columns behind a head's own that it clears in what it writes: the padding, behind the last one. */
static size_t head_width(const tci_attention *attention, size_t head)
{
    size_t columns = attention->heads * attention->head_dim;
    return attention->head_dim + (head + 1 == attention->heads ? TCI_PADDED(columns) - columns : 0);
}

/* What a tile of query rows sees: panels of keys, and keys of its first row, of which each next has `step` more. */
typedef struct sight {
    size_t panels, keys, step;
} sight;

static sight sight_of(const tci_attention *attention, size_t length, size_t first, size_t rows)
{
    if (attention->causal)
        return (sight){TCI_PADDED(first + rows) / TCI_PANEL, first + 1, 1};
    return (sight){TCI_PADDED(length) / TCI_PANEL, length, 0};
}

/* Rows by the sums of their softmax. */
static void divide(size_t rows, size_t width, const float *stats, float *x, size_t stride)
{
    for (size_t r = 0; r < rows; r++) {
        float factor = stats[2 * r + 1];
        for (float *to = x + r * stride, *end = to + width; to < end; to += TCI_PANEL) {
            for (size_t k = 0; k < TCI_PANEL; k++)
                to[k] *= factor;
        }
    }
}

static void forward_head(const tci_attention *attention, const tci_kernels *kernels, const tci_attention_text *text,
                         size_t head, float *scratch)
{
    size_t length = text->length, dim = attention->head_dim, wide = TCI_PADDED(dim), column = head * dim;
    size_t tile = tile_rows(length);
    bool whole = wide == dim; /* then columns of the output are panels */
    float *keys = scratch, *values = keys + TCI_PADDED(length) * dim, *scores = values + length * wide;
    float *sums = scores + most_tile(length), *stats = sums + most_rows(length) * wide;

    tci_pack_panels(kernels, dim, length, text->k + column, text->stride, true, keys);
    tci_pack_panels(kernels, length, dim, text->v + column, text->stride, false, values);
    for (size_t first = 0, rows; first < length; first += rows) {
        rows = least(tile, length - first);
        sight seen = sight_of(attention, length, first, rows);
        size_t width = seen.panels * TCI_PANEL;
        kernels->gemm_from(rows, seen.panels, dim, text->q + first * text->stride + column, text->stride, TCI_PANEL,
                           keys, NULL, scores, width, TCI_PANEL);
        float *kept = text->stats ? text->stats + 2 * (head * length + first) : stats;
        kernels->softmax(rows, seen.keys, seen.step, width, scale_of(attention), scores, width, kept);
        drop(attention, kernels, text, head, first, rows, width, scores);
        size_t depth = seen.keys + (rows - 1) * seen.step;
        float *out = text->out + first * text->out_stride + column, *to = whole ? out : sums;
        size_t stride = whole ? text->out_stride : wide;
        for (size_t panel = 0, some; panel < wide / TCI_PANEL; panel += some) {
            some = depth == length ? wide / TCI_PANEL : 1; /* panels of values are as deep as the text is long */
            kernels->gemm_from(rows, some, depth, scores, width, TCI_PANEL, values + panel * length * TCI_PANEL, NULL,
                               to + panel * TCI_PANEL, stride, TCI_PANEL);
        }
        divide(rows, wide, kept, to, stride);
        if (!whole)
            copy_rows(rows, dim, sums, wide, out, text->out_stride, head_width(attention, head));
    }
}

void tci_attention_forward(const tci_attention *attention, const tci_kernels *kernels, const tci_attention_text *text,
                           size_t first, size_t count, float *scratch)
{
    for (size_t head = first; head < first + count && text->length > 0; head++)
        forward_head(attention, kernels, text, head, scratch);
}

/* One head's numbers in the backward pass. Where its columns are whole panels, matrices are the caller's, else copies
 * with padding columns in scratch. */
typedef struct back {
    float *keys, *values;  /* panels with keys as columns, depth head_dim */
    float *keys_back;      /* panels of head_dim, depth length */
    const float *q, *dout; /* (length, ..) */
    float *dq, *dk, *dv;   /* (length, gradient_stride) */
    size_t stride, out_stride, gradient_stride;
    float *scores, *slopes; /* tiles */
    float *factors;         /* of the dropout, one more; NULL: nothing is dropped */
    float *inner;           /* (tile rows) */
    float *gemm;
    float *copies; /* five (length, wide) */
} back;

static back place(const tci_attention *attention, size_t length, float *scratch)
{
    size_t dim = attention->head_dim, wide = TCI_PADDED(dim), width = TCI_PADDED(length);
    back b = {.keys = scratch};
    b.values = b.keys + width * dim;
    b.keys_back = b.values + width * dim;
    b.scores = b.keys_back + length * wide;
    b.slopes = b.scores + most_tile(length);
    b.factors = attention->dropout > 0.0 ? b.slopes + most_tile(length) : NULL;
    b.inner = (b.factors ? b.factors : b.slopes) + most_tile(length);
    b.gemm = b.inner + TCI_PADDED(most_rows(length));
    b.copies = b.gemm + tci_gemm_transposed_scratch(width, wide / TCI_PANEL);
    return b;
}

/* One tile of queries [first, first + rows). */
static void backward_tile(const tci_attention *attention, const tci_kernels *kernels, const tci_attention_text *text,
                          size_t head, size_t first, size_t rows, const back *b)
{
    size_t length = text->length, dim = attention->head_dim, panels = TCI_PADDED(dim) / TCI_PANEL;
    sight seen = sight_of(attention, length, first, rows);
    size_t width = seen.panels * TCI_PANEL, keys = seen.keys + (rows - 1) * seen.step;
    const float *q = b->q + first * b->stride, *dout = b->dout + first * b->out_stride;
    const float *out = text->out + first * text->out_stride + head * dim;
    const uint32_t one = 0;

    kernels->gemm_from(rows, seen.panels, dim, q, b->stride, TCI_PANEL, b->keys, NULL, b->scores, width, TCI_PANEL);
    kernels->gemm_from(rows, seen.panels, dim, dout, b->out_stride, TCI_PANEL, b->values, NULL, b->slopes, width,
                       TCI_PANEL);
    for (size_t k = 0; b->factors && k < width; k++)
        b->factors[k] = 1.0f;
    for (size_t r = 1; b->factors && r < rows; r++)
        memcpy(b->factors + r * width, b->factors, width * sizeof *b->factors);
    drop(attention, kernels, text, head, first, rows, width, b->factors);
    for (size_t r = 0; r < rows; r++)
        kernels->dot_rows(1, &one, dout + r * b->out_stride, dim, out + r * text->out_stride, b->inner + r);
    kernels->softmax_backward(rows, seen.keys, seen.step, width, scale_of(attention), b->scores, b->slopes, width,
                              text->stats + 2 * (head * length + first), b->inner, b->factors);
    kernels->gemm_transposed(keys, panels, rows, b->scores, width, dout, b->out_stride, TCI_PANEL, b->dv,
                             b->gradient_stride, TCI_PANEL, b->gemm);
    kernels->gemm_transposed(keys, panels, rows, b->slopes, width, q, b->stride, TCI_PANEL, b->dk, b->gradient_stride,
                             TCI_PANEL, b->gemm);
    for (size_t panel = 0, some; panel < panels; panel += some) {
        some = keys == length ? panels : 1; /* panels are as deep as the text is long */
        kernels->gemm_from(rows, some, keys, b->slopes, width, TCI_PANEL, b->keys_back + panel * length * TCI_PANEL,
                           NULL, b->dq + first * b->gradient_stride + panel * TCI_PANEL, b->gradient_stride, TCI_PANEL);
    }
}

static void backward_head(const tci_attention *attention, const tci_kernels *kernels, const tci_attention_text *text,
                          const tci_attention_gradients *gradients, size_t head, float *scratch)
{
    size_t length = text->length, dim = attention->head_dim, wide = TCI_PADDED(dim), column = head * dim;
    size_t tile = tile_rows(length), padded = head_width(attention, head), all = length * wide;
    bool whole = wide == dim;
    const float *q = text->q + column, *dout = gradients->dout + column;
    float *dq = gradients->dq + column, *dk = gradients->dk + column, *dv = gradients->dv + column;
    back b = place(attention, length, scratch);
    b.q = whole ? q : b.copies, b.stride = whole ? text->stride : wide;
    b.dout = whole ? dout : b.copies + all, b.out_stride = whole ? text->out_stride : wide;
    b.dq = whole ? dq : b.copies + 2 * all, b.gradient_stride = whole ? gradients->stride : wide;
    b.dk = whole ? dk : b.copies + 3 * all;
    b.dv = whole ? dv : b.copies + 4 * all;
    tci_pack_panels(kernels, dim, length, text->k + column, text->stride, true, b.keys);
    tci_pack_panels(kernels, dim, length, text->v + column, text->stride, true, b.values);
    tci_pack_panels(kernels, length, dim, text->k + column, text->stride, false, b.keys_back);
    if (!whole) {
        copy_rows(length, dim, q, text->stride, b.copies, wide, wide);
        copy_rows(length, dim, dout, text->out_stride, b.copies + all, wide, wide);
    }
    for (size_t row = 0; row < length; row++) {
        memset(b.dk + row * b.gradient_stride, 0, wide * sizeof *dk);
        memset(b.dv + row * b.gradient_stride, 0, wide * sizeof *dv);
    }
    for (size_t first = 0, rows; first < length; first += rows) {
        rows = least(tile, length - first);
        backward_tile(attention, kernels, text, head, first, rows, &b);
    }
    if (!whole) {
        copy_rows(length, dim, b.dq, wide, dq, gradients->stride, padded);
        copy_rows(length, dim, b.dk, wide, dk, gradients->stride, padded);
        copy_rows(length, dim, b.dv, wide, dv, gradients->stride, padded);
    }
}

void tci_attention_backward(const tci_attention *attention, const tci_kernels *kernels, const tci_attention_text *text,
                            const tci_attention_gradients *gradients, size_t first, size_t count, float *scratch)
{
    for (size_t head = first; head < first + count && text->length > 0; head++)
        backward_head(attention, kernels, text, gradients, head, scratch);
}
