/* ngram_choose.c: the features that matter most, for a model that keeps a part of them. Knows nothing of the model's
 * making.
 *
 * A feature matters by Σ w², over its columns, times the texts that it occurs in: about how much of all margins it
 * makes up. Squares are no negative numbers, which are ordered like their bits: the place where the chosen ones end is
 * found digit by digit, in linear time, without sorting them. */
#include <string.h>

#include "model/ngram_network.h"
#include "tensor/narrow.h"

#define DIGITS 256

/* `weights` (columns) is room for the row. */
static uint64_t importance(const tci_ngram_network *network, size_t row, float *weights)
{
    double sum = 0;
    uint64_t bits;
    tci_widen_row(&network->base.parameters, TCI_NGRAM_WEIGHT, row, weights);
    for (size_t c = 0; c < network->columns; c++)
        sum += (double)weights[c] * (double)weights[c];
    sum *= network->texts ? (double)network->texts[row] : 1;
    memcpy(&bits, &sum, sizeof bits);
    return bits;
}

/* The most-th largest key; *equal is how many keys of just this size are among those. */
static uint64_t find_least(const uint64_t *keys, size_t count, size_t most, size_t *equal)
{
    uint64_t least = 0;
    for (unsigned shift = 64; shift > 0;) {
        size_t counts[DIGITS] = {0}, digit = DIGITS - 1;
        uint64_t known = shift == 64 ? 0 : UINT64_MAX << shift;
        shift -= 8;
        for (size_t i = 0; i < count; i++)
            counts[keys[i] >> shift & (DIGITS - 1)] += (keys[i] & known) == least;
        for (; counts[digit] < most; digit--)
            most -= counts[digit];
        least |= (uint64_t)digit << shift;
    }
    *equal = most;
    return least;
}

/* The rows of those above `least` and of the first `equal` ones that are like it. */
static void keep(const tci_ngram_network *network, const uint64_t *keys, uint64_t least, size_t equal, uint32_t *rows,
                 tci_index_set *kept)
{
    size_t row = 0;
    for (size_t word = 0; word < network->set.words; word++) {
        uint64_t members = network->set.bits[word];
        for (uint32_t bit = 0; members != 0; bit++, members >>= 1) {
            if ((members & 1) == 0)
                continue;
            if (keys[row] > least || (keys[row] == least && equal > 0)) {
                equal -= keys[row] == least;
                *rows++ = (uint32_t)row;
                tci_index_set_put(kept, (uint32_t)(word * 64 + bit));
            }
            row++;
        }
    }
}

tc_status tci_ngram_choose(const tci_ngram_network *network, size_t most, uint32_t *rows, tci_index_set *kept)
{
    tc_status status = TC_OK;
    size_t count = network->set.count, equal = 0;
    uint64_t *keys = NULL, least = 0;
    float *weights = NULL;
    TCI_CHECK(tci_alloc(kept->memory, count, sizeof *keys, "importance of features", &keys));
    TCI_CHECK(tci_alloc(kept->memory, network->columns, sizeof *weights, "a row of weights", &weights));
    for (size_t row = 0; row < count; row++)
        keys[row] = importance(network, row, weights);
    least = find_least(keys, count, most, &equal);
    keep(network, keys, least, equal, rows, kept);
    TCI_CHECK(tci_index_set_count(kept));
done:
    tci_free(kept->memory, keys);
    tci_free(kept->memory, weights);
    return status;
}
