/* transformer_avx512.c: what a transformer has beside its products, with AVX-512: GELU, softmax, layer norm. */
#include "kernel/lanes_avx512.h"

#include "kernel/gelu.h"
#include "kernel/norm_rows.h"
#include "kernel/softmax.h"
