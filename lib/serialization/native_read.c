/* native_read.c: a model from a native file.
 *
 * Order of the checks: size, mark, header bounds, checksum; then the header; then every tensor of the model against
 * what the options declare, so that nothing is allocated that the file does not hold; only then vocabulary, network,
 * weights. */
#include <string.h>

#include "serialization/elements.h"
#include "serialization/native_reader.h"
#include "serialization/tokenizer_json.h"
#include "tensor/narrow.h"

/* ---- tensors ---- */

static bool begins_with(const tci_tensor_view *view, const char *prefix)
{
    return view->name_length >= strlen(prefix) && memcmp(view->name, prefix, strlen(prefix)) == 0;
}

/* Every float of the file is finite: weights, moments, best weights. */
static tc_status check_finite(const tci_tensor_view *view)
{
    char shown[TCI_SHOWN];
    if (!tci_elements_are_real(view->dtype))
        return TC_OK;
    size_t count = view->size / (tci_dtype_bits(view->dtype) / 8);
    size_t first = tci_elements_check(view->dtype, view->data, count, false);
    if (first == count)
        return TC_OK;
    return tci_fail(TC_ERROR_NUMERIC, "tensor '%s': element %zu is NaN or infinite",
                    tci_show_text(view->name, view->name_length, shown), first);
}

static tc_status check_tensor(const tci_safetensors *file, const tci_tensor_info *wanted)
{
    char there[TCI_SHOWN_SHAPE], here[TCI_SHOWN_SHAPE];
    tci_tensor_view view;
    if (!tci_safetensors_find(file, wanted->name, &view))
        return tci_fail(TC_ERROR_FORMAT, "the model's tensor '%s' is missing", wanted->name);
    if (view.dtype != tci_element_dtype(wanted->element))
        return tci_fail(TC_ERROR_FORMAT, "tensor '%s' has elements of type %s; the file's option 'weights' asks for %s",
                        wanted->name, tci_dtype_name(view.dtype), tci_dtype_name(tci_element_dtype(wanted->element)));
    if (view.rank != wanted->rank || memcmp(view.shape, wanted->shape, wanted->rank * sizeof *view.shape) != 0)
        return tci_fail(TC_ERROR_FORMAT, "tensor '%s' has shape %s; options, labels and vocabulary ask for %s",
                        wanted->name, tci_show_shape(view.rank, view.shape, there),
                        tci_show_shape(wanted->rank, wanted->shape, here));
    return TC_OK;
}

/* Numbers of -127 to 127, each row (or column) with a scale that it can have. The scales have been found and are
 * finite. */
static tc_status check_int8(const tci_safetensors *file, const tci_parameters *declared, const tci_tensor_info *tensor)
{
    const char *scales_name = declared->tensors[tensor->scales].name;
    tci_tensor_view view, scales;
    if (!tci_safetensors_find(file, tensor->name, &view) || !tci_safetensors_find(file, scales_name, &scales))
        return tci_fail(TC_ERROR_INTERNAL, "tensor '%s' is gone", tensor->name);
    const uint8_t *least = view.size > 0 ? memchr(view.data, 0x80, view.size) : NULL;
    if (least)
        return tci_fail(TC_ERROR_FORMAT, "tensor '%s': element %zu is -128; int8 weights are -127 to 127", tensor->name,
                        (size_t)(least - view.data));
    for (size_t i = 0; i < declared->tensors[tensor->scales].count; i++) {
        float scale;
        memcpy(&scale, scales.data + i * sizeof scale, sizeof scale);
        if (!tci_scale_is_good(scale))
            return tci_fail(TC_ERROR_FORMAT,
                            "tensor '%s': element %zu is no scale; it has to be above 0, and 127 times"
                            " it finite",
                            scales_name, i);
    }
    return TC_OK;
}

/* What is not the model's has a name that says so. */
static tc_status check_others(const tci_safetensors *file, const tci_parameters *declared)
{
    char shown[TCI_SHOWN];
    for (size_t i = 0; i < file->count; i++) {
        tci_tensor_view view = tci_safetensors_at(file, i);
        bool known = begins_with(&view, TCI_NATIVE_KEYS) || begins_with(&view, "optim.") || begins_with(&view, "best.");
        for (size_t d = 0; !known && d < declared->tensor_count; d++)
            known =
                strlen(declared->tensors[d].name) == view.name_length && begins_with(&view, declared->tensors[d].name);
        if (!known)
            return tci_fail(TC_ERROR_FORMAT, "tensor '%s' is none of this architecture",
                            tci_show_text(view.name, view.name_length, shown));
        TCI_RETURN_IF(check_finite(&view));
    }
    return TC_OK;
}

/* The set is no larger than the bytes that are there. */
static tc_status read_features(tci_native_reader *reader, const tci_safetensors *file)
{
    tci_tensor_view view;
    size_t buckets = (size_t)reader->options.buckets;
    if (!reader->architecture->features)
        return TC_OK;
    reader->has_features = tci_safetensors_find(file, TCI_NATIVE_FEATURES, &view);
    if (!reader->has_features && reader->architecture->features_optional)
        return TC_OK;
    if (!reader->has_features)
        return tci_fail(TC_ERROR_FORMAT, "tensor '" TCI_NATIVE_FEATURES "' is missing");
    if (buckets == 0 || view.dtype != TCI_DTYPE_U8 || view.rank != 1 || view.size != TCI_INDEX_SET_BYTES(buckets))
        return tci_fail(TC_ERROR_FORMAT, "tensor '" TCI_NATIVE_FEATURES "' is no list of %zu U8, a bit for each bucket",
                        TCI_INDEX_SET_BYTES(buckets));
    TCI_RETURN_IF(tci_index_set_init(&reader->features, reader->memory, buckets));
    TCI_RETURN_IF(tci_index_set_read(&reader->features, view.data));
    if (reader->options.max_features > 0 && reader->features.count > reader->options.max_features)
        return tci_fail(TC_ERROR_FORMAT, "the file has %zu features; its option 'max_features' is %llu",
                        reader->features.count, (unsigned long long)reader->options.max_features);
    return TC_OK;
}

static tc_status check_tensors(tci_native_reader *reader, const tci_safetensors *file)
{
    tc_status status = TC_OK;
    size_t inputs = tci_architecture_inputs(reader->architecture, &reader->options, reader->vocabulary_size,
                                            reader->has_features ? &reader->features : NULL);
    tci_parameters declared;
    tci_parameters_init(&declared, reader->memory);
    TCI_CHECK(reader->architecture->declare(&declared, &reader->options, inputs, reader->label_count));
    for (size_t i = 0; i < declared.tensor_count; i++)
        TCI_CHECK(check_tensor(file, &declared.tensors[i]));
    TCI_CHECK(check_others(file, &declared));
    for (size_t i = 0; i < declared.tensor_count; i++) {
        if (declared.tensors[i].element == TCI_ELEMENT_INT8)
            TCI_CHECK(check_int8(file, &declared, &declared.tensors[i]));
    }
done:
    tci_parameters_free(&declared);
    return status;
}

/* The words, one a line; or the tokenizer.json, whose rows are known before it is read. */
static tc_status find_vocabulary(tci_native_reader *reader, const tci_safetensors *file, tci_tensor_view *view)
{
    bool subword = tci_options_subword(&reader->options);
    const char *name = subword ? TCI_NATIVE_TOKENIZER : TCI_NATIVE_VOCABULARY;
    const char *other = subword ? TCI_NATIVE_VOCABULARY : TCI_NATIVE_TOKENIZER;
    if (tci_safetensors_find(file, other, view))
        return tci_fail(TC_ERROR_FORMAT,
                        "tensor '%s' does not go with the file's option 'tokenizer', which asks for "
                        "'%s'",
                        other, name);
    if (!tci_safetensors_find(file, name, view))
        return tci_fail(TC_ERROR_FORMAT, "tensor '%s' is missing", name);
    if (view->dtype != TCI_DTYPE_U8 || view->rank != 1)
        return tci_fail(TC_ERROR_FORMAT, "tensor '%s' is no list of U8", name);
    if (subword)
        reader->vocabulary_size = (size_t)reader->options.vocab_size;
    for (size_t i = 0; !subword && i < view->size; i++)
        reader->vocabulary_size += view->data[i] == '\n';
    if (reader->vocabulary_size > reader->options.max_vocab)
        return tci_fail(TC_ERROR_LIMIT, "the vocabulary has %zu words; max_vocab is %llu", reader->vocabulary_size,
                        (unsigned long long)reader->options.max_vocab);
    return TC_OK;
}

/* ---- the model ---- */

/* The parameters point into the file's bytes, where every one of them may be read as what it is; or they get a
 * block. */
static tc_status place_parameters(tci_parameters *parameters, const tci_safetensors *file, bool in_place)
{
    tci_tensor_view view;
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        if (tci_safetensors_find(file, parameters->tensors[i].name, &view))
            in_place = in_place && (uintptr_t)view.data % tci_element_bytes(parameters->tensors[i].element) == 0;
    }
    if (!in_place)
        TCI_RETURN_IF(tci_parameters_allocate(parameters));
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        tci_tensor_info *tensor = &parameters->tensors[i];
        if (!tci_safetensors_find(file, tensor->name, &view))
            continue;
        if (in_place)
            tensor->mapped = view.data;
        else
            memcpy(parameters->values + tensor->offset, view.data, view.size);
    }
    return TC_OK;
}

static tc_status make_pipeline(tci_native_reader *reader, const tci_tensor_view *view, const tc_allocator *host,
                               tci_pipeline **pipeline)
{
    tci_vocabulary *vocabulary = NULL;
    tci_subword *subword = NULL;
    tci_text_options text = tci_model_text_options(&reader->options);
    const char *bytes = (const char *)view->data;
    size_t most = (size_t)reader->options.max_vocab;
    if (tci_options_subword(&reader->options)) {
        tc_status status = tci_tokenizer_json_read(reader->memory, bytes, view->size, most, &subword);
        if (status != TC_OK)
            return tci_fail_prefix(status, "tensor '" TCI_NATIVE_TOKENIZER "'");
        return tci_pipeline_create_subword(host, reader->memory->limit, &text, subword, pipeline);
    }
    TCI_RETURN_IF((text.ngrams.bag ? tci_vocabulary_parse_bare : tci_vocabulary_parse)(reader->memory, bytes,
                                                                                       view->size, most, &vocabulary));
    return tci_pipeline_create(host, reader->memory->limit, &text, vocabulary, pipeline);
}

static tc_status make_model(tci_native_reader *reader, const tci_safetensors *file,
                            const tci_tensor_view *vocabulary_view, const tc_allocator *host,
                            const tci_file_operations *files, tc_model **model)
{
    tci_pipeline *pipeline = NULL;
    const tci_index_set *features = reader->has_features ? &reader->features : NULL;
    TCI_RETURN_IF(make_pipeline(reader, vocabulary_view, host, &pipeline));
    TCI_RETURN_IF(tci_model_declare(host, files, &reader->options, pipeline, features, reader->labels,
                                    reader->label_count, model));
    tc_status status = place_parameters(&(*model)->network->parameters, file, reader->in_place);
    if (status == TC_OK && reader->thresholds)
        status = tci_model_set_thresholds(*model, reader->thresholds);
    if (status != TC_OK) {
        tci_model_release(*model);
        *model = NULL;
        return status;
    }
    memcpy((*model)->unicode_version, reader->unicode_version, sizeof reader->unicode_version);
    (*model)->untrained_head = reader->untrained_head;
    (*model)->network->shared = reader->shared && !(*model)->network->parameters.values;
    tci_model_refresh(*model);
    return TC_OK;
}

/* What can be said before anything is read: limits, the mark, the checksum over bytes that are all there. */
static tc_status check_bytes(const uint8_t *bytes, size_t size, const tci_options *run,
                             char digits[TCI_CHECKSUM_DIGITS + 1])
{
    if (run->max_file_bytes != 0 && size > run->max_file_bytes)
        return tci_fail(TC_ERROR_LIMIT, "the file has %zu bytes; max_file_bytes is %llu", size,
                        (unsigned long long)run->max_file_bytes);
    if (!tci_checksum_marked(bytes, size)) {
        bool plain = size > 8 && bytes[8] == '{' && tci_load_u64(bytes) <= size - 8;
        return tci_fail(TC_ERROR_FORMAT,
                        plain ? "a safetensors file, but not one that this library wrote; its weights can"
                                " be loaded into a model of their shape with tc_model_load_weights()"
                              : "not a model file: bytes 8 to 53 are not those of a textclf file");
    }
    uint64_t length = tci_load_u64(bytes);
    if (length > TCI_SAFETENSORS_HEADER_MAX || length > size - 8)
        return tci_fail(TC_ERROR_FORMAT,
                        "the file is damaged or cut short: bytes 0 to 7 give a header of %llu bytes in a"
                        " file of %zu",
                        (unsigned long long)length, size);
    return tci_checksum_verify(bytes, size, digits);
}

static tc_status read_file(const uint8_t *bytes, size_t size, const tci_options *run, const tc_allocator *host,
                           const tci_file_operations *files, bool in_place, bool shared, tc_model **model,
                           tci_native_contents *contents)
{
    tc_status status = TC_OK;
    char digits[TCI_CHECKSUM_DIGITS + 1];
    tci_memory memory;
    tci_native_reader *reader = NULL;
    tci_safetensors file = {0};
    tci_tensor_view vocabulary;
    tci_memory *held = contents ? &contents->memory : &memory; /* of what the contents keep */
    *model = NULL;
    tci_memory_init(&memory, host, (size_t)run->max_memory);
    if (contents) {
        *contents = (tci_native_contents){0};
        tci_memory_init(held, host, (size_t)run->max_memory);
        tci_buffer_init(&contents->metadata, held, SIZE_MAX, "metadata");
    }
    TCI_CHECK(check_bytes(bytes, size, run, digits));
    TCI_CHECK(tci_alloc_zero(&memory, 1, sizeof *reader, "file reader", &reader));
    reader->memory = &memory;
    reader->in_place = in_place;
    reader->shared = shared;
    reader->others = contents ? &contents->metadata : NULL;
    tci_options_default(&reader->options);
    tci_options_copy_class(&reader->options, run, TCI_CLASS_RUN);
    TCI_CHECK(tci_safetensors_open(held, bytes, size, (size_t)run->max_tensors, tci_native_take_pair, reader, &file));
    TCI_CHECK(tci_native_check_metadata(reader));
    TCI_CHECK(find_vocabulary(reader, &file, &vocabulary));
    reader->architecture = tci_architecture_find(&reader->options);
    TCI_CHECK(read_features(reader, &file));
    TCI_CHECK(check_tensors(reader, &file));
    TCI_CHECK(make_model(reader, &file, &vocabulary, host, files, model));
    memcpy((*model)->checksum, digits, sizeof digits);
    (*model)->format = TCI_NATIVE_NAME;
done:
    if (reader) {
        tci_free(&memory, reader->label_text);
        tci_free(&memory, reader->labels);
        tci_free(&memory, reader->thresholds);
        tci_index_set_free(&reader->features);
        tci_free(&memory, reader);
    }
    if (contents && status == TC_OK) {
        contents->tensors = file;
    } else {
        tci_safetensors_close(&file);
        if (contents)
            tci_native_contents_close(contents);
    }
    return status;
}

tc_status tci_native_read(const uint8_t *bytes, size_t size, const tci_options *run, const tc_allocator *host,
                          const tci_file_operations *files, tc_model **model, tci_native_contents *contents)
{
    return read_file(bytes, size, run, host, files, false, false, model, contents);
}

tc_status tci_native_read_in_place(const uint8_t *bytes, size_t size, const tci_options *run, const tc_allocator *host,
                                   const tci_file_operations *files, bool shared, tc_model **model)
{
    return read_file(bytes, size, run, host, files, true, shared, model, NULL);
}

const char *tci_native_contents_find(const tci_native_contents *contents, const char *key)
{
    for (size_t at = 0; at < contents->metadata.size;) {
        const char *found = contents->metadata.data + at, *value = found + strlen(found) + 1;
        if (strcmp(found, key) == 0)
            return value;
        at = (size_t)(value - contents->metadata.data) + strlen(value) + 1;
    }
    return NULL;
}

void tci_native_contents_close(tci_native_contents *contents)
{
    tci_safetensors_close(&contents->tensors);
    tci_buffer_free(&contents->metadata);
}
