/* cell_neon.c: the cell of an LSTM with NEON. */
#include "kernel/lanes_neon.h"

#include "kernel/lstm_cell.h"
