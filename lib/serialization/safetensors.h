/* safetensors.h: the general safetensors format (huggingface/safetensors): a reader for hostile bytes and a writer.
 *
 *     u64 header length N, little-endian | N bytes of JSON | data
 *     {"__metadata__": {"key": "value", ...}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]},
 * ...}
 *
 * Offsets count from the end of the header; the tensors cover the data without overlap or hole. Knows nothing of
 * models. The reader hands out views into the caller's bytes, which must outlive it; its own memory is a small record
 * for each tensor and the tensors' names. */
#ifndef TCI_SERIALIZATION_SAFETENSORS_H
#define TCI_SERIALIZATION_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/map.h"
#include "base/memory.h"

#define TCI_SAFETENSORS_HEADER_MAX 100000000u /* the format's own limit */
#define TCI_SAFETENSORS_RANK 8
#define TCI_SAFETENSORS_NAME 512              /* bytes of a tensor's name or a metadata key */
#define TCI_SAFETENSORS_METADATA 65536        /* metadata keys */

/* Element types: name, bits. */
#define TCI_DTYPES(X) \
    X(BOOL, 8) X(U8, 8) X(I8, 8) X(F8_E5M2, 8) X(F8_E4M3, 8) X(F8_E8M0, 8) X(F4, 4) X(F6_E2M3, 6) X(F6_E3M2, 6) \
    X(I16, 16) X(U16, 16) X(F16, 16) X(BF16, 16) X(I32, 32) X(U32, 32) X(F32, 32) X(C64, 64) X(F64, 64) X(I64, 64) \
    X(U64, 64)

typedef enum tci_dtype {
#define TCI_DTYPE_ENUM(name, bits) TCI_DTYPE_##name,
    TCI_DTYPES(TCI_DTYPE_ENUM)
#undef TCI_DTYPE_ENUM
} tci_dtype;

const char *tci_dtype_name(tci_dtype dtype);
size_t tci_dtype_bits(tci_dtype dtype);

/* One tensor of a file that was read. */
typedef struct tci_tensor_view {
    const char *name; /* not NUL-terminated */
    size_t name_length;
    tci_dtype dtype;
    size_t rank;
    const size_t *shape; /* (rank) */
    const uint8_t *data; /* of any alignment */
    size_t size;         /* bytes */
} tci_tensor_view;

typedef struct tci_tensor_record {
    uint64_t begin, end; /* in the data */
    uint32_t dimensions; /* where its shape begins */
    uint8_t rank, dtype;
} tci_tensor_record;

typedef struct tci_safetensors {
    tci_memory *memory;
    const uint8_t *data; /* behind the header */
    size_t data_size;
    tci_map *names; /* entry = number of the tensor, in the header's order */
    tci_tensor_record *records;
    size_t count;
    size_t *dimensions; /* all shapes, one after the other */
} tci_safetensors;

/* Called for each metadata pair in the file's order; the texts (UTF-8, NUL-terminated, with more NULs possible before
 * the end) are valid during the call. Another status than TC_OK ends the reading with it. */
typedef tc_status (*tci_metadata_function)(void *context, const char *key, size_t key_length, const char *value,
                                           size_t value_length);

/* Reads the header and checks everything about it. `metadata` may be NULL. TC_ERROR_FORMAT names tensor and byte of the
 * header; more than max_tensors tensors is TC_ERROR_LIMIT. After a failure nothing is held. */
tc_status tci_safetensors_open(tci_memory *memory, const uint8_t *bytes, size_t size, size_t max_tensors,
                               tci_metadata_function metadata, void *context, tci_safetensors *file);
void tci_safetensors_close(tci_safetensors *file);

/* Tensor number `index`; the view is valid as long as the file is open. */
tci_tensor_view tci_safetensors_at(const tci_safetensors *file, size_t index);
/* False when there is none of that name. */
bool tci_safetensors_find(const tci_safetensors *file, const char *name, tci_tensor_view *view);

/* Foreign text for a message: at most 64 bytes of it, control characters and bad UTF-8 replaced. Returns `shown`. */
#define TCI_SHOWN 72
const char *tci_show_text(const char *text, size_t length, char shown[TCI_SHOWN]);
/* A shape for a message, as "(2, 3)". Returns `shown`. */
#define TCI_SHOWN_SHAPE 192
const char *tci_show_shape(size_t rank, const size_t *shape, char shown[TCI_SHOWN_SHAPE]);

/* One tensor to be written. */
typedef struct tci_tensor_source {
    const char *name;
    tci_dtype dtype;
    size_t rank;
    size_t shape[TCI_SAFETENSORS_RANK];
    const void *data;
    size_t size; /* bytes; set by tci_safetensors_layout() */
} tci_tensor_source;

typedef struct tci_metadata_pair {
    const char *key, *value; /* NUL-terminated UTF-8 */
} tci_metadata_pair;

/* Appends length and header, with the metadata in the order given, to `header` (empty before), and puts the sources in
 * the order of their data: falling element size, then name. Spaces fill the header up to a multiple of 64 bytes. */
tc_status tci_safetensors_layout(tci_memory *memory, const tci_metadata_pair *pairs, size_t pair_count,
                                 tci_tensor_source *sources, size_t source_count, tci_buffer *header);

#endif
