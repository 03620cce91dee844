/* bag_rows.c: the rows of a bag network's matrices, floats or codes, wherever they stand. They are added in the order
 * of the features, one chain for each element of the mean, so that a text has the same bits wherever it is predicted;
 * quantized ones from their codes. Knows nothing of heads. */
#include "model/bag_network.h"

#include <string.h>

#define AHEAD 8                 /* rows that are asked for before they are needed; the kernel asks for later ones */
#define LINE 64                 /* bytes of memory that come together */
#define LARGE ((size_t)1 << 18) /* numbers of a matrix that no cache holds for long */
#define PIECE 64                /* rows that are added at once */

/* Weights of a mapped fastText file begin at any byte. */
static inline float load_float(const uint8_t *bytes)
{
    float value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static float norm_of(const tci_bag_network *network, const tci_bag_matrix *matrix, size_t row)
{
    const tci_parameters *parameters = &network->base.parameters;
    if (!matrix->has_norms)
        return 1.0f;
    const uint8_t *norms = tci_parameters_data(parameters, matrix->norms);
    const uint8_t *values = tci_parameters_data(parameters, matrix->norm_values);
    return load_float(values + norms[row] * sizeof(float));
}

/* hidden += norm times the parts of a quantized row from `first` on; `book` is that of the first. */
static void add_parts(const tci_bag_matrix *matrix, const uint8_t *codes, float norm, size_t first, const uint8_t *book,
                      float *hidden)
{
    for (size_t part = first; part < matrix->parts; part++, hidden += matrix->width) {
        size_t width = part + 1 < matrix->parts ? matrix->width : matrix->last;
        const uint8_t *from = book + codes[part] * width * sizeof(float);
        for (size_t i = 0; i < width; i++)
            hidden[i] += norm * load_float(from + i * sizeof(float));
        book += TCI_BAG_CODES * matrix->width * sizeof(float);
    }
}

/* hidden += quantized rows, at most PIECE. Four parts of two numbers, which is how fastText quantizes unless it is told
 * otherwise, are one kernel's. */
static void add_codes(const tci_bag_network *network, const tci_bag_matrix *matrix, const uint32_t *rows, size_t count,
                      float *hidden)
{
    const tci_parameters *parameters = &network->base.parameters;
    const uint8_t *codes = tci_parameters_data(parameters, matrix->codes);
    const uint8_t *book = tci_parameters_data(parameters, matrix->codebook);
    size_t first = 0, book_bytes = TCI_BAG_CODES * matrix->width * sizeof(float);
    float norms[PIECE];
    for (size_t i = 0; i < count; i++)
        norms[i] = norm_of(network, matrix, rows[i]);
    for (; matrix->width == 2 && first + 4 <= matrix->parts - (matrix->last < 2); first += 4)
        network->base.kernels->add_pairs(count, rows, norms, codes + first, matrix->parts, book + first * book_bytes,
                                         hidden + 2 * first);
    for (size_t i = 0; first < matrix->parts && i < count; i++)
        add_parts(matrix, codes + rows[i] * matrix->parts, norms[i], first, book + first * book_bytes,
                  hidden + first * matrix->width);
}

void tci_bag_read_row(const tci_bag_network *network, const tci_bag_matrix *matrix, size_t row, float *values)
{
    if (matrix->width == 0) {
        const uint8_t *weight = tci_parameters_data(&network->base.parameters, matrix->weight);
        memcpy(values, weight + row * matrix->columns * sizeof *values, matrix->columns * sizeof *values);
        return;
    }
    memset(values, 0, matrix->columns * sizeof *values);
    add_codes(network, matrix, &(uint32_t){(uint32_t)row}, 1, values);
}

static void widen(const tci_bag_network *from, const tci_bag_matrix *matrix, tci_bag_network *to, size_t weight)
{
    float *values = to->base.parameters.values + to->base.parameters.tensors[weight].offset;
    for (size_t row = 0; row < matrix->rows; row++)
        tci_bag_read_row(from, matrix, row, values + row * matrix->columns);
}

void tci_bag_widen(const tci_bag_network *from, tci_bag_network *to)
{
    widen(from, &from->embedding, to, to->embedding.weight);
    widen(from, &from->output, to, to->output.weight);
    if (to->tree)
        memcpy(to->base.parameters.values + to->base.parameters.tensors[to->label_counts].offset,
               tci_parameters_data(&from->base.parameters, from->label_counts),
               from->base.label_count * sizeof(uint64_t));
}

static void ask_for(const uint8_t *weight, uint32_t row, size_t dim)
{
    size_t bytes = dim * sizeof(float);
    for (size_t i = 0; i < bytes; i += LINE)
        __builtin_prefetch(weight + row * bytes + i);
    __builtin_prefetch(weight + row * bytes + bytes - 1);
}

/* The rows of weights of some features; returns how many there are. */
static size_t find_rows(const tci_bag_network *network, const uint32_t *ids, size_t count, uint32_t *rows)
{
    size_t there = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t row = tci_bag_row(network, ids[i]);
        if (row != TCI_INDEX_SET_NONE)
            rows[there++] = row;
    }
    return there;
}

size_t tci_bag_average(const tci_bag_network *network, const tci_row *row, float *hidden)
{
    const tci_kernels *kernels = network->base.kernels;
    const tci_bag_matrix *embedding = &network->embedding;
    const uint8_t *weight = NULL;
    size_t dim = network->dim, count = 0;
    bool large = embedding->rows > LARGE / dim;
    if (embedding->width == 0)
        weight = tci_parameters_data(&network->base.parameters, embedding->weight);
    memset(hidden, 0, dim * sizeof *hidden);
    for (size_t first = 0; first < row->length; first += PIECE) {
        size_t ids = row->length - first < PIECE ? row->length - first : PIECE, there = ids;
        const uint32_t *rows = row->ids + first;
        uint32_t found[PIECE];
        if (network->set.bits) {
            there = find_rows(network, rows, ids, found);
            rows = found;
        }
        count += network->fasttext_scores ? there : ids;
        for (size_t i = 0; weight && large && i < there && i < AHEAD; i++)
            ask_for(weight, rows[i], dim);
        if (weight)
            kernels->gather_rows(there, large ? there : 0, rows, NULL, weight, dim, hidden);
        else
            add_codes(network, embedding, rows, there, hidden);
    }
    float share = tci_bag_share(network, row->length, count);
    for (size_t i = 0; i < dim; i++)
        hidden[i] *= share;
    return count;
}

void tci_bag_product(const tci_bag_network *network, const float *hidden, float *z)
{
    const tci_parameters *parameters = &network->base.parameters;
    const tci_bag_matrix *output = &network->output;
    const uint8_t *codes = tci_parameters_data(parameters, output->codes);
    const uint8_t *book = tci_parameters_data(parameters, output->codebook);
    size_t width = output->width;
    for (size_t label = 0; label < output->rows; label++) {
        float sum = 0;
        for (size_t part = 0; part < output->parts; part++) {
            size_t numbers = part + 1 < output->parts ? width : output->last;
            const uint8_t *from = book + (part * TCI_BAG_CODES * width + *codes++ * numbers) * sizeof(float);
            for (size_t i = 0; i < numbers; i++)
                sum += hidden[part * width + i] * load_float(from + i * sizeof(float));
        }
        z[label] = sum * norm_of(network, output, label);
    }
}
