/* map.c: open addressing with linear probing over a power of two of slots, at most three quarters full.
 *
 * A slot holds 32 bits of the key's hash beside the entry's number, so that a probe rarely looks at the bytes of
 * another key. Entries are numbered in order of insertion and slots are refilled in that order, so the
 * entry inserted last never stands in the way of an earlier one: taking back from the end just empties slots. */
#include "base/map.h"

#include <string.h>

#include "base/hash.h"

/* Three quarters of 2^31 slots; the hash's 32 bits still spread over them. */
#define MAX_SLOTS ((size_t)1 << 31)
#define MAX_ENTRIES (MAX_SLOTS / 4 * 3)
#define MIN_SLOTS 16

typedef struct map_slot {
    uint32_t hash;
    uint32_t entry; /* TCI_MAP_NONE: empty */
} map_slot;

struct tci_map {
    tci_memory *memory;
    map_slot *slots;
    size_t slot_count; /* 0 or a power of two */
    size_t count;
    char *bytes; /* the keys one after the other */
    size_t bytes_capacity;
    size_t *ends; /* (count), where each key ends in `bytes` */
    size_t ends_capacity;
};

tc_status tci_map_create(tci_memory *memory, tci_map **map)
{
    TCI_RETURN_IF(tci_alloc_zero(memory, 1, sizeof **map, "hash map", map));
    (*map)->memory = memory;
    return TC_OK;
}

void tci_map_free(tci_map *map)
{
    if (!map)
        return;
    tci_free(map->memory, map->slots);
    tci_free(map->memory, map->bytes);
    tci_free(map->memory, map->ends);
    tci_free(map->memory, map);
}

size_t tci_map_count(const tci_map *map)
{
    return map->count;
}

static size_t begin_of(const tci_map *map, size_t entry)
{
    return entry == 0 ? 0 : map->ends[entry - 1];
}

const char *tci_map_key(const tci_map *map, uint32_t entry, size_t *length)
{
    size_t begin = begin_of(map, entry);
    *length = map->ends[entry] - begin;
    return map->bytes + begin;
}

/* The map's address is the seed: with address-space randomization nobody outside knows it. */
static uint32_t hash_of(const tci_map *map, const void *key, size_t length)
{
    return (uint32_t)tci_hash(key, length, (uintptr_t)map);
}

/* The slot of this key, or the empty one where it would go. There must be an empty slot. */
static map_slot *probe(const tci_map *map, uint32_t hash, const void *key, size_t length)
{
    size_t mask = map->slot_count - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
        map_slot *slot = &map->slots[at];
        if (slot->entry == TCI_MAP_NONE)
            return slot;
        if (slot->hash == hash) {
            size_t begin = begin_of(map, slot->entry);
            if (map->ends[slot->entry] - begin == length && memcmp(map->bytes + begin, key, length) == 0)
                return slot;
        }
    }
}

uint32_t tci_map_find(const tci_map *map, const void *key, size_t length)
{
    if (map->count == 0)
        return TCI_MAP_NONE;
    if (length == 0)
        key = ""; /* a NULL key of no bytes is fine, too */
    return probe(map, hash_of(map, key, length), key, length)->entry;
}

/* Moves all entries, in their order, to a table of `slot_count`. */
static tc_status rebuild(tci_map *map, size_t slot_count)
{
    map_slot *slots = NULL;
    TCI_RETURN_IF(tci_alloc(map->memory, slot_count, sizeof *slots, "hash map slots", &slots));
    memset(slots, 0xFF, slot_count * sizeof *slots); /* every entry TCI_MAP_NONE */
    size_t mask = slot_count - 1;
    /* In order of insertion, as truncate needs it; hashing again reads the keys in memory order. */
    for (size_t entry = 0; entry < map->count; entry++) {
        size_t begin = begin_of(map, entry);
        uint32_t hash = hash_of(map, map->bytes + begin, map->ends[entry] - begin);
        size_t at = hash & mask;
        while (slots[at].entry != TCI_MAP_NONE)
            at = (at + 1) & mask;
        slots[at] = (map_slot){hash, (uint32_t)entry};
    }
    tci_free(map->memory, map->slots);
    map->slots = slots;
    map->slot_count = slot_count;
    return TC_OK;
}

tc_status tci_map_reserve(tci_map *map, size_t entries, size_t bytes)
{
    if (entries > MAX_ENTRIES - map->count)
        return tci_fail(TC_ERROR_LIMIT, "hash map: %zu entries more than the %zu there pass the limit of %zu", entries,
                        map->count, MAX_ENTRIES);
    size_t needed = map->count + entries, needed_bytes = 0;
    if (!tci_add(map->count == 0 ? 0 : map->ends[map->count - 1], bytes, &needed_bytes) || needed_bytes == SIZE_MAX)
        return tci_fail(TC_ERROR_LIMIT, "hash map: %zu more key bytes do not fit the address space", bytes);
    /* One byte at least, so that an empty key has an address. */
    TCI_RETURN_IF(
        tci_reserve(map->memory, needed_bytes + 1, SIZE_MAX, 1, "hash map keys", &map->bytes_capacity, &map->bytes));
    TCI_RETURN_IF(tci_reserve(map->memory, needed, MAX_ENTRIES, sizeof *map->ends, "hash map entries",
                              &map->ends_capacity, &map->ends));
    size_t slot_count = map->slot_count < MIN_SLOTS ? MIN_SLOTS : map->slot_count;
    while (slot_count / 4 * 3 < needed)
        slot_count *= 2;
    return slot_count == map->slot_count ? TC_OK : rebuild(map, slot_count);
}

tc_status tci_map_insert(tci_map *map, const void *key, size_t length, uint32_t *entry, bool *inserted)
{
    if (length == 0)
        key = "";
    uint32_t hash = hash_of(map, key, length);
    bool missing = true;
    map_slot *slot = NULL;
    if (map->slot_count != 0) {
        slot = probe(map, hash, key, length);
        missing = slot->entry == TCI_MAP_NONE;
    }
    if (missing) {
        map_slot *old = map->slots;
        TCI_RETURN_IF(tci_map_reserve(map, 1, length));
        if (map->slots != old || !slot)
            slot = probe(map, hash, key, length);
        size_t begin = begin_of(map, map->count);
        memcpy(map->bytes + begin, key, length);
        map->ends[map->count] = begin + length;
        *slot = (map_slot){hash, (uint32_t)map->count};
        map->count++;
    }
    *entry = slot->entry;
    if (inserted)
        *inserted = missing;
    return TC_OK;
}

void tci_map_truncate(tci_map *map, size_t count)
{
    while (map->count > count) {
        size_t length = 0;
        const char *key = tci_map_key(map, (uint32_t)(map->count - 1), &length);
        probe(map, hash_of(map, key, length), key, length)->entry = TCI_MAP_NONE;
        map->count--;
    }
}
