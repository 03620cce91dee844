/* cell_scalar.c: one group of 16 LSTM units, forward and backward, and how its input half comes in, in plain C.
 *
 *     c = f·c_previous + i·g          t = tanh(c)           h = o·t
 *     dc' = dc + dh·o·(1 - t²)
 *     di = dc'·g·i(1 - i)     df = dc'·c_previous·f(1 - f)     dg = dc'·i·(1 - g²)     do = dh·t·o(1 - o)
 *     dc for c_previous = dc'·f
 *
 * i, f, g, o are the activations, each in a block of its own. tanh(c) is computed again in the backward
 * pass: that is cheaper than keeping it. */
#include <string.h>

#include "kernel/kernels_scalar.h"

void tci_gather_panels_scalar(size_t rows, size_t panels, const uint32_t *index, const float *src, size_t src_row,
                              float *dst, size_t dst_row, size_t dst_block)
{
    for (size_t row = 0; row < rows; row++) {
        for (size_t panel = 0; panel < panels; panel++)
            memcpy(dst + row * dst_row + panel * dst_block, src + index[row] * src_row + panel * TCI_PANEL,
                   TCI_PANEL * sizeof *dst);
    }
}

void tci_lstm_cell_scalar(size_t rows, float *gates, size_t gates_row, size_t gates_block, const float *c_previous,
                          float *c, float *h, size_t state_row)
{
    for (size_t row = 0; row < rows; row++) {
        float *gate_i = gates + row * gates_row, *gate_f = gate_i + gates_block;
        float *gate_g = gate_f + gates_block, *gate_o = gate_g + gates_block;
        for (size_t unit = 0; unit < TCI_PANEL; unit++) {
            size_t at = row * state_row + unit;
            float i = tci_sigmoid_one(gate_i[unit]);
            float f = tci_sigmoid_one(gate_f[unit]);
            float g = tci_tanh_one(gate_g[unit]);
            float o = tci_sigmoid_one(gate_o[unit]);
            float before = c_previous ? c_previous[at] : 0.0f;
            float now = f * before + i * g;
            gate_i[unit] = i;
            gate_f[unit] = f;
            gate_g[unit] = g;
            gate_o[unit] = o;
            c[at] = now;
            h[at] = o * tci_tanh_one(now);
        }
    }
}

void tci_lstm_cell_backward_scalar(size_t rows, float *gates, size_t gates_row, size_t gates_block,
                                   const float *c_previous, const float *c, const float *dh, float *dc,
                                   size_t state_row)
{
    for (size_t row = 0; row < rows; row++) {
        float *gate_i = gates + row * gates_row, *gate_f = gate_i + gates_block;
        float *gate_g = gate_f + gates_block, *gate_o = gate_g + gates_block;
        for (size_t unit = 0; unit < TCI_PANEL; unit++) {
            size_t at = row * state_row + unit;
            float i = gate_i[unit], f = gate_f[unit], g = gate_g[unit], o = gate_o[unit];
            float before = c_previous ? c_previous[at] : 0.0f;
            float t = tci_tanh_one(c[at]);
            float total = dc[at] + dh[at] * o * (1.0f - t * t);
            gate_i[unit] = total * g * (i * (1.0f - i));
            gate_f[unit] = total * before * (f * (1.0f - f));
            gate_g[unit] = total * i * (1.0f - g * g);
            gate_o[unit] = dh[at] * t * (o * (1.0f - o));
            dc[at] = total * f;
        }
    }
}
