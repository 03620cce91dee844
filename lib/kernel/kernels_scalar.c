/* kernels_scalar.c: the table of plain C kernels. They are the fallback on every processor, the documentation of what
 * the others compute, and the oracle of their tests. */
#include "kernel/kernels_scalar.h"

const tci_kernels tci_kernels_scalar = {
    .isa = "scalar",
    .gemm = tci_gemm_scalar,
    .gemm_bf16 = tci_gemm_bf16_scalar,
    .gemm_int8 = tci_gemm_int8_scalar,
    .quantize = tci_quantize_scalar,
    .gemm_transposed = tci_gemm_transposed_scalar,
    .lstm_cell = tci_lstm_cell_scalar,
    .lstm_cell_backward = tci_lstm_cell_backward_scalar,
    .sum_rows = tci_sum_rows_scalar,
    .transpose = tci_transpose_scalar,
    .adam = tci_adam_scalar,
    .add = tci_add_scalar,
    .add_pairs = tci_add_pairs_scalar,
    .add_rows = tci_add_rows_scalar,
    .gather_rows = tci_gather_rows_scalar,
    .scatter_rows = tci_scatter_rows_scalar,
    .dot_rows = tci_dot_rows_scalar,
    .exp = tci_exp_scalar,
    .tanh = tci_tanh_scalar,
    .sigmoid = tci_sigmoid_scalar,
};
