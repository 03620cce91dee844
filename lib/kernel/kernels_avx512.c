/* kernels_avx512.c: the table of kernels for processors with AVX-512 (F, BW, DQ, VL) and its VNNI. All bits are those
 * of AVX2, whose functions serve where wider vectors gain nothing. */
#include "kernel/kernels_avx2.h"
#include "kernel/kernels_avx512.h"

const tci_kernels tci_kernels_avx512 = {
    .isa = "avx512",
    .gemm = tci_gemm_avx512,
    .gemm_from = tci_gemm_from_avx512,
    .gemm_bf16 = tci_gemm_bf16_avx512,
    .gemm_int8 = tci_gemm_int8_avx512,
    .quantize = tci_quantize_avx512,
    .int8_row = tci_int8_row_avx512,
    .gemm_transposed = tci_gemm_transposed_avx512,
    .lstm_cell = tci_lstm_cell_avx512,
    .lstm_cell_backward = tci_lstm_cell_backward_avx512,
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
    .gelu = tci_gelu_avx512,
    .gelu_tanh = tci_gelu_tanh_avx512,
    .gelu_backward = tci_gelu_backward_avx512,
    .gelu_tanh_backward = tci_gelu_tanh_backward_avx512,
    .softmax = tci_softmax_avx512,
    .softmax_backward = tci_softmax_backward_avx512,
    .layer_norm = tci_layer_norm_avx512,
    .layer_norm_backward = tci_layer_norm_backward_avx512,
    .layer_norm_gradients = tci_layer_norm_gradients_avx512,
    .drop = tci_drop_avx512,
};
