/* cell_avx2.c: the cells of an LSTM, and how their input half comes in, with AVX2. */
#include "kernel/lanes_avx2.h"

#include "kernel/lstm_cell.h"
