/* fasttext_read.c: a model from a file of fastText's: options that compute what fastText computes, words, labels, and
 * the matrices, copied or where they stand. Must not know the file's layout, which is fasttext_parse.c's. */
#include "serialization/fasttext.h"

#include <string.h>

#include "model/bag_network.h"
#include "serialization/elements.h"
#include "serialization/fasttext_file.h"

bool tci_fasttext_marked(const uint8_t *bytes, size_t size)
{
    static const uint8_t mark[4] = {0xba, 0x16, 0x4f, 0x2f};
    return size >= sizeof mark && memcmp(bytes, mark, sizeof mark) == 0;
}

static bool has_comma(const tci_fasttext_file *file)
{
    for (int32_t i = 0; i < file->labels; i++) {
        if (strchr(file->label_names[i], ','))
            return true;
    }
    return false;
}

/* One-vs-all models are of texts with any number of labels; where their names do not allow that, of texts with one. */
static tc_status set_options(tci_fasttext_file *file)
{
    static const char *const fixed[][2] = {
        {"tokenizer", "space"},      {"normalize", "none"},        {"lowercase", "false"},
        {"clean_controls", "false"}, {"collapse_spaces", "false"}, {"fasttext_scores", "true"},
    };
    static const char *const heads[] = {"tree", "sigmoid", "softmax", "sigmoid"};
    tci_options *options = &file->options;
    bool several = file->loss == TCI_FASTTEXT_OVA && !has_comma(file);
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        TCI_RETURN_IF(tci_options_set(options, fixed[i][0], fixed[i][1]));
    TCI_RETURN_IF(tci_options_set(options, "task", several ? "multilabel" : "classify"));
    TCI_RETURN_IF(tci_options_set(options, "head", heads[file->loss - TCI_FASTTEXT_HS]));
    if (file->input.quantized) {
        TCI_RETURN_IF(tci_options_set(options, "weights", "pq"));
        TCI_RETURN_IF(tci_fasttext_set_number(options, "pq_width", file->input.width));
        TCI_RETURN_IF(tci_options_set(options, "pq_norms", file->input.has_norms ? "true" : "false"));
        TCI_RETURN_IF(tci_fasttext_set_number(options, "pq_output_width", file->output.width));
        TCI_RETURN_IF(tci_options_set(options, "pq_output_norms", file->output.has_norms ? "true" : "false"));
    }
    return tci_options_resolve(options, 0);
}

/* Where a tensor's values stand in the file. */
typedef struct tensor_place {
    size_t index;
    const void *data;
} tensor_place;

static size_t list_places(const tci_fasttext_matrix *from, const tci_bag_matrix *to, tensor_place *places)
{
    if (!from->quantized) {
        places[0] = (tensor_place){to->weight, from->weight};
        return 1;
    }
    places[0] = (tensor_place){to->codes, from->codes};
    places[1] = (tensor_place){to->codebook, from->codebook};
    if (!from->has_norms)
        return 2;
    places[2] = (tensor_place){to->norms, from->norms};
    places[3] = (tensor_place){to->norm_values, from->norm_values};
    return 4;
}

/* Rows behind the words, in the order of their buckets rather than the file's. */
static void put_in_order(const tci_fasttext_file *file, const uint8_t *from, size_t bytes, uint8_t *to)
{
    size_t words = (size_t)file->words;
    for (size_t i = 0; i < file->set.count; i++)
        memcpy(to + (words + i) * bytes, from + (words + file->order[i]) * bytes, bytes);
}

static tc_status check_finite(const tci_parameters *parameters, const tensor_place *place)
{
    const tci_tensor_info *tensor = &parameters->tensors[place->index];
    if (tensor->element != TCI_ELEMENT_F32)
        return TC_OK;
    size_t first = tci_elements_check(TCI_DTYPE_F32, place->data, tensor->count, false);
    if (first == tensor->count)
        return TC_OK;
    return tci_fail(TC_ERROR_NUMERIC, "tensor '%s': element %zu is NaN or infinite", tensor->name, first);
}

static tc_status place_parameters(const tci_fasttext_file *file, tci_bag_network *network, bool in_place,
                                  bool check_weights)
{
    tci_parameters *parameters = &network->base.parameters;
    tensor_place places[9];
    size_t count = list_places(&file->input, &network->embedding, places);
    count += list_places(&file->output, &network->output, places + count);
    if (network->tree)
        places[count++] = (tensor_place){network->label_counts, file->label_counts};
    for (size_t i = 0; check_weights && i < count; i++)
        TCI_RETURN_IF(check_finite(parameters, &places[i]));
    bool mapped = in_place && file->pruned <= 0; /* else rows have to be put in order */
    if (!mapped)
        TCI_RETURN_IF(tci_parameters_allocate(parameters));
    if (mapped && network->tree) { /* the counts do not stand together in the file */
        size_t bytes = (size_t)file->labels * sizeof *network->counts;
        TCI_RETURN_IF(tci_alloc(network->base.memory, bytes, 1, "counts of labels", &network->counts));
        places[count - 1].data = memcpy(network->counts, file->label_counts, bytes);
    }
    for (size_t i = 0; i < count; i++) {
        tci_tensor_info *tensor = &parameters->tensors[places[i].index];
        if (mapped)
            tensor->mapped = places[i].data;
        else
            memcpy(parameters->values + tensor->offset, places[i].data,
                   tensor->count * tci_element_bytes(tensor->element));
    }
    if (file->pruned > 0) {
        const tci_bag_matrix *matrix = &network->embedding;
        put_in_order(file, file->input.codes, matrix->parts,
                     (uint8_t *)(parameters->values + parameters->tensors[matrix->codes].offset));
        if (matrix->has_norms)
            put_in_order(file, file->input.norms, 1,
                         (uint8_t *)(parameters->values + parameters->tensors[matrix->norms].offset));
    }
    return TC_OK;
}

static tc_status make_model(tci_fasttext_file *file, const tc_allocator *host, const tci_file_operations *files,
                            bool in_place, bool check_weights, tc_model **model)
{
    tci_pipeline *pipeline = NULL;
    tci_vocabulary *vocabulary = file->vocabulary;
    tci_text_options text = tci_model_text_options(&file->options);
    tc_status status = tci_labels_check(file->memory, file->label_names, (size_t)file->labels, file->options.task);
    if (status != TC_OK)
        return status == TC_ERROR_ARGUMENT ? tci_fail_prefix(TC_ERROR_FORMAT, "the labels") : status;
    file->vocabulary = NULL; /* the pipeline's from here on */
    TCI_RETURN_IF(tci_pipeline_create(host, file->memory->limit, &text, vocabulary, &pipeline));
    TCI_RETURN_IF(tci_model_declare(host, files, &file->options, pipeline, file->set.bound > 0 ? &file->set : NULL,
                                    file->label_names, (size_t)file->labels, model));
    status = place_parameters(file, (tci_bag_network *)(*model)->network, in_place, check_weights);
    if (status != TC_OK) {
        tci_model_release(*model);
        *model = NULL;
        return status;
    }
    (*model)->format = TCI_FASTTEXT_FORMAT;
    tci_model_refresh(*model);
    return TC_OK;
}

tc_status tci_fasttext_read(const uint8_t *bytes, size_t size, const tci_options *run, const tc_allocator *host,
                            const tci_file_operations *files, bool in_place, bool check_weights, tc_model **model)
{
    tc_status status = TC_OK;
    tci_memory memory;
    tci_fasttext_file *file = NULL;
    *model = NULL;
    if (run->max_file_bytes != 0 && size > run->max_file_bytes)
        return tci_fail(TC_ERROR_LIMIT, "the file has %zu bytes; max_file_bytes is %llu", size,
                        (unsigned long long)run->max_file_bytes);
    tci_memory_init(&memory, host, (size_t)run->max_memory);
    TCI_RETURN_IF(tci_alloc_zero(&memory, 1, sizeof *file, "what the file says", &file));
    file->memory = &memory;
    file->bytes = (tci_reader){bytes, size, 0};
    tci_options_default(&file->options);
    tci_options_copy_class(&file->options, run, TCI_CLASS_RUN);
    TCI_CHECK(tci_options_set(&file->options, "arch", "ngram"));
    TCI_CHECK(tci_fasttext_parse(file));
    TCI_CHECK(set_options(file));
    TCI_CHECK(make_model(file, host, files, in_place, check_weights, model));
done:
    tci_vocabulary_free(file->vocabulary);
    tci_free(&memory, file->label_names);
    tci_free(&memory, file->label_counts);
    tci_free(&memory, file->order);
    if (file->set.memory)
        tci_index_set_free(&file->set);
    tci_free(&memory, file);
    return status;
}
