/* lstm_internal.h: what the files of the LSTM layer share. */
#ifndef TCI_LAYER_LSTM_INTERNAL_H
#define TCI_LAYER_LSTM_INTERNAL_H

#include "layer/lstm.h"

/* Adds grouped rows (gate_width, grouped_stride) of the groups [begin, end) to `columns` columns of a gradient in
 * PyTorch's order (4·hidden_dim, gradient_stride). */
void tci_lstm_ungroup(const tci_lstm *lstm, size_t begin, size_t end, const float *grouped, size_t grouped_stride,
                      size_t columns, float *gradient, size_t gradient_stride);

#endif
