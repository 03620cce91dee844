/* dropout_scalar.c: dropout four elements a draw; the masks of vectors have to be these. */
#include "base/random.h"
#include "kernel/kernels_scalar.h"

void tci_drop_scalar(const tci_drop_constants *constants, const uint32_t counter[4], size_t count, float *x)
{
    uint32_t at[4] = {counter[0], counter[1], counter[2], counter[3]};
    for (size_t k = 0; k < count; k += 4, at[0]++) {
        uint32_t words[4];
        tci_philox(constants->key, at, words);
        for (size_t i = 0; i < 4; i++)
            x[k + i] = words[i] < constants->threshold ? 0.0f : x[k + i] * constants->scale;
    }
}
