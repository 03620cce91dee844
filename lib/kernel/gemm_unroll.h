/* gemm_unroll.h: repeats a statement for every row and panel of a micro-kernel. Accumulators are named variables, one
 * for each, because compilers keep those in registers, and arrays not always.
 *
 *     ROWS_3(PASS, p)         PASS(0, p) PASS(1, p) PASS(2, p)
 *     PANELS_2(LOAD, ROWS_3)  LOAD(ROWS_3, 0) LOAD(ROWS_3, 1)
 */
#ifndef TCI_KERNEL_GEMM_UNROLL_H
#define TCI_KERNEL_GEMM_UNROLL_H

/* clang-format off */
#define ROWS_1(M, p) M(0, p)
#define ROWS_2(M, p) ROWS_1(M, p) M(1, p)
#define ROWS_3(M, p) ROWS_2(M, p) M(2, p)
#define ROWS_4(M, p) ROWS_3(M, p) M(3, p)
#define ROWS_5(M, p) ROWS_4(M, p) M(4, p)
#define ROWS_6(M, p) ROWS_5(M, p) M(5, p)
#define ROWS_7(M, p) ROWS_6(M, p) M(6, p)
#define ROWS_8(M, p) ROWS_7(M, p) M(7, p)
#define ROWS_9(M, p) ROWS_8(M, p) M(8, p)

#define PANELS_1(M, rows) M(rows, 0)
#define PANELS_2(M, rows) PANELS_1(M, rows) M(rows, 1)
#define PANELS_3(M, rows) PANELS_2(M, rows) M(rows, 2)
#define PANELS_4(M, rows) PANELS_3(M, rows) M(rows, 3)
#define PANELS_8(M, rows) PANELS_4(M, rows) M(rows, 4) M(rows, 5) M(rows, 6) M(rows, 7)
/* clang-format on */

#endif
