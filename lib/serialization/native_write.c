/* native_write.c: laying a model file out and writing it. Weights are written from where they stand.
 *
 * The metadata pairs are sorted by the bytes of their keys, the checksum first; nothing of the run (threads, paths,
 * times) is among them, so that equal models give equal bytes. */
#include "serialization/native.h"

#include <string.h>

#include "base/json.h"
#include "base/sort.h"
#include "serialization/elements.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error                                                                                                                 \
    "the file format is little-endian and weights are written as they stand in memory: this machine needs a conversion"
#endif

#define TEXTS_MAX ((size_t)1 << 30)

/* Metadata texts while they are gathered: pairs as offsets, because the buffer moves. */
typedef struct pair_list {
    tci_memory *memory;
    tci_buffer texts;
    size_t *begins; /* key and value of pair i begin at begins[2i], begins[2i + 1] */
    size_t count, capacity;
} pair_list;

static tc_status begin_text(pair_list *list)
{
    TCI_RETURN_IF(tci_reserve(list->memory, list->count + 1, SIZE_MAX, sizeof *list->begins, "metadata",
                              &list->capacity, &list->begins));
    list->begins[list->count++] = list->texts.size;
    return TC_OK;
}

static tc_status add_text(pair_list *list, const char *text)
{
    TCI_RETURN_IF(begin_text(list));
    return tci_buffer_append(&list->texts, text, strlen(text) + 1);
}

static tc_status add_pair(pair_list *list, const char *key, const char *value)
{
    TCI_RETURN_IF(add_text(list, key));
    return add_text(list, value);
}

static tc_status add_labels(pair_list *list, const tc_model *model)
{
    tci_json_writer json;
    TCI_RETURN_IF(add_text(list, TCI_NATIVE_LABELS));
    TCI_RETURN_IF(begin_text(list));
    tci_json_writer_init(&json, &list->texts);
    TCI_RETURN_IF(tci_json_begin(&json, '['));
    for (size_t i = 0; i < model->label_count; i++)
        TCI_RETURN_IF(tci_json_string(&json, model->labels[i]));
    TCI_RETURN_IF(tci_json_end(&json, ']'));
    return tci_buffer_append(&list->texts, "", 1);
}

static tc_status add_thresholds(pair_list *list, const tc_model *model)
{
    tci_json_writer json;
    if (!model->thresholds)
        return TC_OK;
    TCI_RETURN_IF(add_text(list, TCI_NATIVE_THRESHOLDS));
    TCI_RETURN_IF(begin_text(list));
    tci_json_writer_init(&json, &list->texts);
    TCI_RETURN_IF(tci_json_begin(&json, '['));
    for (size_t i = 0; i < model->label_count; i++)
        TCI_RETURN_IF(tci_json_double_value(&json, model->thresholds[i]));
    TCI_RETURN_IF(tci_json_end(&json, ']'));
    return tci_buffer_append(&list->texts, "", 1);
}

static tc_status add_options(pair_list *list, const tci_options *options)
{
    for (size_t i = 0; i < tci_option_count(); i++) {
        const tci_option_row *row = tci_option_row_at(i);
        if (row->option_class == TCI_CLASS_RUN || !tci_option_applies(options, row))
            continue;
        TCI_RETURN_IF(begin_text(list));
        TCI_RETURN_IF(tci_buffer_text(&list->texts, TCI_NATIVE_OPTION));
        TCI_RETURN_IF(tci_buffer_append(&list->texts, row->key, strlen(row->key) + 1));
        TCI_RETURN_IF(begin_text(list));
        TCI_RETURN_IF(tci_options_print(options, row, &list->texts));
        TCI_RETURN_IF(tci_buffer_append(&list->texts, "", 1));
    }
    return TC_OK;
}

static int by_key(const void *context, uint32_t a, uint32_t b)
{
    const tci_metadata_pair *pairs = context;
    return strcmp(pairs[a].key, pairs[b].key);
}

/* The checksum's pair, its digits as '0', then all others by key. */
static tc_status sort_pairs(const pair_list *list, tci_metadata_pair **sorted, size_t *count)
{
    tc_status status = TC_OK;
    tci_metadata_pair *pairs = NULL;
    uint32_t *order = NULL;
    size_t total = list->count / 2;
    *sorted = NULL;
    TCI_CHECK(tci_alloc(list->memory, total, sizeof *pairs, "metadata", &pairs));
    TCI_CHECK(tci_alloc(list->memory, total, 2 * sizeof *order, "metadata", &order));
    TCI_CHECK(tci_alloc(list->memory, total + 1, sizeof **sorted, "metadata", sorted));
    for (size_t i = 0; i < total; i++) {
        order[i] = (uint32_t)i;
        pairs[i] =
            (tci_metadata_pair){list->texts.data + list->begins[2 * i], list->texts.data + list->begins[2 * i + 1]};
    }
    tci_sort(order, order + total, total, by_key, pairs);
    (*sorted)[0] = (tci_metadata_pair){TCI_CHECKSUM_KEY, TCI_CHECKSUM_KIND "00000000000000000000000000000000"};
    for (size_t i = 0; i < total; i++)
        (*sorted)[i + 1] = pairs[order[i]];
    *count = total + 1;
done:
    tci_free(list->memory, pairs);
    tci_free(list->memory, order);
    return status;
}

static tc_status gather_pairs(const tc_model *model, const tci_native_extra *extra, pair_list *list)
{
    _Static_assert(TCI_NATIVE_VERSION == 1, "the text below");
    TCI_RETURN_IF(add_pair(list, TCI_NATIVE_FORMAT, "1"));
    TCI_RETURN_IF(add_labels(list, model));
    TCI_RETURN_IF(add_options(list, &model->options));
    TCI_RETURN_IF(add_thresholds(list, model));
    TCI_RETURN_IF(add_pair(list, TCI_NATIVE_UNICODE, model->unicode_version));
    if (model->untrained_head)
        TCI_RETURN_IF(add_pair(list, TCI_NATIVE_UNTRAINED, "true"));
    for (size_t i = 0; extra && i < extra->metadata_count; i++)
        TCI_RETURN_IF(add_pair(list, extra->metadata[i].key, extra->metadata[i].value));
    return TC_OK;
}

/* The model's parameters, the extra tensors and the vocabulary, in no order yet. */
static void gather_sources(const tc_model *model, const tci_native_extra *extra, const tci_native_file *file,
                           tci_tensor_source *sources)
{
    const tci_parameters *parameters = &model->network->parameters;
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        *sources++ = (tci_tensor_source){.name = tensor->name,
                                         .dtype = tci_element_dtype(tensor->element),
                                         .rank = tensor->rank,
                                         .shape = {tensor->shape[0], tensor->shape[1]},
                                         .data = tci_parameters_data(parameters, i)};
    }
    for (size_t i = 0; extra && i < extra->tensor_count; i++)
        *sources++ = extra->tensors[i];
    if (tci_model_features(model))
        *sources++ = (tci_tensor_source){.name = TCI_NATIVE_FEATURES,
                                         .dtype = TCI_DTYPE_U8,
                                         .rank = 1,
                                         .shape = {file->features.size},
                                         .data = file->features.data};
    size_t size = file->vocabulary.size;
    const tci_subword *subword = model->pipeline->subword;
    const char *text = subword ? tci_subword_json(subword, &size) : file->vocabulary.data;
    *sources = (tci_tensor_source){.name = subword ? TCI_NATIVE_TOKENIZER : TCI_NATIVE_VOCABULARY,
                                   .dtype = TCI_DTYPE_U8,
                                   .rank = 1,
                                   .shape = {size},
                                   .data = text};
}

/* A weight that is not finite would be refused by every load, after the old file is gone. */
static tc_status check_finite(const tci_tensor_source *sources, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t elements = 1;
        for (size_t k = 0; k < sources[i].rank; k++)
            elements *= sources[i].shape[k];
        if ((sources[i].dtype == TCI_DTYPE_F32 || sources[i].dtype == TCI_DTYPE_BF16) &&
            tci_elements_check(sources[i].dtype, sources[i].data, elements, false) != elements)
            return tci_fail(TC_ERROR_NUMERIC, "tensor '%s' holds a value that is not finite; the model cannot be saved",
                            sources[i].name);
    }
    return TC_OK;
}

static tc_status make_pieces(tci_native_file *file, const tci_tensor_source *sources, size_t count)
{
    TCI_RETURN_IF(tci_alloc(&file->memory, count + 1, sizeof *file->pieces, "file pieces", &file->pieces));
    file->pieces[0] = (tci_file_piece){file->header.data, file->header.size};
    file->size = file->header.size;
    for (size_t i = 0; i < count; i++) {
        file->pieces[i + 1] = (tci_file_piece){sources[i].data, sources[i].size};
        if (!tci_add(file->size, sources[i].size, &file->size))
            return tci_fail(TC_ERROR_LIMIT, "the model file does not fit the address space");
    }
    file->piece_count = count + 1;
    const char *last = sources[count - 1].name;
    if (strcmp(last, TCI_NATIVE_VOCABULARY) != 0 && strcmp(last, TCI_NATIVE_TOKENIZER) != 0)
        return tci_fail(TC_ERROR_INTERNAL, "tensor '%s' would stand behind the vocabulary", last);
    return TC_OK;
}

tc_status tci_native_layout(const tc_model *model, const tci_native_extra *extra, tci_native_file *file)
{
    tc_status status = TC_OK;
    tci_memory *memory = &file->memory;
    tci_model_settle(model);
    tci_metadata_pair *pairs = NULL;
    tci_tensor_source *sources = NULL;
    const tci_index_set *features = tci_model_features(model);
    size_t pair_count = 0,
           source_count = model->network->parameters.tensor_count + 1 + (extra ? extra->tensor_count : 0) +
                          (features != NULL);
    pair_list list = {.memory = memory};
    tci_memory_init(memory, &model->memory.host, model->memory.limit);
    file->pieces = NULL;
    tci_buffer_init(&list.texts, memory, TEXTS_MAX, "metadata");
    tci_buffer_init(&file->header, memory, TEXTS_MAX, "file header");
    tci_buffer_init(&file->vocabulary, memory, SIZE_MAX, "vocabulary");
    tci_buffer_init(&file->features, memory, SIZE_MAX, "features");
    TCI_CHECK(gather_pairs(model, extra, &list));
    TCI_CHECK(sort_pairs(&list, &pairs, &pair_count));
    if (model->pipeline->vocabulary)
        TCI_CHECK(tci_vocabulary_write(model->pipeline->vocabulary, &file->vocabulary));
    if (features)
        TCI_CHECK(tci_index_set_write(features, &file->features));
    TCI_CHECK(tci_alloc(memory, source_count, sizeof *sources, "tensor list", &sources));
    gather_sources(model, extra, file, sources);
    TCI_CHECK(check_finite(sources, source_count));
    TCI_CHECK(tci_safetensors_layout(memory, pairs, pair_count, sources, source_count, &file->header));
    TCI_CHECK(make_pieces(file, sources, source_count));
done:
    tci_free(memory, sources);
    tci_free(memory, pairs);
    tci_free(memory, list.begins);
    tci_buffer_free(&list.texts);
    if (status != TC_OK)
        tci_native_file_free(file);
    return status;
}

void tci_native_seal(tci_native_file *file)
{
    char digits[TCI_CHECKSUM_DIGITS + 1];
    tci_checksum_compute(file->pieces, file->piece_count, digits);
    memcpy(file->header.data + TCI_CHECKSUM_AT, digits, TCI_CHECKSUM_DIGITS);
}

void tci_native_file_free(tci_native_file *file)
{
    tci_buffer_free(&file->header);
    tci_buffer_free(&file->vocabulary);
    tci_buffer_free(&file->features);
    tci_free(&file->memory, file->pieces);
    file->pieces = NULL;
}

tc_status tci_native_save(const tc_model *model, const tci_native_extra *extra, const char *path)
{
    tci_native_file file;
    TCI_RETURN_IF(tci_native_layout(model, extra, &file));
    tci_native_seal(&file);
    tc_status status = tci_file_replace(model->files, &file.memory, path, file.pieces, file.piece_count);
    tci_native_file_free(&file);
    return status;
}

tc_status tci_native_save_memory(const tc_model *model, const tci_native_extra *extra, size_t capacity, void *buffer,
                                 size_t *size)
{
    tc_status status = TC_OK;
    tci_native_file file;
    TCI_RETURN_IF(tci_native_layout(model, extra, &file));
    *size = file.size;
    if (capacity < file.size) {
        status = tci_fail(TC_ERROR_CAPACITY, "the model file has %zu bytes; the buffer holds %zu", file.size, capacity);
    } else {
        char *to = buffer;
        tci_native_seal(&file);
        for (size_t i = 0; i < file.piece_count; i++) {
            if (file.pieces[i].size == 0) /* which may have no address */
                continue;
            memcpy(to, file.pieces[i].data, file.pieces[i].size);
            to += file.pieces[i].size;
        }
    }
    tci_native_file_free(&file);
    return status;
}
