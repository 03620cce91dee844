/* lstm_internal.h: what the files of the LSTM layer share. */
#ifndef TCI_LAYER_LSTM_INTERNAL_H
#define TCI_LAYER_LSTM_INTERNAL_H

#include "layer/lstm.h"

/* Stores or adds panels [4·begin, 4·end), each [column][16 units of a gate], as the `columns` columns of a gradient in
 * PyTorch's order (4·hidden_dim, gradient_stride). */
void tci_lstm_ungroup(const tci_lstm *lstm, const tci_kernels *kernels, size_t begin, size_t end, const float *panels,
                      size_t columns, float *gradient, size_t gradient_stride, bool add);

#endif
