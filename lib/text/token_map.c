/* token_map.c: a map of bytes with the ids of its entries beside it. */
#include "text/token_map.h"

#include <string.h>

/* Rows that a finished map may have for each token, and beside: ids come from the file, memory is for what is
 * there. */
#define ROWS_PER_TOKEN 8
#define ROWS_BESIDE 65536

tc_status tci_token_map_create(tci_memory *memory, tci_token_map **table)
{
    TCI_RETURN_IF(tci_alloc_zero(memory, 1, sizeof **table, "vocabulary", table));
    (*table)->memory = memory;
    tc_status status = tci_map_create(memory, &(*table)->map);
    if (status != TC_OK) {
        tci_free(memory, *table);
        *table = NULL;
    }
    return status;
}

void tci_token_map_free(tci_token_map *table)
{
    if (!table)
        return;
    tci_map_free(table->map);
    tci_free(table->memory, table->ids);
    tci_free(table->memory, table->entries);
    tci_free(table->memory, table);
}

tc_status tci_token_map_add(tci_token_map *table, const char *token, size_t length, uint64_t id, size_t max_vocab)
{
    if (id >= max_vocab || id >= TCI_MAP_NONE)
        return tci_fail(TC_ERROR_LIMIT, "vocabulary: the token %.*s has id %llu; max_vocab allows ids below %zu",
                        (int)(length < 80 ? length : 80), token, (unsigned long long)id, max_vocab);
    uint32_t entry;
    TCI_RETURN_IF(tci_reserve(table->memory, tci_map_count(table->map) + 1, TCI_MAP_NONE, sizeof *table->ids,
                              "vocabulary", &table->id_capacity, &table->ids));
    TCI_RETURN_IF(tci_map_insert(table->map, token, length, &entry, NULL));
    table->ids[entry] = (uint32_t)id;
    if (table->rows <= id)
        table->rows = (size_t)id + 1;
    if (table->longest < length)
        table->longest = length;
    return TC_OK;
}

tc_status tci_token_map_finish(tci_token_map *table)
{
    size_t count = tci_map_count(table->map);
    if (table->rows > ROWS_BESIDE && (table->rows - ROWS_BESIDE) / ROWS_PER_TOKEN > count)
        return tci_fail(TC_ERROR_FORMAT, "vocabulary: the largest id is %zu, with %zu tokens in all", table->rows - 1,
                        count);
    TCI_RETURN_IF(tci_alloc(table->memory, table->rows, sizeof *table->entries, "vocabulary", &table->entries));
    memset(table->entries, 0xFF, table->rows * sizeof *table->entries);
    for (size_t i = 0; i < count; i++)
        table->entries[table->ids[i]] = (uint32_t)i;
    return TC_OK;
}

uint32_t tci_token_map_find(const tci_token_map *table, const char *token, size_t length)
{
    uint32_t entry = tci_map_find(table->map, token, length);
    return entry == TCI_MAP_NONE ? entry : table->ids[entry];
}

void tci_token_map_list_bytes(const tci_token_map *table, uint32_t ids[256])
{
    static const char digits[] = "0123456789ABCDEF";
    char token[] = "<0x00>";
    for (size_t i = 0; i < 256; i++) {
        token[3] = digits[i >> 4];
        token[4] = digits[i & 15];
        ids[i] = tci_token_map_find(table, token, 6);
    }
}

const char *tci_token_map_token(const tci_token_map *table, uint32_t id, size_t *length)
{
    if (id >= table->rows || table->entries[id] == TCI_MAP_NONE)
        return NULL;
    return tci_map_key(table->map, table->entries[id], length);
}
