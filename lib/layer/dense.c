/* dense.c: see dense.h. A group of panels, whose weights stay in the second-level cache, meets all rows, a block of
 * them at a time; of these and some of its panels a tile of the output is made, which stays in the nearer caches from
 * its first product to the end of its epilogue. What is not packed yet is packed group by group. */
#include "layer/dense.h"

#include <string.h>

#define TILE_ROWS 99
#define TILE_PANELS 6
#define BIAS_ROWS 16
#define GROUP_FLOATS 196608 /* 768 KB of packed weights, for the second-level cache */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Panels of the next group of those that are left: whole tiles, or half of one. */
static size_t group_panels(size_t depth, size_t left)
{
    size_t panels = GROUP_FLOATS / (TCI_PANEL * depth) / TILE_PANELS * TILE_PANELS;
    return least(panels > 0 ? panels : TILE_PANELS / 2, left);
}

static size_t group_floats(size_t depth, size_t panels)
{
    return group_panels(depth, panels) * TCI_PANEL * depth;
}

/* Blocks of rows that differ by one at most. */
static size_t row_block(size_t left)
{
    size_t blocks = (left + TILE_ROWS - 1) / TILE_ROWS;
    return (left + blocks - 1) / blocks;
}

size_t tci_dense_packed_floats(const tci_dense *dense)
{
    return tci_dense_width(dense) * dense->input_dim;
}

static size_t transposed_scratch(const tci_dense *dense)
{
    size_t inputs = TCI_PADDED(dense->input_dim), outputs = TCI_PADDED(dense->output_dim);
    size_t a = tci_gemm_transposed_scratch(inputs, outputs / TCI_PANEL);
    size_t b = tci_gemm_transposed_scratch(outputs, inputs / TCI_PANEL);
    return a > b ? a : b;
}

/* 16 rows of a weight in either layout. */
static size_t product_floats(const tci_dense *dense)
{
    size_t columns = dense->input_major ? dense->output_dim : dense->input_dim;
    return TCI_PANEL * TCI_PADDED(columns);
}

/* For packing a group of panels of a weight that has an adapter, of this depth; `down` transposed times `up` on the way
 * forward, `up` times `down` on the way back. */
static size_t adapter_floats(const tci_dense *dense, size_t depth, size_t panels)
{
    size_t rank = 0, group = group_panels(depth, panels);
    for (size_t part = 0; part < dense->parts; part++)
        rank = dense->adapter[part].rank > rank ? dense->adapter[part].rank : rank;
    return rank > 0 ? group * TCI_PANEL * rank + tci_gemm_transposed_scratch(depth, group) : 0;
}

size_t tci_dense_scratch(const tci_dense *dense)
{
    size_t panels = tci_dense_panels(dense), back_panels = TCI_PADDED(dense->input_dim) / TCI_PANEL;
    size_t tile = TILE_ROWS * least(panels, TILE_PANELS) * TCI_PANEL;
    size_t forward = group_floats(dense->input_dim, panels) + adapter_floats(dense, dense->input_dim, panels);
    size_t back = group_floats(dense->output_dim, back_panels) + adapter_floats(dense, dense->output_dim, back_panels);
    size_t products = tile + (forward > back ? forward : back);
    size_t weights = product_floats(dense) + transposed_scratch(dense);
    return TCI_PADDED(products > weights ? products : weights);
}

/* Part and column in it where a panel of the output begins, and how many columns it has. */
typedef struct place {
    size_t part, column, columns;
} place;

static place place_of(const tci_dense *dense, size_t panel)
{
    size_t panels = TCI_PADDED(dense->output_dim) / TCI_PANEL;
    place at = {.part = panel / panels, .column = panel % panels * TCI_PANEL};
    at.columns = least(TCI_PANEL, dense->output_dim - at.column);
    return at;
}

/* Adds what a part's adapter gives columns [column, column + columns) to their panels:
 * packed (panels, input_dim, 16) += downᵀ · (scale · upᵀ). */
static void adapt(const tci_dense *dense, const tci_kernels *kernels, size_t part, size_t column, size_t columns,
                  float *packed, float *scratch)
{
    const tci_dense_adapter *adapter = &dense->adapter[part];
    size_t rank = adapter->rank, width = TCI_PADDED(columns), depth = dense->input_dim;
    if (rank == 0)
        return;
    for (size_t j = 0; j < width; j++) {
        float *to = scratch + j / TCI_PANEL * TCI_PANEL * rank + j % TCI_PANEL;
        for (size_t r = 0; r < rank; r++)
            to[r * TCI_PANEL] = j < columns ? adapter->scale * adapter->up[(column + j) * rank + r] : 0.0f;
    }
    kernels->gemm_transposed(depth, width / TCI_PANEL, rank, adapter->down, depth, scratch, TCI_PANEL, TCI_PANEL * rank,
                             packed, TCI_PANEL, TCI_PANEL * depth, scratch + width * rank);
}

/* Panels [first, first + count) one after the other. */
static void pack(const tci_dense *dense, const tci_kernels *kernels, size_t first, size_t count, float *packed,
                 float *scratch)
{
    size_t panels = TCI_PADDED(dense->output_dim) / TCI_PANEL; /* of a part */
    for (size_t panel = first, some; panel < first + count; panel += some) {
        place at = place_of(dense, panel);
        size_t offset = dense->input_major ? at.column : at.column * dense->weight_stride;
        some = least(first + count - panel, panels - panel % panels);
        size_t columns = least(some * TCI_PANEL, dense->output_dim - at.column);
        tci_pack_panels(kernels, dense->input_dim, columns, dense->weight[at.part] + offset, dense->weight_stride,
                        !dense->input_major, packed);
        adapt(dense, kernels, at.part, at.column, columns, packed, scratch);
        packed += some * TCI_PANEL * dense->input_dim;
    }
}

void tci_dense_pack(const tci_dense *dense, const tci_kernels *kernels, float *packed, float *scratch)
{
    size_t panels = tci_dense_panels(dense);
    for (size_t panel = 0, some; panel < panels; panel += some) {
        some = group_panels(dense->input_dim, panels - panel);
        pack(dense, kernels, panel, some, packed + panel * TCI_PANEL * dense->input_dim, scratch);
    }
}

/* The biases of a group of panels, zeros where there are none. */
static void gather_bias(const tci_dense *dense, size_t first, size_t count, float *bias)
{
    for (size_t i = 0; i < count; i++, bias += TCI_PANEL) {
        place at = place_of(dense, first + i);
        memset(bias, 0, TCI_PANEL * sizeof *bias);
        if (dense->bias[at.part])
            memcpy(bias, dense->bias[at.part] + at.column, at.columns * sizeof *bias);
    }
}

/* Some rows and panels of the output. */
typedef struct tile {
    const tci_kernels *kernels;
    size_t rows, panels, depth;
    const float *x;
    size_t x_stride;
    const float *weights, *bias;
    const tci_dense_output *output;
    size_t row, column; /* in the output */
    float *product;     /* room for one tile, where y still holds the residual */
} tile;

static void forward_tile(const tile *t)
{
    const tci_dense_output *output = t->output;
    size_t width = t->panels * TCI_PANEL, at = t->row * output->stride + t->column;
    const float *residual = output->residual ? output->residual + t->row * output->residual_stride + t->column : NULL;
    float *y = output->y + at, *to = output->before ? output->before + at : y;
    size_t stride = output->stride;
    bool in_place = residual == y;
    if (in_place) /* y cannot hold the product yet */
        to = t->product, stride = width;
    t->kernels->gemm_from(t->rows, t->panels, t->depth, t->x, t->x_stride, TCI_PANEL, t->weights, t->bias, to, stride,
                          TCI_PANEL);
    for (size_t r = 0; r < t->rows; r++, to += stride, y += output->stride) {
        if (in_place) {
            tci_activation_forward(output->activation, t->kernels, width, to, to);
            t->kernels->add(width, to, y);
            continue;
        }
        if (to != y || output->activation != TCI_ACTIVATION_NONE)
            tci_activation_forward(output->activation, t->kernels, width, to, y);
        if (residual) {
            t->kernels->add(width, residual, y);
            residual += output->residual_stride;
        }
    }
}

void tci_dense_forward(const tci_dense *dense, const tci_kernels *kernels, size_t first, size_t count, size_t rows,
                       const float *x, size_t x_stride, const tci_dense_output *output, float *scratch)
{
    size_t depth = dense->input_dim;
    float *packed = scratch + TILE_ROWS * least(tci_dense_panels(dense), TILE_PANELS) * TCI_PANEL;
    for (size_t panel = first, group; panel < first + count; panel += group) {
        group = group_panels(depth, first + count - panel);
        const float *weights = packed;
        if (dense->packed)
            weights = dense->packed + panel * TCI_PANEL * depth;
        else
            pack(dense, kernels, panel, group, packed, packed + group * TCI_PANEL * depth);
        for (size_t row = 0, block; row < rows; row += block) {
            block = row_block(rows - row);
            for (size_t done = 0, some; done < group; done += some) {
                float bias[TILE_PANELS * TCI_PANEL];
                some = least(group - done, TILE_PANELS);
                gather_bias(dense, panel + done, some, bias);
                forward_tile(&(tile){.kernels = kernels,
                                     .rows = block,
                                     .panels = some,
                                     .depth = depth,
                                     .x = x + row * x_stride,
                                     .x_stride = x_stride,
                                     .weights = weights + done * TCI_PANEL * depth,
                                     .bias = bias,
                                     .output = output,
                                     .row = row,
                                     .column = (panel + done) * TCI_PANEL,
                                     .product = scratch});
            }
        }
    }
}

/* Panels [first, first + count) of the input, as columns of a part's weight transposed: (output_dim, columns); with an
 * adapter packed (count, output_dim, 16) += up · (scale · down), in memory behind them. */
static void pack_back(const tci_dense *dense, const tci_kernels *kernels, size_t part, size_t first, size_t count,
                      float *packed)
{
    size_t column = first * TCI_PANEL, columns = least(count * TCI_PANEL, dense->input_dim - column);
    size_t offset = dense->input_major ? column * dense->weight_stride : column;
    tci_pack_panels(kernels, dense->output_dim, columns, dense->weight[part] + offset, dense->weight_stride,
                    dense->input_major, packed);
    const tci_dense_adapter *adapter = &dense->adapter[part];
    size_t rank = adapter->rank;
    float *down = packed + count * TCI_PANEL * dense->output_dim; /* (count, rank, 16) */
    for (size_t r = 0; r < rank; r++) {
        for (size_t j = 0; j < count * TCI_PANEL; j++)
            down[(j / TCI_PANEL * rank + r) * TCI_PANEL + j % TCI_PANEL] =
                j < columns ? adapter->scale * adapter->down[r * dense->input_dim + column + j] : 0.0f;
    }
    if (rank > 0)
        kernels->gemm(dense->output_dim, count, rank, adapter->up, rank, TCI_PANEL, down, packed, TCI_PANEL,
                      TCI_PANEL * dense->output_dim);
}

void tci_dense_backward_input(const tci_dense *dense, const tci_kernels *kernels, size_t first, size_t count,
                              size_t rows, const float *dy, size_t dy_stride, float *dx, size_t dx_stride, bool add,
                              float *scratch)
{
    size_t depth = dense->output_dim;
    for (size_t panel = first, some; panel < first + count; panel += some) {
        some = group_panels(depth, first + count - panel);
        float *to = dx + panel * TCI_PANEL;
        for (size_t part = 0; part < dense->parts; part++) {
            const float *from = dy + part * TCI_PADDED(depth);
            pack_back(dense, kernels, part, panel, some, scratch);
            if (part == 0 && !add)
                kernels->gemm_from(rows, some, depth, from, dy_stride, TCI_PANEL, scratch, NULL, to, dx_stride,
                                   TCI_PANEL);
            else
                kernels->gemm(rows, some, depth, from, dy_stride, TCI_PANEL, scratch, to, dx_stride, TCI_PANEL);
        }
    }
}

/* Copies a block (rows, columns) between matrices; src NULL: zeros. */
static void copy_block(size_t rows, size_t columns, const float *src, size_t src_stride, float *dst, size_t dst_stride)
{
    for (size_t row = 0; row < rows; row++) {
        if (src)
            memcpy(dst + row * dst_stride, src + row * src_stride, columns * sizeof *dst);
        else
            memset(dst + row * dst_stride, 0, columns * sizeof *dst);
    }
}

/* c (a_columns, columns) = a^T b, or with `add` c += a^T b, both over `depth` rows. Columns that are no whole panels go
 * by way of `product` (16 rows, padded columns) there and back. */
typedef struct weight_product {
    const tci_kernels *kernels;
    size_t a_columns, columns, depth;
    const float *a, *b;
    size_t a_stride, b_stride;
    float *c;
    size_t c_stride;
    bool add;
} weight_product;

static void multiply(const weight_product *p, float *product, float *scratch)
{
    size_t width = TCI_PADDED(p->columns), panels = width / TCI_PANEL;
    if (width == p->columns) {
        if (!p->add)
            copy_block(p->a_columns, width, NULL, 0, p->c, p->c_stride);
        p->kernels->gemm_transposed(p->a_columns, panels, p->depth, p->a, p->a_stride, p->b, p->b_stride, TCI_PANEL,
                                    p->c, p->c_stride, TCI_PANEL, scratch);
        return;
    }
    for (size_t row = 0, some; row < p->a_columns; row += some) {
        some = least(p->a_columns - row, TCI_PANEL);
        float *c = p->c + row * p->c_stride;
        memset(product, 0, some * width * sizeof *product);
        if (p->add)
            copy_block(some, p->columns, c, p->c_stride, product, width);
        p->kernels->gemm_transposed(some, panels, p->depth, p->a + row, p->a_stride, p->b, p->b_stride, TCI_PANEL,
                                    product, width, TCI_PANEL, scratch);
        copy_block(some, p->columns, product, width, c, p->c_stride);
    }
}

/* db (columns) from columns of dy, some rows at a time: one column after the other would go through all pages of dy
 * for each. */
static void sum_bias(const tci_kernels *kernels, size_t rows, size_t columns, const float *dy, size_t dy_stride,
                     float *dbias, bool add)
{
    size_t whole = columns / TCI_PANEL * TCI_PANEL, rest = columns - whole;
    float sums[TCI_PANEL] = {0};
    if (!add)
        memset(dbias, 0, columns * sizeof *dbias);
    memcpy(sums, dbias + whole, rest * sizeof *sums);
    for (size_t row = 0, some; row < rows; row += some, dy += some * dy_stride) {
        some = least(rows - row, BIAS_ROWS);
        kernels->add_rows(some, whole, dy, dy_stride, dbias);
        if (rest > 0)
            kernels->add_rows(some, TCI_PANEL, dy + whole, dy_stride, sums);
    }
    memcpy(dbias + whole, sums, rest * sizeof *sums);
}

void tci_dense_backward_weight(const tci_dense *dense, const tci_kernels *kernels, size_t first, size_t count,
                               size_t rows, const float *x, size_t x_stride, const float *dy, size_t dy_stride,
                               float *const dweight[TCI_DENSE_PARTS], float *const dbias[TCI_DENSE_PARTS], bool add,
                               float *scratch)
{
    size_t width = TCI_PADDED(dense->output_dim), end = (first + count) * TCI_PANEL;
    float *product = scratch, *gemm_scratch = scratch + product_floats(dense);
    for (size_t column = first * TCI_PANEL, some; column < end; column += some) {
        size_t part = column / width, at = column % width; /* as much of the part as is asked for */
        some = least(end - column, width - at);
        size_t columns = least(some, dense->output_dim - at);
        if (dbias[part])
            sum_bias(kernels, rows, columns, dy + column, dy_stride, dbias[part] + at, add);
        if (!dweight[part])
            continue;
        weight_product p = {kernels,
                            columns,
                            dense->input_dim,
                            rows,
                            dy + column,
                            x,
                            dy_stride,
                            x_stride,
                            dweight[part] + at * dense->weight_stride,
                            dense->weight_stride,
                            add};
        if (dense->input_major)
            p = (weight_product){kernels,
                                 dense->input_dim,
                                 columns,
                                 rows,
                                 x,
                                 dy + column,
                                 x_stride,
                                 dy_stride,
                                 dweight[part] + at,
                                 dense->weight_stride,
                                 add};
        multiply(&p, product, gemm_scratch);
    }
}

size_t tci_dense_merge_scratch(const tci_dense *dense)
{
    size_t width = TCI_PADDED(dense->input_dim) + TCI_PADDED(dense->output_dim);
    return dense->adapter[0].rank * width + product_floats(dense) + transposed_scratch(dense);
}

void tci_dense_merge(const tci_dense *dense, const tci_kernels *kernels, float *weight, float *scratch)
{
    const tci_dense_adapter *adapter = &dense->adapter[0];
    size_t rank = adapter->rank, inputs = dense->input_dim, outputs = dense->output_dim;
    size_t down_stride = TCI_PADDED(inputs), up_stride = TCI_PADDED(outputs);
    float *down = scratch, *up = down + rank * down_stride, *product = up + rank * up_stride; /* up: transposed */
    memset(down, 0, rank * (down_stride + up_stride) * sizeof *down);
    copy_block(rank, inputs, adapter->down, inputs, down, down_stride);
    for (size_t r = 0; r < rank; r++) {
        for (size_t o = 0; o < outputs; o++)
            up[r * up_stride + o] = adapter->scale * adapter->up[o * rank + r];
    }
    size_t stride = dense->weight_stride;
    weight_product p = {kernels, outputs, inputs, rank, up, down, up_stride, down_stride, weight, stride, true};
    if (dense->input_major)
        p = (weight_product){kernels, inputs, outputs, rank, down, up, down_stride, up_stride, weight, stride, true};
    multiply(&p, product, product + product_floats(dense));
}
