/* ngram_rows.c: a hash table with linear probing over the rows behind the sorted ones, and the merge of both.
 *
 * The merge goes from the last bucket to the first, so that sorted rows move up in place; the others are set aside in
 * `spare`, which always has room for them: settling cannot fail. */
#include "model/ngram_rows.h"

#include <string.h>

#define SLOTS_LEAST 64
#define SETTLE_ABOVE 4096 /* rows out of order that are no matter in a small model */
#define ROWS_MOST (UINT32_MAX / 4)

static size_t weight_offset(const tci_ngram_rows *rows)
{
    return rows->network->base.parameters.tensors[TCI_NGRAM_WEIGHT].offset;
}

tc_status tci_ngram_rows_init(tci_ngram_rows *rows, tci_ngram_network *network, tci_memory *memory)
{
    *rows = (tci_ngram_rows){.memory = NULL};
    size_t count = network->set.count;
    TCI_RETURN_IF(tci_alloc_zero(memory, count, sizeof *rows->marks, "touched rows", &rows->marks));
    rows->network = network;
    rows->memory = memory;
    rows->sorted = rows->count = rows->capacity = count;
    network->rows = rows;
    return TC_OK;
}

void tci_ngram_rows_free(tci_ngram_rows *rows)
{
    if (!rows->memory)
        return;
    tci_ngram_rows_drop(rows);
    tci_ngram_rows_settle(rows);
    rows->network->rows = NULL;
    tci_free(rows->memory, rows->marks);
    tci_free(rows->memory, rows->buckets);
    tci_free(rows->memory, rows->slots);
    tci_free(rows->memory, rows->spare);
    *rows = (tci_ngram_rows){.memory = NULL};
}

void tci_ngram_rows_follow(tci_ngram_rows *rows, float **block)
{
    rows->blocks[rows->block_count++] = block;
}

size_t tci_ngram_rows_floats(const tci_ngram_rows *rows)
{
    return weight_offset(rows) + rows->capacity * rows->network->columns;
}

/* ---- the hash table ---- */

/* Buckets are hash values already. */
static size_t find_slot(const tci_ngram_rows *rows, uint32_t bucket)
{
    size_t mask = rows->slot_count - 1, slot = bucket & mask;
    while (rows->slots[slot].row != 0 && rows->slots[slot].bucket != bucket)
        slot = (slot + 1) & mask;
    return slot;
}

uint32_t tci_ngram_rows_find(const tci_ngram_rows *rows, uint32_t bucket)
{
    return rows->slot_count == 0 ? TCI_INDEX_SET_NONE : rows->slots[find_slot(rows, bucket)].row - 1;
}

static void fill_slots(tci_ngram_rows *rows)
{
    memset(rows->slots, 0, rows->slot_count * sizeof *rows->slots);
    for (size_t i = 0; i < rows->count + rows->pending - rows->sorted; i++)
        rows->slots[find_slot(rows, rows->buckets[i])] =
            (tci_ngram_slot){rows->buckets[i], (uint32_t)(rows->sorted + i) + 1};
}

static tc_status reserve_slots(tci_ngram_rows *rows, size_t later)
{
    size_t wanted = rows->slot_count < SLOTS_LEAST ? SLOTS_LEAST : rows->slot_count;
    tci_ngram_slot *slots = NULL;
    while (wanted < 2 * later)
        wanted *= 2;
    if (wanted == rows->slot_count)
        return TC_OK;
    TCI_RETURN_IF(tci_alloc(rows->memory, wanted, sizeof *slots, "new features", &slots));
    tci_free(rows->memory, rows->slots);
    rows->slots = slots;
    rows->slot_count = wanted;
    fill_slots(rows);
    return TC_OK;
}

/* ---- room ---- */

static tc_status grow_block(tci_memory *memory, size_t floats, size_t filled, float **block)
{
    TCI_RETURN_IF(tci_resize(memory, floats, sizeof(float), "weights of new features", block));
    memset(*block + filled, 0, (floats - filled) * sizeof(float));
    return TC_OK;
}

static tc_status grow_blocks(tci_ngram_rows *rows, size_t needed)
{
    size_t wanted = rows->capacity + rows->capacity / 2, floats = 0, filled = tci_ngram_rows_floats(rows);
    tci_network *network = &rows->network->base;
    if (needed <= rows->capacity)
        return TC_OK;
    wanted = wanted < needed ? needed : wanted;
    if (needed > ROWS_MOST || !tci_multiply(wanted, rows->network->columns, &floats) ||
        !tci_add(floats, weight_offset(rows), &floats))
        return tci_fail(TC_ERROR_LIMIT, "weights of %zu features do not fit the address space", needed);
    TCI_RETURN_IF(grow_block(network->memory, floats, filled, &network->parameters.values));
    for (size_t i = 0; i < rows->block_count; i++) {
        if (*rows->blocks[i])
            TCI_RETURN_IF(grow_block(rows->memory, floats, filled, rows->blocks[i]));
    }
    TCI_RETURN_IF(tci_resize(rows->memory, wanted, sizeof *rows->marks, "touched rows", &rows->marks));
    memset(rows->marks + rows->capacity, 0, (wanted - rows->capacity) * sizeof *rows->marks);
    rows->capacity = wanted;
    return TC_OK;
}

tc_status tci_ngram_rows_reserve(tci_ngram_rows *rows, size_t more)
{
    size_t needed = rows->count + rows->pending + more, later = needed - rows->sorted;
    if (more == 0)
        return TC_OK;
    TCI_RETURN_IF(grow_blocks(rows, needed));
    TCI_RETURN_IF(tci_reserve(rows->memory, later, SIZE_MAX / 8, sizeof *rows->buckets, "new features",
                              &rows->bucket_capacity, &rows->buckets));
    TCI_RETURN_IF(tci_reserve(rows->memory, later * rows->network->columns, SIZE_MAX / 8, sizeof(float), "new features",
                              &rows->spare_capacity, &rows->spare));
    return reserve_slots(rows, later);
}

/* ---- rows come and go ---- */

uint32_t tci_ngram_rows_append(tci_ngram_rows *rows, uint32_t bucket)
{
    size_t row = rows->count + rows->pending++;
    rows->buckets[row - rows->sorted] = bucket;
    rows->slots[find_slot(rows, bucket)] = (tci_ngram_slot){bucket, (uint32_t)row + 1};
    return (uint32_t)row;
}

void tci_ngram_rows_commit(tci_ngram_rows *rows)
{
    tci_parameters *parameters = &rows->network->base.parameters;
    tci_tensor_info *tensor = &parameters->tensors[TCI_NGRAM_WEIGHT];
    if (rows->pending > 0)
        tci_ngram_note_texts(rows->network, NULL); /* of which it does not know any more */
    rows->count += rows->pending;
    rows->pending = 0;
    tensor->shape[0] = rows->count;
    tensor->count = rows->count * rows->network->columns;
    parameters->size = tensor->offset + tensor->count;
    if (rows->count - rows->sorted > rows->sorted + SETTLE_ABOVE)
        tci_ngram_rows_settle(rows);
}

/* The last one in a table with linear probing can be taken out by itself. */
void tci_ngram_rows_drop(tci_ngram_rows *rows)
{
    while (rows->pending > 0) {
        uint32_t bucket = rows->buckets[rows->count + --rows->pending - rows->sorted];
        rows->slots[find_slot(rows, bucket)].row = 0;
    }
}

/* ---- settling ---- */

/* Merges one array of rows by the set, which has all of them by now. */
static void merge_rows(const tci_ngram_rows *rows, void *array, size_t row_bytes)
{
    const tci_index_set *set = &rows->network->set;
    char *data = array, *aside = (char *)rows->spare;
    size_t from = rows->sorted, to = rows->count;
    memcpy(aside, data + from * row_bytes, (to - from) * row_bytes);
    for (size_t word = set->words; from < to && word-- > 0;) {
        for (uint32_t bit = 64; from < to && bit-- > 0;) {
            if ((set->bits[word] >> bit & 1) == 0)
                continue;
            uint32_t row = tci_ngram_rows_find(rows, (uint32_t)(word * 64 + bit));
            if (row == TCI_INDEX_SET_NONE)
                memmove(data + --to * row_bytes, data + --from * row_bytes, row_bytes);
            else
                memcpy(data + --to * row_bytes, aside + (row - rows->sorted) * row_bytes, row_bytes);
        }
    }
}

void tci_ngram_rows_settle(tci_ngram_rows *rows)
{
    size_t later = rows->count - rows->sorted, row_bytes = rows->network->columns * sizeof(float);
    tci_index_set *set = &rows->network->set;
    if (later == 0)
        return;
    for (size_t i = 0; i < later; i++)
        tci_index_set_put(set, rows->buckets[i]);
    (void)tci_index_set_count(set); /* fails for members above the bound only */
    merge_rows(rows, rows->network->base.parameters.values + weight_offset(rows), row_bytes);
    for (size_t i = 0; i < rows->block_count; i++) {
        if (*rows->blocks[i])
            merge_rows(rows, *rows->blocks[i] + weight_offset(rows), row_bytes);
    }
    merge_rows(rows, rows->marks, sizeof *rows->marks);
    memmove(rows->buckets, rows->buckets + later, rows->pending * sizeof *rows->buckets);
    rows->sorted = rows->count;
    fill_slots(rows);
}
