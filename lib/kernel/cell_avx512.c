/* cell_avx512.c: the cells of an LSTM, and how their input half comes in, with AVX-512. */
#include "kernel/lanes_avx512.h"

#include "kernel/lstm_cell.h"
