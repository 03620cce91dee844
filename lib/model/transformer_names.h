/* transformer_names.h: which tensors a transformer has, by family: names, shapes and order of the Hugging Face module
 * ...ForSequenceClassification that computes the same.
 *
 * A tensor is a role, a layer and the choice of weight or bias. Weights are (out, in), as nn.Linear has them; with
 * gpt2 those of the layers are (in, out), as Conv1D has them, and query, key and value stand side by side in one. */
#ifndef TCI_MODEL_TRANSFORMER_NAMES_H
#define TCI_MODEL_TRANSFORMER_NAMES_H

#include "model/options.h"
#include "tensor/parameters.h"

typedef enum tci_transformer_role {
    TCI_ROLE_WORDS,     /* (vocabulary, width), no bias; rows are sparse */
    TCI_ROLE_POSITIONS, /* (positions + position_offset, width), no bias */
    TCI_ROLE_SEGMENTS,  /* (segments, width), no bias; there if segments is not 0 */
    TCI_ROLE_EMBEDDING_NORM,
    /* of each layer */
    TCI_ROLE_ATTENTION_NORM, /* gpt2: before attention; otherwise behind it, after the residual */
    TCI_ROLE_QUERY,
    TCI_ROLE_KEY,
    TCI_ROLE_VALUE,
    TCI_ROLE_QUERY_KEY_VALUE, /* gpt2: (width, 3 width) in place of the three */
    TCI_ROLE_ATTENTION_OUTPUT,
    TCI_ROLE_FEED_NORM, /* gpt2: before the feed-forward block; otherwise behind it, after the residual */
    TCI_ROLE_UP,        /* to intermediate_dim */
    TCI_ROLE_DOWN,      /* and back */
    /* once */
    TCI_ROLE_FINAL_NORM,
    TCI_ROLE_POOLER, /* (width, width); there if pooler is not none */
    TCI_ROLE_OUTPUT, /* (labels, width); gpt2: no bias */
    TCI_ROLE_COUNT
} tci_transformer_role;

typedef struct tci_transformer_family {
    const char *name;   /* model_type of config.json */
    const char *prefix; /* of the tensors of the body; those of a bare body's checkpoint lack it and the point behind */
    const char *layers; /* before the layer's number */
    const char *const *body; /* by role: begins with '.' behind the prefix, or '#' behind the layer; NULL: not there */
    const char *pooler, *output;
    bool pre_norm; /* gpt2: norms before the blocks, causal attention, weights (in, out) */
} tci_transformer_family;

const tci_transformer_family *tci_transformer_family_of(const tci_options *options);

static inline bool tci_transformer_role_of_layer(tci_transformer_role role)
{
    return role >= TCI_ROLE_ATTENTION_NORM && role <= TCI_ROLE_DOWN;
}

/* Whether a model of these options has tensors of this role, and whether its weight has a bias beside it. */
bool tci_transformer_has(const tci_options *options, tci_transformer_role role);
bool tci_transformer_has_bias(const tci_options *options, tci_transformer_role role);

/* The name of a role's tensor; `layer` is ignored where the role is no layer's. */
void tci_transformer_name(const tci_options *options, tci_transformer_role role, size_t layer, bool bias,
                          char name[TCI_TENSOR_NAME]);

/* Numbers of the declared tensors: those of layer 0, and how many a layer has. */
typedef struct tci_transformer_tensors {
    size_t first[TCI_ROLE_COUNT]; /* of the weight, the bias is the next; SIZE_MAX: not there */
    size_t per_layer;
    bool adapted[TCI_ROLE_COUNT]; /* those whose weights have adapters (model/transformer_lora.h): pairs of matrices, */
    size_t first_adapter;         /* layer by layer, in the order of the roles, from here on */
} tci_transformer_tensors;

static inline size_t tci_transformer_weight(const tci_transformer_tensors *tensors, tci_transformer_role role,
                                            size_t layer)
{
    return tensors->first[role] + (tci_transformer_role_of_layer(role) ? layer * tensors->per_layer : 0);
}

/* Declares all tensors; `tensors` may be NULL. */
tc_status tci_transformer_declare(tci_parameters *parameters, const tci_options *options, size_t inputs,
                                  size_t label_count, tci_transformer_tensors *tensors);

#endif
