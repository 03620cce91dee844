/* kernels_neon.c: the table of kernels for AArch64, whose base architecture has NEON. */
#include "kernel/kernels_neon.h"

const tci_kernels tci_kernels_neon = {
    .isa = "neon",
    .gemm = tci_gemm_neon,
    .gemm_bf16 = tci_gemm_bf16_neon,
    .gemm_int8 = tci_gemm_int8_neon,
    .quantize = tci_quantize_neon,
    .gemm_transposed = tci_gemm_transposed_neon,
    .lstm_cell = tci_lstm_cell_neon,
    .lstm_cell_backward = tci_lstm_cell_backward_neon,
    .sum_rows = tci_sum_rows_neon,
    .transpose = tci_transpose_neon,
    .adam = tci_adam_neon,
    .add = tci_add_neon,
    .add_pairs = tci_add_pairs_scalar,
    .add_rows = tci_add_rows_neon,
    .gather_rows = tci_gather_rows_scalar,
    .scatter_rows = tci_scatter_rows_scalar,
    .dot_rows = tci_dot_rows_scalar,
    .exp = tci_exp_neon,
    .tanh = tci_tanh_neon,
    .sigmoid = tci_sigmoid_neon,
};
