/* index_set.c: a bitmap in words, and the rank of each word's first number. */
#include "tensor/index_set.h"

#include <string.h>

tc_status tci_index_set_init(tci_index_set *set, tci_memory *memory, size_t bound)
{
    *set = (tci_index_set){.memory = memory, .bound = bound, .words = (bound + 63) / 64};
    if (bound > TCI_INDEX_SET_BOUND)
        return tci_fail(TC_ERROR_LIMIT, "%zu features; the limit is %u", bound, TCI_INDEX_SET_BOUND);
    TCI_RETURN_IF(tci_alloc_zero(memory, set->words, sizeof *set->bits, "feature set", &set->bits));
    tc_status status = tci_alloc_zero(memory, set->words, sizeof *set->ranks, "feature set", &set->ranks);
    if (status != TC_OK)
        tci_index_set_free(set);
    return status;
}

void tci_index_set_free(tci_index_set *set)
{
    if (!set->memory)
        return;
    tci_free(set->memory, set->bits);
    tci_free(set->memory, set->ranks);
    *set = (tci_index_set){.memory = NULL};
}

tc_status tci_index_set_count(tci_index_set *set)
{
    if (set->bound % 64 != 0 && set->bits[set->words - 1] >> set->bound % 64 != 0)
        return tci_fail(TC_ERROR_FORMAT, "the set of features has members above its %zu", set->bound);
    set->count = 0;
    for (size_t word = 0; word < set->words; word++) {
        set->ranks[word] = (uint32_t)set->count;
        set->count += tci_count_bits(set->bits[word]);
    }
    return TC_OK;
}

tc_status tci_index_set_copy(tci_index_set *set, const tci_index_set *from)
{
    if (set->bound != from->bound)
        return tci_fail(TC_ERROR_INTERNAL, "a set of %zu features for one of %zu", from->bound, set->bound);
    memcpy(set->bits, from->bits, set->words * sizeof *set->bits);
    memcpy(set->ranks, from->ranks, set->words * sizeof *set->ranks);
    set->count = from->count;
    return TC_OK;
}

tc_status tci_index_set_read(tci_index_set *set, const uint8_t *bytes)
{
    size_t count = TCI_INDEX_SET_BYTES(set->bound);
    memset(set->bits, 0, set->words * sizeof *set->bits);
    for (size_t i = 0; i < count; i++)
        set->bits[i / 8] |= (uint64_t)bytes[i] << 8 * (i % 8);
    return tci_index_set_count(set);
}

tc_status tci_index_set_write(const tci_index_set *set, tci_buffer *out)
{
    size_t left = TCI_INDEX_SET_BYTES(set->bound);
    for (size_t word = 0; word < set->words; word++) {
        uint8_t bytes[8];
        size_t count = left < sizeof bytes ? left : sizeof bytes;
        tci_store_u64(bytes, set->bits[word]);
        TCI_RETURN_IF(tci_buffer_append(out, bytes, count));
        left -= count;
    }
    return TC_OK;
}
