/* fasttext_write.c: a model as a file of fastText's, version 12. Weights are written from where they stand.
 *
 * fastText builds a tree of labels in the order in which it has them, which is that of falling counts: so they are
 * written then; the rows of the output are of inner nodes. Otherwise labels keep their order.
 *
 * What such a file has no place for stays behind: the text options (it is read as tokens with spaces between), the
 * counts of words, which no prediction needs and which are 1 here, and all options of training. Buckets without a row
 * are rows of zeros, which is what they count as. */
#include "serialization/fasttext.h"

#include <string.h>

#include "base/sort.h"
#include "model/bag_network.h"

#define VERSION 12
#define LOSS_HS 1
#define LOSS_SOFTMAX 3
#define LOSS_OVA 4
#define ZERO_BYTES ((size_t)1 << 18) /* of zeros in one piece */

typedef struct file_writer {
    tci_memory memory;
    const tc_model *model;
    const tci_bag_network *network;
    tci_buffer small;       /* everything but weights */
    size_t cut;             /* bytes of it that stand before the latest piece of weights */
    tci_file_piece *pieces; /* data NULL: the next bytes of `small`, which moves until all is there */
    size_t count, capacity;
    uint8_t *zeros;
} file_writer;

static tc_status put(file_writer *writer, const void *bytes, size_t size)
{
    return tci_buffer_append(&writer->small, bytes, size);
}

static tc_status put_u8(file_writer *writer, uint8_t value)
{
    return put(writer, &value, 1);
}

static tc_status put_i64(file_writer *writer, uint64_t value)
{
    uint8_t bytes[8];
    tci_store_u64(bytes, value);
    return put(writer, bytes, sizeof bytes);
}

/* Sizes of a model were checked when it was made: all fit. */
static tc_status put_i32(file_writer *writer, uint64_t value)
{
    uint8_t bytes[8];
    tci_store_u64(bytes, value);
    return put(writer, bytes, 4);
}

static tc_status put_piece(file_writer *writer, const void *data, size_t size)
{
    if (size == 0)
        return TC_OK;
    TCI_RETURN_IF(tci_reserve(&writer->memory, writer->count + 1, SIZE_MAX / 64, sizeof *writer->pieces, "file pieces",
                              &writer->capacity, &writer->pieces));
    writer->pieces[writer->count++] = (tci_file_piece){data, size};
    return TC_OK;
}

/* What was put so far stands before what comes next. */
static tc_status cut(file_writer *writer)
{
    size_t size = writer->small.size - writer->cut;
    writer->cut = writer->small.size;
    return put_piece(writer, NULL, size);
}

static tc_status put_weights(file_writer *writer, size_t tensor)
{
    const tci_parameters *parameters = &writer->network->base.parameters;
    const tci_tensor_info *info = &parameters->tensors[tensor];
    TCI_RETURN_IF(cut(writer));
    return put_piece(writer, tci_parameters_data(parameters, tensor), info->count * tci_element_bytes(info->element));
}

/* ---- what there is no place for ---- */

static tc_status refuse(const char *why)
{
    return tci_fail(TC_ERROR_UNSUPPORTED, "fastText's format has no place for this model: %s", why);
}

static tc_status check_model(const tc_model *model)
{
    const tci_options *options = &model->options;
    char arch[TCI_CHOICE_NAME], weights[TCI_CHOICE_NAME];
    if (!tci_options_embed(options))
        return tci_fail(TC_ERROR_UNSUPPORTED,
                        "fastText's format has no place for this model: it is of arch %s%s; one of arch ngram with "
                        "embedding_dim above 0 is written",
                        tci_choice_name("arch", options->arch, arch),
                        options->arch == TCI_ARCH_NGRAM ? " with embedding_dim 0" : "");
    if (options->task == TCI_TASK_REGRESS)
        return refuse("its task is regress");
    if (options->weights != TCI_WEIGHTS_F32 && options->weights != TCI_WEIGHTS_PQ)
        return tci_fail(TC_ERROR_UNSUPPORTED,
                        "fastText's format has no place for this model: its weights are %s; convert them to f32",
                        tci_choice_name("weights", options->weights, weights));
    if (options->weights == TCI_WEIGHTS_F32 && options->fasttext_scores && tci_model_features(model))
        return refuse("it is pruned, which fastText takes with pq weights alone, as in the file that it came from");
    return TC_OK;
}

static tc_status check_words(const tc_model *model)
{
    const tci_vocabulary *words = model->pipeline->vocabulary;
    size_t prefix = strlen(TCI_BAG_LABEL);
    for (uint32_t id = 0; id < tci_vocabulary_size(words); id++) {
        size_t length = 0;
        const char *word = tci_vocabulary_word(words, id, &length);
        if (!tci_bag_is_word(word, length) || (length >= prefix && memcmp(word, TCI_BAG_LABEL, prefix) == 0))
            return tci_fail(TC_ERROR_UNSUPPORTED,
                            "fastText's format has no place for this model: word %u has a space in it or begins with "
                            "%s",
                            (unsigned)id, TCI_BAG_LABEL);
    }
    for (size_t i = 0; i < model->label_count; i++) {
        if (!tci_bag_is_word(model->labels[i], strlen(model->labels[i])))
            return tci_fail(TC_ERROR_UNSUPPORTED,
                            "fastText's format has no place for this model: label '%s' has a space in it",
                            model->labels[i]);
    }
    return TC_OK;
}

/* ---- header and dictionary ---- */

static uint64_t loss_of(int32_t head)
{
    return head == TCI_HEAD_TREE ? LOSS_HS : head == TCI_HEAD_SIGMOID ? LOSS_OVA : LOSS_SOFTMAX;
}

static tc_status put_header(file_writer *writer)
{
    const tci_options *options = &writer->model->options;
    const uint64_t fields[] = {
        TCI_FASTTEXT_MAGIC,
        VERSION,
        options->embedding_dim,
        5, /* ws */
        options->epochs,
        options->min_count < INT32_MAX ? options->min_count : INT32_MAX,
        5, /* neg */
        options->word_ngrams,
        loss_of(writer->network->head),
        3, /* supervised */
        options->buckets,
        options->min_char_ngram,
        options->max_char_ngram,
        100, /* lrUpdateRate */
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        TCI_RETURN_IF(put_i32(writer, fields[i]));
    return put_i64(writer, UINT64_C(0x3f1a36e2eb1c432d)); /* t: 0.0001 */
}

static tc_status put_entry(file_writer *writer, const char *prefix, const char *word, size_t length, uint64_t count,
                           uint8_t type)
{
    TCI_RETURN_IF(put(writer, prefix, strlen(prefix)));
    TCI_RETURN_IF(put(writer, word, length));
    TCI_RETURN_IF(put_u8(writer, 0));
    TCI_RETURN_IF(put_i64(writer, count));
    return put_u8(writer, type);
}

/* Of the pruned buckets, which have a row each, behind the words. */
static tc_status put_pruned(file_writer *writer)
{
    const tci_index_set *set = tci_model_features(writer->model);
    uint32_t row = 0;
    for (uint32_t number = 0; set && row < set->count; number++) {
        if (!tci_index_set_has(set, number))
            continue;
        TCI_RETURN_IF(put_i32(writer, number));
        TCI_RETURN_IF(put_i32(writer, row++));
    }
    return TC_OK;
}

static int by_falling_count(const void *context, uint32_t a, uint32_t b)
{
    const uint8_t *counts = context;
    uint64_t left = tci_load_u64(counts + a * sizeof left), right = tci_load_u64(counts + b * sizeof right);
    return left > right ? -1 : left < right;
}

static tc_status put_labels(file_writer *writer)
{
    const tc_model *model = writer->model;
    size_t labels = model->label_count;
    const uint8_t *counts = NULL;
    uint32_t *order = NULL;
    TCI_RETURN_IF(tci_alloc(&writer->memory, labels, 2 * sizeof *order, "order of labels", &order));
    for (size_t i = 0; i < labels; i++)
        order[i] = (uint32_t)i;
    if (writer->network->head == TCI_HEAD_TREE) {
        counts = tci_parameters_data(&writer->network->base.parameters, writer->network->label_counts);
        tci_sort(order, order + labels, labels, by_falling_count, counts);
    }
    tc_status status = TC_OK;
    for (size_t i = 0; status == TC_OK && i < labels; i++) {
        const char *label = model->labels[order[i]];
        uint64_t count = counts ? tci_load_u64(counts + order[i] * sizeof count) : 1;
        status = put_entry(writer, TCI_BAG_LABEL, label, strlen(label), count, 1);
    }
    tci_free(&writer->memory, order);
    return status;
}

static tc_status put_dictionary(file_writer *writer)
{
    const tc_model *model = writer->model;
    const tci_vocabulary *vocabulary = model->pipeline->vocabulary;
    const tci_index_set *set = model->options.weights == TCI_WEIGHTS_PQ ? tci_model_features(model) : NULL;
    size_t words = tci_vocabulary_size(vocabulary), labels = model->label_count;
    TCI_RETURN_IF(put_i32(writer, words + labels));
    TCI_RETURN_IF(put_i32(writer, words));
    TCI_RETURN_IF(put_i32(writer, labels));
    TCI_RETURN_IF(put_i64(writer, words));
    TCI_RETURN_IF(put_i64(writer, set ? set->count : UINT64_MAX));
    for (uint32_t id = 0; id < words; id++) {
        size_t length = 0;
        const char *word = tci_vocabulary_word(vocabulary, id, &length);
        TCI_RETURN_IF(put_entry(writer, "", word, length, 1, 0));
    }
    TCI_RETURN_IF(put_labels(writer));
    return set ? put_pruned(writer) : TC_OK;
}

/* ---- matrices ---- */

static tc_status put_zeros(file_writer *writer, size_t bytes)
{
    if (!writer->zeros)
        TCI_RETURN_IF(tci_alloc_zero(&writer->memory, ZERO_BYTES, 1, "rows of zeros", &writer->zeros));
    for (size_t size; bytes > 0; bytes -= size) {
        size = bytes < ZERO_BYTES ? bytes : ZERO_BYTES;
        TCI_RETURN_IF(put_piece(writer, writer->zeros, size));
    }
    return TC_OK;
}

/* The words' rows, and for each bucket its row or zeros, run by run. */
static tc_status put_spread(file_writer *writer, const tci_index_set *set)
{
    const tci_parameters *parameters = &writer->network->base.parameters;
    const tci_bag_matrix *matrix = &writer->network->embedding;
    const uint8_t *from = tci_parameters_data(parameters, matrix->weight);
    size_t row_bytes = matrix->columns * sizeof(float), run = matrix->rows - set->count;
    TCI_RETURN_IF(cut(writer));
    TCI_RETURN_IF(put_piece(writer, from, run * row_bytes));
    from += run * row_bytes;
    for (uint32_t number = 0; number < set->bound; number += (uint32_t)run) {
        bool has = tci_index_set_has(set, number);
        for (run = 1; number + run < set->bound && tci_index_set_has(set, number + (uint32_t)run) == has;)
            run++;
        TCI_RETURN_IF(has ? put_piece(writer, from, run * row_bytes) : put_zeros(writer, run * row_bytes));
        from += has ? run * row_bytes : 0;
    }
    return TC_OK;
}

static tc_status put_quantizer(file_writer *writer, size_t dim, size_t width, size_t book)
{
    size_t parts = (dim + width - 1) / width;
    TCI_RETURN_IF(put_i32(writer, dim));
    TCI_RETURN_IF(put_i32(writer, parts));
    TCI_RETURN_IF(put_i32(writer, width));
    TCI_RETURN_IF(put_i32(writer, dim - (parts - 1) * width));
    return put_weights(writer, book);
}

static tc_status put_matrix(file_writer *writer, const tci_bag_matrix *matrix, const tci_index_set *spread)
{
    bool quantized = matrix->width > 0;
    TCI_RETURN_IF(put_u8(writer, quantized));
    if (quantized)
        TCI_RETURN_IF(put_u8(writer, matrix->has_norms));
    TCI_RETURN_IF(put_i64(writer, spread ? matrix->rows - spread->count + spread->bound : matrix->rows));
    TCI_RETURN_IF(put_i64(writer, matrix->columns));
    if (!quantized)
        return spread ? put_spread(writer, spread) : put_weights(writer, matrix->weight);
    if (matrix->rows > INT32_MAX / matrix->parts)
        return refuse("it has more than 2147483647 codes");
    TCI_RETURN_IF(put_i32(writer, matrix->rows * matrix->parts));
    TCI_RETURN_IF(put_weights(writer, matrix->codes));
    TCI_RETURN_IF(put_quantizer(writer, matrix->columns, matrix->width, matrix->codebook));
    if (!matrix->has_norms)
        return TC_OK;
    TCI_RETURN_IF(put_weights(writer, matrix->norms));
    return put_quantizer(writer, 1, 1, matrix->norm_values);
}

static tc_status lay_out(file_writer *writer)
{
    const tci_index_set *set = tci_model_features(writer->model);
    TCI_RETURN_IF(check_words(writer->model));
    TCI_RETURN_IF(put_header(writer));
    TCI_RETURN_IF(put_dictionary(writer));
    TCI_RETURN_IF(put_matrix(writer, &writer->network->embedding, writer->network->embedding.width == 0 ? set : NULL));
    TCI_RETURN_IF(put_matrix(writer, &writer->network->output, NULL));
    TCI_RETURN_IF(cut(writer));
    const char *small = writer->small.data;
    for (size_t i = 0; i < writer->count; i++) {
        if (writer->pieces[i].data)
            continue;
        writer->pieces[i].data = small;
        small += writer->pieces[i].size;
    }
    return TC_OK;
}

tc_status tci_fasttext_save(const tc_model *model, const char *path)
{
    TCI_RETURN_IF(check_model(model));
    file_writer writer = {.model = model, .network = (const tci_bag_network *)model->network};
    tci_memory_init(&writer.memory, &model->memory.host, model->memory.limit);
    tci_buffer_init(&writer.small, &writer.memory, SIZE_MAX / 2, "dictionary");
    tc_status status = lay_out(&writer);
    if (status == TC_OK)
        status = tci_file_replace(model->files, &writer.memory, path, writer.pieces, writer.count);
    tci_free(&writer.memory, writer.pieces);
    tci_free(&writer.memory, writer.zeros);
    tci_buffer_free(&writer.small);
    return status;
}
