/* cell_avx2.c: the cell of an LSTM with AVX2. */
#include "kernel/lanes_avx2.h"

#include "kernel/lstm_cell.h"
