/* token_table.h: a model's vocabulary as a tokenizer.json writes it: tokens and their ids, both ways, and a trie for
 * the tokens that begin somewhere in a word. Read-only once finished. Ids need not be without holes. */
#ifndef TCI_TEXT_TOKEN_TABLE_H
#define TCI_TEXT_TOKEN_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "text/stage.h"
#include "text/trie.h"

typedef struct tci_token_table {
    tci_memory *memory;
    char *bytes;
    size_t size, capacity;
    size_t *ends; /* (count): behind each token's bytes, in the order in which they were added */
    size_t end_capacity;
    uint32_t *ids; /* (count) */
    size_t id_capacity;
    uint32_t count, rows; /* tokens; the largest id + 1 */
    uint32_t *by_id;      /* (rows): which token, or TCI_SUBWORD_NONE */
    tci_trie *trie;       /* token bytes to id */
} tci_token_table;

void tci_token_table_init(tci_token_table *table, tci_memory *memory);
void tci_token_table_free(tci_token_table *table);

/* An id below `max_rows`; TC_ERROR_LIMIT otherwise. */
tc_status tci_token_table_add(tci_token_table *table, const char *token, size_t length, uint64_t id, size_t max_rows);

/* Another id for the one added last. */
tc_status tci_token_table_set_last(tci_token_table *table, uint64_t id, size_t max_rows);

/* After the last one: two tokens of one id, or one token twice, are TC_ERROR_FORMAT. */
tc_status tci_token_table_finish(tci_token_table *table);

uint32_t tci_token_table_find(const tci_token_table *table, const char *token, size_t length); /* or TCI_SUBWORD_NONE */
const char *tci_token_table_token(const tci_token_table *table, uint32_t id, size_t *length);  /* or NULL */

#endif
