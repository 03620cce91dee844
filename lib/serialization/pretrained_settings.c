/* pretrained_settings.c: see pretrained_settings.h.
 *
 *     {"format_version": 1, "labels": ["ham", "spam"], "options": {"max_length": "128"}, "thresholds": [0.5, 0.12],
 *      "untrained_head": true}
 *
 * Every key but the version may be missing. Values of options are texts, as everywhere. */
#include "serialization/pretrained_settings.h"

#include <string.h>

#include "base/json.h"
#include "base/number.h"

#define VERSION 1

/* Options that have a place here; of a folder of adapters alone, those that else the other files say. */
static const struct setting {
    const char *key;
    bool adapter;
} setting_keys[] = {{"max_length", false}, {"truncate", false}, {"window_overlap", false}, {"strict_utf8", false},
                    {"threshold", false},  {"task", true},      {"pooling", true},         {"pooler", true}};
enum { SETTINGS = sizeof setting_keys / sizeof setting_keys[0] };

void tci_settings_init(tci_settings *settings, tci_memory *memory)
{
    *settings = (tci_settings){.memory = memory};
    tci_buffer_init(&settings->label_text, memory, SIZE_MAX, "labels");
}

void tci_settings_free(tci_settings *settings)
{
    if (!settings->memory)
        return;
    tci_buffer_free(&settings->label_text);
    tci_free(settings->memory, settings->thresholds);
    tci_settings_init(settings, settings->memory);
}

/* ---- reading ---- */

static tc_status read_options(tci_json_reader *json, bool adapter, tci_options *options)
{
    TCI_RETURN_IF(tci_json_expect(json, TCI_JSON_OBJECT_BEGIN, "'options'"));
    for (;;) {
        tci_json_event event;
        const char *key = NULL;
        TCI_RETURN_IF(tci_json_next(json, &event));
        if (event == TCI_JSON_OBJECT_END)
            return TC_OK;
        for (size_t i = 0; i < SETTINGS; i++) {
            if ((adapter || !setting_keys[i].adapter) && tci_json_is(json, setting_keys[i].key))
                key = setting_keys[i].key;
        }
        if (!key)
            return tci_fail(TC_ERROR_FORMAT, "'options', byte %zu: '%.64s' is not one that has a place here",
                            json->start, json->text.data);
        TCI_RETURN_IF(tci_json_expect(json, TCI_JSON_STRING, key));
        if (memchr(json->text.data, 0, json->text.size) || tci_options_set(options, key, json->text.data) != TC_OK)
            return tci_fail(TC_ERROR_FORMAT, "'options', byte %zu: '%s' does not take '%.64s'", json->start, key,
                            json->text.data);
    }
}

static tc_status read_labels(tci_json_reader *json, tci_settings *settings)
{
    TCI_RETURN_IF(tci_json_expect(json, TCI_JSON_ARRAY_BEGIN, "'labels'"));
    for (;;) {
        tci_json_event event;
        TCI_RETURN_IF(tci_json_next(json, &event));
        if (event == TCI_JSON_ARRAY_END)
            return TC_OK;
        if (event != TCI_JSON_STRING || memchr(json->text.data, 0, json->text.size))
            return tci_fail(TC_ERROR_FORMAT, "'labels', byte %zu: a label is a string without NUL", json->start);
        TCI_RETURN_IF(tci_buffer_append(&settings->label_text, json->text.data, json->text.size + 1));
        settings->label_count++;
    }
}

static tc_status read_thresholds(tci_json_reader *json, tci_settings *settings)
{
    TCI_RETURN_IF(tci_json_expect(json, TCI_JSON_ARRAY_BEGIN, "'thresholds'"));
    for (;;) {
        tci_json_event event;
        double value = -1;
        TCI_RETURN_IF(tci_json_next(json, &event));
        if (event == TCI_JSON_ARRAY_END)
            return TC_OK;
        if (event == TCI_JSON_NUMBER)
            TCI_RETURN_IF(tci_json_double(json, "a threshold", &value));
        if (!(value >= 0 && value <= 1))
            return tci_fail(TC_ERROR_FORMAT, "'thresholds', byte %zu: a threshold is a number from 0 to 1",
                            json->start);
        TCI_RETURN_IF(tci_reserve(settings->memory, settings->threshold_count + 1, SIZE_MAX, sizeof value, "thresholds",
                                  &settings->threshold_capacity, &settings->thresholds));
        settings->thresholds[settings->threshold_count++] = value;
    }
}

static tc_status read_key(tci_json_reader *json, bool adapter, tci_options *options, tci_settings *settings)
{
    tci_json_event event;
    uint64_t version = 0;
    if (tci_json_is(json, "options"))
        return read_options(json, adapter, options);
    if (tci_json_is(json, "labels") && adapter)
        return read_labels(json, settings);
    if (tci_json_is(json, "thresholds"))
        return read_thresholds(json, settings);
    bool is_version = tci_json_is(json, "format_version"), is_head = tci_json_is(json, "untrained_head");
    TCI_RETURN_IF(tci_json_next(json, &event));
    if (is_version && event == TCI_JSON_NUMBER) {
        TCI_RETURN_IF(tci_json_unsigned(json, "format_version", &version));
        return version <= VERSION ? TC_OK
                                  : tci_fail(TC_ERROR_VERSION, "'format_version' is %llu; this library reads up to %d",
                                             (unsigned long long)version, VERSION);
    }
    settings->untrained_head = settings->untrained_head || (is_head && event == TCI_JSON_TRUE);
    return tci_json_skip(json, event);
}

static tc_status read_file(tci_json_reader *json, bool adapter, tci_options *options, tci_settings *settings)
{
    TCI_RETURN_IF(tci_json_expect(json, TCI_JSON_OBJECT_BEGIN, "the settings"));
    for (;;) {
        tci_json_event event;
        TCI_RETURN_IF(tci_json_next(json, &event));
        if (event == TCI_JSON_OBJECT_END)
            return tci_json_expect(json, TCI_JSON_END, "the end of the settings");
        TCI_RETURN_IF(read_key(json, adapter, options, settings));
    }
}

tc_status tci_settings_read(const tci_file_operations *files, const char *folder, uint64_t max_bytes, bool adapter,
                            tci_options *options, tci_settings *settings)
{
    bool has = false;
    uint8_t *bytes = NULL;
    size_t size = 0;
    tci_json_reader json;
    tci_memory *memory = settings->memory;
    TCI_RETURN_IF(tci_folder_has(memory, files, folder, TCI_SETTINGS_JSON, &has));
    if (!has)
        return TC_OK;
    TCI_RETURN_IF(tci_folder_read(files, memory, folder, TCI_SETTINGS_JSON, max_bytes, &bytes, &size));
    tci_json_init(&json, memory, (const char *)bytes, size);
    tc_status status = read_file(&json, adapter, options, settings);
    tci_json_free(&json);
    tci_free(memory, bytes);
    return status == TC_OK ? TC_OK : tci_fail_prefix(status, TCI_SETTINGS_JSON);
}

/* ---- writing ---- */

/* Whether a folder without the setting gives the same. */
static bool is_default(const tci_options *options, const tci_option_row *row)
{
    uint64_t overlap = 0;
    tci_options plain;
    if (strcmp(row->key, "max_length") == 0)
        return options->max_length == options->positions;
    if (strcmp(row->key, "truncate") == 0)
        return options->truncate == TCI_CHOICE_WINDOWS;
    if (strcmp(row->key, "window_overlap") == 0) {
        (void)tci_parse_unsigned(row->default_value, strlen(row->default_value), &overlap);
        return options->window_overlap == (overlap < options->max_length / 4 ? overlap : options->max_length / 4);
    }
    tci_options_default(&plain);
    return tci_options_equal(options, &plain, row);
}

static tc_status write_options(tci_json_writer *json, const tci_options *options, bool adapter, tci_buffer *text)
{
    bool begun = false;
    for (size_t i = 0; i < SETTINGS; i++) {
        const tci_option_row *row = tci_option_find(setting_keys[i].key);
        if (!tci_option_applies(options, row) || (setting_keys[i].adapter ? !adapter : is_default(options, row)))
            continue;
        if (!begun) {
            TCI_RETURN_IF(tci_json_key(json, "options"));
            TCI_RETURN_IF(tci_json_begin(json, '{'));
            begun = true;
        }
        text->size = 0;
        TCI_RETURN_IF(tci_options_print(options, row, text));
        TCI_RETURN_IF(tci_json_key(json, row->key));
        TCI_RETURN_IF(tci_json_text(json, text->data, text->size));
    }
    return begun ? tci_json_end(json, '}') : TC_OK;
}

static tc_status write_file(const tc_model *model, bool adapter, tci_json_writer *json, tci_buffer *text)
{
    TCI_RETURN_IF(tci_json_begin(json, '{'));
    TCI_RETURN_IF(tci_json_key(json, "format_version"));
    TCI_RETURN_IF(tci_json_unsigned_value(json, VERSION));
    size_t nothing = json->out->size;
    if (adapter) {
        TCI_RETURN_IF(tci_json_key(json, "labels"));
        TCI_RETURN_IF(tci_json_begin(json, '['));
        for (size_t i = 0; i < model->label_count; i++)
            TCI_RETURN_IF(tci_json_string(json, model->labels[i]));
        TCI_RETURN_IF(tci_json_end(json, ']'));
    }
    TCI_RETURN_IF(write_options(json, &model->options, adapter, text));
    if (model->thresholds) {
        TCI_RETURN_IF(tci_json_key(json, "thresholds"));
        TCI_RETURN_IF(tci_json_begin(json, '['));
        for (size_t i = 0; i < model->label_count; i++)
            TCI_RETURN_IF(tci_json_double_value(json, model->thresholds[i]));
        TCI_RETURN_IF(tci_json_end(json, ']'));
    }
    if (model->untrained_head) {
        TCI_RETURN_IF(tci_json_key(json, "untrained_head"));
        TCI_RETURN_IF(tci_json_bool(json, true));
    }
    if (json->out->size == nothing) {
        json->out->size = 0;
        return TC_OK;
    }
    TCI_RETURN_IF(tci_json_end(json, '}'));
    return tci_buffer_text(json->out, "\n");
}

tc_status tci_settings_write(const tc_model *model, bool adapter, tci_buffer *out)
{
    tci_buffer text;
    tci_json_writer json;
    tci_buffer_init(&text, out->memory, SIZE_MAX, "option text");
    tci_json_writer_init(&json, out);
    tc_status status = write_file(model, adapter, &json, &text);
    tci_buffer_free(&text);
    return status;
}
