/* cell_avx512.c: the cell of an LSTM with AVX-512. */
#include "kernel/lanes_avx512.h"

#include "kernel/lstm_cell.h"
