/* cell_avx2.c: one group of 16 LSTM units, forward and backward, with AVX2. Formulas: cell_scalar.c. */
#include "kernel/kernels_avx2.h"
#include "kernel/vector_avx2.h"

void tci_lstm_cell_avx2(size_t rows, float *gates, size_t gates_block, const float *c_previous, float *c, float *h,
                        size_t state_stride)
{
    for (size_t row = 0; row < rows; row++) {
        for (size_t half = 0; half < TCI_PANEL; half += 8) {
            float *gate_i = gates + row * TCI_PANEL + half, *gate_f = gate_i + gates_block;
            float *gate_g = gate_f + gates_block, *gate_o = gate_g + gates_block;
            size_t at = row * state_stride + half;
            __m256 i = tci_sigmoid_avx2_8(_mm256_loadu_ps(gate_i));
            __m256 f = tci_sigmoid_avx2_8(_mm256_loadu_ps(gate_f));
            __m256 g = tci_tanh_avx2_8(_mm256_loadu_ps(gate_g));
            __m256 o = tci_sigmoid_avx2_8(_mm256_loadu_ps(gate_o));
            __m256 before = c_previous ? _mm256_loadu_ps(c_previous + at) : _mm256_setzero_ps();
            __m256 now = _mm256_fmadd_ps(f, before, _mm256_mul_ps(i, g));
            _mm256_storeu_ps(gate_i, i);
            _mm256_storeu_ps(gate_f, f);
            _mm256_storeu_ps(gate_g, g);
            _mm256_storeu_ps(gate_o, o);
            _mm256_storeu_ps(c + at, now);
            _mm256_storeu_ps(h + at, _mm256_mul_ps(o, tci_tanh_avx2_8(now)));
        }
    }
}

/* s (1 - s) for a sigmoid s. */
static inline __m256 slope(__m256 s)
{
    return _mm256_mul_ps(s, _mm256_sub_ps(_mm256_set1_ps(1.0f), s));
}

void tci_lstm_cell_backward_avx2(size_t rows, float *gates, size_t gates_block, const float *c_previous,
                                 const float *c, const float *dh, float *dc, size_t state_stride)
{
    const __m256 one = _mm256_set1_ps(1.0f);
    for (size_t row = 0; row < rows; row++) {
        for (size_t half = 0; half < TCI_PANEL; half += 8) {
            float *gate_i = gates + row * TCI_PANEL + half, *gate_f = gate_i + gates_block;
            float *gate_g = gate_f + gates_block, *gate_o = gate_g + gates_block;
            size_t at = row * state_stride + half;
            __m256 i = _mm256_loadu_ps(gate_i), f = _mm256_loadu_ps(gate_f);
            __m256 g = _mm256_loadu_ps(gate_g), o = _mm256_loadu_ps(gate_o);
            __m256 before = c_previous ? _mm256_loadu_ps(c_previous + at) : _mm256_setzero_ps();
            __m256 t = tci_tanh_avx2_8(_mm256_loadu_ps(c + at));
            __m256 d = _mm256_loadu_ps(dh + at);
            __m256 total = _mm256_fmadd_ps(_mm256_mul_ps(d, o), _mm256_fnmadd_ps(t, t, one), _mm256_loadu_ps(dc + at));
            _mm256_storeu_ps(gate_i, _mm256_mul_ps(_mm256_mul_ps(total, g), slope(i)));
            _mm256_storeu_ps(gate_f, _mm256_mul_ps(_mm256_mul_ps(total, before), slope(f)));
            _mm256_storeu_ps(gate_g, _mm256_mul_ps(_mm256_mul_ps(total, i), _mm256_fnmadd_ps(g, g, one)));
            _mm256_storeu_ps(gate_o, _mm256_mul_ps(_mm256_mul_ps(d, t), slope(o)));
            _mm256_storeu_ps(dc + at, _mm256_mul_ps(total, f));
        }
    }
}
