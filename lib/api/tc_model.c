/* tc_model.c: model.h: creating, loading, saving, copying models.
 *
 * Knows a file by its content, never by its name, and lets the reader of that format do the rest; what no reader takes
 * is answered with what it is. Knows nothing of the formats themselves. */
#include "api/handles.h"
#include "base/cpu.h"
#include "base/number.h"
#include "model/conversion.h"
#include "model/ngram_label.h"
#include "serialization/fasttext.h"
#include "serialization/native_info.h"
#include "serialization/native.h"
#include "serialization/pretrained.h"
#include "serialization/pretrained_adapter.h"
#include "serialization/vectors_read.h"
#include "serialization/weights.h"

/* The builder's text options must be the model's, or its words are not those that the model will see. */
static tc_status check_builder(const tc_config *config, const tc_vocab_builder *words)
{
    static const char *const keys[] = {"arch",        "tokenizer",      "normalize",      "lowercase",
                                       "strict_utf8", "clean_controls", "collapse_spaces"};
    if (tci_options_embed(&config->options) != tci_options_embed(&words->options))
        return tci_fail(TC_ERROR_MISMATCH,
                        "option 'embedding_dim' of the config is not the one the words were counted with");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (!tci_options_equal(&config->options, &words->options, tci_option_find(keys[i])))
            return tci_fail(TC_ERROR_MISMATCH, "option '%s' of the config is not the one the words were counted with",
                            keys[i]);
    }
    return TC_OK;
}

/* An embedding_dim that was not set is that of the word vectors; in arch ngram, where it decides what a text becomes,
 * it has to be set. */
static tc_status resolve_dimension(const tc_config *config, tci_options *options)
{
    char text[TCI_DOUBLE_TEXT];
    tci_memory memory;
    size_t dim = 0;
    if (!options->pretrained_vectors[0] || options->arch == TCI_ARCH_NGRAM ||
        tci_options_is_set(options, "embedding_dim"))
        return TC_OK;
    tci_memory_init(&memory, &config->memory.host, (size_t)options->max_memory);
    TCI_RETURN_IF(
        tci_vectors_dimension(config->files, &memory, options->pretrained_vectors, options->max_file_bytes, &dim));
    tci_print_double((double)dim, text);
    tc_status status = tci_options_set(options, "embedding_dim", text);
    return status == TC_OK ? TC_OK : tci_fail_prefix(status, "'%s', line 1", options->pretrained_vectors);
}

/* Random weights, and the word vectors that the options name. */
static tc_status begin_weights(tc_model *model)
{
    tc_status status = TC_OK;
    tci_network *network = model->network;
    tci_float_environment environment = tci_float_enter();
    network->architecture->initialize(network, model->options.seed);
    if (model->options.pretrained_vectors[0])
        status = tci_vectors_load(model, model->options.pretrained_vectors, true);
    if (status == TC_OK)
        tci_model_refresh(model);
    tci_float_leave(environment);
    return status;
}

/* A model of averaged embeddings gets rows for the buckets that its trainer sees; until then it has none. */
static tc_status build_empty(const tc_config *config, const tci_options *options, tci_pipeline *pipeline,
                             const char *const *labels, size_t label_count, tc_model **model)
{
    tci_memory memory;
    tci_index_set none;
    const tci_index_set *features = NULL;
    tci_memory_init(&memory, &config->memory.host, (size_t)options->max_memory);
    if (tci_options_embed(options) && options->buckets > 0) {
        tc_status status = tci_index_set_init(&none, &memory, (size_t)options->buckets);
        if (status != TC_OK) {
            tci_pipeline_release(pipeline);
            return status;
        }
        features = &none;
    }
    tc_status status =
        tci_model_build(&config->memory.host, config->files, options, pipeline, features, labels, label_count, model);
    if (features)
        tci_index_set_free(&none);
    return status;
}

/* Adapters stand beside a folder; a file has its own within. */
static tc_status refuse_adapter(const tci_options *options)
{
    if (!options->adapter[0])
        return TC_OK;
    return tci_fail(TC_ERROR_OPTION, "option 'adapter' goes with a pretrained folder, to which the adapters are added");
}

tc_status tc_model_create(const tc_config *config, const tc_vocab_builder *words, const char *const *labels,
                          size_t label_count, tc_model **result)
{
    tci_memory memory;
    tci_vocabulary *vocabulary = NULL;
    tci_pipeline *pipeline = NULL;
    TCI_REQUIRE(config);
    TCI_REQUIRE(words);
    TCI_REQUIRE(labels);
    TCI_REQUIRE(result);
    *result = NULL;
    tci_options resolved = config->options;
    const tci_options *options = &resolved;
    size_t limit = (size_t)options->max_memory;
    TCI_RETURN_IF(resolve_dimension(config, &resolved));
    TCI_RETURN_IF(tci_options_resolve(&resolved, words->bytes));
    tci_text_options text_options = tci_model_text_options(options);
    TCI_RETURN_IF(tci_model_created_whole(options));
    TCI_RETURN_IF(refuse_adapter(options));
    TCI_RETURN_IF(check_builder(config, words));
    tci_memory_init(&memory, &config->memory.host, limit);
    if (words->frame) {
        TCI_RETURN_IF(tci_train_pipeline(words, &config->memory.host, &resolved, &pipeline));
    } else {
        TCI_RETURN_IF(tci_vocabulary_build(&memory, words->counter, (size_t)options->vocab_size, options->min_count,
                                           &vocabulary));
        TCI_RETURN_IF(tci_pipeline_create(&config->memory.host, limit, &text_options, vocabulary, &pipeline));
    }
    TCI_RETURN_IF(build_empty(config, options, pipeline, labels, label_count, result));
    tc_status status = begin_weights(*result);
    if (status != TC_OK) {
        tci_model_release(*result);
        *result = NULL;
    }
    return status;
}

void tci_load_context(const tc_config *config, tci_load *load)
{
    tci_options_default(&load->run);
    if (config)
        tci_options_copy_class(&load->run, &config->options, TCI_CLASS_RUN);
    load->host = config ? &config->memory.host : NULL;
    load->files = config ? config->files : &tci_system_files;
    tci_memory_init(&load->memory, load->host, (size_t)load->run.max_memory);
}

/* A model that reads its weights from the bytes, of which one of block and map is given; *kept: it holds them now. */
static tc_status read_in_place(tci_load *load, uint8_t *block, const uint8_t *map, size_t size, tc_model **model,
                               bool *kept)
{
    const uint8_t *bytes = map ? map : block;
    if (tci_fasttext_marked(bytes, size))
        TCI_RETURN_IF(tci_fasttext_read(bytes, size, &load->run, load->host, load->files, true, !map, model));
    else
        TCI_RETURN_IF(tci_native_read_in_place(bytes, size, &load->run, load->host, load->files, map != NULL, model));
    if ((*model)->network->parameters.values)
        return TC_OK;
    tc_status status = tci_model_keep_file(*model, (tci_model_file){block, map, size});
    if (status != TC_OK) {
        tci_model_release(*model);
        *model = NULL;
        return status;
    }
    *kept = true;
    if (block)
        tci_move_block(&(*model)->memory, &load->memory, block);
    return TC_OK;
}

tc_status tc_model_load(const char *path, tc_model **model)
{
    return tc_model_load_with(path, NULL, 0, model);
}

tc_status tc_model_load_with(const char *path, const tc_config *config, int32_t flags, tc_model **model)
{
    tci_load load;
    uint8_t *block = NULL;
    const uint8_t *map = NULL;
    size_t size = 0;
    bool kept = false;
    TCI_REQUIRE(path);
    TCI_REQUIRE(model);
    *model = NULL;
    if ((flags & ~TC_LOAD_MAPPED) != 0)
        return tci_fail(TC_ERROR_ARGUMENT, "tc_model_load_with: flags %d; accepted are 0 and TC_LOAD_MAPPED",
                        (int)flags);
    tci_load_context(config, &load);
    if (tci_file_is_folder(load.files, path))
        return tci_pretrained_read(
            path,
            &(tci_pretrained_request){
                .given = &load.run, .host = load.host, .files = load.files, .mapped = (flags & TC_LOAD_MAPPED) != 0},
            model);
    TCI_RETURN_IF(refuse_adapter(&load.run));
    if (flags & TC_LOAD_MAPPED)
        TCI_RETURN_IF(tci_file_map(path, load.run.max_file_bytes, &map, &size));
    else
        TCI_RETURN_IF(tci_file_read(load.files, &load.memory, path, load.run.max_file_bytes, &block, &size));
    tc_status status = read_in_place(&load, block, map, size, model, &kept);
    if (status != TC_OK)
        status = tci_fail_prefix(status, "'%s'", path);
    if (!kept) {
        tci_file_unmap(map, size);
        tci_free(&load.memory, block);
    }
    return status;
}

tc_status tc_model_create_pretrained(const tc_config *config, const char *folder, const char *const *labels,
                                     size_t label_count, int32_t flags, tc_model **model)
{
    TCI_REQUIRE(config);
    TCI_REQUIRE(folder);
    TCI_REQUIRE(model);
    *model = NULL;
    if ((flags & ~TC_LOAD_MAPPED) != 0)
        return tci_fail(TC_ERROR_ARGUMENT, "tc_model_create_pretrained: flags %d; accepted are 0 and TC_LOAD_MAPPED",
                        (int)flags);
    if (!labels && label_count > 0)
        return tci_fail(TC_ERROR_ARGUMENT, "tc_model_create_pretrained: 'labels' is NULL with a count of %zu",
                        label_count);
    TCI_RETURN_IF(tci_model_created_whole(&config->options));
    if (config->options.pretrained_vectors[0])
        return tci_fail(TC_ERROR_OPTION, "option 'pretrained_vectors': a pretrained model has words of its own; leave "
                                         "it out");
    return tci_pretrained_read(folder,
                               &(tci_pretrained_request){.given = &config->options,
                                                         .host = &config->memory.host,
                                                         .files = config->files,
                                                         .create = true,
                                                         .labels = labels,
                                                         .label_count = label_count,
                                                         .mapped = (flags & TC_LOAD_MAPPED) != 0},
                               model);
}

tc_status tc_model_load_memory(const void *bytes, size_t size, const tc_config *config, tc_model **model)
{
    tci_load load;
    TCI_REQUIRE(model);
    *model = NULL;
    TCI_REQUIRE_TEXT(bytes, size);
    tci_load_context(config, &load);
    TCI_RETURN_IF(refuse_adapter(&load.run));
    if (size > load.run.max_file_bytes)
        return tci_fail(TC_ERROR_LIMIT, "%zu bytes pass max_file_bytes (%llu)", size,
                        (unsigned long long)load.run.max_file_bytes);
    if (tci_fasttext_marked(bytes, size))
        return tci_fasttext_read(bytes, size, &load.run, load.host, load.files, false, true, model);
    return tci_native_read(bytes, size, &load.run, load.host, load.files, model, NULL);
}

/* Weights may be put into the model, which has a block of its own for them now. */
static tc_status prepare_weights(tc_model *model)
{
    if (atomic_load(&model->trained))
        return tci_fail(TC_ERROR_BUSY, "a trainer holds this model; load weights before making it");
    if (model->options.weights != TCI_WEIGHTS_F32)
        return tci_fail(TC_ERROR_UNSUPPORTED,
                        "weights are loaded into a model with f32 weights, which tc_model_convert()"
                        " then makes narrow");
    return tci_model_own_parameters(model);
}

tc_status tc_model_load_vectors(tc_model *model, const char *path, size_t *found)
{
    TCI_REQUIRE(model);
    TCI_REQUIRE(path);
    TCI_RETURN_IF(prepare_weights(model));
    TCI_RETURN_IF(tci_vectors_load(model, path, false));
    model->checksum[0] = '\0'; /* no longer the weights of the file it came from */
    tci_model_refresh(model);
    if (found)
        *found = model->pretrained_words;
    return TC_OK;
}

tc_status tc_model_load_weights(tc_model *model, const char *path)
{
    tci_memory memory;
    uint8_t *data = NULL;
    size_t size = 0;
    TCI_REQUIRE(model);
    TCI_REQUIRE(path);
    TCI_RETURN_IF(prepare_weights(model));
    tci_memory_init(&memory, &model->memory.host, model->memory.limit);
    TCI_RETURN_IF(tci_file_read(model->files, &memory, path, model->options.max_file_bytes, &data, &size));
    tc_status status = tci_weights_load(model, data, size);
    if (status != TC_OK)
        status = tci_fail_prefix(status, "'%s'", path);
    tci_free(&memory, data);
    return status;
}

tc_status tc_model_save(const tc_model *model, const char *path)
{
    TCI_REQUIRE(model);
    TCI_REQUIRE(path);
    return tci_native_save(model, NULL, path);
}

tc_status tc_model_export(const tc_model *model, const char *path, int32_t format)
{
    TCI_REQUIRE(model);
    TCI_REQUIRE(path);
    if (format == TC_FORMAT_FASTTEXT)
        return tci_fasttext_save(model, path);
    if (format == TC_FORMAT_HUGGING_FACE)
        return tci_pretrained_save(model, path);
    if (format == TC_FORMAT_PEFT)
        return tci_adapter_save(model, path);
    return tci_fail(TC_ERROR_ARGUMENT,
                    "tc_model_export: format %d; accepted are TC_FORMAT_FASTTEXT, TC_FORMAT_HUGGING_FACE and "
                    "TC_FORMAT_PEFT",
                    (int)format);
}

tc_status tc_model_save_memory(const tc_model *model, size_t capacity, void *buffer, size_t *size)
{
    TCI_REQUIRE(model);
    TCI_REQUIRE(size);
    return tci_native_save_memory(model, NULL, buffer ? capacity : 0, buffer, size);
}

tc_status tc_model_clone(const tc_model *model, tc_model **clone)
{
    TCI_REQUIRE(model);
    TCI_REQUIRE(clone);
    *clone = NULL;
    return tci_model_convert(model, &model->options, clone);
}

/* Whether adapters are to be merged into the weights, or put beside them. */
static bool changes_adapters(const tc_model *model, const tci_options *given)
{
    return tci_options_is_set(given, "lora_rank") && given->lora_rank != model->options.lora_rank;
}

static tc_status take_adapter_options(const tc_model *model, const tci_options *given, tci_options *options)
{
    static const char *const keys[] = {"lora_rank", "lora_alpha", "lora_targets"};
    if (!changes_adapters(model, given))
        return TC_OK;
    tci_options_prefer(options, given, "freeze", "none"); /* adapters and part of the layers do not learn together */
    if (given->lora_rank > 0 && options->lora_rank > 0)
        return tci_fail(TC_ERROR_MISMATCH,
                        "option 'lora_rank': the model has adapters of rank %llu; convert it to rank 0, which merges "
                        "them, and that to another rank",
                        (unsigned long long)options->lora_rank);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const tci_option_row *row = tci_option_find(keys[i]);
        if (!tci_option_applies(options, row))
            return tci_fail(TC_ERROR_OPTION, "option '%s' is of arch bert and gpt", keys[i]);
        if (tci_options_is_set(given, keys[i]) && (i == 0 || given->lora_rank > 0))
            tci_options_copy_row(options, given, row);
    }
    return TC_OK;
}

/* What the config sets of class model is the model's own, but for what converting changes. */
static tc_status check_same_options(const tc_model *model, const tci_options *given)
{
    bool adapters = changes_adapters(model, given);
    for (size_t i = 0; i < tci_option_count(); i++) {
        const tci_option_row *row = tci_option_row_at(i);
        if (row->option_class == TCI_CLASS_MODEL && strcmp(row->key, "weights") != 0 &&
            strcmp(row->key, "max_features") != 0 && !(adapters && strncmp(row->key, "lora_", 5) == 0) &&
            tci_options_is_set(given, row->key) &&
            !tci_options_equal(&model->options, given, row))
            return tci_fail(TC_ERROR_MISMATCH,
                            "option '%s' is not the model's; converting changes `weights`, `max_features` and "
                            "`lora_rank`, leave it out",
                            row->key);
    }
    if (given->max_features > 0 && !tci_option_applies(&model->options, tci_option_find("max_features")))
        return tci_fail(TC_ERROR_OPTION, "option 'max_features' is of arch ngram with embedding_dim 0; this model is of"
                                         " another");
    return TC_OK;
}

tc_status tc_model_convert(const tc_model *model, const tc_config *config, tc_model **converted)
{
    TCI_REQUIRE(model);
    TCI_REQUIRE(converted);
    *converted = NULL;
    tci_options options = model->options;
    options.weights = config ? config->options.weights : TCI_WEIGHTS_F32;
    if (config) {
        TCI_RETURN_IF(check_same_options(model, &config->options));
        if (config->options.max_features > 0)
            options.max_features = config->options.max_features;
        TCI_RETURN_IF(take_adapter_options(model, &config->options, &options));
        tci_options_copy_set(&options, &config->options, TCI_CLASS_RUN);
    }
    return tci_model_convert(model, &options, converted);
}

tc_status tc_model_add_label(tc_model *model, const char *label)
{
    TCI_REQUIRE(model);
    TCI_REQUIRE(label);
    return tci_model_add_label(model, label);
}

void tc_model_free(tc_model *model)
{
    tci_model_release(model);
}

tc_status tc_model_info(const tc_model *model, size_t capacity, char *text, size_t *length)
{
    tci_memory memory;
    tci_buffer json;
    TCI_REQUIRE(model);
    TCI_REQUIRE(length);
    tci_memory_init(&memory, &model->memory.host, model->memory.limit);
    tci_buffer_init(&json, &memory, SIZE_MAX / 2, "model info");
    tc_status status = tci_model_describe(model, &json);
    if (status == TC_OK)
        status = tci_give_text(json.data, json.size, capacity, text, length);
    tci_buffer_free(&json);
    return status;
}

tc_status tc_model_label_count(const tc_model *model, size_t *count)
{
    TCI_REQUIRE(model);
    TCI_REQUIRE(count);
    *count = model->label_count;
    return TC_OK;
}

tc_status tc_model_label(const tc_model *model, size_t index, const char **label)
{
    TCI_REQUIRE(model);
    TCI_REQUIRE(label);
    if (index >= model->label_count)
        return tci_fail(TC_ERROR_ARGUMENT, "label %zu; the model has %zu", index, model->label_count);
    *label = model->labels[index];
    return TC_OK;
}

tc_status tc_model_thresholds(const tc_model *model, size_t capacity, double *thresholds, size_t *count)
{
    TCI_REQUIRE(model);
    TCI_REQUIRE(count);
    *count = model->label_count;
    TCI_RETURN_IF(tci_model_has_thresholds(model));
    if (!thresholds || capacity < model->label_count)
        return tci_fail(TC_ERROR_CAPACITY, "%zu thresholds do not fit a buffer of %zu", model->label_count,
                        thresholds ? capacity : 0);
    for (size_t i = 0; i < model->label_count; i++)
        thresholds[i] = tci_model_threshold(model, i);
    return TC_OK;
}

tc_status tc_model_set_thresholds(tc_model *model, const double *thresholds, size_t count)
{
    TCI_REQUIRE(model);
    if (count != (thresholds ? model->label_count : 0))
        return tci_fail(TC_ERROR_ARGUMENT, "%zu thresholds; the model has %zu labels (and NULL none)", count,
                        model->label_count);
    TCI_RETURN_IF(tci_model_set_thresholds(model, thresholds));
    model->checksum[0] = '\0'; /* not the file's model any more */
    return TC_OK;
}

tc_status tc_model_option(const tc_model *model, const char *key, size_t capacity, char *value, size_t *length)
{
    TCI_REQUIRE(model);
    TCI_REQUIRE(key);
    TCI_REQUIRE(length);
    return tci_give_option(&model->options, &model->memory, key, capacity, value, length);
}
