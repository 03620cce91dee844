/* pretrained_tensors.h: the tensors of a Hugging Face folder, in model.safetensors or in the shards of
 * model.safetensors.index.json, under one kind of name: that of the bare body, without the prefix that a module with a
 * head puts before it, or PEFT before that, and with `weight` and `bias` where old files say gamma and beta. */
#ifndef TCI_SERIALIZATION_PRETRAINED_TENSORS_H
#define TCI_SERIALIZATION_PRETRAINED_TENSORS_H

#include "base/file.h"
#include "base/map.h"
#include "model/transformer_names.h"
#include "serialization/safetensors.h"

#define TCI_ADAPTER_PREFIX "base_model.model."

/* One file: its bytes in a block or a map, the other NULL. */
typedef struct tci_shard {
    char *name; /* in the folder */
    uint8_t *block;
    const uint8_t *map;
    size_t size;
    tci_safetensors tensors;
    bool kept; /* a model has the bytes now */
} tci_shard;

typedef struct tci_found_tensor {
    uint32_t shard, index; /* within the shard */
    bool used;
} tci_found_tensor;

typedef struct tci_tensor_set {
    tci_memory *memory;
    tci_shard *shards;
    size_t shard_count, shard_capacity;
    tci_map *names;          /* entry: number in `found` */
    tci_found_tensor *found; /* in the order of files and headers */
    size_t count, capacity;
} tci_tensor_set;

void tci_tensor_set_init(tci_tensor_set *set, tci_memory *memory);
/* Frees what no model has kept. */
void tci_tensor_set_free(tci_tensor_set *set);

/* Adds a file's bytes, which are taken over, also when it fails: a block of the set's memory or a map. `name` is
 * copied. */
tc_status tci_tensor_set_add(tci_tensor_set *set, const char *name, uint8_t *block, const uint8_t *map, size_t size);

/* Reads the headers of all files that were added. TC_ERROR_FORMAT also for a tensor that is there twice. */
tc_status tci_tensor_set_open(tci_tensor_set *set, const tci_transformer_family *family, size_t max_tensors);

/* Finds the files of a folder, and reads or maps and opens them. With `max_bytes` as in tci_file_read(). */
tc_status tci_tensor_set_read(tci_tensor_set *set, const tci_file_operations *files, const char *folder,
                              const tci_transformer_family *family, size_t max_tensors, uint64_t max_bytes,
                              bool mapped);

/* The tensor that a parameter of that name comes from; false when there is none. It counts as used then. */
bool tci_tensor_set_take(tci_tensor_set *set, const tci_transformer_family *family, const char *name,
                         tci_tensor_view *view);

/* That it has the shape, real elements and finite values. TC_ERROR_FORMAT, _UNSUPPORTED, _NUMERIC; the sentence says
 * the name that the file has for it. */
tc_status tci_tensor_fits(const tci_tensor_view *view, const tci_tensor_info *wanted);

/* TC_ERROR_FORMAT for a tensor that nobody took, but for those that folders have beside the body and its head: buffers
 * and heads for other things. */
tc_status tci_tensor_set_others(const tci_tensor_set *set, const tci_transformer_family *family);

/* The name as above, into `plain`; its length. */
size_t tci_plain_name(const tci_transformer_family *family, const char *name, size_t length,
                      char plain[TCI_SAFETENSORS_NAME + 1]);

/* The index of shards: which file each tensor is in. */
typedef struct tci_shard_index {
    tci_memory *memory;
    tci_map *tensors, *files; /* by name, in the order of the index */
    uint32_t *places;         /* (tensors) number of the file */
    size_t capacity;
} tci_shard_index;

/* From the bytes of model.safetensors.index.json. A file is a name in the same folder: TC_ERROR_FORMAT for any other
 * path. After a failure nothing is held. */
tc_status tci_shard_index_read(tci_memory *memory, const char *json, size_t size, size_t max_tensors,
                               tci_shard_index *index);
void tci_shard_index_free(tci_shard_index *index);

#endif
