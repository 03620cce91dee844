/* cell_neon.c: one group of 16 LSTM units, forward and backward, with NEON. Formulas: cell_scalar.c. The operations are
 * those of cell_avx2.c, fused where they are there, so that the bits are the same. */
#include "kernel/kernels_neon.h"
#include "kernel/vector_neon.h"

void tci_lstm_cell_neon(size_t rows, float *gates, size_t gates_block, const float *c_previous, float *c, float *h,
                        size_t state_stride)
{
    for (size_t row = 0; row < rows; row++) {
        for (size_t unit = 0; unit < TCI_PANEL; unit += 4) {
            float *gate_i = gates + row * TCI_PANEL + unit, *gate_f = gate_i + gates_block;
            float *gate_g = gate_f + gates_block, *gate_o = gate_g + gates_block;
            size_t at = row * state_stride + unit;
            float32x4_t i = tci_sigmoid_neon_4(vld1q_f32(gate_i));
            float32x4_t f = tci_sigmoid_neon_4(vld1q_f32(gate_f));
            float32x4_t g = tci_tanh_neon_4(vld1q_f32(gate_g));
            float32x4_t o = tci_sigmoid_neon_4(vld1q_f32(gate_o));
            float32x4_t before = c_previous ? vld1q_f32(c_previous + at) : vdupq_n_f32(0.0f);
            float32x4_t now = vfmaq_f32(vmulq_f32(i, g), f, before);
            vst1q_f32(gate_i, i);
            vst1q_f32(gate_f, f);
            vst1q_f32(gate_g, g);
            vst1q_f32(gate_o, o);
            vst1q_f32(c + at, now);
            vst1q_f32(h + at, vmulq_f32(o, tci_tanh_neon_4(now)));
        }
    }
}

/* s (1 - s) for a sigmoid s. */
static inline float32x4_t slope(float32x4_t s)
{
    return vmulq_f32(s, vsubq_f32(vdupq_n_f32(1.0f), s));
}

void tci_lstm_cell_backward_neon(size_t rows, float *gates, size_t gates_block, const float *c_previous, const float *c,
                                 const float *dh, float *dc, size_t state_stride)
{
    const float32x4_t one = vdupq_n_f32(1.0f);
    for (size_t row = 0; row < rows; row++) {
        for (size_t unit = 0; unit < TCI_PANEL; unit += 4) {
            float *gate_i = gates + row * TCI_PANEL + unit, *gate_f = gate_i + gates_block;
            float *gate_g = gate_f + gates_block, *gate_o = gate_g + gates_block;
            size_t at = row * state_stride + unit;
            float32x4_t i = vld1q_f32(gate_i), f = vld1q_f32(gate_f);
            float32x4_t g = vld1q_f32(gate_g), o = vld1q_f32(gate_o);
            float32x4_t before = c_previous ? vld1q_f32(c_previous + at) : vdupq_n_f32(0.0f);
            float32x4_t t = tci_tanh_neon_4(vld1q_f32(c + at));
            float32x4_t d = vld1q_f32(dh + at);
            float32x4_t total = vfmaq_f32(vld1q_f32(dc + at), vmulq_f32(d, o), vfmsq_f32(one, t, t));
            vst1q_f32(gate_i, vmulq_f32(vmulq_f32(total, g), slope(i)));
            vst1q_f32(gate_f, vmulq_f32(vmulq_f32(total, before), slope(f)));
            vst1q_f32(gate_g, vmulq_f32(vmulq_f32(total, i), vfmsq_f32(one, g, g)));
            vst1q_f32(gate_o, vmulq_f32(vmulq_f32(d, t), slope(o)));
            vst1q_f32(dc + at, vmulq_f32(total, f));
        }
    }
}
