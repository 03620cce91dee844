/* cell_scalar.c: one group of 16 LSTM units, forward and backward, in plain C.
 *
 *     c = f·c_previous + i·g          t = tanh(c)           h = o·t
 *     dc' = dc + dh·o·(1 - t²)
 *     di = dc'·g·i(1 - i)     df = dc'·c_previous·f(1 - f)     dg = dc'·i·(1 - g²)     do = dh·t·o(1 - o)
 *     dc for c_previous = dc'·f
 *
 * i, f, g, o are the activations. A row of gates holds them 16 units each, in this order. tanh(c) is computed again in
 * the backward pass: that is cheaper than keeping it. */
#include "kernel/kernels_scalar.h"

enum { I = 0, F = TCI_PANEL, G = 2 * TCI_PANEL, O = 3 * TCI_PANEL };

void tci_lstm_cell_scalar(size_t rows, float *gates, size_t gates_stride, const float *c_previous, float *c, float *h,
                          size_t state_stride)
{
    for (size_t row = 0; row < rows; row++) {
        float *gate = gates + row * gates_stride;
        for (size_t unit = 0; unit < TCI_PANEL; unit++) {
            size_t at = row * state_stride + unit;
            float i = tci_sigmoid_one(gate[I + unit]);
            float f = tci_sigmoid_one(gate[F + unit]);
            float g = tci_tanh_one(gate[G + unit]);
            float o = tci_sigmoid_one(gate[O + unit]);
            float before = c_previous ? c_previous[at] : 0.0f;
            float now = f * before + i * g;
            gate[I + unit] = i;
            gate[F + unit] = f;
            gate[G + unit] = g;
            gate[O + unit] = o;
            c[at] = now;
            h[at] = o * tci_tanh_one(now);
        }
    }
}

void tci_lstm_cell_backward_scalar(size_t rows, float *gates, size_t gates_stride, const float *c_previous,
                                   const float *c, const float *dh, float *dc, size_t state_stride)
{
    for (size_t row = 0; row < rows; row++) {
        float *gate = gates + row * gates_stride;
        for (size_t unit = 0; unit < TCI_PANEL; unit++) {
            size_t at = row * state_stride + unit;
            float i = gate[I + unit], f = gate[F + unit], g = gate[G + unit], o = gate[O + unit];
            float before = c_previous ? c_previous[at] : 0.0f;
            float t = tci_tanh_one(c[at]);
            float total = dc[at] + dh[at] * o * (1.0f - t * t);
            gate[I + unit] = total * g * (i * (1.0f - i));
            gate[F + unit] = total * before * (f * (1.0f - f));
            gate[G + unit] = total * i * (1.0f - g * g);
            gate[O + unit] = dh[at] * t * (o * (1.0f - o));
            dc[at] = total * f;
        }
    }
}
