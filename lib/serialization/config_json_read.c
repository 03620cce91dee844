/* config_json_read.c: the keys of config.json to options, by a table of keys.
 *
 * The file is read twice: for the model type, which decides what keys mean, then for everything else. A key may have
 * several names; where two of them are there they have to agree. */
#include <string.h>

#include "base/json.h"
#include "base/number.h"
#include "serialization/config_json_labels.h"

enum { ENCODER = 1, DISTIL = 2, GPT = 4, ALL = 7 };

static const struct model_type {
    const char *name, *family;
    int keys; /* which of the table's rows are its */
    /* What stands for a key that the file lacks, by the order of `values` below. */
    const char *defaults[10];
    const char *pad; /* default of pad_token_id; NULL: positions begin at row 0 */
    const char *pooler;
} model_types[] = {
    {"bert",
     "bert",
     ENCODER,
     {"30522", "768", "12", "12", "3072", "512", "2", "gelu", "0.000000000001", "0.1"},
     NULL,
     "tanh"},
    {"roberta",
     "roberta",
     ENCODER,
     {"50265", "768", "12", "12", "3072", "512", "2", "gelu", "0.000000000001", "0.1"},
     "1",
     "tanh"},
    {"xlm-roberta",
     "xlm_roberta",
     ENCODER,
     {"30522", "768", "12", "12", "3072", "512", "2", "gelu", "0.000000000001", "0.1"},
     "1",
     "tanh"},
    {"distilbert",
     "distilbert",
     DISTIL,
     {"30522", "768", "6", "12", "3072", "512", "0", "gelu", "0.000000000001", "0.1"},
     NULL,
     "relu"},
    {"gpt2", "gpt2", GPT, {"50257", "768", "12", "12", "0", "1024", NULL, "gelu_new", "0.00001", "0.1"}, NULL, NULL},
};

/* What a key's value goes to. */
enum value {
    ROWS,
    WIDTH,
    LAYERS,
    HEADS,
    INNER,
    POSITIONS,
    SEGMENTS,
    ACTIVATION,
    EPSILON,
    DROPOUT,
    ATTENTION_DROPOUT,
    HEAD_DROPOUT,
    EMBEDDING_DROPOUT,
    PAD,
    VALUES
};

static const char *const option_keys[VALUES] = {"vocab_size",         "hidden_dim", "num_layers",        "num_heads",
                                                "intermediate_dim",   "positions",  "segments",          "activation",
                                                "layer_norm_epsilon", "dropout",    "attention_dropout", "head_dropout",
                                                "embedding_dropout",  NULL};

enum kind {
    WHOLE,        /* a whole number */
    WHOLE_OR_NOT, /* or null: the default */
    NUMBER,
    NUMBER_OR_NOT,
    FUNCTION,
    /* keys that may only ask for what there is */
    OFF,      /* false, null, or nothing in it */
    ON,       /* true */
    ABSOLUTE, /* "absolute" or null */
    /* keys of their own */
    LABELS,
    LABEL_COUNT,
    PROBLEM
};

static const struct key_row {
    const char *key;
    int types;
    enum kind kind;
    enum value value;
} key_rows[] = {
    {"vocab_size", ALL, WHOLE, ROWS},
    {"hidden_size", ALL, WHOLE, WIDTH},
    {"dim", DISTIL, WHOLE, WIDTH},
    {"n_embd", GPT, WHOLE, WIDTH},
    {"num_hidden_layers", ALL, WHOLE, LAYERS},
    {"n_layers", DISTIL, WHOLE, LAYERS},
    {"n_layer", GPT, WHOLE, LAYERS},
    {"num_attention_heads", ALL, WHOLE, HEADS},
    {"n_heads", DISTIL, WHOLE, HEADS},
    {"n_head", GPT, WHOLE, HEADS},
    {"intermediate_size", ENCODER, WHOLE, INNER},
    {"hidden_dim", DISTIL, WHOLE, INNER},
    {"n_inner", GPT, WHOLE_OR_NOT, INNER},
    {"max_position_embeddings", ALL, WHOLE, POSITIONS},
    {"n_positions", GPT, WHOLE, POSITIONS},
    {"type_vocab_size", ENCODER, WHOLE, SEGMENTS},
    {"hidden_act", ENCODER, FUNCTION, ACTIVATION},
    {"activation", DISTIL, FUNCTION, ACTIVATION},
    {"activation_function", GPT, FUNCTION, ACTIVATION},
    {"layer_norm_eps", ENCODER, NUMBER, EPSILON},
    {"layer_norm_epsilon", GPT, NUMBER, EPSILON},
    {"hidden_dropout_prob", ENCODER, NUMBER, DROPOUT},
    {"dropout", DISTIL, NUMBER, DROPOUT},
    {"resid_pdrop", GPT, NUMBER, DROPOUT},
    {"embd_pdrop", GPT, NUMBER, EMBEDDING_DROPOUT},
    {"attention_probs_dropout_prob", ENCODER, NUMBER, ATTENTION_DROPOUT},
    {"attention_dropout", DISTIL, NUMBER, ATTENTION_DROPOUT},
    {"attn_pdrop", GPT, NUMBER, ATTENTION_DROPOUT},
    {"classifier_dropout", ENCODER, NUMBER_OR_NOT, HEAD_DROPOUT},
    {"seq_classif_dropout", DISTIL, NUMBER, HEAD_DROPOUT},
    {"pad_token_id", ENCODER, WHOLE_OR_NOT, PAD},
    {"id2label", ALL, LABELS, VALUES},
    {"num_labels", ALL, LABEL_COUNT, VALUES},
    {"problem_type", ALL, PROBLEM, VALUES},
    {"position_embedding_type", ALL, ABSOLUTE, VALUES},
    {"is_decoder", ENCODER | DISTIL, OFF, VALUES},
    {"is_encoder_decoder", ALL, OFF, VALUES},
    {"add_cross_attention", ALL, OFF, VALUES},
    {"scale_attn_by_inverse_layer_idx", GPT, OFF, VALUES},
    {"scale_attn_weights", GPT, ON, VALUES},
    {"pruned_heads", ALL, OFF, VALUES},
    {"quantization_config", ALL, OFF, VALUES},
    {"adapters", ALL, OFF, VALUES},
    {"auto_map", ALL, OFF, VALUES},
};

typedef struct config_reader {
    tci_memory *memory;
    const char *json;
    size_t size;
    tci_json_reader reader;
    tci_config_json *config;
    const struct model_type *type;
    const struct key_row *row; /* of the key read last */
    uint64_t pad;
    uint64_t label_count; /* of num_labels */
    int32_t task;
    bool has_label_count, has_task;
    bool seen[VALUES];
    tci_config_labels labels; /* of id2label */
} config_reader;

static tc_status refuse(const config_reader *reader, const char *wanted)
{
    return tci_fail(TC_ERROR_UNSUPPORTED, "'%s' (byte %zu) is supported as %s alone", reader->row->key,
                    reader->reader.start, wanted);
}

/* Sets the option that a value goes to; a name of the same value that came before said the same. */
static tc_status set_value(config_reader *reader, enum value value, const char *text)
{
    tci_options *options = &reader->config->options;
    const tci_option_row *row = tci_option_find(option_keys[value]);
    tci_options before = *options;
    if (tci_options_set(options, option_keys[value], text) != TC_OK)
        return tci_fail_prefix(TC_ERROR_FORMAT, "'%s'", reader->row ? reader->row->key : "a default");
    if (reader->seen[value] && !tci_options_equal(&before, options, row))
        return tci_fail(TC_ERROR_FORMAT, "'%s' (byte %zu) is not what another key of the same meaning says",
                        reader->row->key, reader->reader.start);
    reader->seen[value] = true;
    return TC_OK;
}

static tc_status read_whole(config_reader *reader, tci_json_event event)
{
    const struct key_row *row = reader->row;
    uint64_t number = 0;
    if (event == TCI_JSON_NULL && row->kind == WHOLE_OR_NOT)
        return TC_OK;
    if (event != TCI_JSON_NUMBER)
        return tci_fail(TC_ERROR_FORMAT, "'%s' (byte %zu) is no number", row->key, reader->reader.start);
    if (row->value == PAD && reader->reader.text.data[0] == '-') /* as good as none */
        return TC_OK;
    TCI_RETURN_IF(tci_json_unsigned(&reader->reader, row->key, &number));
    if (row->value != PAD)
        return set_value(reader, row->value, reader->reader.text.data);
    reader->pad = number;
    reader->seen[PAD] = true;
    return TC_OK;
}

static tc_status read_number(config_reader *reader, tci_json_event event)
{
    char text[TCI_DOUBLE_TEXT];
    double number = 0;
    if (event == TCI_JSON_NULL && reader->row->kind == NUMBER_OR_NOT)
        return TC_OK;
    if (event != TCI_JSON_NUMBER)
        return tci_fail(TC_ERROR_FORMAT, "'%s' (byte %zu) is no number", reader->row->key, reader->reader.start);
    TCI_RETURN_IF(tci_json_double(&reader->reader, reader->row->key, &number));
    tci_print_double(number, text);
    return set_value(reader, reader->row->value, text);
}

static const char *activation_of(const char *name)
{
    static const char *const names[][2] = {{"gelu", "gelu"},           {"gelu_python", "gelu"},
                                           {"gelu_new", "gelu_tanh"},  {"gelu_pytorch_tanh", "gelu_tanh"},
                                           {"gelu_fast", "gelu_tanh"}, {"relu", "relu"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i][0], name) == 0)
            return names[i][1];
    }
    return NULL;
}

static tc_status read_activation(config_reader *reader, tci_json_event event)
{
    const char *activation = event == TCI_JSON_STRING ? activation_of(reader->reader.text.data) : NULL;
    if (!activation)
        return refuse(reader, "gelu, gelu_new, gelu_pytorch_tanh, gelu_fast or relu");
    return set_value(reader, ACTIVATION, activation);
}

/* Whether the value asks for nothing; the reader is behind it then. */
static tc_status read_off(config_reader *reader, tci_json_event event)
{
    tci_json_event next;
    switch (event) {
    case TCI_JSON_FALSE:
    case TCI_JSON_NULL:
        return TC_OK;
    case TCI_JSON_OBJECT_BEGIN:
    case TCI_JSON_ARRAY_BEGIN:
        TCI_RETURN_IF(tci_json_next(&reader->reader, &next));
        if (next == TCI_JSON_OBJECT_END || next == TCI_JSON_ARRAY_END)
            return TC_OK;
        break;
    default:
        break;
    }
    return refuse(reader, "false, null or empty");
}

/* ---- the head ---- */

static tc_status read_label_count(config_reader *reader, tci_json_event event)
{
    if (event != TCI_JSON_NUMBER)
        return tci_fail(TC_ERROR_FORMAT, "'num_labels' (byte %zu) is no number", reader->reader.start);
    TCI_RETURN_IF(tci_json_unsigned(&reader->reader, "num_labels", &reader->label_count));
    reader->has_label_count = true;
    return TC_OK;
}

static tc_status read_problem(config_reader *reader, tci_json_event event)
{
    static const char *const problems[] = {"single_label_classification", "multi_label_classification", "regression"};
    if (event == TCI_JSON_NULL)
        return TC_OK;
    for (int32_t i = 0; event == TCI_JSON_STRING && i < 3; i++) {
        if (tci_json_is(&reader->reader, problems[i])) {
            reader->task = i; /* in the order of option `task` */
            reader->has_task = true;
            return TC_OK;
        }
    }
    return refuse(reader, "single_label_classification, multi_label_classification or regression");
}

static tc_status finish_head(config_reader *reader)
{
    tci_config_json *config = reader->config;
    TCI_RETURN_IF(tci_config_labels_finish(&reader->labels, reader->has_label_count ? reader->label_count : 2, config));
    config->options.task = reader->has_task           ? reader->task
                           : config->label_count == 1 ? TCI_TASK_REGRESS
                                                      : TCI_TASK_CLASSIFY;
    return TC_OK;
}

/* ---- the file ---- */

static tc_status read_row(config_reader *reader, tci_json_event event)
{
    switch (reader->row->kind) {
    case WHOLE:
    case WHOLE_OR_NOT:
        return read_whole(reader, event);
    case NUMBER:
    case NUMBER_OR_NOT:
        return read_number(reader, event);
    case FUNCTION:
        return read_activation(reader, event);
    case OFF:
        return read_off(reader, event);
    case ON:
        return event == TCI_JSON_TRUE ? TC_OK : refuse(reader, "true");
    case ABSOLUTE:
        return event == TCI_JSON_NULL || (event == TCI_JSON_STRING && tci_json_is(&reader->reader, "absolute"))
                   ? TC_OK
                   : refuse(reader, "absolute");
    case LABELS:
        return tci_config_labels_read(&reader->labels, &reader->reader, event);
    case LABEL_COUNT:
        return read_label_count(reader, event);
    case PROBLEM:
        return read_problem(reader, event);
    }
    return TC_OK;
}

static tc_status read_key(config_reader *reader)
{
    tci_json_event event;
    const struct key_row *row = NULL;
    for (size_t i = 0; i < sizeof key_rows / sizeof key_rows[0] && !row; i++) {
        if ((key_rows[i].types & reader->type->keys) && tci_json_is(&reader->reader, key_rows[i].key))
            row = &key_rows[i];
    }
    reader->row = row;
    TCI_RETURN_IF(tci_json_next(&reader->reader, &event));
    return row ? read_row(reader, event) : tci_json_skip(&reader->reader, event);
}

#define TYPES "bert, roberta, xlm-roberta, distilbert and gpt2"

static const struct model_type *find_type(const char *name)
{
    for (size_t i = 0; i < sizeof model_types / sizeof model_types[0]; i++) {
        if (strcmp(model_types[i].name, name) == 0)
            return &model_types[i];
    }
    return NULL;
}

static tc_status read_type(config_reader *reader)
{
    tci_json_reader *json = &reader->reader;
    TCI_RETURN_IF(tci_json_expect(json, TCI_JSON_STRING, "'model_type'"));
    reader->type = find_type(json->text.data);
    if (reader->type)
        return TC_OK;
    return tci_fail(TC_ERROR_UNSUPPORTED, "'model_type' is '%.64s'; " TYPES " are supported", json->text.data);
}

/* Of a class ...For<what>: whether it is another head than that of sequence classification. */
static tc_status read_class(config_reader *reader)
{
    tci_json_event event;
    TCI_RETURN_IF(tci_json_next(&reader->reader, &event));
    if (event != TCI_JSON_ARRAY_BEGIN)
        return tci_json_skip(&reader->reader, event);
    for (;;) {
        TCI_RETURN_IF(tci_json_next(&reader->reader, &event));
        if (event == TCI_JSON_ARRAY_END)
            return TC_OK;
        if (event != TCI_JSON_STRING)
            return tci_fail(TC_ERROR_FORMAT, "'architectures' (byte %zu) is no list of names", reader->reader.start);
        const char *what = strstr(reader->reader.text.data, "For");
        reader->config->other_head = what && strcmp(what, "ForSequenceClassification") != 0;
    }
}

static tc_status first_pass(config_reader *reader)
{
    tci_json_reader *json = &reader->reader;
    TCI_RETURN_IF(tci_json_expect(json, TCI_JSON_OBJECT_BEGIN, "the configuration"));
    for (;;) {
        tci_json_event event;
        TCI_RETURN_IF(tci_json_next(json, &event));
        if (event == TCI_JSON_OBJECT_END)
            break;
        if (tci_json_is(json, "model_type")) {
            TCI_RETURN_IF(read_type(reader));
        } else if (tci_json_is(json, "architectures")) {
            TCI_RETURN_IF(read_class(reader));
        } else {
            TCI_RETURN_IF(tci_json_next(json, &event));
            TCI_RETURN_IF(tci_json_skip(json, event));
        }
    }
    TCI_RETURN_IF(tci_json_expect(json, TCI_JSON_END, "the end of the configuration"));
    if (!reader->type)
        return tci_fail(TC_ERROR_FORMAT, "'model_type' is missing; " TYPES " are supported");
    return TC_OK;
}

static tc_status second_pass(config_reader *reader)
{
    TCI_RETURN_IF(tci_json_expect(&reader->reader, TCI_JSON_OBJECT_BEGIN, "the configuration"));
    for (;;) {
        tci_json_event event;
        TCI_RETURN_IF(tci_json_next(&reader->reader, &event));
        if (event == TCI_JSON_OBJECT_END)
            return TC_OK;
        TCI_RETURN_IF(read_key(reader));
    }
}

/* Rows of the position table to positions that a token can have: those of the RoBERTa families begin behind the row of
 * the padding. */
static tc_status split_positions(config_reader *reader)
{
    tci_options *options = &reader->config->options;
    uint64_t offset = 0;
    char text[TCI_DOUBLE_TEXT];
    if (!reader->type->pad)
        return TC_OK;
    if (!reader->seen[PAD])
        (void)tci_parse_unsigned(reader->type->pad, strlen(reader->type->pad), &reader->pad);
    offset = reader->pad + 1;
    if (reader->pad >= options->positions || offset >= options->positions)
        return tci_fail(TC_ERROR_FORMAT, "'max_position_embeddings' is %llu, 'pad_token_id' %llu: no position is left",
                        (unsigned long long)options->positions, (unsigned long long)reader->pad);
    options->positions -= offset;
    tci_print_double((double)offset, text);
    if (tci_options_set(options, "position_offset", text) != TC_OK)
        return tci_fail_prefix(TC_ERROR_FORMAT, "'pad_token_id'");
    return TC_OK;
}

/* The defaults of what the file does not say, and what follows from the model type. */
static tc_status finish_options(config_reader *reader)
{
    const struct model_type *type = reader->type;
    tci_options *options = &reader->config->options;
    char text[TCI_DOUBLE_TEXT];
    reader->row = NULL;
    for (int value = 0; value <= DROPOUT; value++) {
        const char *given = type->defaults[value];
        if (!reader->seen[value] && given)
            TCI_RETURN_IF(set_value(reader, (enum value)value, value == ACTIVATION ? activation_of(given) : given));
    }
    if (!reader->seen[ATTENTION_DROPOUT])
        TCI_RETURN_IF(set_value(reader, ATTENTION_DROPOUT, "0.1"));
    if (!reader->seen[EMBEDDING_DROPOUT] && type->keys == GPT)
        TCI_RETURN_IF(set_value(reader, EMBEDDING_DROPOUT, "0.1"));
    if (!reader->seen[HEAD_DROPOUT]) {
        tci_print_double(options->dropout, text);
        TCI_RETURN_IF(set_value(reader, HEAD_DROPOUT, type->keys == GPT ? "0" : type->keys == DISTIL ? "0.2" : text));
    }
    TCI_RETURN_IF(split_positions(reader));
    TCI_RETURN_IF(tci_options_set(options, "pooling", type->pooler ? "cls" : "last"));
    if (type->pooler)
        TCI_RETURN_IF(tci_options_set(options, "pooler", type->pooler));
    return finish_head(reader);
}

static tc_status read_file(config_reader *reader)
{
    tci_options *options = &reader->config->options;
    TCI_RETURN_IF(first_pass(reader));
    options->arch = reader->type->keys == GPT ? TCI_ARCH_GPT : TCI_ARCH_BERT;
    TCI_RETURN_IF(tci_options_set(options, "family", reader->type->family));
    tci_json_free(&reader->reader);
    tci_json_init(&reader->reader, reader->memory, reader->json, reader->size);
    TCI_RETURN_IF(second_pass(reader));
    return finish_options(reader);
}

tc_status tci_config_json_read(tci_memory *memory, const char *json, size_t size, tci_config_json *config)
{
    config_reader reader = {.memory = memory, .json = json, .size = size, .config = config};
    *config = (tci_config_json){.memory = memory};
    tci_options_default(&config->options);
    tci_config_labels_init(&reader.labels, memory);
    tci_json_init(&reader.reader, memory, json, size);
    tc_status status = read_file(&reader);
    tci_json_free(&reader.reader);
    tci_config_labels_free(&reader.labels);
    if (status == TC_OK)
        return TC_OK;
    tci_config_json_free(config);
    return tci_fail_prefix(status, TCI_CONFIG_JSON);
}

void tci_config_json_free(tci_config_json *config)
{
    if (!config->memory)
        return;
    tci_free(config->memory, config->label_text);
    tci_free(config->memory, config->labels);
    *config = (tci_config_json){.memory = config->memory};
}
