/* token_table.c: tokens stand behind each other in one block; the trie finds ids, an array finds tokens. */
#include "text/token_table.h"

#define MAX_BYTES ((size_t)1 << 40)

void tci_token_table_init(tci_token_table *table, tci_memory *memory)
{
    *table = (tci_token_table){.memory = memory};
}

void tci_token_table_free(tci_token_table *table)
{
    tci_free(table->memory, table->bytes);
    tci_free(table->memory, table->ends);
    tci_free(table->memory, table->ids);
    tci_free(table->memory, table->by_id);
    tci_trie_free(table->memory, table->trie);
    tci_token_table_init(table, table->memory);
}

tc_status tci_token_table_add(tci_token_table *table, const char *token, size_t length, uint64_t id, size_t max_rows)
{
    size_t size = 0;
    if (!tci_add(table->size, length, &size) || size > MAX_BYTES)
        return tci_fail(TC_ERROR_LIMIT, "tokens of more than %zu bytes", MAX_BYTES);
    TCI_RETURN_IF(tci_reserve(table->memory, size, MAX_BYTES, 1, "tokens", &table->capacity, &table->bytes));
    TCI_RETURN_IF(tci_reserve(table->memory, (size_t)table->count + 1, UINT32_MAX - 1, sizeof *table->ends,
                              "ends of tokens", &table->end_capacity, &table->ends));
    TCI_RETURN_IF(tci_reserve(table->memory, (size_t)table->count + 1, UINT32_MAX - 1, sizeof *table->ids,
                              "ids of tokens", &table->id_capacity, &table->ids));
    if (length > 0)
        memcpy(table->bytes + table->size, token, length);
    table->size = size;
    table->ends[table->count] = size;
    table->count++;
    return tci_token_table_set_last(table, id, max_rows);
}

tc_status tci_token_table_set_last(tci_token_table *table, uint64_t id, size_t max_rows)
{
    if (id >= max_rows || id >= TCI_SUBWORD_NONE - 1)
        return tci_fail(TC_ERROR_LIMIT, "token %u has the id %llu; ids below %zu are accepted", table->count - 1,
                        (unsigned long long)id, max_rows);
    table->ids[table->count - 1] = (uint32_t)id;
    if (id >= table->rows)
        table->rows = (uint32_t)id + 1;
    return TC_OK;
}

static const char *token_at(const void *context, uint32_t i, size_t *length)
{
    const tci_token_table *table = context;
    size_t begin = i == 0 ? 0 : table->ends[i - 1];
    *length = table->ends[i] - begin;
    return table->bytes + begin;
}

tc_status tci_token_table_finish(tci_token_table *table)
{
    TCI_RETURN_IF(tci_alloc(table->memory, table->rows, sizeof *table->by_id, "tokens by id", &table->by_id));
    memset(table->by_id, 0xFF, table->rows * sizeof *table->by_id);
    for (uint32_t i = 0; i < table->count; i++) {
        uint32_t *token = &table->by_id[table->ids[i]];
        if (*token != TCI_SUBWORD_NONE)
            return tci_fail(TC_ERROR_FORMAT, "two tokens have the id %u", table->ids[i]);
        *token = i;
    }
    TCI_RETURN_IF(tci_trie_create(table->memory, token_at, table, table->ids, table->count, &table->trie));
    for (uint32_t i = 0; i < table->count; i++) {
        size_t length;
        const char *token = token_at(table, i, &length);
        if (tci_trie_find(table->trie, token, length) != table->ids[i])
            return tci_fail(TC_ERROR_FORMAT, "the token \"%.*s\" comes twice", (int)(length < 80 ? length : 80), token);
    }
    return TC_OK;
}

uint32_t tci_token_table_find(const tci_token_table *table, const char *token, size_t length)
{
    return tci_trie_find(table->trie, token, length); /* TCI_TRIE_NO_VALUE is TCI_SUBWORD_NONE */
}

const char *tci_token_table_token(const tci_token_table *table, uint32_t id, size_t *length)
{
    *length = 0;
    if (id >= table->rows || table->by_id[id] == TCI_SUBWORD_NONE)
        return NULL;
    return token_at(table, table->by_id[id], length);
}
