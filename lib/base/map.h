/* map.h: a hash map from byte strings to entry numbers. Open addressing over XXH3 keyed by the map's own address, so
 * that nobody can prepare colliding keys; nothing observable depends on the order of the slots. The map stores offsets
 * into one growing byte block of its own: keys are copied. */
#ifndef TCI_BASE_MAP_H
#define TCI_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

#define TCI_MAP_NONE UINT32_MAX

typedef struct tci_map tci_map;

tc_status tci_map_create(tci_memory *memory, tci_map **map);
void tci_map_free(tci_map *map);

size_t tci_map_count(const tci_map *map);

/* The number of the entry with this key, in order of first insertion from 0, or TCI_MAP_NONE. */
uint32_t tci_map_find(const tci_map *map, const void *key, size_t length);

/* As find, but inserts a missing key as the next entry; *inserted (may be NULL) says so. */
tc_status tci_map_insert(tci_map *map, const void *key, size_t length, uint32_t *entry, bool *inserted);

/* Key of an entry; valid until the next insert. */
const char *tci_map_key(const tci_map *map, uint32_t entry, size_t *length);

/* Takes back the entries inserted last, until `count` are left; their room is kept. */
void tci_map_truncate(tci_map *map, size_t count);

/* Makes room beforehand, so that the next `entries` inserts of `bytes` key bytes in all allocate nothing. */
tc_status tci_map_reserve(tci_map *map, size_t entries, size_t bytes);

#endif
