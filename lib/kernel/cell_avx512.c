/* cell_avx512.c: one group of 16 LSTM units, forward and backward, with AVX-512. Formulas: cell_scalar.c. */
#include "kernel/kernels_avx512.h"
#include "kernel/vector_avx512.h"

void tci_lstm_cell_avx512(size_t rows, float *gates, size_t gates_block, const float *c_previous, float *c, float *h,
                          size_t state_stride)
{
    for (size_t row = 0; row < rows; row++) {
        float *gate_i = gates + row * TCI_PANEL, *gate_f = gate_i + gates_block;
        float *gate_g = gate_f + gates_block, *gate_o = gate_g + gates_block;
        size_t at = row * state_stride;
        __m512 i = tci_sigmoid_avx512_16(_mm512_loadu_ps(gate_i));
        __m512 f = tci_sigmoid_avx512_16(_mm512_loadu_ps(gate_f));
        __m512 g = tci_tanh_avx512_16(_mm512_loadu_ps(gate_g));
        __m512 o = tci_sigmoid_avx512_16(_mm512_loadu_ps(gate_o));
        __m512 before = c_previous ? _mm512_loadu_ps(c_previous + at) : _mm512_setzero_ps();
        __m512 now = _mm512_fmadd_ps(f, before, _mm512_mul_ps(i, g));
        _mm512_storeu_ps(gate_i, i);
        _mm512_storeu_ps(gate_f, f);
        _mm512_storeu_ps(gate_g, g);
        _mm512_storeu_ps(gate_o, o);
        _mm512_storeu_ps(c + at, now);
        _mm512_storeu_ps(h + at, _mm512_mul_ps(o, tci_tanh_avx512_16(now)));
    }
}

/* s (1 - s) for a sigmoid s. */
static inline __m512 slope(__m512 s)
{
    return _mm512_mul_ps(s, _mm512_sub_ps(_mm512_set1_ps(1.0f), s));
}

void tci_lstm_cell_backward_avx512(size_t rows, float *gates, size_t gates_block, const float *c_previous,
                                   const float *c, const float *dh, float *dc, size_t state_stride)
{
    const __m512 one = _mm512_set1_ps(1.0f);
    for (size_t row = 0; row < rows; row++) {
        float *gate_i = gates + row * TCI_PANEL, *gate_f = gate_i + gates_block;
        float *gate_g = gate_f + gates_block, *gate_o = gate_g + gates_block;
        size_t at = row * state_stride;
        __m512 i = _mm512_loadu_ps(gate_i), f = _mm512_loadu_ps(gate_f);
        __m512 g = _mm512_loadu_ps(gate_g), o = _mm512_loadu_ps(gate_o);
        __m512 before = c_previous ? _mm512_loadu_ps(c_previous + at) : _mm512_setzero_ps();
        __m512 t = tci_tanh_avx512_16(_mm512_loadu_ps(c + at));
        __m512 d = _mm512_loadu_ps(dh + at);
        __m512 total = _mm512_fmadd_ps(_mm512_mul_ps(d, o), _mm512_fnmadd_ps(t, t, one), _mm512_loadu_ps(dc + at));
        _mm512_storeu_ps(gate_i, _mm512_mul_ps(_mm512_mul_ps(total, g), slope(i)));
        _mm512_storeu_ps(gate_f, _mm512_mul_ps(_mm512_mul_ps(total, before), slope(f)));
        _mm512_storeu_ps(gate_g, _mm512_mul_ps(_mm512_mul_ps(total, i), _mm512_fnmadd_ps(g, g, one)));
        _mm512_storeu_ps(gate_o, _mm512_mul_ps(_mm512_mul_ps(d, t), slope(o)));
        _mm512_storeu_ps(dc + at, _mm512_mul_ps(total, f));
    }
}
