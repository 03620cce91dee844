/* trie.c: building the double array from sorted keys.
 *
 * Units come in blocks of 256, so that base XOR byte stays inside one. Free units form a ring, in which the search for
 * a place of a node's children goes on where the last one ended; after some failures a new block is taken. That bounds
 * the time by the number of nodes. */
#include "text/trie.h"

#include <stdbool.h>
#include <string.h>

#include "base/sort.h"

#define BLOCK 256u
#define TRIES 64
#define FREE UINT32_MAX /* as a parent; of a free unit, base is the next free one and value the one before */

#define NOBODY (UINT32_MAX - 1) /* the root's parent */

/* A node whose children are still to be placed: keys [begin, end) of the order share its bytes. */
typedef struct open_node {
    uint32_t node, begin, end;
    uint32_t depth;
} open_node;

typedef struct trie_builder {
    tci_memory *memory;
    tci_trie *trie;
    tci_trie_key key;
    const void *context;
    uint32_t *order, *scratch;
    open_node *stack;
    size_t depth, stack_capacity;
    uint32_t free; /* some free unit, or TCI_TRIE_ROOT when there is none */
} trie_builder;

static int compare(const void *context, uint32_t a, uint32_t b)
{
    const trie_builder *builder = context;
    size_t first_length = 0, second_length = 0;
    const char *first = builder->key(builder->context, a, &first_length);
    const char *second = builder->key(builder->context, b, &second_length);
    size_t common = first_length < second_length ? first_length : second_length;
    int order = common == 0 ? 0 : memcmp(first, second, common);
    return order != 0 ? order : (first_length > second_length) - (first_length < second_length);
}

/* A free unit goes out of the ring. */
static void take(trie_builder *builder, uint32_t unit)
{
    tci_trie_unit *units = builder->trie->units;
    uint32_t next = units[unit].base, before = units[unit].value;
    units[before].base = next;
    units[next].value = before;
    builder->free = next == unit ? TCI_TRIE_ROOT : next;
}

static tc_status add_block(trie_builder *builder)
{
    tci_trie *trie = builder->trie;
    uint32_t first = (uint32_t)trie->count;
    TCI_RETURN_IF(tci_reserve(builder->memory, trie->count + BLOCK, UINT32_MAX / 2, sizeof *trie->units, "trie",
                              &trie->capacity, &trie->units));
    trie->count += BLOCK;
    for (uint32_t i = first; i < first + BLOCK; i++)
        trie->units[i] = (tci_trie_unit){i + 1, FREE, i - 1};
    uint32_t last = first + BLOCK - 1;
    if (builder->free == TCI_TRIE_ROOT) {
        trie->units[last].base = first;
        trie->units[first].value = last;
    } else {
        uint32_t next = builder->free, before = trie->units[next].value;
        trie->units[before].base = first;
        trie->units[first].value = before;
        trie->units[last].base = next;
        trie->units[next].value = last;
    }
    builder->free = first;
    return TC_OK;
}

static bool is_free(const tci_trie *trie, uint32_t base, const uint8_t *labels, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (trie->units[base ^ labels[i]].parent != FREE)
            return false;
    return true;
}

/* A base whose units at these labels are all free. */
static tc_status find_base(trie_builder *builder, const uint8_t *labels, size_t count, uint32_t *base)
{
    uint32_t unit = builder->free;
    for (size_t i = 0; i < TRIES && builder->free != TCI_TRIE_ROOT; i++) {
        *base = unit ^ labels[0];
        if (is_free(builder->trie, *base, labels, count))
            return TC_OK;
        unit = builder->trie->units[unit].base;
        builder->free = unit;
    }
    *base = (uint32_t)builder->trie->count;
    return add_block(builder);
}

static tc_status push(trie_builder *builder, open_node node)
{
    TCI_RETURN_IF(tci_reserve(builder->memory, builder->depth + 1, UINT32_MAX, sizeof *builder->stack,
                              "nodes of a trie", &builder->stack_capacity, &builder->stack));
    builder->stack[builder->depth++] = node;
    return TC_OK;
}

static uint8_t byte_at(const trie_builder *builder, uint32_t i, size_t at)
{
    size_t length = 0;
    return (uint8_t)builder->key(builder->context, builder->order[i], &length)[at];
}

/* Places the children of a node. */
static tc_status place(trie_builder *builder, open_node open, const uint32_t *values)
{
    uint8_t labels[BLOCK];
    uint32_t begins[BLOCK + 1];
    size_t count = 0;
    uint32_t base = 0, i = open.begin;
    while (i < open.end) { /* keys that end here */
        size_t length = 0;
        builder->key(builder->context, builder->order[i], &length);
        if (length > open.depth)
            break;
        if (length > builder->trie->longest)
            builder->trie->longest = length;
        if (i == open.begin)
            builder->trie->units[open.node].value = values ? values[builder->order[i]] : builder->order[i];
        i++;
    }
    for (; i < open.end; i++) {
        uint8_t label = byte_at(builder, i, open.depth);
        if (count == 0 || labels[count - 1] != label) {
            labels[count] = label;
            begins[count++] = i;
        }
    }
    if (count == 0)
        return TC_OK;
    begins[count] = open.end;
    TCI_RETURN_IF(find_base(builder, labels, count, &base));
    builder->trie->units[open.node].base = base;
    for (size_t k = 0; k < count; k++) {
        uint32_t child = base ^ labels[k];
        take(builder, child);
        builder->trie->units[child] = (tci_trie_unit){0, open.node, TCI_TRIE_NO_VALUE};
    }
    for (size_t k = count; k-- > 0;)
        TCI_RETURN_IF(push(builder, (open_node){base ^ labels[k], begins[k], begins[k + 1], open.depth + 1}));
    return TC_OK;
}

tc_status tci_trie_create(tci_memory *memory, tci_trie_key key, const void *context, const uint32_t *values,
                          uint32_t count, tci_trie **trie)
{
    trie_builder builder = {.memory = memory, .key = key, .context = context};
    tc_status status = TC_OK;
    *trie = NULL;
    TCI_CHECK(tci_alloc_zero(memory, 1, sizeof *builder.trie, "trie", &builder.trie));
    TCI_CHECK(tci_alloc(memory, count, sizeof *builder.order, "order of keys", &builder.order));
    TCI_CHECK(tci_alloc(memory, count, sizeof *builder.scratch, "order of keys", &builder.scratch));
    for (uint32_t i = 0; i < count; i++)
        builder.order[i] = i;
    tci_sort(builder.order, builder.scratch, count, compare, &builder);
    TCI_CHECK(add_block(&builder));
    take(&builder, TCI_TRIE_ROOT);
    builder.trie->units[TCI_TRIE_ROOT] = (tci_trie_unit){0, NOBODY, TCI_TRIE_NO_VALUE};
    TCI_CHECK(push(&builder, (open_node){TCI_TRIE_ROOT, 0, count, 0}));
    while (builder.depth > 0)
        TCI_CHECK(place(&builder, builder.stack[--builder.depth], values));
    for (size_t i = 0; i < builder.trie->count; i++) /* a childless node's base, 0, leads to units of other parents */
        if (builder.trie->units[i].parent == FREE)
            builder.trie->units[i] = (tci_trie_unit){0, FREE, TCI_TRIE_NO_VALUE};
    *trie = builder.trie;
    builder.trie = NULL;
done:
    tci_free(memory, builder.order);
    tci_free(memory, builder.scratch);
    tci_free(memory, builder.stack);
    tci_trie_free(memory, builder.trie);
    return status;
}

tc_status tci_trie_check_walk(const tci_trie *trie)
{
    return trie->longest <= TCI_TRIE_WALK ? TC_OK
                                          : tci_fail(TC_ERROR_LIMIT, "a token of %zu bytes; at most %d are accepted",
                                                     trie->longest, TCI_TRIE_WALK);
}

void tci_trie_free(tci_memory *memory, tci_trie *trie)
{
    if (trie)
        tci_free(memory, trie->units);
    tci_free(memory, trie);
}

uint32_t tci_trie_find(const tci_trie *trie, const char *key, size_t length)
{
    uint32_t node = TCI_TRIE_ROOT;
    for (size_t i = 0; i < length; i++) {
        node = tci_trie_step(trie, node, (uint8_t)key[i]);
        if (node == TCI_TRIE_NONE)
            return TCI_TRIE_NO_VALUE;
    }
    return tci_trie_value(trie, node);
}
