/* transformer_network.h: the architectures `bert` and `gpt` (Devlin et al. 2018; Radford et al. 2019): embeddings,
 * layers of attention and feed-forward blocks, pooling, head; shared by their files.
 *
 * A stream of vectors s (tokens, width) goes through 2·layers blocks, an attention block and a feed-forward block for
 * each layer, with a norm before each and one behind the last:
 *
 *     n = norm[i](s)      s = (bert: n, gpt: s) + block[i](n)      out = norm[2·layers](s)
 *
 * which is BERT's order (a norm behind each residual; the first is the embeddings') as well as GPT-2's (a norm before
 * each block). s begins as words + segment 0 + positions.
 *
 * Rows of any length are cut into sequences of `max_length` ids, which are computed as texts of their own; a row's
 * logits, or its vector, are the mean over its sequences. Matrices have rows of the width rounded up to 16, with zeros
 * behind the width, and no padding tokens. */
#ifndef TCI_MODEL_TRANSFORMER_NETWORK_H
#define TCI_MODEL_TRANSFORMER_NETWORK_H

#include "layer/attention.h"
#include "layer/dense.h"
#include "layer/layer_norm.h"
#include "model/network.h"
#include "model/transformer_lora.h"
#include "model/transformer_names.h"

#define TCI_TRANSFORMER_LAYERS 64 /* dropouts of a network have numbers below 256 */

/* The weights of a layer where they stand; `packed` members are set where there is a packed copy. */
typedef struct tci_transformer_layer {
    tci_dense query_key_value, attention_output, up, down;
} tci_transformer_layer;

typedef struct tci_transformer {
    tci_network base;
    tci_transformer_tensors tensors;
    tci_lora lora;
    size_t width, stride, head_count, intermediate, layer_count; /* stride: width rounded up to 16 */
    size_t positions, position_offset, segments;
    size_t max_length;                                  /* ids of a sequence */
    bool residual_of_norm;                              /* bert */
    bool causal;                                        /* gpt */
    bool attention_output_dropout, double_head_dropout; /* by family */
    int32_t pooling;                                    /* TCI_POOLING_ */
    tci_activation activation, pooler_activation;       /* the latter TCI_ACTIVATION_NONE: no pooler */
    double dropout, embedding_dropout, attention_dropout, head_dropout;
    float epsilon;
    /* bound by tci_transformer_bind() */
    const float *words, *position_table, *segment_table; /* the last NULL: none */
    tci_layer_norm *norms;                               /* (2·layers + 1) */
    tci_transformer_layer *layers;
    tci_dense pooler, output;
    float *packed; /* of all dense layers, or NULL: then they are packed piece by piece on the way */
} tci_transformer;

extern const tci_architecture tci_bert_architecture, tci_gpt_architecture;

/* Tensors of a norm: gain, and bias behind it. */
size_t tci_transformer_norm_tensor(const tci_transformer *network, size_t norm);

/* Points everything at the parameters, wherever they stand now, and at no packed copy. */
void tci_transformer_bind(tci_transformer *network);
/* Floats of scratch for any of its dense layers. */
size_t tci_transformer_dense_scratch(const tci_transformer *network);
/* The parameters of a network that differs in its adapters alone: those of `from`, into whose weights its adapters are
 * merged where `to` has none; new ones where `from` has none. */
tc_status tci_transformer_readapt(const tci_network *from, tci_network *to, uint64_t seed);
/* A network whose weights change with each step is better off without a packed copy. */
void tci_transformer_drop_packed(tci_transformer *network);
/* Likewise the head alone: what is packed of it is not read any more. */
void tci_transformer_unpack_head(tci_transformer *network);

/* A sequence of a batch. */
typedef struct tci_sequence {
    const uint32_t *ids;
    size_t length;
    size_t start; /* its first token in the matrices */
    size_t row;   /* number of its row among the sorted ones */
    size_t first; /* its first token in the row */
    bool last;    /* of its row */
} tci_sequence;

/* How many sequences a row is, at least 1. */
static inline size_t tci_transformer_sequences(const tci_transformer *network, size_t length)
{
    return length == 0 ? 1 : (length - 1) / network->max_length + 1;
}

/* The row of the position table of the next token; *next begins at position_offset. Where there are rows before that,
 * the last of them is the padding's, whose id is its number: RoBERTa's positions do not count padding in a text. */
static inline size_t tci_transformer_position(const tci_transformer *network, uint32_t id, size_t *next)
{
    return (size_t)id + 1 == network->position_offset ? id : (*next)++;
}

/* s (tokens, stride) of tokens [begin, end) of a sequence of these ids: words + segment 0 + positions. */
void tci_transformer_embed(const tci_transformer *network, const uint32_t *ids, size_t begin, size_t end, float *s);

/* vector (stride) from out (length, stride) of one sequence; of no tokens: zeros. argmax (stride), NULL: not wanted, is
 * filled where the maximum is pooled. */
void tci_transformer_pool(const tci_transformer *network, const float *out, size_t length, float *vector,
                          uint32_t *argmax);

/* transformer_predict.c */
tc_status tci_transformer_predict(const tci_network *network, tci_pool *pool, tci_workspace *workspace,
                                  const tci_row *rows, size_t row_count, float *logits);
tc_status tci_transformer_predict_long(const tci_network *network, tci_pool *pool, tci_workspace *workspace,
                                       const tci_id_source *source, float *logits);
size_t tci_transformer_vector_dim(const tci_network *network);
tc_status tci_transformer_vector(const tci_network *network, tci_workspace *workspace, const tci_row *row,
                                 const tci_id_source *source, float *vector);
/* Vectors (row_count, width) of rows in any order. */
tc_status tci_transformer_vectors(const tci_network *network, tci_pool *pool, tci_workspace *workspace,
                                  const tci_row *rows, size_t row_count, float *vectors);

/* transformer_training.c */
tc_status tci_transformer_training_create(tci_network *network, const tci_options *options, tci_memory *memory,
                                          tci_pool *pool, tci_training **training);
void tci_transformer_training_free(tci_training *training);
void tci_transformer_training_refresh(tci_training *training);
tc_status tci_transformer_training_forward(tci_training *training, const tci_step_context *context, const tci_row *rows,
                                           size_t row_count, float *logits);
tc_status tci_transformer_predict_kept(tci_training *training, const tci_row *rows, size_t row_count, float *logits,
                                       bool *kept);
void tci_transformer_training_backward(tci_training *training, const float *dlogits, tci_gradients *gradients);

#endif
