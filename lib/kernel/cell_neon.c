/* cell_neon.c: the cells of an LSTM, and how their input half comes in, with NEON. */
#include "kernel/lanes_neon.h"

#include "kernel/lstm_cell.h"
