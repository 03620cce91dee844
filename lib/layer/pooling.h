/* pooling.h: from the hidden states of a text's tokens to one vector: the last state, the mean, or the maximum.
 *
 * Works on one direction's matrix h (tokens, width) of a window, in that direction's order of steps, so that a text of
 * any length pools the same bits in one window or in many. A text without tokens pools to zeros. */
#ifndef TCI_LAYER_POOLING_H
#define TCI_LAYER_POOLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/team.h"
#include "tensor/ragged.h"

typedef enum tci_pooling_kind { TCI_POOL_LAST, TCI_POOL_MEAN, TCI_POOL_MAX } tci_pooling_kind;

typedef struct tci_pooling {
    tci_pooling_kind kind;
    bool reverse;      /* the direction's order of steps */
    size_t width;      /* columns, a multiple of 16 */
    const tci_row *rows;
    size_t row_count;
    float *pooled;     /* (row_count, width): gathered over windows. With TCI_POOL_LAST: the direction's states */
    uint32_t *argmax;  /* (row_count, width): step of the maximum, for the backward pass; NULL: not wanted */
} tci_pooling;

/* Each of these is called by every member of the team, which works on its own columns. */

/* Before the first window. Nothing to do for TCI_POOL_LAST. */
void tci_pooling_begin(const tci_pooling *pooling, const tci_team *team);
/* Takes in the window's states. */
void tci_pooling_window(const tci_pooling *pooling, const tci_window *window, const float *h, const tci_team *team);
/* After the last window: divides the sums, zeros the rows without tokens. */
void tci_pooling_end(const tci_pooling *pooling, const tci_team *team);

/* dh (tokens, width), overwritten, from dpooled (row_count, width), for mean and maximum; the window is the whole
 * batch. With TCI_POOL_LAST the gradient of the final states is dpooled itself. */
void tci_pooling_backward(const tci_pooling *pooling, const tci_window *window, const float *dpooled, float *dh,
                          const tci_team *team);

#endif
