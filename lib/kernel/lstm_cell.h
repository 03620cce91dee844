/* lstm_cell.h: one group of 16 LSTM units, forward and backward, and how its input half comes in, once for all
 * instruction sets: cell_scalar.c on vectors, with fused multiply-adds. The file that includes it has a lanes_*.h
 * before. */
#ifndef TCI_KERNEL_LSTM_CELL_H
#define TCI_KERNEL_LSTM_CELL_H

#include "kernel/exponentials.h"

/* By stores as wide as the loads of the product that goes on from here: several narrow ones would have to reach the
 * cache before a wide load sees them. */
void NAMED(gather_panels)(size_t rows, size_t panels, const uint32_t *index, const float *src, size_t src_row,
                          float *dst, size_t dst_row, size_t dst_block)
{
    for (size_t row = 0; row < rows; row++, dst += dst_row) {
        const float *from = src + index[row] * src_row;
        float *to = dst;
        for (size_t panel = 0; panel < panels; panel++, from += TCI_PANEL, to += dst_block) {
            for (size_t unit = 0; unit < TCI_PANEL; unit += LANES)
                lanes_store(to + unit, lanes_load(from + unit));
        }
    }
}

void NAMED(lstm_cell)(size_t rows, float *gates, size_t gates_row, size_t gates_block, const float *c_previous,
                      float *c, float *h, size_t state_row)
{
    for (size_t row = 0; row < rows; row++) {
        for (size_t unit = 0; unit < TCI_PANEL; unit += LANES) {
            float *gate_i = gates + row * gates_row + unit, *gate_f = gate_i + gates_block;
            float *gate_g = gate_f + gates_block, *gate_o = gate_g + gates_block;
            size_t at = row * state_row + unit;
            lanes gate[4] = {lanes_load(gate_i), lanes_load(gate_f), lanes_load(gate_o), lanes_load(gate_g)};
            sigmoids_and_tanhs(3, 1, gate);
            lanes before = c_previous ? lanes_load(c_previous + at) : lanes_all(0.0f);
            lanes now = lanes_fma(gate[1], before, lanes_mul(gate[0], gate[3]));
            lanes_store(gate_i, gate[0]);
            lanes_store(gate_f, gate[1]);
            lanes_store(gate_g, gate[3]);
            lanes_store(gate_o, gate[2]);
            lanes_store(c + at, now);
            lanes_store(h + at, lanes_mul(gate[2], lanes_tanh(now)));
        }
    }
}

/* s (1 - s) for a sigmoid s. */
static inline lanes slope(lanes s)
{
    return lanes_mul(s, lanes_sub(lanes_all(1.0f), s));
}

void NAMED(lstm_cell_backward)(size_t rows, float *gates, size_t gates_row, size_t gates_block, const float *c_previous,
                               const float *c, const float *dh, float *dc, size_t state_row)
{
    const lanes one = lanes_all(1.0f);
    for (size_t row = 0; row < rows; row++) {
        for (size_t unit = 0; unit < TCI_PANEL; unit += LANES) {
            float *gate_i = gates + row * gates_row + unit, *gate_f = gate_i + gates_block;
            float *gate_g = gate_f + gates_block, *gate_o = gate_g + gates_block;
            size_t at = row * state_row + unit;
            lanes i = lanes_load(gate_i), f = lanes_load(gate_f), g = lanes_load(gate_g), o = lanes_load(gate_o);
            lanes before = c_previous ? lanes_load(c_previous + at) : lanes_all(0.0f);
            lanes t = lanes_tanh(lanes_load(c + at)), d = lanes_load(dh + at);
            lanes total = lanes_fma(lanes_mul(d, o), lanes_fnma(t, t, one), lanes_load(dc + at));
            lanes_store(gate_i, lanes_mul(lanes_mul(total, g), slope(i)));
            lanes_store(gate_f, lanes_mul(lanes_mul(total, before), slope(f)));
            lanes_store(gate_g, lanes_mul(lanes_mul(total, i), lanes_fnma(g, g, one)));
            lanes_store(gate_o, lanes_mul(lanes_mul(d, t), slope(o)));
            lanes_store(dc + at, lanes_mul(total, f));
        }
    }
}

#endif
