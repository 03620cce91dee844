/* native.h: the library's own model file, a safetensors file with a checksum: docs/file-format.md is its specification.
 *
 * Weights, options, vocabulary and labels, and in a checkpoint what its trainer adds: further tensors and metadata
 * pairs, which come and go as `extra` without being understood here. */
#ifndef TCI_SERIALIZATION_NATIVE_H
#define TCI_SERIALIZATION_NATIVE_H

#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "model/classifier.h"
#include "serialization/checksum.h"
#include "serialization/safetensors.h"

#define TCI_NATIVE_VERSION 1
#define TCI_NATIVE_NAME "textclf"
#define TCI_NATIVE_KEYS "textclf."
#define TCI_NATIVE_FORMAT "textclf.format_version"
#define TCI_NATIVE_LABELS "textclf.labels"
#define TCI_NATIVE_OPTION "textclf.option."
#define TCI_NATIVE_THRESHOLDS "textclf.thresholds"
#define TCI_NATIVE_UNICODE "textclf.unicode_version"
#define TCI_NATIVE_UNTRAINED "textclf.untrained_head" /* "true", or not there */
#define TCI_NATIVE_VOCABULARY "textclf.vocab"
#define TCI_NATIVE_TOKENIZER "textclf.tokenizer" /* U8: a tokenizer.json, in place of the vocabulary */
#define TCI_NATIVE_FEATURES "textclf.features" /* U8 (buckets / 8): bit n % 8 of byte n / 8 for bucket n */

/* What a checkpoint adds. Tensor names begin with optim., best. or textclf.; those of textclf. with 1-byte elements
 * stand before textclf.tokenizer and textclf.vocab by bytes: the one of these that is there stays the last. Metadata
 * keys begin with textclf. and are none of the above. */
typedef struct tci_native_extra {
    const tci_tensor_source *tensors;
    size_t tensor_count;
    const tci_metadata_pair *metadata;
    size_t metadata_count;
} tci_native_extra;

/* A laid-out file: pieces that point into the model, the extra tensors and the three buffers. */
typedef struct tci_native_file {
    tci_memory memory;
    tci_buffer header; /* without its checksum until tci_native_seal() */
    tci_buffer vocabulary; /* empty where there is a tokenizer.json */
    tci_buffer features; /* empty where ids are words */
    tci_file_piece *pieces;
    size_t piece_count;
    size_t size; /* bytes of the whole file */
} tci_native_file;

/* `extra` may be NULL. The model must not change until the file is freed. After a failure nothing is held. */
tc_status tci_native_layout(const tc_model *model, const tci_native_extra *extra, tci_native_file *file);
/* Computes the checksum and writes it into the header. */
void tci_native_seal(tci_native_file *file);
void tci_native_file_free(tci_native_file *file);

/* Crash-safe, through the model's file operations. */
tc_status tci_native_save(const tc_model *model, const tci_native_extra *extra, const char *path);
/* TC_ERROR_CAPACITY with *size when the buffer is too small. */
tc_status tci_native_save_memory(const tc_model *model, const tci_native_extra *extra, size_t capacity, void *buffer,
                                 size_t *size);

/* What stands in a file besides the model: all its tensors, as views into the file's bytes, and its other metadata. */
typedef struct tci_native_contents {
    tci_memory memory;
    tci_safetensors tensors;
    tci_buffer metadata; /* key NUL value NUL, ... */
} tci_native_contents;

/* The value of a metadata key that is not the model's own, or NULL. */
const char *tci_native_contents_find(const tci_native_contents *contents, const char *key);
void tci_native_contents_close(tci_native_contents *contents);

/* A model from the bytes of a native file or a checkpoint, which are not needed any more afterwards unless `contents`
 * (may be NULL) are: these point into them. `run`: the options of class run. `host`, `files`: as in tci_model_build().
 *
 * TC_ERROR_FORMAT, _CHECKSUM, _VERSION, _LIMIT (max_file_bytes, max_memory, max_tensors, max_vocab), _NUMERIC for a
 * weight that is not finite, _MEMORY; the sentence says where. After a failure nothing is held. */
tc_status tci_native_read(const uint8_t *bytes, size_t size, const tci_options *run, const tc_allocator *host,
                          const tci_file_operations *files, tc_model **model, tci_native_contents *contents);

/* The same without a copy of the weights: the model's parameters point into `bytes`, which it has to keep
 * (tci_model_keep_file). Where they cannot be read in place (odd addresses) they are copied: parameters.values is then
 * set. `shared`: the bytes are a map, of which processes share one copy. */
tc_status tci_native_read_in_place(const uint8_t *bytes, size_t size, const tci_options *run, const tc_allocator *host,
                                   const tci_file_operations *files, bool shared, tc_model **model);

#endif
