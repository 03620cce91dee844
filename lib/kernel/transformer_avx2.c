/* transformer_avx2.c: what a transformer has beside its products, with AVX2: GELU, softmax, layer norm. */
#include "kernel/lanes_avx2.h"

#include "kernel/gelu.h"
#include "kernel/norm_rows.h"
#include "kernel/softmax.h"
