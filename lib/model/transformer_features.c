/* transformer_features.c: see transformer_features.h. The key of a vector is the ids themselves: no two sequences can
 * be taken for one another. Must not know what is trained, or of rows: a long text is several sequences. */
#include "model/transformer_features.h"

#include <string.h>

tc_status tci_features_init(tci_features *features, const tci_transformer *network, tci_memory *memory)
{
    features->network = network;
    features->memory = memory;
    features->workspace.memory = memory;
    features->most_bytes = TCI_FEATURES_BYTES;
    return tci_map_create(memory, &features->kept);
}

void tci_features_free(tci_features *features)
{
    tci_memory *memory = features->memory;
    if (!memory)
        return;
    tci_map_free(features->kept);
    tci_workspace_free(&features->workspace);
    tci_free(memory, features->vectors);
    tci_free(memory, features->missing);
    tci_free(memory, features->places);
    tci_free(memory, features->fresh);
    memset(features, 0, sizeof *features);
}

static size_t key_bytes(size_t length)
{
    return length * sizeof(uint32_t);
}

static void put(const tci_features *features, const float *vector, float *pooled)
{
    size_t width = features->network->width, stride = features->network->stride;
    memcpy(pooled, vector, width * sizeof *pooled);
    memset(pooled + width, 0, (stride - width) * sizeof *pooled);
}

/* Keeps a vector where there is room for it; there may be none. */
static void keep(tci_features *features, const tci_row *row, const float *vector)
{
    uint32_t entry = 0;
    bool inserted = false;
    size_t width = features->network->width, bytes = key_bytes(row->length) + width * sizeof *vector;
    size_t floats = (tci_map_count(features->kept) + 1) * width;
    if (bytes > features->most_bytes - features->bytes ||
        tci_reserve(features->memory, floats, features->most_bytes, sizeof *vector, "vectors of texts",
                    &features->vector_capacity, &features->vectors) != TC_OK ||
        tci_map_insert(features->kept, row->ids, key_bytes(row->length), &entry, &inserted) != TC_OK || !inserted)
        return;
    memcpy(features->vectors + entry * width, vector, width * sizeof *vector);
    features->bytes += bytes;
}

/* Lists what is not kept, and puts what is. */
static tc_status look_up(tci_features *features, const tci_sequence *sequences, size_t count, float *pooled,
                         size_t *missing)
{
    size_t width = features->network->width, stride = features->network->stride;
    TCI_RETURN_IF(tci_reserve(features->memory, count, SIZE_MAX / 64, sizeof *features->missing, "texts of a batch",
                              &features->missing_capacity, &features->missing));
    TCI_RETURN_IF(tci_reserve(features->memory, count, SIZE_MAX / 64, sizeof *features->places, "texts of a batch",
                              &features->place_capacity, &features->places));
    *missing = 0;
    for (size_t i = 0; i < count; i++) {
        const tci_sequence *sequence = &sequences[i];
        uint32_t entry = sequence->length == 0
                             ? TCI_MAP_NONE
                             : tci_map_find(features->kept, sequence->ids, key_bytes(sequence->length));
        if (entry != TCI_MAP_NONE) {
            put(features, features->vectors + entry * width, pooled + i * stride);
            continue;
        }
        features->places[*missing] = i;
        features->missing[(*missing)++] = (tci_row){.ids = sequence->ids, .length = sequence->length};
    }
    return TC_OK;
}

tc_status tci_features_fill(tci_features *features, tci_pool *pool, const tci_sequence *sequences, size_t count,
                            float *pooled)
{
    size_t missing = 0, floats = 0, width = features->network->width, stride = features->network->stride;
    TCI_RETURN_IF(look_up(features, sequences, count, pooled, &missing));
    if (missing == 0)
        return TC_OK;
    if (!tci_multiply(missing, width, &floats))
        return tci_fail(TC_ERROR_LIMIT, "vectors of %zu texts do not fit the address space", missing);
    TCI_RETURN_IF(tci_reserve(features->memory, floats, SIZE_MAX / 8, sizeof *features->fresh, "vectors of a batch",
                              &features->fresh_capacity, &features->fresh));
    TCI_RETURN_IF(tci_transformer_vectors(&features->network->base, pool, &features->workspace, features->missing,
                                          missing, features->fresh));
    for (size_t i = 0; i < missing; i++) {
        const float *vector = features->fresh + i * width;
        put(features, vector, pooled + features->places[i] * stride);
        if (features->missing[i].length > 0)
            keep(features, &features->missing[i], vector);
    }
    return TC_OK;
}
