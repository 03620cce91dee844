/* config_json_write.c: options and labels to the config.json that transformers reads. Keys are those that each model
 * type's own configuration class writes. */
#include "base/json.h"
#include "serialization/config_json.h"

enum type { BERT, DISTIL, GPT };

#define DISTIL_EPSILON 1e-12 /* constant in its code */

/* Keys by type; a value is the same under whichever name. */
static const struct {
    const char *width, *layers, *heads, *inner, *positions, *activation, *dropout, *attention_dropout, *head_dropout;
} key_names[] = {
    [BERT] = {"hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "max_position_embeddings",
              "hidden_act", "hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout"},
    [DISTIL] = {"dim", "n_layers", "n_heads", "hidden_dim", "max_position_embeddings", "activation", "dropout",
                "attention_dropout", "seq_classif_dropout"},
    [GPT] = {"n_embd", "n_layer", "n_head", "n_inner", "n_positions", "activation_function", "resid_pdrop",
             "attn_pdrop", NULL},
};

static const struct {
    const char *model_type, *class_name;
    enum type type;
} families[] = {
    [TCI_FAMILY_BERT] = {"bert", "Bert", BERT},
    [TCI_FAMILY_ROBERTA] = {"roberta", "Roberta", BERT},
    [TCI_FAMILY_XLM_ROBERTA] = {"xlm-roberta", "XLMRoberta", BERT},
    [TCI_FAMILY_DISTILBERT] = {"distilbert", "DistilBert", DISTIL},
    [TCI_FAMILY_GPT2] = {"gpt2", "GPT2", GPT},
};

static tc_status write_whole(tci_json_writer *json, const char *key, uint64_t value)
{
    TCI_RETURN_IF(tci_json_key(json, key));
    return tci_json_unsigned_value(json, value);
}

static tc_status write_number(tci_json_writer *json, const char *key, double value)
{
    if (!key)
        return TC_OK;
    TCI_RETURN_IF(tci_json_key(json, key));
    return tci_json_double_value(json, value);
}

static tc_status write_text(tci_json_writer *json, const char *key, const char *value)
{
    TCI_RETURN_IF(tci_json_key(json, key));
    return tci_json_string(json, value);
}

static tc_status write_sizes(tci_json_writer *json, const tci_options *options, uint64_t rows)
{
    static const char *const activations[] = {
        [TCI_FUNCTION_GELU] = "gelu", [TCI_FUNCTION_GELU_TANH] = "gelu_new", [TCI_FUNCTION_RELU] = "relu"};
    enum type type = families[options->family].type;
    TCI_RETURN_IF(write_whole(json, "vocab_size", rows));
    TCI_RETURN_IF(write_whole(json, key_names[type].width, options->hidden_dim));
    TCI_RETURN_IF(write_whole(json, key_names[type].layers, options->num_layers));
    TCI_RETURN_IF(write_whole(json, key_names[type].heads, options->num_heads));
    TCI_RETURN_IF(write_whole(json, key_names[type].inner, options->intermediate_dim));
    TCI_RETURN_IF(write_whole(json, key_names[type].positions, options->positions + options->position_offset));
    TCI_RETURN_IF(write_text(json, key_names[type].activation, activations[options->activation]));
    TCI_RETURN_IF(write_number(json, key_names[type].dropout, options->dropout));
    TCI_RETURN_IF(write_number(json, key_names[type].attention_dropout, options->attention_dropout));
    TCI_RETURN_IF(write_number(json, key_names[type].head_dropout, options->head_dropout));
    if (type == GPT)
        TCI_RETURN_IF(write_number(json, "embd_pdrop", options->embedding_dropout));
    if (type != DISTIL)
        TCI_RETURN_IF(
            write_number(json, type == GPT ? "layer_norm_epsilon" : "layer_norm_eps", options->layer_norm_epsilon));
    return type == BERT ? write_whole(json, "type_vocab_size", options->segments) : TC_OK;
}

/* {"0": "name", ...} or {"name": 0, ...}. */
static tc_status write_labels(tci_json_writer *json, const char *const *labels, size_t count, tci_buffer *number)
{
    TCI_RETURN_IF(tci_json_key(json, "id2label"));
    TCI_RETURN_IF(tci_json_begin(json, '{'));
    for (size_t i = 0; i < count; i++) {
        number->size = 0;
        TCI_RETURN_IF(tci_buffer_unsigned(number, i));
        TCI_RETURN_IF(tci_buffer_append(number, "", 1));
        TCI_RETURN_IF(write_text(json, number->data, labels[i]));
    }
    TCI_RETURN_IF(tci_json_end(json, '}'));
    TCI_RETURN_IF(tci_json_key(json, "label2id"));
    TCI_RETURN_IF(tci_json_begin(json, '{'));
    for (size_t i = 0; i < count; i++)
        TCI_RETURN_IF(write_whole(json, labels[i], i));
    return tci_json_end(json, '}');
}

static tc_status write_token(tci_json_writer *json, const char *key, bool there, uint64_t id)
{
    TCI_RETURN_IF(tci_json_key(json, key));
    return there ? tci_json_unsigned_value(json, id) : tci_json_null(json);
}

/* Families whose positions begin behind the padding's row say with its id which that is. */
static tc_status write_tokens(tci_json_writer *json, const tci_options *options, const tci_config_tokens *tokens)
{
    bool counts = options->position_offset > 0;
    TCI_RETURN_IF(write_token(json, "pad_token_id", counts || tokens->has_pad,
                              counts ? options->position_offset - 1 : tokens->pad));
    TCI_RETURN_IF(write_token(json, "bos_token_id", tokens->has_begin, tokens->begin));
    return write_token(json, "eos_token_id", tokens->has_end, tokens->end);
}

static tc_status write_file(tci_json_writer *json, const tci_options *options, uint64_t rows, const char *const *labels,
                            size_t label_count, bool whole, const tci_config_tokens *tokens, tci_buffer *text)
{
    static const char *const problems[] = {[TCI_TASK_CLASSIFY] = "single_label_classification",
                                           [TCI_TASK_MULTILABEL] = "multi_label_classification",
                                           [TCI_TASK_REGRESS] = "regression"};
    TCI_RETURN_IF(tci_buffer_text(text, families[options->family].class_name));
    TCI_RETURN_IF(tci_buffer_text(text, whole ? "ForSequenceClassification" : "Model"));
    TCI_RETURN_IF(tci_buffer_append(text, "", 1));
    TCI_RETURN_IF(tci_json_begin(json, '{'));
    TCI_RETURN_IF(tci_json_key(json, "architectures"));
    TCI_RETURN_IF(tci_json_begin(json, '['));
    TCI_RETURN_IF(tci_json_string(json, text->data));
    TCI_RETURN_IF(tci_json_end(json, ']'));
    TCI_RETURN_IF(write_text(json, "model_type", families[options->family].model_type));
    TCI_RETURN_IF(write_sizes(json, options, rows));
    TCI_RETURN_IF(write_tokens(json, options, tokens));
    TCI_RETURN_IF(write_labels(json, labels, label_count, text));
    TCI_RETURN_IF(write_text(json, "problem_type", problems[options->task]));
    return tci_json_end(json, '}');
}

/* What transformers has no key for, or refuses. */
static tc_status check_options(const tci_options *options, size_t label_count)
{
    if (options->task == TCI_TASK_CLASSIFY && label_count < 2)
        return tci_fail(TC_ERROR_UNSUPPORTED, TCI_CONFIG_JSON ": task classify with one label is nothing that "
                                                              "transformers takes; two labels or task regress are");
    if (families[options->family].type == BERT && options->segments == 0)
        return tci_fail(TC_ERROR_UNSUPPORTED, TCI_CONFIG_JSON ": segments 0, which transformers does not take");
    if (families[options->family].type == DISTIL && options->layer_norm_epsilon != DISTIL_EPSILON)
        return tci_fail(TC_ERROR_UNSUPPORTED, TCI_CONFIG_JSON ": family distilbert has no key for layer_norm_epsilon, "
                                                              "which is always 0.000000000001 there");
    return TC_OK;
}

tc_status tci_config_json_write(const tci_options *options, uint64_t rows, const char *const *labels,
                                size_t label_count, bool whole, const tci_config_tokens *tokens, tci_buffer *out)
{
    tci_buffer text;
    tci_json_writer json;
    TCI_RETURN_IF(check_options(options, label_count));
    tci_buffer_init(&text, out->memory, 4096, "a word of " TCI_CONFIG_JSON);
    tci_json_writer_init(&json, out);
    tc_status status = write_file(&json, options, rows, labels, label_count, whole, tokens, &text);
    tci_buffer_free(&text);
    return status == TC_OK ? tci_buffer_text(out, "\n") : status;
}
