/* token_map.h: the tokens of a foreign vocabulary: bytes to ids, and ids, which may have holes, to bytes. */
#ifndef TCI_TEXT_TOKEN_MAP_H
#define TCI_TEXT_TOKEN_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "base/memory.h"

typedef struct tci_token_map {
    tci_memory *memory;
    tci_map *map;      /* entries in the order of adding */
    uint32_t *ids;     /* of each entry; of a token that came more than once the last one */
    uint32_t *entries; /* (rows) of each id, or TCI_MAP_NONE; from finish on */
    size_t id_capacity, rows, longest;
} tci_token_map;

tc_status tci_token_map_create(tci_memory *memory, tci_token_map **table);
void tci_token_map_free(tci_token_map *table); /* NULL is a no-op */

/* Ids below max_vocab, else TC_ERROR_LIMIT. */
tc_status tci_token_map_add(tci_token_map *table, const char *token, size_t length, uint64_t id, size_t max_vocab);
/* Rows by number: once. TC_ERROR_FORMAT where most of them would be holes. */
tc_status tci_token_map_finish(tci_token_map *table);

/* The id, or TCI_MAP_NONE. */
uint32_t tci_token_map_find(const tci_token_map *table, const char *token, size_t length);
/* The ids of <0x00> to <0xFF>, which stand for bytes, or TCI_MAP_NONE. */
void tci_token_map_list_bytes(const tci_token_map *table, uint32_t ids[256]);
/* The bytes, or NULL where no token has the id. */
const char *tci_token_map_token(const tci_token_map *table, uint32_t id, size_t *length);

#endif
