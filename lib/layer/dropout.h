/* dropout.h: inverted dropout (Srivastava et al. 2014): kept values are divided by 1 - rate, so prediction needs
 * nothing.
 *
 * Each decision is a counter-based random number keyed by (seed, step, row position, token position, layer, unit): the
 * same at any thread count, in any batch order, and made again, not stored, in the backward pass. */
#ifndef TCI_LAYER_DROPOUT_H
#define TCI_LAYER_DROPOUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/team.h"
#include "kernel/kernel.h"
#include "tensor/ragged.h"

typedef struct tci_dropout {
    double rate;
    uint64_t seed;
    uint64_t step;
    uint32_t layer;      /* which dropout of the network */
    uint32_t first_unit; /* number of column 0 within the layer: the second direction's units come behind the first's */
    size_t width;        /* columns, a multiple of 16 */
    const tci_kernels *kernels; /* NULL: the scalar ones */
} tci_dropout;

/* x (tokens, width) of the window's tokens, in place; the same call masks the gradient. */
void tci_dropout_tokens(const tci_dropout *dropout, const tci_row *rows, const tci_window *window, float *x,
                        const tci_team *team);

/* One vector (width) of a token, or of a whole row: TCI_DROPOUT_ROW, of the row at this position of the batch. */
#define TCI_DROPOUT_ROW UINT32_MAX
void tci_dropout_vector(const tci_dropout *dropout, uint32_t position, uint32_t token, float *x);

/* x (row_count, width), one vector per row. */
void tci_dropout_rows(const tci_dropout *dropout, const tci_row *rows, size_t row_count, float *x);

#endif
