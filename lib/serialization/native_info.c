/* native_info.c: a model's description. Options keep their JSON type: numbers as numbers, the rest as in the option
 * table. */
#include "serialization/native_info.h"

#include <string.h>

#include "base/json.h"
#include "serialization/elements.h"
#include "serialization/native.h"
#include "text/point.h"

/* The option's text, NUL-terminated, into the reused buffer. */
static tc_status option_text(const tci_options *options, const char *key, tci_buffer *text)
{
    text->size = 0;
    TCI_RETURN_IF(tci_options_print(options, tci_option_find(key), text));
    return tci_buffer_append(text, "", 1);
}

static tc_status write_option(tci_json_writer *json, const tci_options *options, const tci_option_row *row,
                              tci_buffer *text)
{
    const void *member = (const char *)options + row->offset;
    uint64_t integer = 0;
    double number = 0;
    TCI_RETURN_IF(tci_json_key(json, row->key));
    switch (row->type) {
    case TCI_OPTION_INTEGER:
        memcpy(&integer, member, sizeof integer);
        return tci_json_unsigned_value(json, integer);
    case TCI_OPTION_NUMBER:
        memcpy(&number, member, sizeof number);
        return tci_json_double_value(json, number);
    case TCI_OPTION_BOOLEAN:
        return tci_json_bool(json, *(const bool *)member);
    default:
        TCI_RETURN_IF(option_text(options, row->key, text));
        return tci_json_string(json, text->data);
    }
}

static tc_status write_options(tci_json_writer *json, const tci_options *options, tci_buffer *text)
{
    TCI_RETURN_IF(tci_json_key(json, "options"));
    TCI_RETURN_IF(tci_json_begin(json, '{'));
    for (size_t i = 0; i < tci_option_count(); i++) {
        const tci_option_row *row = tci_option_row_at(i);
        if (row->option_class != TCI_CLASS_RUN && tci_option_applies(options, row))
            TCI_RETURN_IF(write_option(json, options, row, text));
    }
    return tci_json_end(json, '}');
}

static tc_status write_labels(tci_json_writer *json, const tc_model *model)
{
    TCI_RETURN_IF(tci_json_key(json, "labels"));
    TCI_RETURN_IF(tci_json_begin(json, '['));
    for (size_t i = 0; i < model->label_count; i++)
        TCI_RETURN_IF(tci_json_string(json, model->labels[i]));
    return tci_json_end(json, ']');
}

static tc_status write_thresholds(tci_json_writer *json, const tc_model *model)
{
    TCI_RETURN_IF(tci_json_key(json, "thresholds"));
    if (!model->thresholds)
        return tci_json_null(json);
    TCI_RETURN_IF(tci_json_begin(json, '['));
    for (size_t i = 0; i < model->label_count; i++)
        TCI_RETURN_IF(tci_json_double_value(json, model->thresholds[i]));
    return tci_json_end(json, ']');
}

static tc_status write_tensors(tci_json_writer *json, const tci_parameters *parameters)
{
    uint64_t count = 0;
    TCI_RETURN_IF(tci_json_key(json, "tensors"));
    TCI_RETURN_IF(tci_json_begin(json, '['));
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        TCI_RETURN_IF(tci_json_begin(json, '{'));
        TCI_RETURN_IF(tci_json_key(json, "name"));
        TCI_RETURN_IF(tci_json_string(json, tensor->name));
        TCI_RETURN_IF(tci_json_key(json, "dtype"));
        TCI_RETURN_IF(tci_json_string(json, tci_dtype_name(tci_element_dtype(tensor->element))));
        TCI_RETURN_IF(tci_json_key(json, "shape"));
        TCI_RETURN_IF(tci_json_begin(json, '['));
        for (size_t k = 0; k < tensor->rank; k++)
            TCI_RETURN_IF(tci_json_unsigned_value(json, tensor->shape[k]));
        TCI_RETURN_IF(tci_json_end(json, ']'));
        TCI_RETURN_IF(tci_json_end(json, '}'));
        if (strncmp(tensor->name, TCI_SCALE_NAMES, strlen(TCI_SCALE_NAMES)) != 0)
            count += tensor->count;
    }
    TCI_RETURN_IF(tci_json_end(json, ']'));
    TCI_RETURN_IF(tci_json_key(json, "parameters"));
    return tci_json_unsigned_value(json, count);
}

/* Of a transformer: how many numbers a training with the model's options changes. */
static tc_status write_trained(tci_json_writer *json, const tc_model *model)
{
    const tci_parameters *parameters = &model->network->parameters;
    uint64_t count = 0;
    size_t deepest = 0;
    if (model->options.arch != TCI_ARCH_BERT && model->options.arch != TCI_ARCH_GPT)
        return TC_OK;
    TCI_RETURN_IF(tci_options_trained_levels(&model->options, &deepest));
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        if (tci_model_trains(model, &model->options, deepest, i))
            count += parameters->tensors[i].count;
    }
    TCI_RETURN_IF(tci_json_key(json, "trained_parameters"));
    return tci_json_unsigned_value(json, count);
}

static tc_status write_unicode(tci_json_writer *json, const tc_model *model)
{
    const char *running = tci_unicode_version();
    TCI_RETURN_IF(tci_json_key(json, "unicode_version"));
    TCI_RETURN_IF(tci_json_string(json, model->unicode_version));
    TCI_RETURN_IF(tci_json_key(json, "unicode_note"));
    if (strcmp(running, model->unicode_version) == 0)
        return tci_json_null(json);
    static const char *const parts[] = {"the vocabulary was made with Unicode ", ", this library has ",
                                        ": characters that the two see differently may become other words"};
    char note[200];
    size_t length = 0;
    const char *const texts[] = {parts[0], model->unicode_version, parts[1], running, parts[2]};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t piece = strlen(texts[i]);
        piece = piece < sizeof note - length ? piece : sizeof note - length;
        memcpy(note + length, texts[i], piece);
        length += piece;
    }
    return tci_json_text(json, note, length);
}

static tc_status write_file(tci_json_writer *json, const tc_model *model)
{
    tci_native_file file;
    TCI_RETURN_IF(tci_native_layout(model, NULL, &file));
    size_t size = file.size;
    tci_native_file_free(&file);
    TCI_RETURN_IF(tci_json_key(json, "file_bytes"));
    TCI_RETURN_IF(tci_json_unsigned_value(json, size));
    TCI_RETURN_IF(tci_json_key(json, "format"));
    TCI_RETURN_IF(model->format ? tci_json_string(json, model->format) : tci_json_null(json));
    TCI_RETURN_IF(tci_json_key(json, "checksum"));
    return model->checksum[0] ? tci_json_string(json, model->checksum) : tci_json_null(json);
}

static tc_status write_text_option(tci_json_writer *json, const char *key, const tc_model *model, const char *option,
                                   tci_buffer *text)
{
    TCI_RETURN_IF(option_text(&model->options, option, text));
    TCI_RETURN_IF(tci_json_key(json, key));
    return tci_json_string(json, text->data);
}

static tc_status describe(const tc_model *model, tci_json_writer *json, tci_buffer *text)
{
    TCI_RETURN_IF(tci_json_begin(json, '{'));
    TCI_RETURN_IF(write_text_option(json, "architecture", model, "arch", text));
    TCI_RETURN_IF(write_text_option(json, "task", model, "task", text));
    TCI_RETURN_IF(write_labels(json, model));
    TCI_RETURN_IF(write_thresholds(json, model));
    TCI_RETURN_IF(write_options(json, &model->options, text));
    TCI_RETURN_IF(write_tensors(json, &model->network->parameters));
    TCI_RETURN_IF(write_trained(json, model));
    TCI_RETURN_IF(tci_json_key(json, "vocabulary"));
    TCI_RETURN_IF(tci_json_unsigned_value(json, tci_pipeline_rows(model->pipeline)));
    if (model->pretrained) {
        TCI_RETURN_IF(tci_json_key(json, "pretrained_words"));
        TCI_RETURN_IF(tci_json_unsigned_value(json, model->pretrained_words));
    }
    if (model->untrained_head) {
        TCI_RETURN_IF(tci_json_key(json, "untrained_head"));
        TCI_RETURN_IF(tci_json_bool(json, true));
    }
    TCI_RETURN_IF(write_file(json, model));
    TCI_RETURN_IF(write_unicode(json, model));
    return tci_json_end(json, '}');
}

tc_status tci_model_describe(const tc_model *model, tci_buffer *out)
{
    tci_memory memory;
    tci_buffer text;
    tci_json_writer json;
    tci_memory_init(&memory, &model->memory.host, model->memory.limit);
    tci_buffer_init(&text, &memory, SIZE_MAX, "option text");
    tci_json_writer_init(&json, out);
    tc_status status = describe(model, &json, &text);
    tci_buffer_free(&text);
    return status;
}
