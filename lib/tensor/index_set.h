/* index_set.h: a set of numbers below a bound, which gives each of its members a rank: how many members are smaller.
 *
 * A model of hashed features keeps a row of weights for the features that it has seen; the set says which those are and
 * where the row of one stands. It is a bitmap, number n being bit n % 64 of word n / 64, with the rank of every 64th
 * number beside it: a bit and a half for each number that there could be, and two reads to find a rank. */
#ifndef TCI_TENSOR_INDEX_SET_H
#define TCI_TENSOR_INDEX_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/memory.h"

#define TCI_INDEX_SET_BOUND (UINT32_C(1) << 30)
#define TCI_INDEX_SET_NONE UINT32_MAX

typedef struct tci_index_set {
    tci_memory *memory;
    size_t bound; /* of the numbers */
    size_t count; /* members */
    size_t words; /* of the bitmap: bound / 64, rounded up */
    uint64_t *bits;
    uint32_t *ranks; /* of the numbers 0, 64, ... */
} tci_index_set;

/* An empty set. `bound` is at most TCI_INDEX_SET_BOUND. */
tc_status tci_index_set_init(tci_index_set *set, tci_memory *memory, size_t bound);
void tci_index_set_free(tci_index_set *set);

/* After bits were set or cleared: counts members and ranks. Bits at or above the bound are TC_ERROR_FORMAT. */
tc_status tci_index_set_count(tci_index_set *set);

/* As bytes, number n being bit n % 8 of byte n / 8: as a model file has it. Reading counts. */
#define TCI_INDEX_SET_BYTES(bound) (((bound) + 7) / 8)
tc_status tci_index_set_read(tci_index_set *set, const uint8_t *bytes);
tc_status tci_index_set_write(const tci_index_set *set, tci_buffer *out);

/* The members of another set of the same bound. TC_ERROR_INTERNAL for another bound. */
tc_status tci_index_set_copy(tci_index_set *set, const tci_index_set *from);

static inline bool tci_index_set_has(const tci_index_set *set, uint32_t number)
{
    return (set->bits[number / 64] >> number % 64 & 1) != 0;
}

static inline void tci_index_set_put(tci_index_set *set, uint32_t number)
{
    set->bits[number / 64] |= UINT64_C(1) << number % 64;
}

/* The set bits of a word, added up by halves, fourths, ... of it in place. */
static inline uint32_t tci_count_bits(uint64_t word)
{
    word -= word >> 1 & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (uint32_t)(word * UINT64_C(0x0101010101010101) >> 56);
}

/* The rank of a number below the bound; TCI_INDEX_SET_NONE when it is no member. */
static inline uint32_t tci_index_set_rank(const tci_index_set *set, uint32_t number)
{
    uint64_t word = set->bits[number / 64], bit = UINT64_C(1) << number % 64;
    if ((word & bit) == 0)
        return TCI_INDEX_SET_NONE;
    return set->ranks[number / 64] + tci_count_bits(word & (bit - 1));
}

#endif
