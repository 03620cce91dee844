/* kernels_neon.h: the functions behind the NEON table, declared for kernels_neon.c. Contract: kernel.h. */
#ifndef TCI_KERNEL_KERNELS_NEON_H
#define TCI_KERNEL_KERNELS_NEON_H

#include "kernel/kernel.h"
#include "kernel/kernels_scalar.h" /* for what is left beside whole vectors */

void tci_gemm_neon(size_t rows, size_t panels, size_t depth, const float *a, size_t a_row, size_t a_block,
                   const float *b, float *c, size_t c_row, size_t c_block);
void tci_gemm_from_neon(size_t rows, size_t panels, size_t depth, const float *a, size_t a_row, size_t a_block,
                        const float *b, const float *start, float *c, size_t c_row, size_t c_block);
void tci_gemm_bf16_neon(size_t rows, size_t panels, size_t depth, const float *a, size_t a_stride, const uint16_t *b,
                        float *c, size_t c_row, size_t c_block);
void tci_gemm_int8_neon(size_t rows, size_t panels, size_t depth, const tci_int8_row *a, size_t a_stride,
                        const int8_t *b, const float *b_scales, float *c, size_t c_row, size_t c_block);
void tci_quantize_neon(size_t rows, size_t depth, const float *src, size_t src_stride, tci_int8_row *dst,
                       size_t dst_stride);
void tci_gemm_transposed_neon(size_t a_columns, size_t panels, size_t depth, const float *a, size_t a_stride,
                              const float *b, size_t b_row, size_t b_block, float *c, size_t c_row, size_t c_block,
                              float *scratch);
void tci_sum_rows_neon(size_t count, const uint32_t *index, const float *src, float *dst);
void tci_gather_panels_neon(size_t rows, size_t panels, const uint32_t *index, const float *src, size_t src_row,
                            float *dst, size_t dst_row, size_t dst_block);
void tci_lstm_cell_neon(size_t rows, float *gates, size_t gates_row, size_t gates_block, const float *c_previous,
                        float *c, float *h, size_t state_row);
void tci_lstm_cell_backward_neon(size_t rows, float *gates, size_t gates_row, size_t gates_block,
                                 const float *c_previous, const float *c, const float *dh, float *dc, size_t state_row);
void tci_transpose_neon(size_t rows, size_t columns, const float *src, size_t src_stride, float *dst, size_t dst_stride,
                        bool add);
void tci_adam_neon(const tci_adam_constants *constants, size_t count, float *value, const float *gradient,
                   float *exp_avg, float *exp_avg_sq);
void tci_add_neon(size_t count, const float *src, float *dst);
void tci_add_rows_neon(size_t rows, size_t columns, const float *src, size_t src_stride, float *dst);
void tci_exp_neon(size_t count, const float *src, float *dst);
void tci_tanh_neon(size_t count, const float *src, float *dst);
void tci_sigmoid_neon(size_t count, const float *src, float *dst);
void tci_gelu_neon(size_t count, const float *src, float *dst);
void tci_gelu_tanh_neon(size_t count, const float *src, float *dst);
void tci_gelu_backward_neon(size_t count, const float *src, const float *dy, float *dst);
void tci_gelu_tanh_backward_neon(size_t count, const float *src, const float *dy, float *dst);
void tci_softmax_neon(size_t rows, size_t columns, size_t step, size_t width, float scale, float *x, size_t stride,
                      float *stats);
void tci_softmax_backward_neon(size_t rows, size_t columns, size_t step, size_t width, float scale, float *x, float *dx,
                               size_t stride, const float *stats, const float *inner, const float *factors);
void tci_layer_norm_neon(size_t rows, size_t columns, size_t stride, float epsilon, const float *gain,
                         const float *bias, const float *x, float *y, float *stats);
void tci_layer_norm_backward_neon(size_t rows, size_t columns, size_t stride, const float *gain, const float *x,
                                  const float *stats, const float *dy, float *dx, bool add);
void tci_layer_norm_gradients_neon(size_t rows, size_t columns, size_t stride, const float *x, const float *stats,
                                   const float *dy, float *dgain, float *dbias);

#endif
