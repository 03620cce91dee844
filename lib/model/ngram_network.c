/* ngram_network.c: building, growing, predicting. Sums run in the order of the features, so that a text has the same
 * bits wherever it is predicted; a single column is summed in four interleaved parts that are added in pairs. */
#include "model/ngram_network.h"

#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "model/ngram_rows.h"

#define LIGHT 0.5

size_t tci_ngram_columns(const tci_options *options, size_t label_count)
{
    return options->task == TCI_TASK_CLASSIFY && label_count == 2 ? 1 : label_count;
}

static tc_status declare(tci_parameters *parameters, int32_t weights, size_t rows, size_t columns)
{
    static const tci_element elements[] = {TCI_ELEMENT_F32, TCI_ELEMENT_BF16, TCI_ELEMENT_INT8};
    TCI_RETURN_IF(tci_parameters_declare(parameters, "bias", 1, columns, 1, false, NULL));
    TCI_RETURN_IF(tci_parameters_declare(parameters, "calibration", 1, 2, 1, false, NULL));
    TCI_RETURN_IF(
        tci_parameters_declare_matrix(parameters, elements[weights], "embedding.weight", rows, columns, false, NULL));
    parameters->tensors[TCI_NGRAM_WEIGHT].column_scales = true;
    return tci_parameters_declare_scales(parameters);
}

static tc_status ngram_declare(tci_parameters *parameters, const tci_options *options, size_t rows, size_t label_count)
{
    return declare(parameters, options->weights, rows, tci_ngram_columns(options, label_count));
}

static void ngram_free(tci_network *base)
{
    if (!base)
        return;
    tci_ngram_network *network = (tci_ngram_network *)base;
    tci_memory *memory = base->memory;
    tci_parameters_free(&base->parameters);
    tci_index_set_free(&network->set);
    tci_free(memory, network->texts);
    tci_free(memory, network);
}

static void fill_amounts(tci_ngram_network *network)
{
    tci_float_environment environment = tci_float_enter();
    for (size_t count = 1; count <= TCI_FEATURE_COUNT; count++) {
        double amount = 1.0 + tci_log((double)count);
        network->amounts[0][count] = (float)amount;
        network->amounts[1][count] = (float)(LIGHT * amount);
    }
    tci_float_leave(environment);
}

static tc_status ngram_create(tci_memory *memory, const tci_kernels *kernels, const tci_options *options, size_t rows,
                              size_t label_count, tci_network **result)
{
    tc_status status = TC_OK;
    tci_ngram_network *network = NULL;
    *result = NULL;
    TCI_RETURN_IF(tci_alloc_zero(memory, 1, sizeof *network, "network", &network));
    network->base = (tci_network){&tci_ngram_architecture, memory, kernels, {0}, label_count, false};
    network->columns = tci_ngram_columns(options, label_count);
    fill_amounts(network);
    tci_parameters_init(&network->base.parameters, memory);
    TCI_CHECK(declare(&network->base.parameters, options->weights, rows, network->columns));
    TCI_CHECK(tci_index_set_init(&network->set, memory, (size_t)options->buckets));
    *result = &network->base;
    network = NULL;
done:
    if (network)
        ngram_free(&network->base);
    return status;
}

/* Margins are logits until training says otherwise. */
static void ngram_initialize(tci_network *base, uint64_t seed)
{
    (void)seed;
    base->parameters.values[base->parameters.tensors[TCI_NGRAM_CALIBRATION].offset] = 1.0f;
}

static void ngram_settle(tci_network *base)
{
    tci_ngram_network *network = (tci_ngram_network *)base;
    if (network->rows)
        tci_ngram_rows_settle(network->rows);
}

static void ngram_refresh(tci_network *base)
{
    (void)base; /* parameters are read as they are */
}

static tci_index_set *ngram_features(tci_network *base)
{
    return &((tci_ngram_network *)base)->set;
}

tc_status tci_ngram_measure(const tci_ngram_network *network, size_t features, size_t *size)
{
    tci_parameters declared;
    tci_parameters_init(&declared, network->base.memory);
    tc_status status = declare(&declared, TCI_WEIGHTS_F32, features, network->columns);
    *size = declared.size;
    tci_parameters_free(&declared);
    return status;
}

tc_status tci_ngram_grow(tci_ngram_network *network, tci_index_set *set)
{
    tc_status status = TC_OK;
    size_t columns = network->columns;
    const tci_parameters *old = &network->base.parameters;
    tci_parameters grown;
    tci_parameters_init(&grown, network->base.memory);
    TCI_CHECK(declare(&grown, TCI_WEIGHTS_F32, set->count, columns));
    TCI_CHECK(tci_parameters_allocate(&grown));
    const float *from = tci_parameters_read(old, TCI_NGRAM_WEIGHT);
    float *to = grown.values + grown.tensors[TCI_NGRAM_WEIGHT].offset;
    for (size_t word = 0; word < set->words; word++) {
        uint64_t members = set->bits[word];
        for (uint32_t bit = 0; members != 0; bit++, members >>= 1) {
            if ((members & 1) == 0)
                continue;
            if ((network->set.bits[word] >> bit & 1) != 0) {
                memcpy(to, from, columns * sizeof *to);
                from += columns;
            }
            to += columns;
        }
    }
    for (size_t i = TCI_NGRAM_BIAS; i <= TCI_NGRAM_CALIBRATION; i++)
        memcpy(grown.values + grown.tensors[i].offset, tci_parameters_read(old, i),
               grown.tensors[i].count * sizeof(float));
    tci_parameters_free(&network->base.parameters);
    network->base.parameters = grown;
    tci_index_set_free(&network->set);
    network->set = *set;
    *set = (tci_index_set){.memory = NULL};
    tci_ngram_note_texts(network, NULL);
    return TC_OK;
done:
    tci_parameters_free(&grown);
    return status;
}

float tci_ngram_scale(const tci_ngram_network *network, const tci_row *row)
{
    double parts[4] = {0};
    for (size_t i = 0; i < row->length; i++) {
        double amount = (double)tci_ngram_amount(network, row->ids[i], row->counts[i]);
        parts[i % 4] += amount * amount;
    }
    double sum = (parts[0] + parts[1]) + (parts[2] + parts[3]);
    return sum > 0 ? (float)(1.0 / sqrt(sum)) : 0.0f;
}

void tci_ngram_note_texts(tci_ngram_network *network, float *texts)
{
    tci_free(network->base.memory, network->texts);
    network->texts = texts;
}

/* A weight as a float, without its scale. */
static inline float weight_at(tci_element element, const void *weights, size_t index)
{
    float value;
    if (element == TCI_ELEMENT_F32)
        return ((const float *)weights)[index];
    if (element == TCI_ELEMENT_INT8)
        return (float)((const int8_t *)weights)[index];
    uint32_t bits = (uint32_t)((const uint16_t *)weights)[index] << 16;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#define AHEAD 128 /* features whose weights are on their way from memory at once */

/* The features of a part of a row: amounts, 0 for those without weights, and rows of weights. */
typedef struct places {
    float amounts[AHEAD];
    size_t rows[AHEAD];
} places;

static inline void fetch(const char *weight)
{
#if defined(__GNUC__)
    __builtin_prefetch(weight);
#else
    (void)weight;
#endif
}

/* Where the weights of `count` features are, which are sent for; of a network that is settled. No branch, for nobody
 * would foretell which of a text's features training has seen. */
static void find_settled(const tci_ngram_network *network, const uint32_t *features, const uint8_t *counts,
                         size_t count, const char *weights, size_t row_bytes, places *found)
{
    const uint64_t *members = network->set.bits;
    const uint32_t *ranks = network->set.ranks;
    for (size_t i = 0; i < count; i++) {
        uint32_t bucket = TCI_FEATURE_BUCKET(features[i]), bits;
        uint64_t word = members[bucket / 64], bit = UINT64_C(1) << bucket % 64;
        size_t rank = ranks[bucket / 64] + tci_count_bits(word & (bit - 1));
        uint32_t known = 0 - (uint32_t)((word & bit) != 0);
        float amount = tci_ngram_amount(network, features[i], counts[i]);
        memcpy(&bits, &amount, sizeof bits);
        bits &= known;
        memcpy(&found->amounts[i], &bits, sizeof bits);
        found->rows[i] = rank & known;
        fetch(weights + found->rows[i] * row_bytes);
    }
}

/* Of one that may be in training. */
static void find_places(const tci_ngram_network *network, const tci_row *row, size_t first, size_t count,
                        const char *weights, size_t row_bytes, places *found)
{
    const uint32_t *features = row->ids + first;
    const uint8_t *counts = row->counts + first;
    if (!network->rows) {
        find_settled(network, features, counts, count, weights, row_bytes, found);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t place = tci_ngram_row(network, TCI_FEATURE_BUCKET(features[i]));
        bool known = place != TCI_INDEX_SET_NONE;
        found->rows[i] = known ? place : 0;
        found->amounts[i] = known ? tci_ngram_amount(network, features[i], counts[i]) : 0;
        fetch(weights + found->rows[i] * row_bytes);
    }
}

/* A single column; inlined for each element type, so that no feature asks for it, like add_row_of(). */
static inline void add_weights_of(tci_element element, const void *weights, const places *found, size_t count,
                                  float parts[4])
{
    for (size_t i = 0; i < count; i++)
        parts[i % 4] += found->amounts[i] * weight_at(element, weights, found->rows[i]);
}

static void add_weights(tci_element element, const void *weights, const places *found, size_t count, float parts[4])
{
    if (element == TCI_ELEMENT_F32)
        add_weights_of(TCI_ELEMENT_F32, weights, found, count, parts);
    else if (element == TCI_ELEMENT_BF16)
        add_weights_of(TCI_ELEMENT_BF16, weights, found, count, parts);
    else
        add_weights_of(TCI_ELEMENT_INT8, weights, found, count, parts);
}

static inline void add_row_of(tci_element element, const void *weights, float amount, size_t columns, float *sums)
{
    for (size_t c = 0; c < columns; c++)
        sums[c] += amount * weight_at(element, weights, c);
}

static void add_row(tci_element element, const void *weights, float amount, size_t columns, float *sums)
{
    if (element == TCI_ELEMENT_F32)
        add_row_of(TCI_ELEMENT_F32, weights, amount, columns, sums);
    else if (element == TCI_ELEMENT_BF16)
        add_row_of(TCI_ELEMENT_BF16, weights, amount, columns, sums);
    else
        add_row_of(TCI_ELEMENT_INT8, weights, amount, columns, sums);
}

/* Sums over a row's features, without scales. */
static void add_features(const tci_ngram_network *network, const tci_row *row, float *sums)
{
    const tci_tensor_info *tensor = &network->base.parameters.tensors[TCI_NGRAM_WEIGHT];
    const char *weights = tci_parameters_data(&network->base.parameters, TCI_NGRAM_WEIGHT);
    size_t columns = network->columns, row_bytes = columns * tci_element_bytes(tensor->element);
    size_t length = tensor->count > 0 ? row->length : 0;
    float parts[4] = {0};
    places found;
    memset(sums, 0, columns * sizeof *sums);
    for (size_t first = 0; first < length; first += AHEAD) {
        size_t count = length - first < AHEAD ? length - first : AHEAD;
        find_places(network, row, first, count, weights, row_bytes, &found);
        if (columns == 1)
            add_weights(tensor->element, weights, &found, count, parts);
        for (size_t i = 0; columns > 1 && i < count; i++) {
            if (found.amounts[i] > 0)
                add_row(tensor->element, weights + found.rows[i] * row_bytes, found.amounts[i], columns, sums);
        }
    }
    if (columns == 1)
        sums[0] = (parts[0] + parts[1]) + (parts[2] + parts[3]);
}

void tci_ngram_margins(const tci_ngram_network *network, const tci_row *row, float *margins)
{
    const tci_parameters *parameters = &network->base.parameters;
    const tci_tensor_info *tensor = &parameters->tensors[TCI_NGRAM_WEIGHT];
    const float *bias = tci_parameters_read(parameters, TCI_NGRAM_BIAS);
    const float *scales = tensor->element == TCI_ELEMENT_INT8 ? tci_parameters_read(parameters, tensor->scales) : NULL;
    float scale = tci_ngram_scale(network, row);
    add_features(network, row, margins);
    for (size_t c = 0; c < network->columns; c++)
        margins[c] = bias[c] + scale * (scales ? scales[c] * margins[c] : margins[c]);
}

static tc_status ngram_predict(const tci_network *base, tci_pool *pool, tci_workspace *workspace, const tci_row *rows,
                               size_t row_count, float *logits)
{
    const tci_ngram_network *network = (const tci_ngram_network *)base;
    const float *calibration = tci_parameters_read(&base->parameters, TCI_NGRAM_CALIBRATION);
    (void)pool, (void)workspace;
    for (size_t r = 0; r < row_count; r++, logits += base->label_count) {
        tci_ngram_margins(network, &rows[r], logits);
        for (size_t c = 0; c < network->columns; c++)
            logits[c] = calibration[0] * logits[c] + calibration[1];
        if (network->columns < base->label_count) {
            logits[1] = 0.5f * logits[0];
            logits[0] = -logits[1];
        }
    }
    return TC_OK;
}

const tci_architecture tci_ngram_architecture = {
    .name = "ngram",
    .declare = ngram_declare,
    .create = ngram_create,
    .free = ngram_free,
    .initialize = ngram_initialize,
    .refresh = ngram_refresh,
    .features = ngram_features,
    .settle = ngram_settle,
    .predict = ngram_predict,
};
