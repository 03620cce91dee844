/* pretrained_write.c: a model to a Hugging Face folder: its files, the weights last.
 *
 * The head decides what is written: that of ...ForSequenceClassification is written as that class; any other is the
 * body with modules.json, which says how its states are pooled, and an output layer beside it that transformers passes
 * over. The weights stand as they are in the model: names, shapes and values are those of the module. */
#include <string.h>

#include "base/json.h"
#include "model/conversion.h"
#include "serialization/config_json.h"
#include "serialization/pretrained_options.h"
#include "serialization/pretrained_writer.h"
#include "serialization/tokenizer_json.h"

#define WEIGHTS_FILE "model.safetensors"

/* ---- special tokens ---- */

/* What they are called in the tokenizers of the families; what the vocabulary lacks is not there. */
static const struct special_token {
    const char *key, *contents[3];
} special_tokens[] = {
    {"unk_token", {"[UNK]", "<unk>", NULL}},        {"pad_token", {"[PAD]", "<pad>", "<|pad|>"}},
    {"cls_token", {"[CLS]", "<s>", NULL}},          {"sep_token", {"[SEP]", "</s>", NULL}},
    {"mask_token", {"[MASK]", "<mask>", NULL}},     {"bos_token", {"<s>", "<|endoftext|>", NULL}},
    {"eos_token", {"</s>", "<|endoftext|>", NULL}},
};
enum { PAD_TOKEN = 1, BEGIN_TOKEN = 5, END_TOKEN = 6, SPECIAL_TOKENS = 7 };

/* NULL where the tokenizer has none; its id goes to *id. */
static const char *special_token_of(const tci_subword *subword, size_t index, uint64_t *id)
{
    for (size_t i = 0; i < 3 && special_tokens[index].contents[i]; i++) {
        const char *content = special_tokens[index].contents[i];
        uint32_t found = tci_subword_find(subword, content, strlen(content));
        if (found != TCI_SUBWORD_NONE) {
            *id = found;
            return content;
        }
    }
    return NULL;
}

static void find_tokens(const tci_subword *subword, tci_config_tokens *tokens)
{
    tokens->has_pad = special_token_of(subword, PAD_TOKEN, &tokens->pad) != NULL;
    tokens->has_begin = special_token_of(subword, BEGIN_TOKEN, &tokens->begin) != NULL;
    tokens->has_end = special_token_of(subword, END_TOKEN, &tokens->end) != NULL;
}

static tc_status write_special_tokens(const tci_folder_writer *writer, tci_json_writer *json)
{
    uint64_t id = 0;
    for (size_t i = 0; i < SPECIAL_TOKENS; i++) {
        const char *content = special_token_of(writer->model->pipeline->subword, i, &id);
        if (!content)
            continue;
        TCI_RETURN_IF(tci_json_key(json, special_tokens[i].key));
        TCI_RETURN_IF(tci_json_string(json, content));
    }
    return TC_OK;
}

/* ---- the texts ---- */

static tc_status special_tokens_map(const tci_folder_writer *writer, tci_json_writer *json)
{
    TCI_RETURN_IF(tci_json_begin(json, '{'));
    TCI_RETURN_IF(write_special_tokens(writer, json));
    return tci_json_end(json, '}');
}

/* The class that takes tokenizer.json as it is. */
static tc_status tokenizer_config(const tci_folder_writer *writer, tci_json_writer *json)
{
    const tci_options *options = &writer->model->options;
    static const char *const inputs[] = {"input_ids", "attention_mask", "token_type_ids"};
    TCI_RETURN_IF(tci_json_begin(json, '{'));
    TCI_RETURN_IF(tci_json_key(json, "tokenizer_class"));
    TCI_RETURN_IF(tci_json_string(json, "PreTrainedTokenizerFast"));
    TCI_RETURN_IF(tci_json_key(json, "model_max_length"));
    TCI_RETURN_IF(tci_json_unsigned_value(json, options->max_length));
    TCI_RETURN_IF(tci_json_key(json, "clean_up_tokenization_spaces"));
    TCI_RETURN_IF(tci_json_bool(json, false));
    TCI_RETURN_IF(tci_json_key(json, "model_input_names"));
    TCI_RETURN_IF(tci_json_begin(json, '['));
    for (size_t i = 0; i < (options->family == TCI_FAMILY_BERT ? 3 : 2); i++)
        TCI_RETURN_IF(tci_json_string(json, inputs[i]));
    TCI_RETURN_IF(tci_json_end(json, ']'));
    TCI_RETURN_IF(write_special_tokens(writer, json));
    return tci_json_end(json, '}');
}

static tc_status write_module(tci_json_writer *json, uint64_t number, const char *path, const char *type)
{
    const char name[2] = {(char)('0' + number), '\0'};
    TCI_RETURN_IF(tci_json_begin(json, '{'));
    TCI_RETURN_IF(tci_json_key(json, "idx"));
    TCI_RETURN_IF(tci_json_unsigned_value(json, number));
    TCI_RETURN_IF(tci_json_key(json, "name"));
    TCI_RETURN_IF(tci_json_string(json, name));
    TCI_RETURN_IF(tci_json_key(json, "path"));
    TCI_RETURN_IF(tci_json_string(json, path));
    TCI_RETURN_IF(tci_json_key(json, "type"));
    TCI_RETURN_IF(tci_json_string(json, type));
    return tci_json_end(json, '}');
}

static tc_status modules(const tci_folder_writer *writer, tci_json_writer *json)
{
    (void)writer;
    TCI_RETURN_IF(tci_json_begin(json, '['));
    TCI_RETURN_IF(write_module(json, 0, "", "sentence_transformers.models.Transformer"));
    TCI_RETURN_IF(write_module(json, 1, TCI_POOLING_FOLDER, "sentence_transformers.models.Pooling"));
    return tci_json_end(json, ']');
}

static tc_status pooling(const tci_folder_writer *writer, tci_json_writer *json)
{
    static const struct {
        const char *key;
        int32_t pooling;
    } modes[] = {{"pooling_mode_cls_token", TCI_POOLING_CLS},
                 {"pooling_mode_mean_tokens", TCI_POOLING_MEAN},
                 {"pooling_mode_max_tokens", TCI_POOLING_MAX},
                 {"pooling_mode_lasttoken", TCI_POOLING_LAST}};
    TCI_RETURN_IF(tci_json_begin(json, '{'));
    TCI_RETURN_IF(tci_json_key(json, "word_embedding_dimension"));
    TCI_RETURN_IF(tci_json_unsigned_value(json, writer->model->options.hidden_dim));
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        TCI_RETURN_IF(tci_json_key(json, modes[i].key));
        TCI_RETURN_IF(tci_json_bool(json, modes[i].pooling == writer->model->options.pooling));
    }
    return tci_json_end(json, '}');
}

/* ---- the files ---- */

static tc_status write_json(tci_folder_writer *writer, const char *name,
                            tc_status (*content)(const tci_folder_writer *writer, tci_json_writer *json))
{
    tci_json_writer json;
    writer->text.size = 0;
    tci_json_writer_init(&json, &writer->text);
    TCI_RETURN_IF(content(writer, &json));
    TCI_RETURN_IF(tci_buffer_text(&writer->text, "\n"));
    return tci_folder_write_text(writer, name);
}

static tc_status write_config(tci_folder_writer *writer)
{
    const tc_model *model = writer->model;
    tci_config_tokens tokens = {.has_pad = false};
    find_tokens(model->pipeline->subword, &tokens);
    writer->text.size = 0;
    TCI_RETURN_IF(tci_config_json_write(&model->options, model->options.vocab_size, model->labels, model->label_count,
                                        writer->whole, &tokens, &writer->text));
    return tci_folder_write_text(writer, TCI_CONFIG_JSON);
}

static tc_status write_tokenizer(tci_folder_writer *writer)
{
    tci_file_piece piece = {NULL, 0};
    piece.data = tci_subword_json(writer->model->pipeline->subword, &piece.size);
    return tci_folder_write(writer, TCI_TOKENIZER_JSON, &piece, 1);
}

/* What says how to pool; an old one of another model must not stay. */
static tc_status write_modules(tci_folder_writer *writer)
{
    char *path = NULL;
    if (writer->whole)
        return tci_folder_remove(writer, TCI_MODULES_JSON);
    TCI_RETURN_IF(tci_path_join(&writer->memory, writer->folder, TCI_POOLING_FOLDER, &path));
    tc_status status = tci_folder_create(writer->model->files, path);
    tci_free(&writer->memory, path);
    TCI_RETURN_IF(status);
    TCI_RETURN_IF(write_json(writer, TCI_POOLING_FOLDER "/" TCI_CONFIG_JSON, pooling));
    return write_json(writer, TCI_MODULES_JSON, modules);
}

/* What the other files have no place for; an old one of another model must not stay. */
static tc_status write_settings(tci_folder_writer *writer)
{
    writer->text.size = 0;
    TCI_RETURN_IF(tci_settings_write(writer->model, false, &writer->text));
    return writer->text.size > 0 ? tci_folder_write_text(writer, TCI_SETTINGS_JSON)
                                 : tci_folder_remove(writer, TCI_SETTINGS_JSON);
}

static bool name_as_it_is(const tci_folder_writer *writer, const tci_tensor_info *tensor, char *name)
{
    (void)writer;
    memcpy(name, tensor->name, strlen(tensor->name) + 1);
    return true;
}

/* ---- what can be written ---- */

static tc_status check(const tc_model *model)
{
    const tci_options *options = &model->options;
    char name[TCI_CHOICE_NAME];
    if (options->arch != TCI_ARCH_BERT && options->arch != TCI_ARCH_GPT)
        return tci_fail(TC_ERROR_UNSUPPORTED,
                        "a model of arch %s has no place in a Hugging Face folder; bert and gpt "
                        "have",
                        tci_choice_name("arch", options->arch, name));
    if (!model->pipeline->subword)
        return tci_fail(TC_ERROR_UNSUPPORTED,
                        "a model with tokenizer %s has no place in a Hugging Face folder; one that a tokenizer.json "
                        "describes has",
                        tci_choice_name("tokenizer", options->tokenizer, name));
    if (!tci_is_class(options) && options->pooler != TCI_POOLER_NONE)
        return tci_fail(TC_ERROR_UNSUPPORTED,
                        "pooling %s with a pooler has no place in a Hugging Face folder; cls with the family's own "
                        "has, and any pooling without",
                        tci_choice_name("pooling", options->pooling, name));
    return TC_OK;
}

static tc_status write_all(tci_folder_writer *writer)
{
    TCI_RETURN_IF(write_config(writer));
    TCI_RETURN_IF(write_tokenizer(writer));
    TCI_RETURN_IF(write_json(writer, "tokenizer_config.json", tokenizer_config));
    TCI_RETURN_IF(write_json(writer, "special_tokens_map.json", special_tokens_map));
    TCI_RETURN_IF(write_modules(writer));
    TCI_RETURN_IF(write_settings(writer));
    return tci_folder_write_weights(writer, WEIGHTS_FILE, name_as_it_is);
}

/* What adapters add is written within the weights. */
static tc_status save_merged(const tc_model *model, const char *folder)
{
    tci_options options = model->options;
    tc_model *merged = NULL;
    options.lora_rank = 0;
    TCI_RETURN_IF(tci_model_convert(model, &options, &merged));
    tc_status status = tci_pretrained_save(merged, folder);
    tci_model_release(merged);
    return status;
}

tc_status tci_pretrained_save(const tc_model *model, const char *folder)
{
    tci_folder_writer writer;
    TCI_RETURN_IF(check(model));
    if (model->options.lora_rank > 0)
        return save_merged(model, folder);
    tc_status status = tci_folder_writer_begin(&writer, model, folder, TCI_ADAPTER_CONFIG);
    if (status == TC_OK)
        status = write_all(&writer);
    return tci_folder_writer_end(&writer, status);
}
