/* trie.h: byte strings to numbers, walked a byte at a time, so that all keys that begin somewhere in a text are found
 * by one walk. A double array (Aoe 1989) whose children stand at base XOR byte. Read-only once made; nothing
 * observable depends on where nodes stand. */
#ifndef TCI_TEXT_TRIE_H
#define TCI_TEXT_TRIE_H

#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

#define TCI_TRIE_ROOT 0u
#define TCI_TRIE_NONE 0u /* no child: the root is nobody's */
#define TCI_TRIE_NO_VALUE UINT32_MAX

typedef struct tci_trie_unit {
    uint32_t base;
    uint32_t parent;
    uint32_t value; /* of the key that ends here, or TCI_TRIE_NO_VALUE */
} tci_trie_unit;

typedef struct tci_trie {
    tci_trie_unit *units;
    size_t count, capacity;
    size_t longest; /* bytes of a key */
} tci_trie;

/* What a walk from each place of a text may cost, in bytes of the longest key: TC_ERROR_LIMIT above. */
#define TCI_TRIE_WALK 1024
tc_status tci_trie_check_walk(const tci_trie *trie);

/* Key `i` of a set of keys. */
typedef const char *(*tci_trie_key)(const void *context, uint32_t i, size_t *length);

/* Of the keys 0 to count - 1, in any order; `values[i]` (NULL: i) is below TCI_TRIE_NO_VALUE. Of keys that come more
 * than once the lowest i counts. Linear time but for sorting. */
tc_status tci_trie_create(tci_memory *memory, tci_trie_key key, const void *context, const uint32_t *values,
                          uint32_t count, tci_trie **trie);
void tci_trie_free(tci_memory *memory, tci_trie *trie); /* NULL is a no-op */

static inline uint32_t tci_trie_step(const tci_trie *trie, uint32_t node, uint8_t byte)
{
    uint32_t child = trie->units[node].base ^ byte;
    return trie->units[child].parent == node ? child : TCI_TRIE_NONE;
}

static inline uint32_t tci_trie_value(const tci_trie *trie, uint32_t node)
{
    return trie->units[node].value;
}

/* The value of a key, or TCI_TRIE_NO_VALUE. */
uint32_t tci_trie_find(const tci_trie *trie, const char *key, size_t length);

#endif
