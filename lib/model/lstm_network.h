/* lstm_network.h: Embedding -> LSTM (layers, directions) -> pooling -> Linear, as an architecture; shared by its two
 * files.
 *
 * Tensors: embedding.weight (vocabulary, embedding_dim), lstm.weight_ih_lN[_reverse], lstm.weight_hh_lN[_reverse],
 * lstm.bias_ih_lN[_reverse], lstm.bias_hh_lN[_reverse], fc.weight (labels, directions·hidden_dim), fc.bias. With option
 * `weights` bf16 or int8 embedding and weight matrices of the LSTM are narrow; scales of int8 ones stand behind
 * fc.bias. */
#ifndef TCI_MODEL_LSTM_NETWORK_H
#define TCI_MODEL_LSTM_NETWORK_H

#include "layer/linear.h"
#include "layer/lstm.h"
#include "layer/pooling.h"
#include "model/network.h"

#define TCI_LSTM_LAYERS 16

typedef struct tci_lstm_network {
    tci_network base;
    size_t embedding_dim, hidden_dim, hidden_width, layers, directions;
    tci_element element; /* of embedding and LSTM matrices */
    tci_pooling_kind pooling;
    double dropout;
    /* the packed parameters of prediction */
    float *packed;
    tci_lstm lstm[TCI_LSTM_LAYERS][2];
    tci_linear head;
} tci_lstm_network;

extern const tci_architecture tci_lstm_architecture;

/* The embedding is tensor 0; the head's weight and bias are behind the layers. */
tci_lstm_shape tci_lstm_network_shape(const tci_lstm_network *network, size_t layer, size_t direction);
/* A layer's tensors within a block of gradients. */
tci_lstm_tensors tci_lstm_network_tensors(const tci_lstm_network *network, float *block, size_t layer,
                                          size_t direction);
const tci_tensor_info *tci_lstm_network_head(const tci_lstm_network *network); /* weight; bias follows */

/* Packs the parameters into placed layers, the network's own or those of its training; called by every member of a
 * team. */
void tci_lstm_network_pack(const tci_lstm_network *network, tci_lstm lstm[TCI_LSTM_LAYERS][2], const tci_linear *head,
                           const tci_team *team);

tc_status tci_lstm_network_predict(const tci_network *network, tci_pool *pool, tci_workspace *workspace,
                                   const tci_row *rows, size_t row_count, float *logits);
size_t tci_lstm_network_embed_dim(const tci_network *network);
tc_status tci_lstm_network_embed(const tci_network *network, tci_workspace *workspace, const tci_row *row,
                                 const tci_id_source *source, float *vector);
tc_status tci_lstm_network_predict_long(const tci_network *network, tci_pool *pool, tci_workspace *workspace,
                                        const tci_id_source *source, float *logits);

/* The training side (lstm_training.c). */
tc_status tci_lstm_training_create(tci_network *network, const tci_options *options, tci_memory *memory, tci_pool *pool,
                                   tci_training **training);
void tci_lstm_training_free(tci_training *training);
void tci_lstm_training_refresh(tci_training *training);
tc_status tci_lstm_training_forward(tci_training *training, const tci_step_context *context, const tci_row *rows,
                                    size_t row_count, float *logits);
void tci_lstm_training_backward(tci_training *training, const float *dlogits, tci_gradients *gradients);

#endif
