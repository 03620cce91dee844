/* kernels_avx2.c: the table of kernels for processors with AVX2 and FMA. */
#include "kernel/kernels_avx2.h"

const tci_kernels tci_kernels_avx2 = {
    .isa = "avx2",
    .gemm = tci_gemm_avx2,
    .gemm_bf16 = tci_gemm_bf16_avx2,
    .gemm_int8 = tci_gemm_int8_avx2,
    .quantize = tci_quantize_avx2,
    .gemm_transposed = tci_gemm_transposed_avx2,
    .lstm_cell = tci_lstm_cell_avx2,
    .lstm_cell_backward = tci_lstm_cell_backward_avx2,
    .sum_rows = tci_sum_rows_avx2,
    .transpose = tci_transpose_avx2,
    .adam = tci_adam_avx2,
    .add = tci_add_avx2,
    .add_pairs = tci_add_pairs_avx2,
    .add_rows = tci_add_rows_avx2,
    .gather_rows = tci_gather_rows_avx2,
    .scatter_rows = tci_scatter_rows_avx2,
    .dot_rows = tci_dot_rows_avx2,
    .exp = tci_exp_avx2,
    .tanh = tci_tanh_avx2,
    .sigmoid = tci_sigmoid_avx2,
};
