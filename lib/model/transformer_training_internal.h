/* transformer_training_internal.h: what the forward and the backward pass of a transformer share.
 *
 * Of each layer the stream before it, the stream between its two blocks, query, key, value, the attended vectors and
 * what the feed-forward's function is applied to are kept; norms and that function are computed again on the way back.
 * Where the head alone is trained none of these is there: what it reads stays from one epoch to the next.
 * With option gradient_checkpointing the stream before each layer alone is kept, and the rest of a layer is computed
 * again, in memory that all layers share, by the code that computed it first. Where adapters are trained the weights
 * have no gradients, and a large batch takes more than all else: then what comes behind the attention, half of it, is
 * computed again in the same way. */
#ifndef TCI_MODEL_TRANSFORMER_TRAINING_INTERNAL_H
#define TCI_MODEL_TRANSFORMER_TRAINING_INTERNAL_H

#include "layer/dropout.h"
#include "model/transformer_features.h"
#include "model/transformer_network.h"

typedef struct tci_kept_layer {
    float *qkv;             /* (tokens, 3·stride) */
    float *attended;        /* (tokens, stride) */
    float *attention_stats; /* (heads, tokens, 2), sequence by sequence */
    float *middle;          /* (tokens, stride): the stream between the blocks */
    float *middle_stats;    /* (tokens, 2) */
    float *up;              /* (tokens, padded intermediate) before the function */
} tci_kept_layer;

struct tci_training {
    tci_transformer *network;
    tci_memory *memory;
    tci_pool *pool;
    bool checkpointing;
    bool feeds_again; /* this batch: `middle` and `up` are kept of the last layer alone */
    bool head_only;   /* nothing below the pooling is trained: vectors come from `features`, no activations are kept */
    tci_features features;
    tci_workspace batch_space, space;
    bool dropping; /* false while it predicts */
    /* the batch of the last forward */
    tci_step_context context;
    const tci_row *rows;
    size_t row_count, sequence_count, token_count, longest;
    tci_sequence *sequences;
    uint32_t *ids, *row_positions, *row_tokens; /* (tokens): of each token, for the dropout its row's position and its
                                                 * place in the row */
    tci_window window;                          /* numbers the distinct ids */
    /* kept activations */
    float **stream, **stream_stats; /* (layers + 1): (tokens, stride), (tokens, 2) */
    tci_kept_layer *kept;           /* (layers) */
    size_t kept_bytes;
    float *pooled, *before, *hidden, *logits; /* (sequences, ..): the pooler's input, what its function is applied to,
                                               * what the output layer reads (NULL: the pooler's input), its output */
    uint32_t *argmax;
    /* shared by all layers */
    float *normed;                        /* (tokens, stride) */
    float *wide;                          /* (tokens, padded intermediate or 3·stride) */
    float *dstream, *dattended, *dropped; /* (tokens, stride); the last NULL: nothing is dropped */
    float *dlogits, *dpooled;             /* (sequences, ..) */
    float *low; /* (tokens, 2·padded rank): what an adapter's A gives, and the gradient of that; NULL: no adapters */
    float *scratch;
    size_t scratch_floats;
    tci_gradients *gradients;
    size_t deepest; /* level of the lowest trained tensor */
};

/* Numbers of the network's dropouts. */
enum { TCI_DROP_ATTENTION = 1, TCI_DROP_ATTENTION_OUTPUT = 2, TCI_DROP_FEED = 3 }; /* of layer i: 3·i more */

static inline uint32_t tci_head_dropout_number(const tci_transformer *network, bool before_pooler)
{
    return (uint32_t)(3 * network->layer_count) + 1 + before_pooler;
}

static inline float *tci_training_scratch(const tci_training *training, const tci_team *team)
{
    return training->scratch + team->index * training->scratch_floats;
}

/* Whether a dense layer is dealt out by rows, which packs its weights once for each member, or by panels, which makes
 * each member read all rows. */
static inline bool tci_training_deals_rows(size_t rows, const tci_team *team)
{
    return rows >= 256 * team->size;
}

tci_attention tci_training_attention(const tci_training *training, size_t layer);
/* Of one sequence in layer `layer`; the gradients' strides are the same. */
tci_attention_text tci_training_attention_text(const tci_training *training, size_t layer, size_t sequence);

/* Each of the following is called by every member of the team, which meets at its end. */

/* x (tokens, stride) = src, which may be x, without what is dropped of tokens' vectors; the same call masks the
 * gradient. Nothing at rate 0. */
void tci_training_drop(const tci_training *training, double rate, uint32_t number, const float *src, float *x,
                       const tci_team *team);
/* The same for vectors (sequences, stride). */
void tci_training_drop_vectors(const tci_training *training, uint32_t number, float *x, const tci_team *team);

/* normed = norm(stream), as the first block of a layer, `layer` = layers the pooling, reads it. stats NULL: they are
 * kept already. */
void tci_training_norm(const tci_training *training, size_t norm, const float *x, float *stats, const tci_team *team);

/* A layer up to what its last dense layer reads, which is `up` and, through the function, `wide`; with `attended` from
 * the attended vectors on, which are kept. */
void tci_training_run_layer(const tci_training *training, size_t layer, bool attended, const tci_team *team);

#endif
