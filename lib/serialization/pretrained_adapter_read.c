/* pretrained_adapter_read.c: see pretrained_adapter.h. Which weights have adapters is what the tensors say, whose names
 * are those of the base's modules behind "base_model.model."; the head's and the pooler's stand in place of the base's.
 */
#include <string.h>

#include "serialization/pretrained_adapter.h"

const char *tci_class_pooling(const tci_options *options)
{
    return options->arch == TCI_ARCH_GPT ? "last" : "cls";
}

const char *tci_class_pooler(const tci_options *options)
{
    return options->arch == TCI_ARCH_GPT ? "none" : options->family == TCI_FAMILY_DISTILBERT ? "relu" : "tanh";
}

bool tci_is_class(const tci_options *options)
{
    if (options->arch == TCI_ARCH_GPT)
        return options->pooling == TCI_POOLING_LAST;
    return options->pooling == TCI_POOLING_CLS &&
           options->pooler == (options->family == TCI_FAMILY_DISTILBERT ? TCI_POOLER_RELU : TCI_POOLER_TANH);
}

void tci_adapter_free(tci_adapter *adapter)
{
    tci_tensor_set_free(&adapter->set);
    adapter->folder = NULL;
}

bool tci_adapter_take(tci_adapter *adapter, const char *name, tci_tensor_view *view)
{
    return adapter->folder && tci_tensor_set_take(&adapter->set, adapter->family, name, view);
}

static tc_status read_weights(tci_memory *memory, const tci_file_operations *files, const tci_options *given,
                              tci_adapter *adapter)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    bool has = false, pickled = false;
    TCI_RETURN_IF(tci_folder_has(memory, files, adapter->folder, TCI_ADAPTER_WEIGHTS, &has));
    TCI_RETURN_IF(tci_folder_has(memory, files, adapter->folder, "adapter_model.bin", &pickled));
    if (!has && pickled)
        return tci_fail(TC_ERROR_UNSUPPORTED, "the weights are in adapter_model.bin, which is a program of Python's "
                                              "pickle; save them as " TCI_ADAPTER_WEIGHTS " with PEFT");
    TCI_RETURN_IF(
        tci_folder_read(files, memory, adapter->folder, TCI_ADAPTER_WEIGHTS, given->max_file_bytes, &bytes, &size));
    TCI_RETURN_IF(tci_tensor_set_add(&adapter->set, TCI_ADAPTER_WEIGHTS, bytes, NULL, size));
    return tci_tensor_set_open(&adapter->set, adapter->family, (size_t)given->max_tensors);
}

/* Option lora_targets: the weights of layer 0 that have an A. */
static tc_status find_targets(tci_adapter *adapter, tci_options *options)
{
    char targets[TCI_OPTION_TEXT_SIZE] = "", name[TCI_TENSOR_NAME + 16];
    size_t length = 0;
    for (size_t role = TCI_ROLE_ATTENTION_NORM; role <= TCI_ROLE_DOWN; role++) {
        tci_tensor_view view;
        const char *part = adapter->family->body[role];
        if (!part)
            continue;
        tci_transformer_name(options, (tci_transformer_role)role, 0, false, name);
        memcpy(name + strlen(name) - strlen("weight"), "lora_A.weight", sizeof "lora_A.weight");
        if (!tci_adapter_take(adapter, name, &view))
            continue;
        targets[length] = ',';
        length += length > 0;
        memcpy(targets + length, part + 1, strlen(part));
        length += strlen(part + 1);
    }
    if (length == 0)
        return tci_fail(TC_ERROR_FORMAT, "'" TCI_ADAPTER_WEIGHTS "' has no adapter of a weight in layer 0");
    return tci_options_set(options, "lora_targets", targets);
}

/* The labels that go with a head of so many rows: those of textclf.json, the base's where it has as many, or names
 * without a meaning. */
static tc_status choose_labels(tci_memory *memory, size_t rows, const tci_settings *settings, tci_config_json *config)
{
    tc_status status = TC_OK;
    tci_buffer text;
    const char **names = NULL;
    char *label_text = NULL;
    const char **labels = NULL;
    uint64_t fingerprint = 0;
    bool named = settings->label_count > 0;
    size_t count = named ? settings->label_count : rows, at = 0;
    if (!named && (rows == 0 || rows == config->label_count))
        return TC_OK;
    tci_buffer_init(&text, memory, SIZE_MAX, "labels");
    for (size_t i = 0; !named && i < rows; i++) {
        TCI_CHECK(tci_buffer_text(&text, "LABEL_"));
        TCI_CHECK(tci_buffer_unsigned(&text, i));
        TCI_CHECK(tci_buffer_append(&text, "", 1));
    }
    TCI_CHECK(tci_alloc(memory, count, sizeof *names, "labels", &names));
    for (size_t i = 0; i < count; i++) {
        names[i] = (named ? settings->label_text.data : text.data) + at;
        at += strlen(names[i]) + 1;
    }
    TCI_CHECK(tci_labels_copy(memory, names, count, &label_text, &labels, &fingerprint));
    if (!tci_options_is_set(&config->options, "task") && (count == 1) != (config->label_count == 1) &&
        config->options.task != TCI_TASK_MULTILABEL) /* as config.json without problem_type */
        config->options.task = count == 1 ? TCI_TASK_REGRESS : TCI_TASK_CLASSIFY;
    tci_free(memory, config->label_text);
    tci_free(memory, config->labels);
    config->label_text = label_text;
    config->labels = labels;
    config->label_count = count;
    config->labels_named = named;
done:
    tci_buffer_free(&text);
    tci_free(memory, names);
    return status;
}

static tc_status read_config(tci_memory *memory, const tci_file_operations *files, const tci_options *given,
                             const char *folder, tci_options *options, tci_adapter_config *config)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    TCI_RETURN_IF(tci_folder_read(files, memory, folder, TCI_ADAPTER_CONFIG, given->max_file_bytes, &bytes, &size));
    tc_status status = tci_adapter_config_read(memory, (const char *)bytes, size, options, config);
    tci_free(memory, bytes);
    return status;
}

static tc_status read_all(tci_memory *memory, const tci_file_operations *files, const tci_options *given,
                          tci_config_json *config, tci_settings *settings, tci_adapter *adapter)
{
    tci_adapter_config own;
    tci_tensor_view output = {.rank = 0};
    char name[TCI_TENSOR_NAME];
    TCI_RETURN_IF(read_config(memory, files, given, adapter->folder, &config->options, &own));
    TCI_RETURN_IF(read_weights(memory, files, given, adapter));
    TCI_RETURN_IF(find_targets(adapter, &config->options));
    if (own.sequence_class) {
        TCI_RETURN_IF(tci_options_set(&config->options, "pooling", tci_class_pooling(&config->options)));
        if (config->options.arch == TCI_ARCH_BERT)
            TCI_RETURN_IF(tci_options_set(&config->options, "pooler", tci_class_pooler(&config->options)));
    }
    tci_transformer_name(&config->options, TCI_ROLE_OUTPUT, 0, false, name);
    bool head = tci_adapter_take(adapter, name, &output);
    if (head)
        tci_settings_free(settings); /* thresholds of the base's head */
    TCI_RETURN_IF(tci_settings_read(files, adapter->folder, given->max_file_bytes, true, &config->options, settings));
    TCI_RETURN_IF(choose_labels(memory, output.rank == 2 ? output.shape[0] : 0, settings, config));
    config->other_head = config->other_head && !head;
    return TC_OK;
}

tc_status tci_adapter_read(tci_memory *memory, const tci_file_operations *files, const char *folder,
                           const tci_options *given, tci_config_json *config, tci_settings *settings,
                           tci_adapter *adapter)
{
    *adapter = (tci_adapter){.folder = folder, .family = tci_transformer_family_of(&config->options)};
    tci_tensor_set_init(&adapter->set, memory);
    tc_status status = read_all(memory, files, given, config, settings, adapter);
    return status == TC_OK ? TC_OK : tci_fail_prefix(status, "'%s'", folder);
}
