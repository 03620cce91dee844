/* bag_network.c: building and predicting: tensors, growing, the tree of labels, and what heads make of z; formulas in
 * bag_network.h.
 *
 * Knows nothing of how rows stand in memory, which is bag_rows.c's, but for packing the output. */
#include "model/bag_network.h"

#include <float.h>
#include <string.h>

#include "base/cpu.h"
#include "base/random.h"
#include "model/classifier.h"

/* ---- building ---- */

typedef struct matrix_names {
    const char *weight, *codes, *codebook, *norms, *norm_values;
} matrix_names;

static const matrix_names embedding_names = {"embedding.weight", "textclf.embedding.codes",
                                             "textclf.embedding.codebook", "textclf.embedding.norms",
                                             "textclf.embedding.norm_values"};
static const matrix_names output_names = {"fc.weight", "textclf.fc.codes", "textclf.fc.codebook", "textclf.fc.norms",
                                          "textclf.fc.norm_values"};

/* One dimension, of elements that are no floats. */
static tc_status declare_list(tci_parameters *parameters, tci_element element, const char *name, size_t count,
                              size_t *index)
{
    TCI_RETURN_IF(tci_parameters_declare_matrix(parameters, element, name, count, 1, false, index));
    parameters->tensors[*index].rank = 1;
    return TC_OK;
}

static tc_status declare_matrix(tci_parameters *parameters, const matrix_names *names, bool sparse, bool norms,
                                tci_bag_matrix *matrix)
{
    size_t rows = matrix->rows, columns = matrix->columns;
    if (matrix->width == 0)
        return tci_parameters_declare_matrix(parameters, TCI_ELEMENT_F32, names->weight, rows, columns, sparse,
                                             &matrix->weight);
    matrix->parts = (columns + matrix->width - 1) / matrix->width;
    matrix->last = columns - (matrix->parts - 1) * matrix->width;
    matrix->has_norms = norms;
    TCI_RETURN_IF(tci_parameters_declare_matrix(parameters, TCI_ELEMENT_U8, names->codes, rows, matrix->parts, false,
                                                &matrix->codes));
    TCI_RETURN_IF(
        tci_parameters_declare(parameters, names->codebook, 1, columns * TCI_BAG_CODES, 1, false, &matrix->codebook));
    if (!norms)
        return TC_OK;
    TCI_RETURN_IF(declare_list(parameters, TCI_ELEMENT_U8, names->norms, rows, &matrix->norms));
    return tci_parameters_declare(parameters, names->norm_values, 1, TCI_BAG_CODES, 1, false, &matrix->norm_values);
}

static tc_status declare(tci_parameters *parameters, const tci_options *options, size_t rows, size_t labels,
                         tci_bag_network *network)
{
    bool quantized = options->weights == TCI_WEIGHTS_PQ;
    size_t dim = (size_t)options->embedding_dim;
    network->embedding =
        (tci_bag_matrix){.rows = rows, .columns = dim, .width = quantized ? (size_t)options->pq_width : 0};
    network->output =
        (tci_bag_matrix){.rows = labels, .columns = dim, .width = quantized ? (size_t)options->pq_output_width : 0};
    TCI_RETURN_IF(declare_matrix(parameters, &embedding_names, true, options->pq_norms, &network->embedding));
    TCI_RETURN_IF(declare_matrix(parameters, &output_names, false, options->pq_output_norms, &network->output));
    if (options->head != TCI_HEAD_TREE)
        return TC_OK;
    return declare_list(parameters, TCI_ELEMENT_U64, "textclf.label_counts", labels, &network->label_counts);
}

static tc_status bag_declare(tci_parameters *parameters, const tci_options *options, size_t rows, size_t label_count)
{
    tci_bag_network unused = {.dim = 0};
    return declare(parameters, options, rows, label_count, &unused);
}

static size_t bag_inputs(const tci_options *options, size_t words, const tci_index_set *features)
{
    return words + (features ? features->count : (size_t)options->buckets);
}

static void bag_free(tci_network *base)
{
    if (!base)
        return;
    tci_bag_network *network = (tci_bag_network *)base;
    tci_memory *memory = base->memory;
    tci_parameters_free(&base->parameters);
    tci_free(memory, network->packed.panels);
    tci_free(memory, network->tree);
    tci_free(memory, network->counts);
    if (network->set.memory)
        tci_index_set_free(&network->set);
    tci_free(memory, network);
}

/* 1 / (1 + exp(-x)) at the steps of fastText's table. */
static void fill_sigmoid(tci_bag_network *network)
{
    tci_float_environment environment = tci_float_enter();
    for (int i = 0; i <= TCI_BAG_SIGMOID_STEPS; i++) {
        float x = (float)(i * 2 * TCI_BAG_SIGMOID_END) / TCI_BAG_SIGMOID_STEPS - TCI_BAG_SIGMOID_END;
        network->sigmoid[i] = (float)(1.0 / (1.0 + tci_exp(-(double)x)));
    }
    tci_float_leave(environment);
}

static tc_status bag_create(tci_memory *memory, const tci_kernels *kernels, const tci_options *options, size_t rows,
                            size_t label_count, tci_network **result)
{
    tc_status status = TC_OK;
    tci_bag_network *network = NULL;
    *result = NULL;
    TCI_RETURN_IF(tci_alloc_zero(memory, 1, sizeof *network, "network", &network));
    network->base = (tci_network){&tci_bag_architecture, memory, kernels, {0}, label_count, false};
    network->dim = (size_t)options->embedding_dim;
    network->task = options->task;
    network->head = options->head;
    network->fasttext_scores = options->fasttext_scores;
    network->buckets = (size_t)options->buckets;
    fill_sigmoid(network);
    tci_parameters_init(&network->base.parameters, memory);
    TCI_CHECK(declare(&network->base.parameters, options, rows, label_count, network));
    if (network->output.width == 0) {
        size_t panels = TCI_PADDED(label_count) / TCI_PANEL + 1;
        network->packed = (tci_packed){.element = TCI_ELEMENT_F32, .depth = network->dim};
        TCI_CHECK(tci_alloc(memory, panels, tci_packed_bytes(TCI_ELEMENT_F32, network->dim, 1), "packed weights",
                            &network->packed.panels));
    }
    if (options->head == TCI_HEAD_TREE) /* and behind it the scratch of building it */
        TCI_CHECK(tci_alloc(memory, label_count, sizeof(tci_bag_node) + TCI_BAG_TREE_SCRATCH, "tree of labels",
                            &network->tree));
    *result = &network->base;
    network = NULL;
done:
    if (network)
        bag_free(&network->base);
    return status;
}

static void fill_uniform(float *values, size_t count, size_t dim, uint64_t seed, uint64_t stream)
{
    tci_random random;
    float bound = 1.0f / (float)dim;
    tci_random_init(&random, seed, TCI_RANDOM_INITIALIZE, stream);
    for (size_t i = 0; i < count; i++)
        values[i] = bound * (2.0f * tci_random_uniform(&random) - 1.0f);
}

/* As fastText: rows uniform in ±1/dim, the output zeros. */
static void bag_initialize(tci_network *base, uint64_t seed)
{
    tci_bag_network *network = (tci_bag_network *)base;
    if (network->embedding.width > 0)
        return;
    const tci_tensor_info *tensor = &base->parameters.tensors[network->embedding.weight];
    fill_uniform(base->parameters.values + tensor->offset, tensor->count, network->dim, seed, 0);
}

static void copy_tensor(const tci_parameters *from, tci_parameters *to, size_t tensor)
{
    memcpy(to->values + to->tensors[tensor].offset, tci_parameters_data(from, tensor),
           from->tensors[tensor].count * tci_element_bytes(from->tensors[tensor].element));
}

/* The rows of the buckets, those of `set` from those of the network's own set. */
static void copy_buckets(const tci_bag_network *network, const tci_index_set *set, const float *from, float *to)
{
    for (size_t word = 0; word < set->words; word++) {
        uint64_t members = set->bits[word];
        for (uint32_t bit = 0; members != 0; bit++, members >>= 1) {
            if ((members & 1) == 0)
                continue;
            if ((network->set.bits[word] >> bit & 1) != 0) {
                memcpy(to, from, network->dim * sizeof *to);
                from += network->dim;
            }
            to += network->dim;
        }
    }
}

tc_status tci_bag_grow(tci_bag_network *network, tci_index_set *set, uint64_t seed)
{
    tc_status status = TC_OK;
    const tci_parameters *old = &network->base.parameters;
    const tci_options options = {.weights = TCI_WEIGHTS_F32, .embedding_dim = network->dim, .head = network->head};
    size_t words = tci_bag_words(network), dim = network->dim, labels = network->base.label_count;
    tci_bag_network with = *network; /* the places of its tensors */
    tci_parameters grown;
    tci_parameters_init(&grown, network->base.memory);
    TCI_CHECK(declare(&grown, &options, words + set->count, labels, &with));
    TCI_CHECK(tci_parameters_allocate(&grown));
    const float *from = tci_parameters_read(old, network->embedding.weight);
    float *to = grown.values + grown.tensors[with.embedding.weight].offset;
    memcpy(to, from, words * dim * sizeof *to);
    if (words == 0)
        fill_uniform(to, set->count * dim, dim, seed, 1);
    copy_buckets(network, set, from + words * dim, to + words * dim);
    copy_tensor(old, &grown, network->output.weight);
    if (network->tree)
        copy_tensor(old, &grown, network->label_counts);
    tci_parameters_free(&network->base.parameters);
    network->base.parameters = grown;
    network->embedding = with.embedding;
    tci_index_set_free(&network->set);
    network->set = *set;
    *set = (tci_index_set){.memory = NULL};
    return TC_OK;
done:
    tci_parameters_free(&grown);
    return status;
}

/* The panel behind the packed ones takes rows that cannot be read where they stand. */
void tci_bag_pack(tci_bag_network *network)
{
    const tci_packed *packed = &network->packed;
    size_t labels = network->base.label_count, dim = network->dim, panels = TCI_PADDED(labels) / TCI_PANEL;
    const uint8_t *weight = tci_parameters_data(&network->base.parameters, network->output.weight);
    float *rows = (float *)packed->panels + panels * TCI_PANEL * dim;
    for (size_t first = 0; first < labels; first += TCI_PANEL) {
        size_t count = labels - first < TCI_PANEL ? labels - first : TCI_PANEL;
        memcpy(rows, weight + first * dim * sizeof *rows, count * dim * sizeof *rows);
        tci_packed_fill(packed, network->base.kernels, first / TCI_PANEL, count, rows, dim, NULL);
    }
}

static void bag_refresh(tci_network *base)
{
    tci_bag_network *network = (tci_bag_network *)base;
    size_t labels = base->label_count;
    if (network->output.width == 0)
        tci_bag_pack(network);
    if (network->tree)
        tci_bag_build_tree(labels, tci_parameters_data(&base->parameters, network->label_counts),
                           (uint64_t *)(void *)(network->tree + labels), network->tree);
}

static const tci_tensor_info *bag_words(const tci_network *base)
{
    const tci_bag_matrix *embedding = &((const tci_bag_network *)base)->embedding;
    return embedding->width == 0 ? &base->parameters.tensors[embedding->weight] : NULL;
}

static size_t bag_embed_dim(const tci_network *base)
{
    return ((const tci_bag_network *)base)->dim;
}

static tc_status bag_embed(const tci_network *base, tci_workspace *workspace, const tci_row *row,
                           const tci_id_source *source, float *vector)
{
    (void)workspace;
    (void)source; /* its ids are no words */
    (void)tci_bag_average((const tci_bag_network *)base, row, vector);
    return TC_OK;
}

static tci_index_set *bag_features(tci_network *base)
{
    return &((tci_bag_network *)base)->set;
}

/* ---- heads ---- */

/* The leaves' parts (labels) from z (labels - 1) of the inner nodes; `parts` (2·labels), `shares` (2·labels). Without
 * fasttext_scores both shares of a node are sigmoids, so that the smaller one keeps its digits. */
static void fill_leaves(const tci_bag_network *network, float *z, float *shares, float *parts, float *leaves)
{
    size_t labels = network->base.label_count;
    const tci_kernels *kernels = network->base.kernels;
    float *left = shares, *right = shares + labels;
    kernels->sigmoid(labels - 1, z, right);
    if (network->fasttext_scores) {
        for (size_t i = 0; i + 1 < labels; i++) {
            left[i] = 1.0f - right[i] + (float)TCI_BAG_ADDED;
            right[i] += (float)TCI_BAG_ADDED;
        }
    } else {
        for (size_t i = 0; i + 1 < labels; i++)
            z[i] = -z[i];
        kernels->sigmoid(labels - 1, z, left);
    }
    parts[2 * labels - 2] = 1.0f;
    for (size_t i = labels - 1; i-- > 0;) {
        tci_bag_node node = network->tree[i];
        float part = parts[labels + i];
        parts[node.left] = part * left[i];
        parts[node.right] = part * right[i];
    }
    memcpy(leaves, parts, labels * sizeof *leaves);
}

static tc_status bag_predict(const tci_network *base, tci_pool *pool, tci_workspace *workspace, const tci_row *rows,
                             size_t row_count, float *logits)
{
    const tci_bag_network *network = (const tci_bag_network *)base;
    size_t labels = base->label_count, width = TCI_PADDED(network->dim), columns = TCI_PADDED(labels);
    float *hidden = NULL, *z = NULL, *tree = NULL;
    (void)pool;
    for (tci_layout layout = {NULL, 0};;) {
        hidden = tci_carve(&layout, row_count, width, sizeof *hidden);
        z = tci_carve(&layout, row_count, columns, sizeof *z);
        tree = tci_carve(&layout, network->tree ? 4 : 0, labels, sizeof *tree);
        if (layout.base)
            break;
        TCI_RETURN_IF(tci_workspace_reserve(workspace, layout.size, "averaged rows"));
        layout = (tci_layout){(char *)workspace->block, 0};
    }
    for (size_t r = 0; r < row_count; r++)
        (void)tci_bag_average(network, &rows[r], hidden + r * width);
    if (network->output.width == 0) {
        /* fastText multiplies, then adds: the steps of its sigmoid's table show the last bit */
        const tci_kernels *kernels = network->fasttext_scores ? &tci_kernels_scalar : base->kernels;
        tci_operand x = {.floats = hidden, .stride = width};
        memset(z, 0, row_count * columns * sizeof *z);
        tci_product(&network->packed, kernels, 0, columns / TCI_PANEL, row_count, &x, z, columns, TCI_PANEL);
    }
    for (size_t r = 0; r < row_count; r++, z += columns, logits += labels) {
        if (network->output.width > 0)
            tci_bag_product(network, hidden + r * width, z);
        if (!network->tree)
            memcpy(logits, z, labels * sizeof *logits);
        else if (tci_loss_check_finite("logit", r, labels - 1, z) == TC_OK)
            fill_leaves(network, z, tree, tree + 2 * labels, logits);
        else /* which the scores tell */
            for (size_t i = 0; i < labels; i++)
                logits[i] = __builtin_nanf("");
    }
    return TC_OK;
}

static void bag_logits(const tci_network *base, float *values)
{
    const tci_bag_network *network = (const tci_bag_network *)base;
    for (size_t i = 0; network->tree && i < base->label_count; i++)
        values[i] = (float)tci_log((double)(values[i] < FLT_MIN ? FLT_MIN : values[i]));
}

static float table_sigmoid(const tci_bag_network *network, float x)
{
    if (x < -TCI_BAG_SIGMOID_END)
        return 0.0f;
    if (x > TCI_BAG_SIGMOID_END)
        return 1.0f;
    return network->sigmoid[(size_t)((x + TCI_BAG_SIGMOID_END) * TCI_BAG_SIGMOID_STEPS / TCI_BAG_SIGMOID_END / 2)];
}

static float greatest_of(size_t count, const float *values)
{
    float parts[4] = {values[0], values[0], values[0], values[0]}; /* four chains, which do not wait for each other */
    size_t i = 1;
    for (; i + 4 <= count; i += 4)
        for (size_t k = 0; k < 4; k++)
            parts[k] = values[i + k] > parts[k] ? values[i + k] : parts[k];
    for (; i < count; i++)
        parts[0] = values[i] > parts[0] ? values[i] : parts[0];
    parts[0] = parts[1] > parts[0] ? parts[1] : parts[0];
    parts[2] = parts[3] > parts[2] ? parts[3] : parts[2];
    return parts[2] > parts[0] ? parts[2] : parts[0];
}

/* Softmax in floats, the sum one chain, as fastText has it. */
static void softmax(const tci_bag_network *network, float *values)
{
    size_t labels = network->base.label_count;
    float greatest = greatest_of(labels, values), sum = 0;
    for (size_t i = 0; i < labels; i++)
        values[i] -= greatest;
    network->base.kernels->exp(labels, values, values);
    for (size_t i = 0; i < labels; i++)
        sum += values[i];
    float share = 1.0f / sum;
    for (size_t i = 0; i < labels; i++)
        values[i] *= share;
}

static tc_status bag_scores(const tci_network *base, float *values)
{
    const tci_bag_network *network = (const tci_bag_network *)base;
    size_t labels = base->label_count;
    float added = network->fasttext_scores ? (float)TCI_BAG_ADDED : 0.0f;
    if (network->head == TCI_HEAD_AUTO)
        return tci_task_loss(network->task)->scores(labels, values, values);
    if (network->head == TCI_HEAD_SIGMOID && !network->fasttext_scores)
        return tci_binary_cross_entropy.scores(labels, values, values);
    TCI_RETURN_IF(tci_loss_check_finite("logit", 0, labels, values));
    if (network->head == TCI_HEAD_TREE)
        return TC_OK;
    if (network->head == TCI_HEAD_SOFTMAX)
        softmax(network, values);
    for (size_t i = 0; i < labels; i++)
        values[i] = (network->head == TCI_HEAD_SIGMOID ? table_sigmoid(network, values[i]) : values[i]) + added;
    return TC_OK;
}

const tci_architecture tci_bag_architecture = {
    .name = "ngram",
    .declare = bag_declare,
    .inputs = bag_inputs,
    .create = bag_create,
    .free = bag_free,
    .initialize = bag_initialize,
    .refresh = bag_refresh,
    .words = bag_words,
    .embed_dim = bag_embed_dim,
    .embed = bag_embed,
    .features = bag_features,
    .features_optional = true,
    .predict = bag_predict,
    .logits = bag_logits,
    .scores = bag_scores,
};
