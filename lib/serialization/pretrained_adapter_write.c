/* pretrained_adapter_write.c: the adapters of a model, and its head, as a folder that PEFT loads beside the base model:
 * adapter_config.json, adapter_model.safetensors and textclf.json. A head that ...ForSequenceClassification does not
 * have goes with the adapters of the bare body, where PEFT passes it over. */
#include <string.h>

#include "base/json.h"
#include "serialization/pretrained_adapter.h"
#include "serialization/pretrained_writer.h"

/* ---- adapter_config.json ---- */

static tc_status write_text(tci_json_writer *json, const char *key, const char *value)
{
    TCI_RETURN_IF(tci_json_key(json, key));
    return value ? tci_json_string(json, value) : tci_json_null(json);
}

static tc_status write_bool(tci_json_writer *json, const char *key, bool value)
{
    TCI_RETURN_IF(tci_json_key(json, key));
    return tci_json_bool(json, value);
}

static tc_status write_list(tci_json_writer *json, const char *key, const char *const *values, size_t count)
{
    TCI_RETURN_IF(tci_json_key(json, key));
    TCI_RETURN_IF(tci_json_begin(json, '['));
    for (size_t i = 0; i < count; i++)
        TCI_RETURN_IF(tci_json_string(json, values[i]));
    return tci_json_end(json, ']');
}

/* The ends of names by which PEFT finds the same weights: whole within a layer, so that none outside is meant. */
static tc_status write_targets(const tc_model *model, tci_json_writer *json)
{
    const tci_transformer_family *family = tci_transformer_family_of(&model->options);
    const tci_parameters *parameters = &model->network->parameters;
    const char *targets[TCI_ROLE_COUNT];
    size_t count = 0;
    for (size_t role = TCI_ROLE_ATTENTION_NORM; role <= TCI_ROLE_DOWN; role++) {
        char name[TCI_TENSOR_NAME];
        bool found = false;
        if (!family->body[role])
            continue;
        tci_transformer_name(&model->options, (tci_transformer_role)role, 0, false, name);
        size_t module = strlen(name) - strlen("weight");
        for (size_t i = 0; i < parameters->tensor_count; i++)
            found =
                found || (parameters->tensors[i].adapter && strncmp(parameters->tensors[i].name, name, module) == 0);
        if (found)
            targets[count++] = family->body[role] + 1;
    }
    return write_list(json, "target_modules", targets, count);
}

/* Modules of the head, which are trained whole. */
static tc_status write_saved(const tci_folder_writer *writer, tci_json_writer *json)
{
    static const struct {
        const char *names[2];
        size_t count;
    } heads[] = {[TCI_FAMILY_BERT] = {{"classifier", "pooler"}, 2},
                 [TCI_FAMILY_ROBERTA] = {{"classifier"}, 1},
                 [TCI_FAMILY_XLM_ROBERTA] = {{"classifier"}, 1},
                 [TCI_FAMILY_DISTILBERT] = {{"classifier", "pre_classifier"}, 2},
                 [TCI_FAMILY_GPT2] = {{"score"}, 1}};
    int32_t family = writer->model->options.family;
    if (!writer->whole)
        return write_text(json, "modules_to_save", NULL);
    return write_list(json, "modules_to_save", heads[family].names, heads[family].count);
}

static bool is_utf8(const char *text)
{
    size_t length = strlen(text), step = 1;
    for (size_t i = 0; i < length && step > 0; i += step)
        step = tci_utf8_sequence(text + i, length - i);
    return step > 0;
}

static tc_status write_keys(const tci_folder_writer *writer, tci_json_writer *json)
{
    const tci_options *options = &writer->model->options;
    const char *base = writer->model->base;
    TCI_RETURN_IF(write_text(json, "peft_type", "LORA"));
    TCI_RETURN_IF(write_text(json, "task_type", writer->whole ? "SEQ_CLS" : "FEATURE_EXTRACTION"));
    TCI_RETURN_IF(write_text(json, "base_model_name_or_path", base && is_utf8(base) ? base : NULL));
    TCI_RETURN_IF(write_text(json, "bias", "none"));
    TCI_RETURN_IF(write_bool(json, "inference_mode", true));
    TCI_RETURN_IF(write_bool(json, "fan_in_fan_out", tci_transformer_family_of(options)->pre_norm));
    TCI_RETURN_IF(tci_json_key(json, "r"));
    TCI_RETURN_IF(tci_json_unsigned_value(json, options->lora_rank));
    TCI_RETURN_IF(tci_json_key(json, "lora_alpha"));
    TCI_RETURN_IF(tci_json_double_value(json, options->lora_alpha));
    TCI_RETURN_IF(write_targets(writer->model, json));
    return write_saved(writer, json);
}

static tc_status write_config(tci_folder_writer *writer)
{
    tci_json_writer json;
    writer->text.size = 0;
    tci_json_writer_init(&json, &writer->text);
    TCI_RETURN_IF(tci_json_begin(&json, '{'));
    TCI_RETURN_IF(write_keys(writer, &json));
    TCI_RETURN_IF(tci_json_end(&json, '}'));
    TCI_RETURN_IF(tci_buffer_text(&writer->text, "\n"));
    return tci_folder_write_text(writer, TCI_ADAPTER_CONFIG);
}

static tc_status write_settings(tci_folder_writer *writer)
{
    writer->text.size = 0;
    TCI_RETURN_IF(tci_settings_write(writer->model, true, &writer->text));
    return tci_folder_write_text(writer, TCI_SETTINGS_JSON);
}

/* ---- adapter_model.safetensors ---- */

/* Adapters and head: "base_model.model." and the module's name, which the bare body has without the family's prefix. */
static bool name_tensor(const tci_folder_writer *writer, const tci_tensor_info *tensor, char *full)
{
    const char *name = tensor->name, *prefix = tci_transformer_family_of(&writer->model->options)->prefix;
    size_t length = strlen(prefix), outer = strlen(TCI_ADAPTER_PREFIX);
    if (!tensor->adapter && tensor->level > 0)
        return false;
    if (!writer->whole && strncmp(name, prefix, length) == 0 && name[length] == '.')
        name += length + 1;
    memcpy(full, TCI_ADAPTER_PREFIX, outer);
    memcpy(full + outer, name, strlen(name) + 1);
    return true;
}

static tc_status write_all(tci_folder_writer *writer)
{
    TCI_RETURN_IF(write_config(writer));
    TCI_RETURN_IF(write_settings(writer));
    return tci_folder_write_weights(writer, TCI_ADAPTER_WEIGHTS, name_tensor);
}

tc_status tci_adapter_save(const tc_model *model, const char *folder)
{
    tci_folder_writer writer;
    if (model->options.lora_rank == 0)
        return tci_fail(TC_ERROR_UNSUPPORTED,
                        "the model has no adapters (option lora_rank) that could be written alone");
    tc_status status = tci_folder_writer_begin(&writer, model, folder, TCI_CONFIG_JSON);
    if (status == TC_OK)
        status = write_all(&writer);
    return tci_folder_writer_end(&writer, status);
}
