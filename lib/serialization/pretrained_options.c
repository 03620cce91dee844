/* pretrained_options.c: see pretrained_options.h. The folder decides what the weights decide; what is left, the host
 * may set: what becomes of long texts, how tokens are pooled, how much is dropped, the task and the labels. */
#include "serialization/pretrained_options.h"

#include <string.h>

#include "base/map.h"
#include "base/number.h"

/* Options of class model that the host may set. */
static bool may_differ(const char *key)
{
    static const char *const keys[] = {
        "task",        "max_length", "truncate", "window_overlap",    "pooling",           "pooler",
        "strict_utf8", "threshold",  "dropout",  "embedding_dropout", "attention_dropout", "head_dropout"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (strcmp(keys[i], key) == 0)
            return true;
    }
    return false;
}

/* Of the others: whether the folder says the option, or what an option of that kind would say; it holds then. */
static bool is_of_folder(const tci_options *folder, const tci_option_row *row)
{
    static const char *const text[] = {"tokenizer",      "normalize",       "lowercase",
                                       "clean_controls", "collapse_spaces", "min_count"};
    bool of_text = false;
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++)
        of_text = of_text || strcmp(text[i], row->key) == 0;
    return of_text || strcmp(row->key, "arch") == 0 || tci_options_is_set(folder, row->key);
}

static tc_status refuse_other(tci_memory *memory, const tci_options *folder, const tci_options *given,
                              const tci_option_row *row)
{
    tci_buffer text;
    tci_buffer_init(&text, memory, 4 * TCI_OPTION_TEXT_SIZE, "option values");
    tc_status status = tci_options_print(given, row, &text);
    if (status == TC_OK)
        status = tci_buffer_append(&text, "", 1);
    size_t second = text.size;
    if (status == TC_OK)
        status = tci_options_print(folder, row, &text);
    if (status == TC_OK)
        status = tci_buffer_append(&text, "", 1);
    if (status == TC_OK)
        status = tci_fail(TC_ERROR_MISMATCH, "option '%s' is %.64s, in the folder %.64s; leave it out", row->key,
                          text.data, text.data + second);
    tci_buffer_free(&text);
    return status;
}

static tc_status merge(tci_memory *memory, const tci_options *given, tci_pretrained_choice *choice)
{
    const tci_options *folder = &choice->folder.options;
    tci_options *options = &choice->options;
    for (size_t i = 0; i < tci_option_count(); i++) {
        const tci_option_row *row = tci_option_row_at(i);
        if (row->option_class == TCI_CLASS_MODEL && tci_options_is_set(given, row->key) && !may_differ(row->key) &&
            is_of_folder(folder, row) && !tci_options_equal(folder, given, row))
            return refuse_other(memory, folder, given, row);
    }
    tci_options_copy_set(options, given, TCI_CLASS_MODEL);
    tci_options_copy_class(options, given, TCI_CLASS_TRAINING);
    if (options->arch == TCI_ARCH_BERT && options->pooling != folder->pooling && !tci_options_is_set(given, "pooler"))
        TCI_RETURN_IF(tci_options_set(options, "pooler", "none"));
    return TC_OK;
}

/* Which of the folder's labels each of the given ones is, where they are the same in another order. */
static tc_status match_labels(tci_memory *memory, tci_pretrained_choice *choice)
{
    tc_status status = TC_OK;
    const tci_config_json *folder = &choice->folder;
    tci_map *names = NULL;
    bool in_order = true, different = choice->label_count != folder->label_count;
    if (different || !folder->labels_named) {
        choice->new_head = choice->new_head || different;
        return TC_OK;
    }
    TCI_CHECK(tci_map_create(memory, &names));
    for (size_t i = 0; i < folder->label_count; i++) {
        uint32_t entry = 0;
        TCI_CHECK(tci_map_insert(names, folder->labels[i], strlen(folder->labels[i]), &entry, NULL));
        different = different || entry != i;
    }
    TCI_CHECK(tci_alloc(memory, choice->label_count, sizeof *choice->label_rows, "labels", &choice->label_rows));
    for (size_t i = 0; i < choice->label_count; i++) {
        uint32_t entry = tci_map_find(names, choice->labels[i], strlen(choice->labels[i]));
        different = different || entry == TCI_MAP_NONE;
        in_order = in_order && entry == i;
        choice->label_rows[i] = entry;
    }
done:
    tci_map_free(names);
    choice->new_head = choice->new_head || different;
    if (status != TC_OK || different || in_order) {
        tci_free(memory, choice->label_rows);
        choice->label_rows = NULL;
    }
    return status;
}

/* A folder of adapters alone, or one that has some besides: which are meant is not guessed. */
static tc_status check_adapters(tci_memory *memory, const char *folder, const tci_pretrained_request *request)
{
    bool has = false, whole = false;
    if (request->given->adapter[0])
        return TC_OK;
    TCI_RETURN_IF(tci_folder_has(memory, request->files, folder, TCI_ADAPTER_CONFIG, &has));
    TCI_RETURN_IF(tci_folder_has(memory, request->files, folder, TCI_CONFIG_JSON, &whole));
    if (has)
        return tci_fail(TC_ERROR_UNSUPPORTED, "the folder has " TCI_ADAPTER_CONFIG "%s",
                        whole ? ", too: give it as option 'adapter' as well, or take that file away"
                              : " and no model: load the folder of the base model, with this one as option 'adapter'");
    return TC_OK;
}

static tc_status read_config(tci_memory *memory, const char *folder, const tci_pretrained_request *request,
                             tci_config_json *config)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    bool found = false;
    const char *pooling = NULL;
    uint64_t most = request->given->max_file_bytes;
    TCI_RETURN_IF(check_adapters(memory, folder, request));
    TCI_RETURN_IF(tci_folder_read(request->files, memory, folder, TCI_CONFIG_JSON, most, &bytes, &size));
    tc_status status = tci_config_json_read(memory, (const char *)bytes, size, config);
    tci_free(memory, bytes);
    TCI_RETURN_IF(status);
    TCI_RETURN_IF(tci_modules_read(memory, request->files, folder, most, &found, &pooling));
    if (found) {
        TCI_RETURN_IF(tci_options_set(&config->options, "pooling", pooling));
        if (config->options.arch == TCI_ARCH_BERT)
            TCI_RETURN_IF(tci_options_set(&config->options, "pooler", "none"));
    }
    return tci_options_set(&config->options, "tokenizer", "json");
}

tc_status tci_pretrained_choose(tci_memory *memory, const char *folder, const tci_pretrained_request *request,
                                tci_pretrained_choice *choice)
{
    tc_status status = TC_OK;
    const tci_options *from = &choice->folder.options;
    tci_options *options = &choice->options;
    *choice = (tci_pretrained_choice){.label_rows = NULL};
    tci_settings_init(&choice->settings, memory);
    TCI_CHECK(read_config(memory, folder, request, &choice->folder));
    TCI_CHECK(tci_settings_read(request->files, folder, request->given->max_file_bytes, false, &choice->folder.options,
                                &choice->settings));
    if (request->given->adapter[0])
        TCI_CHECK(tci_adapter_read(memory, request->files, request->given->adapter, request->given, &choice->folder,
                                   &choice->settings, &choice->adapter));
    if (choice->settings.thresholds && choice->settings.threshold_count != choice->folder.label_count)
        TCI_CHECK(tci_fail(TC_ERROR_FORMAT, TCI_SETTINGS_JSON ": there are %zu thresholds for %zu labels",
                           choice->settings.threshold_count, choice->folder.label_count));
    *options = *from;
    tci_options_copy_class(options, request->given, TCI_CLASS_RUN);
    if (request->create)
        TCI_CHECK(merge(memory, request->given, choice));
    status = tci_options_resolve(options, 0);
    if (status != TC_OK)
        TCI_CHECK(request->create ? status : tci_fail_prefix(status, TCI_CONFIG_JSON));
    tci_options_follow_pretrained(options, options);
    if (options->vocab_size > options->max_vocab)
        TCI_CHECK(tci_fail(TC_ERROR_LIMIT, TCI_CONFIG_JSON ": 'vocab_size' is %llu; max_vocab is %llu",
                           (unsigned long long)options->vocab_size, (unsigned long long)options->max_vocab));
    choice->new_head =
        choice->folder.other_head || options->pooling != from->pooling || options->pooler != from->pooler;
    choice->labels = request->labels ? request->labels : choice->folder.labels;
    choice->label_count = request->labels ? request->label_count : choice->folder.label_count;
    TCI_CHECK(tci_labels_check(memory, choice->labels, choice->label_count, options->task));
    if (request->labels)
        TCI_CHECK(match_labels(memory, choice));
done:
    if (status != TC_OK)
        tci_pretrained_choice_free(choice);
    return status;
}

void tci_pretrained_choice_free(tci_pretrained_choice *choice)
{
    if (choice->folder.memory)
        tci_free(choice->folder.memory, choice->label_rows);
    choice->label_rows = NULL;
    tci_adapter_free(&choice->adapter);
    tci_settings_free(&choice->settings);
    tci_config_json_free(&choice->folder);
}
