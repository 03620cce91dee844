/* transformer_names.c: the families of transformers: what their tensors are called and what shapes they have. A family
 * is one row of the table. */
#include "model/transformer_names.h"

#include <string.h>

/* BERT, RoBERTa and XLM-R name the tensors of the body alike. */
static const char *const bert_body[TCI_ROLE_COUNT] = {
    [TCI_ROLE_WORDS] = ".embeddings.word_embeddings",
    [TCI_ROLE_POSITIONS] = ".embeddings.position_embeddings",
    [TCI_ROLE_SEGMENTS] = ".embeddings.token_type_embeddings",
    [TCI_ROLE_EMBEDDING_NORM] = ".embeddings.LayerNorm",
    [TCI_ROLE_QUERY] = "#attention.self.query",
    [TCI_ROLE_KEY] = "#attention.self.key",
    [TCI_ROLE_VALUE] = "#attention.self.value",
    [TCI_ROLE_ATTENTION_OUTPUT] = "#attention.output.dense",
    [TCI_ROLE_ATTENTION_NORM] = "#attention.output.LayerNorm",
    [TCI_ROLE_UP] = "#intermediate.dense",
    [TCI_ROLE_DOWN] = "#output.dense",
    [TCI_ROLE_FEED_NORM] = "#output.LayerNorm",
};

static const char *const distilbert_body[TCI_ROLE_COUNT] = {
    [TCI_ROLE_WORDS] = ".embeddings.word_embeddings",
    [TCI_ROLE_POSITIONS] = ".embeddings.position_embeddings",
    [TCI_ROLE_EMBEDDING_NORM] = ".embeddings.LayerNorm",
    [TCI_ROLE_QUERY] = "#attention.q_lin",
    [TCI_ROLE_KEY] = "#attention.k_lin",
    [TCI_ROLE_VALUE] = "#attention.v_lin",
    [TCI_ROLE_ATTENTION_OUTPUT] = "#attention.out_lin",
    [TCI_ROLE_ATTENTION_NORM] = "#sa_layer_norm",
    [TCI_ROLE_UP] = "#ffn.lin1",
    [TCI_ROLE_DOWN] = "#ffn.lin2",
    [TCI_ROLE_FEED_NORM] = "#output_layer_norm",
};

static const char *const gpt2_body[TCI_ROLE_COUNT] = {
    [TCI_ROLE_WORDS] = ".wte",
    [TCI_ROLE_POSITIONS] = ".wpe",
    [TCI_ROLE_ATTENTION_NORM] = "#ln_1",
    [TCI_ROLE_QUERY_KEY_VALUE] = "#attn.c_attn",
    [TCI_ROLE_ATTENTION_OUTPUT] = "#attn.c_proj",
    [TCI_ROLE_FEED_NORM] = "#ln_2",
    [TCI_ROLE_UP] = "#mlp.c_fc",
    [TCI_ROLE_DOWN] = "#mlp.c_proj",
    [TCI_ROLE_FINAL_NORM] = ".ln_f",
};

static const tci_transformer_family families[] = {
    [TCI_FAMILY_BERT] = {"bert", "bert", ".encoder.layer.", bert_body, ".pooler.dense", "classifier", false},
    [TCI_FAMILY_ROBERTA] = {"roberta", "roberta", ".encoder.layer.", bert_body, "classifier.dense",
                            "classifier.out_proj", false},
    [TCI_FAMILY_XLM_ROBERTA] = {"xlm-roberta", "roberta", ".encoder.layer.", bert_body, "classifier.dense",
                                "classifier.out_proj", false},
    [TCI_FAMILY_DISTILBERT] = {"distilbert", "distilbert", ".transformer.layer.", distilbert_body, "pre_classifier",
                               "classifier", false},
    [TCI_FAMILY_GPT2] = {"gpt2", "transformer", ".h.", gpt2_body, NULL, "score", true},
};

const tci_transformer_family *tci_transformer_family_of(const tci_options *options)
{
    return &families[options->family];
}

static const char *part_of(const tci_transformer_family *family, tci_transformer_role role)
{
    return role == TCI_ROLE_POOLER ? family->pooler : role == TCI_ROLE_OUTPUT ? family->output : family->body[role];
}

bool tci_transformer_has(const tci_options *options, tci_transformer_role role)
{
    if ((role == TCI_ROLE_SEGMENTS && options->segments == 0) ||
        (role == TCI_ROLE_POOLER && options->pooler == TCI_POOLER_NONE))
        return false;
    return part_of(tci_transformer_family_of(options), role) != NULL;
}

bool tci_transformer_has_bias(const tci_options *options, tci_transformer_role role)
{
    return role > TCI_ROLE_SEGMENTS && (role != TCI_ROLE_OUTPUT || !tci_transformer_family_of(options)->pre_norm);
}

/* Appended as far as there is room, which there always is: the longest name has 59 bytes. */
static size_t append(char name[TCI_TENSOR_NAME], size_t length, const char *text)
{
    size_t size = strlen(text), room = TCI_TENSOR_NAME - 1 - length;
    size = size < room ? size : room;
    memcpy(name + length, text, size);
    name[length + size] = '\0';
    return length + size;
}

static size_t append_number(char name[TCI_TENSOR_NAME], size_t length, size_t number)
{
    char digits[24];
    size_t first = sizeof digits - 1;
    digits[first] = '\0';
    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return append(name, length, digits + first);
}

void tci_transformer_name(const tci_options *options, tci_transformer_role role, size_t layer, bool bias,
                          char name[TCI_TENSOR_NAME])
{
    const tci_transformer_family *family = tci_transformer_family_of(options);
    const char *part = part_of(family, role);
    size_t length = 0;
    name[0] = '\0';
    if (part[0] == '.' || part[0] == '#')
        length = append(name, length, family->prefix);
    if (part[0] == '#') {
        length = append(name, length, family->layers);
        length = append_number(name, length, layer);
        length = append(name, length, ".");
    }
    length = append(name, length, part + (part[0] == '#'));
    (void)append(name, length, bias ? ".bias" : ".weight");
}

static bool is_norm(tci_transformer_role role)
{
    return role == TCI_ROLE_EMBEDDING_NORM || role == TCI_ROLE_ATTENTION_NORM || role == TCI_ROLE_FEED_NORM ||
           role == TCI_ROLE_FINAL_NORM;
}

/* (rows, columns) of a role's weight, columns 1 for the gains of a norm. */
static void shape_of(const tci_options *options, tci_transformer_role role, size_t inputs, size_t label_count,
                     size_t shape[2])
{
    size_t width = (size_t)options->hidden_dim, swapped = 0;
    shape[0] = width;
    shape[1] = width;
    if (role == TCI_ROLE_WORDS)
        shape[0] = inputs;
    else if (role == TCI_ROLE_POSITIONS)
        shape[0] = (size_t)(options->positions + options->position_offset);
    else if (role == TCI_ROLE_SEGMENTS)
        shape[0] = (size_t)options->segments;
    else if (is_norm(role))
        shape[1] = 1;
    else if (role == TCI_ROLE_QUERY_KEY_VALUE)
        shape[0] = 3 * width;
    else if (role == TCI_ROLE_UP)
        shape[0] = (size_t)options->intermediate_dim;
    else if (role == TCI_ROLE_DOWN)
        shape[1] = (size_t)options->intermediate_dim;
    else if (role == TCI_ROLE_OUTPUT)
        shape[0] = label_count;
    if (tci_transformer_family_of(options)->pre_norm && tci_transformer_role_of_layer(role) && !is_norm(role)) {
        swapped = shape[0];
        shape[0] = shape[1];
        shape[1] = swapped;
    }
}

static tc_status declare_role(tci_parameters *parameters, const tci_options *options, tci_transformer_role role,
                              size_t layer, size_t inputs, size_t label_count, size_t *index)
{
    char name[TCI_TENSOR_NAME];
    size_t shape[2];
    if (!tci_transformer_has(options, role))
        return TC_OK;
    shape_of(options, role, inputs, label_count, shape);
    tci_transformer_name(options, role, layer, false, name);
    TCI_RETURN_IF(tci_parameters_declare(parameters, name, is_norm(role) ? 1 : 2, shape[0], shape[1],
                                         role == TCI_ROLE_WORDS, layer == 0 ? index : NULL));
    if (!tci_transformer_has_bias(options, role))
        return TC_OK;
    bool swapped =
        tci_transformer_family_of(options)->pre_norm && tci_transformer_role_of_layer(role) && !is_norm(role);
    tci_transformer_name(options, role, layer, true, name);
    return tci_parameters_declare(parameters, name, 1, shape[swapped], 1, false, NULL);
}

/* The weights of layers that option lora_targets names; nothing: all. */
static tc_status find_targets(const tci_options *options, bool adapted[TCI_ROLE_COUNT])
{
    const tci_transformer_family *family = tci_transformer_family_of(options);
    const char *targets = options->lora_targets;
    for (size_t role = TCI_ROLE_ATTENTION_NORM; !targets[0] && role <= TCI_ROLE_DOWN; role++)
        adapted[role] = family->body[role] && !is_norm((tci_transformer_role)role);
    for (size_t length = 0; *targets; targets += length + (targets[length] == ',')) {
        bool found = false;
        length = strcspn(targets, ",");
        for (size_t role = TCI_ROLE_ATTENTION_NORM; role <= TCI_ROLE_DOWN; role++) {
            const char *name = family->body[role];
            size_t size = name ? strlen(name) : 0;
            if (is_norm((tci_transformer_role)role) || length == 0 || size < length + 1 ||
                memcmp(name + size - length, targets, length) != 0 || !strchr(".#", name[size - length - 1]))
                continue;
            adapted[role] = found = true;
        }
        if (!found)
            return tci_fail(TC_ERROR_OPTION,
                            "option 'lora_targets': the layers of family %s have no weight '%.*s'; names are those of "
                            "modules, or the ends of them, with commas between: %s",
                            family->name, length < 64 ? (int)length : 64, targets,
                            family->pre_norm ? "c_attn, attn.c_proj, c_fc, mlp.c_proj"
                            : options->family == TCI_FAMILY_DISTILBERT
                                ? "q_lin, k_lin, v_lin, out_lin, lin1, lin2"
                                : "query, key, value, attention.output.dense, intermediate.dense, output.dense");
    }
    return TC_OK;
}

static tc_status declare_adapter(tci_parameters *parameters, const tci_options *options, tci_transformer_role role,
                                 size_t layer)
{
    static const char *const ends[] = {".lora_A.weight", ".lora_B.weight"};
    size_t shape[2], rank = (size_t)options->lora_rank;
    bool swapped = tci_transformer_family_of(options)->pre_norm;
    shape_of(options, role, 0, 0, shape);
    for (size_t i = 0; i < 2; i++) {
        char name[TCI_TENSOR_NAME];
        size_t index = 0, outputs = shape[swapped], inputs = shape[!swapped];
        tci_transformer_name(options, role, layer, false, name);
        (void)append(name, strlen(name) - strlen(".weight"), ends[i]);
        TCI_RETURN_IF(tci_parameters_declare(parameters, name, 2, i == 0 ? rank : outputs, i == 0 ? inputs : rank,
                                             false, &index));
        parameters->tensors[index].adapter = true;
        parameters->tensors[index].level = (size_t)options->num_layers - layer;
    }
    return TC_OK;
}

static tc_status declare_adapters(tci_parameters *parameters, const tci_options *options,
                                  tci_transformer_tensors *numbers)
{
    numbers->first_adapter = parameters->tensor_count;
    if (options->lora_rank == 0)
        return TC_OK;
    TCI_RETURN_IF(find_targets(options, numbers->adapted));
    for (size_t layer = 0; layer < options->num_layers; layer++) {
        for (size_t role = TCI_ROLE_ATTENTION_NORM; role <= TCI_ROLE_DOWN; role++) {
            if (numbers->adapted[role])
                TCI_RETURN_IF(declare_adapter(parameters, options, (tci_transformer_role)role, layer));
        }
    }
    return TC_OK;
}

/* How far each is from the top, the norm behind the last layer being a part of it; biases and norms do not decay. */
static void mark_tensors(tci_parameters *parameters, const tci_transformer_tensors *numbers, size_t layers)
{
    size_t head = numbers->first[numbers->first[TCI_ROLE_POOLER] != SIZE_MAX ? TCI_ROLE_POOLER : TCI_ROLE_OUTPUT];
    size_t first = numbers->first[TCI_ROLE_ATTENTION_NORM]; /* with which a layer begins */
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        tci_tensor_info *tensor = &parameters->tensors[i];
        tensor->undecayed = tensor->rank == 1;
        if (i < first)
            tensor->level = layers + 1;
        else if (i < head)
            tensor->level = (i - first) / numbers->per_layer < layers ? layers - (i - first) / numbers->per_layer : 1;
    }
}

tc_status tci_transformer_declare(tci_parameters *parameters, const tci_options *options, size_t inputs,
                                  size_t label_count, tci_transformer_tensors *tensors)
{
    tci_transformer_tensors numbers = {.per_layer = 0};
    for (size_t role = 0; role < TCI_ROLE_COUNT; role++)
        numbers.first[role] = SIZE_MAX;
    for (size_t role = 0; role < TCI_ROLE_ATTENTION_NORM; role++)
        TCI_RETURN_IF(declare_role(parameters, options, (tci_transformer_role)role, 0, inputs, label_count,
                                   &numbers.first[role]));
    for (size_t layer = 0; layer < options->num_layers; layer++) {
        size_t before = parameters->tensor_count;
        for (size_t role = TCI_ROLE_ATTENTION_NORM; role <= TCI_ROLE_DOWN; role++)
            TCI_RETURN_IF(declare_role(parameters, options, (tci_transformer_role)role, layer, inputs, label_count,
                                       &numbers.first[role]));
        numbers.per_layer = parameters->tensor_count - before;
    }
    for (size_t role = TCI_ROLE_FINAL_NORM; role < TCI_ROLE_COUNT; role++)
        TCI_RETURN_IF(declare_role(parameters, options, (tci_transformer_role)role, 0, inputs, label_count,
                                   &numbers.first[role]));
    mark_tensors(parameters, &numbers, (size_t)options->num_layers);
    TCI_RETURN_IF(declare_adapters(parameters, options, &numbers));
    if (tensors)
        *tensors = numbers;
    return TC_OK;
}
