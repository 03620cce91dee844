/* pretrained_shards.c: the files of a folder's tensors: model.safetensors, or what model.safetensors.index.json names.
 *
 *     {"metadata": {...}, "weight_map": {"tensor": "model-00001-of-00002.safetensors", ...}}
 *
 * Index and files have to say the same of each tensor. */
#include <string.h>

#include "base/json.h"
#include "serialization/pretrained_tensors.h"

#define ONE_FILE "model.safetensors"
#define INDEX_FILE "model.safetensors.index.json"
#define SHARDS 4096 /* most files of one model */

static bool is_file_name(const char *name, size_t length)
{
    static const char ending[] = ".safetensors";
    size_t end = sizeof ending - 1;
    return tci_is_plain_name(name, length) && length > end && memcmp(name + length - end, ending, end) == 0;
}

static tc_status read_place(tci_shard_index *index, tci_json_reader *json, size_t max_tensors)
{
    uint32_t tensor = 0, file = 0;
    char shown[TCI_SHOWN];
    if (tci_map_count(index->tensors) == max_tensors)
        return tci_fail(TC_ERROR_LIMIT, "byte %zu: more tensors than max_tensors (%zu)", json->start, max_tensors);
    TCI_RETURN_IF(tci_map_insert(index->tensors, json->text.data, json->text.size, &tensor, NULL));
    TCI_RETURN_IF(tci_reserve(index->memory, tensor + (size_t)1, SIZE_MAX, sizeof *index->places, "index of shards",
                              &index->capacity, &index->places));
    TCI_RETURN_IF(tci_json_expect(json, TCI_JSON_STRING, "the file of a tensor"));
    if (!is_file_name(json->text.data, json->text.size))
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: '%s' is no name of a .safetensors file in the folder", json->start,
                        tci_show_text(json->text.data, json->text.size, shown));
    TCI_RETURN_IF(tci_map_insert(index->files, json->text.data, json->text.size, &file, NULL));
    if (file >= SHARDS)
        return tci_fail(TC_ERROR_LIMIT, "byte %zu: more than %d files", json->start, SHARDS);
    index->places[tensor] = file;
    return TC_OK;
}

static tc_status read_index(tci_shard_index *index, tci_json_reader *json, size_t max_tensors)
{
    tci_json_event event;
    TCI_RETURN_IF(tci_json_expect(json, TCI_JSON_OBJECT_BEGIN, "the index"));
    for (;;) {
        TCI_RETURN_IF(tci_json_next(json, &event));
        if (event == TCI_JSON_OBJECT_END)
            break;
        bool is_map = tci_json_is(json, "weight_map");
        TCI_RETURN_IF(tci_json_next(json, &event));
        if (!is_map) {
            TCI_RETURN_IF(tci_json_skip(json, event));
            continue;
        }
        if (event != TCI_JSON_OBJECT_BEGIN)
            return tci_fail(TC_ERROR_FORMAT, "byte %zu: 'weight_map' is no object", json->start);
        for (;;) {
            TCI_RETURN_IF(tci_json_next(json, &event));
            if (event == TCI_JSON_OBJECT_END)
                break;
            TCI_RETURN_IF(read_place(index, json, max_tensors));
        }
    }
    if (tci_map_count(index->tensors) == 0)
        return tci_fail(TC_ERROR_FORMAT, "'weight_map' is missing or empty");
    return tci_json_expect(json, TCI_JSON_END, "the end of the index");
}

tc_status tci_shard_index_read(tci_memory *memory, const char *text, size_t size, size_t max_tensors,
                               tci_shard_index *index)
{
    tc_status status = TC_OK;
    tci_json_reader json;
    *index = (tci_shard_index){.memory = memory};
    tci_json_init(&json, memory, text, size);
    json.max_keys = max_tensors + 4096;
    json.max_key_length = TCI_SAFETENSORS_NAME;
    TCI_CHECK(tci_map_create(memory, &index->tensors));
    TCI_CHECK(tci_map_create(memory, &index->files));
    TCI_CHECK(read_index(index, &json, max_tensors));
done:
    tci_json_free(&json);
    if (status != TC_OK)
        tci_shard_index_free(index);
    return status;
}

void tci_shard_index_free(tci_shard_index *index)
{
    if (!index->memory)
        return;
    tci_map_free(index->tensors);
    tci_map_free(index->files);
    tci_free(index->memory, index->places);
    *index = (tci_shard_index){.memory = index->memory};
}

static tc_status add_file(tci_tensor_set *set, const tci_file_operations *files, const char *folder, const char *name,
                          uint64_t max_bytes, bool mapped)
{
    char *path = NULL;
    uint8_t *block = NULL;
    const uint8_t *map = NULL;
    size_t size = 0;
    TCI_RETURN_IF(tci_path_join(set->memory, folder, name, &path));
    tc_status status = mapped ? tci_file_map(path, max_bytes, &map, &size)
                              : tci_file_read_regular(files, set->memory, path, max_bytes, &block, &size);
    tci_free(set->memory, path);
    return status == TC_OK ? tci_tensor_set_add(set, name, block, map, size) : status;
}

/* Each tensor of the index is in its file, and nothing else is there. */
static tc_status compare(const tci_tensor_set *set, const tci_shard_index *index)
{
    char shown[TCI_SHOWN];
    size_t there = 0;
    for (size_t s = 0; s < set->shard_count; s++) {
        const tci_safetensors *file = &set->shards[s].tensors;
        there += file->count;
        for (size_t i = 0; i < file->count; i++) {
            tci_tensor_view view = tci_safetensors_at(file, i);
            uint32_t entry = tci_map_find(index->tensors, view.name, view.name_length);
            if (entry == TCI_MAP_NONE || index->places[entry] != s)
                return tci_fail(TC_ERROR_FORMAT, "'%s' has the tensor '%s', which '" INDEX_FILE "' has elsewhere",
                                set->shards[s].name, tci_show_text(view.name, view.name_length, shown));
        }
    }
    for (uint32_t i = 0; there != tci_map_count(index->tensors) && i < tci_map_count(index->tensors); i++) {
        size_t length = 0;
        const tci_shard *shard = &set->shards[index->places[i]];
        const char *name = tci_map_key(index->tensors, i, &length);
        if (tci_map_find(shard->tensors.names, name, length) == TCI_MAP_NONE)
            return tci_fail(TC_ERROR_FORMAT, "'%s' lacks the tensor '%s' of '" INDEX_FILE "'", shard->name,
                            tci_show_text(name, length, shown));
    }
    return TC_OK;
}

static tc_status read_shards(tci_tensor_set *set, const tci_file_operations *files, const char *folder,
                             const tci_transformer_family *family, size_t max_tensors, uint64_t max_bytes, bool mapped)
{
    tc_status status = TC_OK;
    char *path = NULL;
    uint8_t *json = NULL;
    size_t size = 0;
    tci_shard_index index = {.memory = NULL};
    TCI_CHECK(tci_path_join(set->memory, folder, INDEX_FILE, &path));
    TCI_CHECK(tci_file_read_regular(files, set->memory, path, max_bytes, &json, &size));
    status = tci_shard_index_read(set->memory, (const char *)json, size, max_tensors, &index);
    if (status != TC_OK)
        TCI_CHECK(tci_fail_prefix(status, INDEX_FILE));
    for (uint32_t i = 0; i < tci_map_count(index.files); i++) {
        char name[TCI_PLAIN_NAME];
        size_t length = 0;
        const char *key = tci_map_key(index.files, i, &length);
        memcpy(name, key, length);
        name[length] = '\0';
        TCI_CHECK(add_file(set, files, folder, name, max_bytes, mapped));
    }
    TCI_CHECK(tci_tensor_set_open(set, family, max_tensors));
    TCI_CHECK(compare(set, &index));
done:
    tci_shard_index_free(&index);
    tci_free(set->memory, json);
    tci_free(set->memory, path);
    return status;
}

tc_status tci_tensor_set_read(tci_tensor_set *set, const tci_file_operations *files, const char *folder,
                              const tci_transformer_family *family, size_t max_tensors, uint64_t max_bytes, bool mapped)
{
    bool one = false, many = false, pickled = false, pickled_shards = false;
    TCI_RETURN_IF(tci_folder_has(set->memory, files, folder, ONE_FILE, &one));
    TCI_RETURN_IF(tci_folder_has(set->memory, files, folder, INDEX_FILE, &many));
    TCI_RETURN_IF(tci_folder_has(set->memory, files, folder, "pytorch_model.bin", &pickled));
    TCI_RETURN_IF(tci_folder_has(set->memory, files, folder, "pytorch_model.bin.index.json", &pickled_shards));
    if (one) {
        TCI_RETURN_IF(add_file(set, files, folder, ONE_FILE, max_bytes, mapped));
        return tci_tensor_set_open(set, family, max_tensors);
    }
    if (many)
        return read_shards(set, files, folder, family, max_tensors, max_bytes, mapped);
    if (pickled || pickled_shards)
        return tci_fail(TC_ERROR_UNSUPPORTED,
                        "the weights are in pytorch_model.bin, which is a program of Python's pickle; convert them to"
                        " " ONE_FILE " with transformers: AutoModel.from_pretrained(FOLDER).save_pretrained(FOLDER)");
    return tci_fail(TC_ERROR_IO, "there is neither " ONE_FILE " nor " INDEX_FILE);
}
