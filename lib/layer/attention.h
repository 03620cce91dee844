/* attention.h: scaled dot-product attention of one text, forward and backward, head by head (Vaswani et al. 2017):
 *
 *     P = softmax(Q K^T / √head_dim)      out = dropout(P) V
 *
 * Q, K, V and out are (length, ..) row-major with any strides; head h has columns [h·head_dim, (h + 1)·head_dim). A
 * tile of query rows meets all keys at a time, so no more than a tile of scores ever exists; the backward pass makes
 * them again from two numbers a row. Causal: a query sees itself and what stands before it.
 *
 * Work is dealt out by texts and by heads. Bits of a text depend on its length and its own values alone.
 *
 * Dropout decisions are keyed as in layer/dropout.h: (seed, step, row position, query's token position, layer, key of
 * the head). */
#ifndef TCI_LAYER_ATTENTION_H
#define TCI_LAYER_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/kernel.h"

typedef struct tci_attention {
    size_t heads, head_dim;
    bool causal;
    double dropout; /* rate; 0: none */
    uint64_t seed, step;
    uint32_t layer; /* which dropout of the network */
} tci_attention;

typedef struct tci_attention_text {
    size_t length;
    const float *q, *k, *v; /* (length, stride) each */
    size_t stride;
    float *out; /* (length, out_stride), in the backward pass what forward wrote; columns behind the last head up to
                   the next 16 become zeros */
    size_t out_stride;
    float *stats;         /* (heads, length, 2) largest score and 1 / sum, for the backward pass; NULL: not kept */
    uint32_t position;    /* dropout: the row's place in the batch, */
    uint32_t first_token; /* and that of the text's first token in the row's ids */
} tci_attention_text;

/* Floats of scratch (64-byte aligned) that each thread brings, for texts up to `longest` tokens. */
size_t tci_attention_scratch(const tci_attention *attention, size_t longest);
size_t tci_attention_backward_scratch(const tci_attention *attention, size_t longest);

/* Heads [first, first + count). */
void tci_attention_forward(const tci_attention *attention, const tci_kernels *kernels, const tci_attention_text *text,
                           size_t first, size_t count, float *scratch);

typedef struct tci_attention_gradients {
    const float *dout;   /* (length, out_stride of the text) */
    float *dq, *dk, *dv; /* (length, stride) each, stored; padding columns as those of out */
    size_t stride;
} tci_attention_gradients;

void tci_attention_backward(const tci_attention *attention, const tci_kernels *kernels, const tci_attention_text *text,
                            const tci_attention_gradients *gradients, size_t first, size_t count, float *scratch);

#endif
