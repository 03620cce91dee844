/* kernels_scalar.h: the functions behind the scalar table, declared for kernels_scalar.c. Contract: kernel.h. */
#ifndef TCI_KERNEL_KERNELS_SCALAR_H
#define TCI_KERNEL_KERNELS_SCALAR_H

#include "kernel/kernel.h"

void tci_gemm_scalar(size_t rows, size_t panels, size_t depth, const float *a, size_t a_row, size_t a_block,
                     const float *b, float *c, size_t c_row, size_t c_block);
void tci_gemm_from_scalar(size_t rows, size_t panels, size_t depth, const float *a, size_t a_row, size_t a_block,
                          const float *b, const float *start, float *c, size_t c_row, size_t c_block);
void tci_gemm_bf16_scalar(size_t rows, size_t panels, size_t depth, const float *a, size_t a_stride, const uint16_t *b,
                          float *c, size_t c_row, size_t c_block);
void tci_gemm_int8_scalar(size_t rows, size_t panels, size_t depth, const tci_int8_row *a, size_t a_stride,
                          const int8_t *b, const float *b_scales, float *c, size_t c_row, size_t c_block);
void tci_int8_row_scalar(size_t depth, const int8_t *numbers, float scale, tci_int8_row *row);
void tci_quantize_scalar(size_t rows, size_t depth, const float *src, size_t src_stride, tci_int8_row *dst,
                         size_t dst_stride);
void tci_gemm_transposed_scalar(size_t a_columns, size_t panels, size_t depth, const float *a, size_t a_stride,
                                const float *b, size_t b_row, size_t b_block, float *c, size_t c_row, size_t c_block,
                                float *scratch);
void tci_sum_rows_scalar(size_t count, const uint32_t *index, const float *src, float *dst);
void tci_gather_panels_scalar(size_t rows, size_t panels, const uint32_t *index, const float *src, size_t src_row,
                              float *dst, size_t dst_row, size_t dst_block);
void tci_lstm_cell_scalar(size_t rows, float *gates, size_t gates_row, size_t gates_block, const float *c_previous,
                          float *c, float *h, size_t state_row);
void tci_lstm_cell_backward_scalar(size_t rows, float *gates, size_t gates_row, size_t gates_block,
                                   const float *c_previous, const float *c, const float *dh, float *dc,
                                   size_t state_row);
void tci_transpose_scalar(size_t rows, size_t columns, const float *src, size_t src_stride, float *dst,
                          size_t dst_stride, bool add);
void tci_adam_scalar(const tci_adam_constants *constants, size_t count, float *value, const float *gradient,
                     float *exp_avg, float *exp_avg_sq);
void tci_add_squares_scalar(size_t count, const float *src, double lanes[TCI_SQUARE_LANES]);
void tci_add_scalar(size_t count, const float *src, float *dst);
void tci_add_pairs_scalar(size_t count, const uint32_t *rows, const float *norms, const uint8_t *codes, size_t stride,
                          const void *book, float *dst);
void tci_add_rows_scalar(size_t rows, size_t columns, const float *src, size_t src_stride, float *dst);
void tci_gather_rows_scalar(size_t count, size_t listed, const uint32_t *index, const float *scales, const void *table,
                            size_t width, float *dst);
void tci_scatter_rows_scalar(size_t count, size_t listed, const uint32_t *index, const float *scales, const float *src,
                             float *table, size_t width, size_t first, size_t last);
void tci_dot_rows_scalar(size_t count, const uint32_t *index, const float *table, size_t width, const float *vector,
                         float *dst);
void tci_exp_scalar(size_t count, const float *src, float *dst);
void tci_tanh_scalar(size_t count, const float *src, float *dst);
void tci_sigmoid_scalar(size_t count, const float *src, float *dst);
void tci_gelu_scalar(size_t count, const float *src, float *dst);
void tci_gelu_tanh_scalar(size_t count, const float *src, float *dst);
void tci_gelu_backward_scalar(size_t count, const float *src, const float *dy, float *dst);
void tci_gelu_tanh_backward_scalar(size_t count, const float *src, const float *dy, float *dst);
void tci_softmax_scalar(size_t rows, size_t columns, size_t step, size_t width, float scale, float *x, size_t stride,
                        float *stats);
void tci_softmax_backward_scalar(size_t rows, size_t columns, size_t step, size_t width, float scale, float *x,
                                 float *dx, size_t stride, const float *stats, const float *inner,
                                 const float *factors);
void tci_layer_norm_scalar(size_t rows, size_t columns, size_t stride, float epsilon, const float *gain,
                           const float *bias, const float *x, float *y, float *stats);
void tci_layer_norm_backward_scalar(size_t rows, size_t columns, size_t stride, const float *gain, const float *x,
                                    const float *stats, const float *dy, float *dx, bool add);
void tci_layer_norm_gradients_scalar(size_t rows, size_t columns, size_t stride, const float *x, const float *stats,
                                     const float *dy, float *dgain, float *dbias);

/* One element of the functions above, for the cell and others. */
float tci_exp_one(float x);
float tci_tanh_one(float x);
float tci_sigmoid_one(float x);
void tci_drop_scalar(const tci_drop_constants *constants, const uint32_t counter[4], size_t count, float *x);

#endif
