/* pretrained_tensors.c: see pretrained_tensors.h. */
#include "serialization/pretrained_tensors.h"

#include <string.h>

#include "serialization/elements.h"

void tci_tensor_set_init(tci_tensor_set *set, tci_memory *memory)
{
    *set = (tci_tensor_set){.memory = memory};
}

static void free_bytes(tci_tensor_set *set, uint8_t *block, const uint8_t *map, size_t size)
{
    tci_file_unmap(map, size);
    tci_free(set->memory, block);
}

void tci_tensor_set_free(tci_tensor_set *set)
{
    if (!set->memory)
        return;
    for (size_t s = 0; s < set->shard_count; s++) {
        tci_shard *shard = &set->shards[s];
        tci_safetensors_close(&shard->tensors);
        if (!shard->kept)
            free_bytes(set, shard->block, shard->map, shard->size);
        tci_free(set->memory, shard->name);
    }
    tci_free(set->memory, set->shards);
    tci_map_free(set->names);
    tci_free(set->memory, set->found);
    tci_tensor_set_init(set, set->memory);
}

tc_status tci_tensor_set_add(tci_tensor_set *set, const char *name, uint8_t *block, const uint8_t *map, size_t size)
{
    tci_shard shard = {.block = block, .map = map, .size = size};
    size_t length = strlen(name) + 1;
    tc_status status = tci_reserve(set->memory, set->shard_count + 1, SIZE_MAX, sizeof shard, "list of files",
                                   &set->shard_capacity, &set->shards);
    if (status == TC_OK)
        status = tci_alloc(set->memory, length, 1, "file name", &shard.name);
    if (status != TC_OK) {
        free_bytes(set, block, map, size);
        return status;
    }
    memcpy(shard.name, name, length);
    set->shards[set->shard_count++] = shard;
    return TC_OK;
}

size_t tci_plain_name(const tci_transformer_family *family, const char *name, size_t length,
                      char plain[TCI_SAFETENSORS_NAME + 1])
{
    static const char *const endings[][2] = {{".gamma", ".weight"}, {".beta", ".bias"}};
    size_t prefix = strlen(family->prefix), outer = strlen(TCI_ADAPTER_PREFIX);
    if (length > outer && memcmp(name, TCI_ADAPTER_PREFIX, outer) == 0) {
        name += outer;
        length -= outer;
    }
    if (length > prefix && memcmp(name, family->prefix, prefix) == 0 && name[prefix] == '.') {
        name += prefix + 1;
        length -= prefix + 1;
    }
    for (size_t i = 0; i < 2; i++) {
        size_t old = strlen(endings[i][0]), now = strlen(endings[i][1]);
        if (length < old || memcmp(name + length - old, endings[i][0], old) != 0 ||
            length - old + now > TCI_SAFETENSORS_NAME)
            continue;
        memcpy(plain, name, length - old);
        memcpy(plain + length - old, endings[i][1], now + 1);
        return length - old + now;
    }
    memcpy(plain, name, length);
    plain[length] = '\0';
    return length;
}

static tc_status add_names(tci_tensor_set *set, size_t shard, const tci_transformer_family *family)
{
    const tci_safetensors *file = &set->shards[shard].tensors;
    for (size_t i = 0; i < file->count; i++) {
        char plain[TCI_SAFETENSORS_NAME + 1], shown[TCI_SHOWN];
        tci_tensor_view view = tci_safetensors_at(file, i);
        size_t length = tci_plain_name(family, view.name, view.name_length, plain);
        uint32_t entry = 0;
        bool inserted = false;
        TCI_RETURN_IF(tci_map_insert(set->names, plain, length, &entry, &inserted));
        if (!inserted)
            return tci_fail(TC_ERROR_FORMAT, "'%s': the tensor '%s' is there twice", set->shards[shard].name,
                            tci_show_text(view.name, view.name_length, shown));
        TCI_RETURN_IF(tci_reserve(set->memory, set->count + 1, UINT32_MAX, sizeof *set->found, "list of tensors",
                                  &set->capacity, &set->found));
        set->found[set->count++] = (tci_found_tensor){.shard = (uint32_t)shard, .index = (uint32_t)i};
    }
    return TC_OK;
}

tc_status tci_tensor_set_open(tci_tensor_set *set, const tci_transformer_family *family, size_t max_tensors)
{
    TCI_RETURN_IF(tci_map_create(set->memory, &set->names));
    for (size_t s = 0; s < set->shard_count; s++) {
        tci_shard *shard = &set->shards[s];
        tc_status status = tci_safetensors_open(set->memory, shard->map ? shard->map : shard->block, shard->size,
                                                max_tensors - set->count, NULL, NULL, &shard->tensors);
        if (status != TC_OK)
            return tci_fail_prefix(status, "'%s'", shard->name);
        TCI_RETURN_IF(add_names(set, s, family));
    }
    return TC_OK;
}

static tci_tensor_view view_of(const tci_tensor_set *set, size_t number)
{
    const tci_found_tensor *found = &set->found[number];
    return tci_safetensors_at(&set->shards[found->shard].tensors, found->index);
}

bool tci_tensor_set_take(tci_tensor_set *set, const tci_transformer_family *family, const char *name,
                         tci_tensor_view *view)
{
    char plain[TCI_SAFETENSORS_NAME + 1];
    size_t length = tci_plain_name(family, name, strlen(name), plain);
    uint32_t entry = tci_map_find(set->names, plain, length);
    if (entry == TCI_MAP_NONE)
        return false;
    set->found[entry].used = true;
    *view = view_of(set, entry);
    return true;
}

tc_status tci_tensor_fits(const tci_tensor_view *view, const tci_tensor_info *wanted)
{
    char shown[TCI_SHOWN], there[TCI_SHOWN_SHAPE], here[TCI_SHOWN_SHAPE];
    (void)tci_show_text(view->name, view->name_length, shown);
    if (view->rank != wanted->rank || memcmp(view->shape, wanted->shape, wanted->rank * sizeof *view->shape) != 0)
        return tci_fail(TC_ERROR_FORMAT, "tensor '%s' has shape %s; its configuration asks for %s", shown,
                        tci_show_shape(view->rank, view->shape, there),
                        tci_show_shape(wanted->rank, wanted->shape, here));
    if (!tci_elements_are_real(view->dtype))
        return tci_fail(TC_ERROR_UNSUPPORTED,
                        "tensor '%s' has elements of type %s; F32, F16, BF16 and F64 are accepted", shown,
                        tci_dtype_name(view->dtype));
    size_t first = tci_elements_check(view->dtype, view->data, wanted->count, true);
    if (first != wanted->count)
        return tci_fail(TC_ERROR_NUMERIC, "tensor '%s': element %zu is NaN, infinite, or too large for a 32-bit float",
                        shown, first);
    return TC_OK;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool ends(const char *text, const char *with)
{
    size_t length = strlen(text), end = strlen(with);
    return length >= end && strcmp(text + length - end, with) == 0;
}

/* By plain names: what transformers writes of other heads, of poolers that the chosen pooling has no use for, and of
 * buffers that older versions wrote. */
static bool is_known(const char *plain)
{
    static const char *const beginnings[] = {
        "cls.",        "lm_head.", "predictions.",         "pooler.", "classifier.", "pre_classifier.", "score.",
        "qa_outputs.", "vocab_",   "multiple_choice_head."};
    static const char *const endings[] = {"position_ids", "token_type_ids", ".attn.bias", ".attn.masked_bias"};
    bool known = false;
    for (size_t i = 0; !strstr(plain, ".lora_") && i < sizeof beginnings / sizeof beginnings[0]; i++)
        known = known || begins(plain, beginnings[i]);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        known = known || ends(plain, endings[i]);
    return known;
}

tc_status tci_tensor_set_others(const tci_tensor_set *set, const tci_transformer_family *family)
{
    char plain[TCI_SAFETENSORS_NAME + 1], shown[TCI_SHOWN];
    for (size_t i = 0; i < set->count; i++) {
        tci_tensor_view view = view_of(set, i);
        (void)tci_plain_name(family, view.name, view.name_length, plain);
        if (!set->found[i].used && !is_known(plain))
            return tci_fail(
                TC_ERROR_FORMAT, "'%s' has the tensor '%s', which a %s of these sizes has no place for",
                set->shards[set->found[i].shard].name, tci_show_text(view.name, view.name_length, shown), family->name);
    }
    return TC_OK;
}
