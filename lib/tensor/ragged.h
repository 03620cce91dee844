/* ragged.h: a batch of id rows of different lengths, without padding, in the order that recurrent layers read.
 *
 * Rows are sorted by falling length (ties by the caller's order). A window is a range of time steps of that batch, laid
 * out time-major: the tokens of step t stand together, live rows first to last, so that row r of step t is token
 * step_start[t] + r, and the live batch shrinks as texts end:
 *
 *     step      0      1     2
 *     row 0   a0 ->  a1 -> a2        tokens: a0 b0 c0 | a1 b1 | a2
 *     row 1   b0 ->  b1              step_start: 0 3 5 6
 *     row 2   c0
 *
 * The distinct ids of a window are numbered in order of first appearance: what depends on the id alone (the embedding,
 * the input half of an LSTM) is computed once for each. Knows nothing of layers. */
#ifndef TCI_TENSOR_RAGGED_H
#define TCI_TENSOR_RAGGED_H

#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

/* One text's ids, owned by the caller. */
typedef struct tci_row {
    const uint32_t *ids;
    size_t length;
    uint32_t position; /* the row's place in the caller's batch */
    const uint8_t *counts; /* of a bag of features: how often each occurs; NULL for a sequence */
} tci_row;

/* Sorts rows by falling length, ties by position. `scratch` has room for `count` rows. */
void tci_rows_sort(tci_row *rows, tci_row *scratch, size_t count);

/* Rows (sorted) that are longer than `step` tokens. */
size_t tci_rows_live(const tci_row *rows, size_t count, size_t step);

typedef struct tci_window {
    size_t first_step;
    size_t step_count;
    size_t token_count;
    size_t distinct_count;
    uint32_t *step_start; /* (step_count + 1) first token of each step */
    uint32_t *distinct;   /* (distinct_count) ids in order of first appearance */
    uint32_t *index;      /* (token_count) which distinct id a token has */
    uint32_t *table;      /* hash slots of the numbering */
} tci_window;

/* Bytes of memory for a window of at most these tokens and steps. */
size_t tci_window_bytes(size_t tokens, size_t steps);

/* Places the arrays of a window in `block` of tci_window_bytes(). */
void tci_window_place(tci_window *window, void *block, size_t tokens, size_t steps);

/* Fills the window with steps [first_step, first_step + step_count) of the sorted rows; all must fit what was
 * placed. */
void tci_window_fill(tci_window *window, const tci_row *rows, size_t row_count, size_t first_step, size_t step_count);

/* How many steps from `first_step` on hold at most `tokens` tokens; at least 1, at most those that are left. */
size_t tci_window_steps(const tci_row *rows, size_t row_count, size_t first_step, size_t tokens);

/* Live rows of step `t` of the window (0-based within it). */
static inline size_t tci_window_live(const tci_window *window, size_t t)
{
    return window->step_start[t + 1] - window->step_start[t];
}

#endif
