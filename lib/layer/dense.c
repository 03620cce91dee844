/* dense.c: see dense.h. Output goes tile by tile: a block of rows times a group of panels stays in the nearer caches
 * from its first product to the end of its epilogue, and a group's weights are packed once for all rows. */
#include "layer/dense.h"

#include <string.h>

#define TILE_ROWS 96
#define GROUP_PANELS 8
#define DEEP 1024 /* from here on a group has half the panels, so that it fits the second-level cache */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t group_panels(size_t depth)
{
    return depth > DEEP ? GROUP_PANELS / 2 : GROUP_PANELS;
}

static size_t group_floats(size_t depth)
{
    return group_panels(depth) * TCI_PANEL * depth;
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

size_t tci_dense_scratch(const tci_dense *dense)
{
    size_t forward = group_floats(dense->input_dim), back = group_floats(dense->output_dim);
    size_t tile = (size_t)TILE_ROWS * GROUP_PANELS * TCI_PANEL;
    size_t products = (forward > back ? forward : back) + tile;
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

/* Panels [first, first + count) one after the other. */
static void pack(const tci_dense *dense, const tci_kernels *kernels, size_t first, size_t count, float *packed)
{
    for (size_t panel = first; panel < first + count; panel++, packed += TCI_PANEL * dense->input_dim) {
        place at = place_of(dense, panel);
        size_t offset = dense->input_major ? at.column : at.column * dense->weight_stride;
        tci_pack_panels(kernels, dense->input_dim, at.columns, dense->weight[at.part] + offset, dense->weight_stride,
                        !dense->input_major, packed);
    }
}

void tci_dense_pack(const tci_dense *dense, const tci_kernels *kernels, size_t first, size_t count, float *packed)
{
    pack(dense, kernels, first, count, packed + first * TCI_PANEL * dense->input_dim);
}

/* The biases of a group of panels in each row of a tile. */
static void start_from_bias(const tci_dense *dense, size_t first, size_t count, size_t rows, float *tile)
{
    float bias[GROUP_PANELS * TCI_PANEL] = {0};
    for (size_t i = 0; i < count; i++) {
        place at = place_of(dense, first + i);
        if (dense->bias[at.part])
            memcpy(bias + i * TCI_PANEL, dense->bias[at.part] + at.column, at.columns * sizeof *bias);
    }
    size_t width = count * TCI_PANEL;
    for (size_t row = 0; row < rows; row++)
        memcpy(tile + row * width, bias, width * sizeof *bias);
}

/* What happens to a tile (rows, width) on its way to columns `column` and on of the output's rows from `row` on. */
static void finish(const tci_dense_output *output, const tci_kernels *kernels, size_t row, size_t rows, size_t column,
                   size_t width, float *tile)
{
    for (size_t r = row; r < row + rows; r++, tile += width) {
        float *y = output->y + r * output->stride + column;
        if (output->before)
            memcpy(output->before + r * output->stride + column, tile, width * sizeof *tile);
        if (output->residual) {
            const float *residual = output->residual + r * output->residual_stride + column;
            tci_activation_forward(output->activation, kernels, width, tile, tile);
            kernels->add(width, residual, tile);
            memcpy(y, tile, width * sizeof *tile);
        } else {
            tci_activation_forward(output->activation, kernels, width, tile, y);
        }
    }
}

void tci_dense_forward(const tci_dense *dense, const tci_kernels *kernels, size_t first, size_t count, size_t rows,
                       const float *x, size_t x_stride, const tci_dense_output *output, float *scratch)
{
    size_t depth = dense->input_dim;
    float *tile = scratch, *group = scratch + (size_t)TILE_ROWS * GROUP_PANELS * TCI_PANEL;
    for (size_t panel = first, some; panel < first + count; panel += some) {
        some = least(first + count - panel, group_panels(depth));
        const float *weights = group;
        if (dense->packed)
            weights = dense->packed + panel * TCI_PANEL * depth;
        else
            pack(dense, kernels, panel, some, group);
        for (size_t row = 0, block; row < rows; row += block) {
            block = row_block(rows - row);
            start_from_bias(dense, panel, some, block, tile);
            kernels->gemm(block, some, depth, x + row * x_stride, x_stride, TCI_PANEL, weights, tile, some * TCI_PANEL,
                          TCI_PANEL);
            finish(output, kernels, row, block, panel * TCI_PANEL, some * TCI_PANEL, tile);
        }
    }
}

/* Panels [first, first + count) of the input, as columns of a part's weight transposed: (output_dim, columns). */
static void pack_back(const tci_dense *dense, const tci_kernels *kernels, size_t part, size_t first, size_t count,
                      float *packed)
{
    size_t column = first * TCI_PANEL, columns = least(count * TCI_PANEL, dense->input_dim - column);
    size_t offset = dense->input_major ? column * dense->weight_stride : column;
    tci_pack_panels(kernels, dense->output_dim, columns, dense->weight[part] + offset, dense->weight_stride,
                    dense->input_major, packed);
}

void tci_dense_backward_input(const tci_dense *dense, const tci_kernels *kernels, size_t first, size_t count,
                              size_t rows, const float *dy, size_t dy_stride, float *dx, size_t dx_stride, bool add,
                              float *scratch)
{
    size_t depth = dense->output_dim;
    for (size_t panel = first, some; panel < first + count; panel += some) {
        some = least(first + count - panel, group_panels(depth));
        float *to = dx + panel * TCI_PANEL;
        for (size_t row = 0; row < rows && !add; row++)
            memset(to + row * dx_stride, 0, some * TCI_PANEL * sizeof *to);
        for (size_t part = 0; part < dense->parts; part++) {
            pack_back(dense, kernels, part, panel, some, scratch);
            kernels->gemm(rows, some, depth, dy + part * TCI_PADDED(depth), dy_stride, TCI_PANEL, scratch, to,
                          dx_stride, TCI_PANEL);
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

/* db (columns) from columns of dy. */
static void sum_bias(const tci_kernels *kernels, size_t rows, size_t columns, const float *dy, size_t dy_stride,
                     float *dbias, bool add)
{
    for (size_t column = 0, some; column < columns; column += some) {
        some = least(columns - column, TCI_PANEL);
        float sums[TCI_PANEL] = {0};
        if (add)
            memcpy(sums, dbias + column, some * sizeof *sums);
        kernels->add_rows(rows, TCI_PANEL, dy + column, dy_stride, sums);
        memcpy(dbias + column, sums, some * sizeof *sums);
    }
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
