/* pretrained_adapter_config.c: the keys of adapter_config.json. A key that is not in the table has to ask for nothing
 * (false, null, or empty): those that PEFT adds with every version change what its layers compute. */
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/number.h"
#include "serialization/pretrained_adapter.h"

enum kind {
    RANK,
    ALPHA,
    ROOT, /* whether alpha is divided by the root of the rank (rsLoRA, Kalajdzievski 2023) */
    TASK,
    TYPE,   /* "LORA" */
    BIAS,   /* "none" */
    TURNED, /* whether weights are (in, out) */
    BEGIN,  /* of training; some change the base's weights */
    PASSED  /* says nothing about what is computed here */
};

static const struct key_row {
    const char *key;
    enum kind kind;
} key_rows[] = {
    {"r", RANK},
    {"lora_alpha", ALPHA},
    {"use_rslora", ROOT},
    {"task_type", TASK},
    {"peft_type", TYPE},
    {"bias", BIAS},
    {"fan_in_fan_out", TURNED},
    {"init_lora_weights", BEGIN},
    {"auto_mapping", PASSED},
    {"base_model_name_or_path", PASSED},
    {"revision", PASSED},
    {"peft_version", PASSED},
    {"inference_mode", PASSED},
    {"lora_dropout", PASSED},
    {"target_modules", PASSED}, /* the tensors say which */
    {"exclude_modules", PASSED},
    {"layers_pattern", PASSED}, /* counts with layers_to_transform alone */
    {"modules_to_save", PASSED},
    {"megatron_core", PASSED},
    {"qalora_group_size", PASSED}, /* counts with use_qalora alone */
    {"runtime_config", PASSED},
};

typedef struct adapter_reader {
    tci_json_reader json;
    tci_options *options;
    tci_adapter_config *config;
    char key[TCI_SHOWN]; /* of the value that is read, for messages */
    bool has_rank, has_alpha, has_type, of_root;
} adapter_reader;

static tc_status refuse(const adapter_reader *reader, const char *wanted)
{
    return tci_fail(TC_ERROR_UNSUPPORTED, "'%s' (byte %zu) is supported as %s alone", reader->key, reader->json.start,
                    wanted);
}

static tc_status set_number(adapter_reader *reader, const char *key, const char *option, double number)
{
    char text[TCI_DOUBLE_TEXT];
    tci_print_double(number, text);
    if (tci_options_set(reader->options, option, text) != TC_OK)
        return tci_fail_prefix(TC_ERROR_FORMAT, "'%s'", key);
    return TC_OK;
}

static tc_status read_number(adapter_reader *reader, tci_json_event event, const char *option)
{
    double number = 0;
    if (event != TCI_JSON_NUMBER)
        return tci_fail(TC_ERROR_FORMAT, "'%s' (byte %zu) is no number", reader->key, reader->json.start);
    TCI_RETURN_IF(tci_json_double(&reader->json, reader->key, &number));
    return set_number(reader, reader->key, option, number);
}

/* false, null, or nothing in it. */
static tc_status read_off(adapter_reader *reader, tci_json_event event)
{
    tci_json_event next;
    if (event == TCI_JSON_FALSE || event == TCI_JSON_NULL)
        return TC_OK;
    if (event == TCI_JSON_OBJECT_BEGIN || event == TCI_JSON_ARRAY_BEGIN) {
        TCI_RETURN_IF(tci_json_next(&reader->json, &next));
        if (next == TCI_JSON_OBJECT_END || next == TCI_JSON_ARRAY_END)
            return TC_OK;
    }
    return refuse(reader, "false, null or empty");
}

static tc_status read_turned(const adapter_reader *reader, tci_json_event event)
{
    bool turned = tci_transformer_family_of(reader->options)->pre_norm;
    if (event == TCI_JSON_NULL || event == (turned ? TCI_JSON_TRUE : TCI_JSON_FALSE))
        return TC_OK;
    return refuse(reader, turned ? "true (weights of gpt2 are (in, out))" : "false (weights are (out, in))");
}

/* Ways that leave the base's weights alone. */
static tc_status read_begin(adapter_reader *reader, tci_json_event event)
{
    bool good = event == TCI_JSON_TRUE || event == TCI_JSON_FALSE || event == TCI_JSON_NULL;
    if (event == TCI_JSON_STRING)
        good = tci_json_is(&reader->json, "gaussian") || tci_json_is(&reader->json, "orthogonal");
    return good ? TC_OK : refuse(reader, "true, false, gaussian or orthogonal");
}

static tc_status read_value(adapter_reader *reader, enum kind kind, tci_json_event event)
{
    bool text = event == TCI_JSON_STRING;
    switch (kind) {
    case RANK:
        reader->has_rank = true;
        return read_number(reader, event, "lora_rank");
    case ALPHA:
        reader->has_alpha = true;
        return read_number(reader, event, "lora_alpha");
    case ROOT:
        reader->of_root = event == TCI_JSON_TRUE;
        return reader->of_root ? TC_OK : read_off(reader, event);
    case TASK:
        reader->config->sequence_class = text && tci_json_is(&reader->json, "SEQ_CLS");
        return tci_json_skip(&reader->json, event);
    case TYPE:
        reader->has_type = true;
        return text && tci_json_is(&reader->json, "LORA") ? TC_OK : refuse(reader, "LORA");
    case BIAS:
        return text && tci_json_is(&reader->json, "none") ? TC_OK : refuse(reader, "none");
    case TURNED:
        return read_turned(reader, event);
    case BEGIN:
        return read_begin(reader, event);
    case PASSED:
        return tci_json_skip(&reader->json, event);
    }
    return TC_OK;
}

static tc_status read_key(adapter_reader *reader)
{
    tci_json_event event;
    const struct key_row *row = NULL;
    for (size_t i = 0; i < sizeof key_rows / sizeof key_rows[0]; i++) {
        if (tci_json_is(&reader->json, key_rows[i].key))
            row = &key_rows[i];
    }
    (void)tci_show_text(reader->json.text.data, reader->json.text.size, reader->key);
    TCI_RETURN_IF(tci_json_next(&reader->json, &event));
    return row ? read_value(reader, row->kind, event) : read_off(reader, event);
}

static tc_status read_file(adapter_reader *reader)
{
    TCI_RETURN_IF(tci_json_expect(&reader->json, TCI_JSON_OBJECT_BEGIN, "the configuration"));
    for (;;) {
        tci_json_event event;
        TCI_RETURN_IF(tci_json_next(&reader->json, &event));
        if (event == TCI_JSON_OBJECT_END)
            break;
        TCI_RETURN_IF(read_key(reader));
    }
    TCI_RETURN_IF(tci_json_expect(&reader->json, TCI_JSON_END, "the end of the configuration"));
    if (!reader->has_rank || !reader->has_alpha || !reader->has_type || reader->options->lora_rank == 0)
        return tci_fail(TC_ERROR_FORMAT, "'%s' is missing%s",
                        !reader->has_type    ? "peft_type"
                        : !reader->has_alpha ? "lora_alpha"
                                             : "r",
                        reader->has_rank && reader->has_alpha && reader->has_type ? ", or 0" : "");
    if (!reader->of_root)
        return TC_OK;
    double root = sqrt((double)reader->options->lora_rank); /* option lora_alpha is divided by the rank */
    return set_number(reader, "lora_alpha", "lora_alpha", reader->options->lora_alpha * root);
}

tc_status tci_adapter_config_read(tci_memory *memory, const char *json, size_t size, tci_options *options,
                                  tci_adapter_config *config)
{
    adapter_reader reader = {.options = options, .config = config};
    *config = (tci_adapter_config){.sequence_class = false};
    tci_json_init(&reader.json, memory, json, size);
    tc_status status = read_file(&reader);
    tci_json_free(&reader.json);
    return status == TC_OK ? TC_OK : tci_fail_prefix(status, TCI_ADAPTER_CONFIG);
}
