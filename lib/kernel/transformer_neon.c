/* transformer_neon.c: what a transformer has beside its products, with NEON: GELU, softmax, layer norm. */
#include "kernel/lanes_neon.h"

#include "kernel/gelu.h"
#include "kernel/norm_rows.h"
#include "kernel/softmax.h"
