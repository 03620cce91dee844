/* lstm.h: one direction of one LSTM layer over a ragged batch, forward and backward.
 *
 * Equations (Hochreiter and Schmidhuber 1997 with forget gates, Gers et al. 2000; names as torch.nn.LSTM):
 *     i, f, o = sigmoid, g = tanh of   x W_ih^T + b_ih + h(t-1) W_hh^T + b_hh
 *     c(t) = f c(t-1) + i g        h(t) = o tanh(c(t))
 *
 * Layout. Units go in groups of 16; a group's pre-activations stand together: column 64·group + 16·gate + unit, gates
 * in the order i, f, g, o, so that one member of a team owns whole groups and needs one barrier a step. hidden_width is
 * hidden rounded up to 16, gate_width = 4·hidden_width; units that are not there have zero weights and stay zero. Gates
 * are blocked (kernel.h): 16 columns of all tokens are one stream, which every product reads as it stands.
 *
 * The input is one matrix, or two side by side (the halves of a bidirectional layer below). Its rows are either one per
 * token of the window or one per distinct id, where the tokens' rows are looked up in the window's index: the input
 * half of the pre-activations is then computed once per distinct id, and its gradient summed per id.
 *
 * Weight matrices may be narrow (layer/product.h), to predict: hidden states are then quantized for int8 weights row by
 * row and step by step, so that a text gives the same bits in any company. */
#ifndef TCI_LAYER_LSTM_H
#define TCI_LAYER_LSTM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/team.h"
#include "kernel/kernel.h"
#include "layer/product.h"
#include "tensor/ragged.h"

#define TCI_LSTM_GATES 4
#define TCI_LSTM_GROUP (TCI_LSTM_GATES * TCI_PANEL) /* columns of a group's pre-activations */

/* From one block of gates of so many rows to the next: an odd number of cache lines, so that blocks do not all begin in
 * the same set of the cache. */
static inline size_t tci_lstm_gate_block(size_t rows)
{
    return TCI_PANEL * (rows | 1);
}

typedef struct tci_lstm_shape {
    size_t inputs;     /* input matrices: 1 or 2 */
    size_t input_dim;  /* columns of each */
    size_t hidden_dim;
    bool reverse;      /* reads each text from its last token to its first */
    tci_element element; /* of the weight matrices */
} tci_lstm_shape;

/* Where the parameters of the direction stand, in PyTorch's layout, shapes as below. */
typedef struct tci_lstm_weights {
    const void *weight_ih, *weight_hh; /* of the shape's element type */
    const float *bias_ih, *bias_hh;
    const float *scale_ih, *scale_hh; /* int8: (4·hidden_dim) */
} tci_lstm_weights;

/* Where their gradients go. */
typedef struct tci_lstm_tensors {
    float *weight_ih; /* (4·hidden_dim, inputs·input_dim) */
    float *weight_hh; /* (4·hidden_dim, hidden_dim) */
    float *bias_ih;   /* (4·hidden_dim) */
    float *bias_hh;   /* (4·hidden_dim) */
} tci_lstm_tensors;

/* The parameters packed for the kernels. */
typedef struct tci_lstm {
    tci_lstm_shape shape;
    size_t hidden_width, gate_width, groups;
    tci_packed ih[2];  /* depth input_dim, gate_width columns */
    tci_packed hh;     /* depth hidden_dim, gate_width columns */
    float *bias;       /* (gate_width) b_ih + b_hh */
    float *ih_back[2]; /* training only: panels, depth gate_width, input_dim columns */
    float *hh_back;    /* training only: panels, depth gate_width, hidden_dim columns */
} tci_lstm;

/* Floats of the block that tci_lstm_place() divides; and of the one that training adds to a placed layer. */
size_t tci_lstm_packed_floats(const tci_lstm_shape *shape);
void tci_lstm_place(tci_lstm *lstm, const tci_lstm_shape *shape, float *block);
size_t tci_lstm_back_floats(const tci_lstm_shape *shape);
void tci_lstm_place_back(tci_lstm *lstm, float *block);

/* Packs the parameters into what is placed; every member of the team takes its groups. */
void tci_lstm_pack(const tci_lstm *lstm, const tci_kernels *kernels, const tci_lstm_weights *parameters,
                   const tci_team *team);

/* A forward run over one window. */
typedef struct tci_lstm_run {
    const tci_kernels *kernels;
    const tci_lstm *lstm;
    const tci_row *rows; /* (row_count) sorted by falling length */
    size_t row_count;
    const tci_window *window;
    const float *x[2]; /* (x_rows, padded input_dim) each */
    const tci_int8_row *x_numbers; /* int8 weights and x by id: instead of x, in as many bytes a row */
    size_t x_rows;
    bool x_by_id;      /* rows of x are the window's distinct ids, not its tokens */
    float *table;      /* tci_lstm_table_floats() when x is by id: input half of the pre-activations, row-major */
    bool save;         /* training: keep gates and c of every token */
    float *gates;      /* blocked (gate_rows, gate_width) */
    size_t gate_rows;  /* the window's tokens when saved or x is by token, else row_count */
    float *c;          /* (tokens, hidden_width) when saved, else not used */
    float *h;          /* (tokens, hidden_width) out */
    float *state_h;    /* (row_count, hidden_width) in and out: the rows' states before and after the window */
    float *state_c;    /* likewise; only used when not saved */
    char *scratch;     /* tci_lstm_run_scratch() bytes for each member of the team; int8 weights only */
} tci_lstm_run;

/* A multiple of 64; 0 for weights that need none. */
size_t tci_lstm_run_scratch(const tci_lstm *lstm, size_t row_count);

/* Floats of gates of so many rows, and of the table for so many distinct ids; backward's sums fit the table. */
size_t tci_lstm_gate_floats(const tci_lstm *lstm, size_t gate_rows);
size_t tci_lstm_table_floats(const tci_lstm *lstm, size_t x_rows);

/* Windows of one batch are run in the direction's own order. A row's state counts from the window in which it
 * begins. */
void tci_lstm_forward(const tci_lstm_run *run, const tci_team *team);

/* Backward of a run that saved and whose window was the whole batch. */
typedef struct tci_lstm_back {
    const tci_lstm_run *run;   /* its gates become the gradients of the pre-activations */
    const float *dh_tokens;    /* (tokens, hidden_width) gradient of h, or NULL */
    const float *dh_last;      /* (row_count, hidden_width) gradient of the rows' final states, or NULL */
    float *dh, *dc;            /* (row_count, hidden_width) scratch */
    float *sums;               /* blocked (x_rows, gate_width) scratch when x is by id; may be the run's table */
    float *grouped;            /* tci_lstm_grouped_floats() scratch */
    float *dx[2];              /* (x_rows, padded input_dim) gradient of x; NULL: not wanted */
    bool add_dx;               /* dx is added to (the other direction wrote it before), not overwritten */
    float *member_scratch;     /* tci_lstm_member_scratch() floats for each member of the team */
    tci_lstm_tensors gradients;
    bool add;                  /* gradients are added to, not overwritten */
} tci_lstm_back;

size_t tci_lstm_grouped_floats(const tci_lstm *lstm);
size_t tci_lstm_member_scratch(const tci_lstm *lstm);
void tci_lstm_backward(const tci_lstm_back *back, const tci_team *team);

#endif
