/* native_reader.h: what the reader of model files knows of a file so far; shared by its two files: metadata, then the
 * rest. */
#ifndef TCI_SERIALIZATION_NATIVE_READER_H
#define TCI_SERIALIZATION_NATIVE_READER_H

#include "serialization/native.h"

typedef struct tci_native_reader {
    bool in_place; /* parameters point into the bytes */
    bool shared;   /* which are a map */
    tci_memory *memory;
    tci_options options;
    char key[TCI_SAFETENSORS_NAME + 1]; /* of the pair read last */
    size_t key_length;
    bool checksum_seen, version_seen, labels_seen, unicode_seen;
    char *label_text; /* the labels, each NUL-terminated */
    const char **labels;
    size_t label_count;
    double *thresholds; /* (labels) or NULL */
    bool untrained_head;
    char unicode_version[16];
    tci_buffer *others; /* pairs that are not the model's, or NULL */
    size_t vocabulary_size;
    const tci_architecture *architecture;
    tci_index_set features; /* those that have weights, where the architecture reads a bag of features */
    bool has_features;
} tci_native_reader;

/* Each pair of the metadata in the file's order, as tci_metadata_function; `context` is the reader. */
tc_status tci_native_take_pair(void *context, const char *key, size_t key_length, const char *value, size_t length);

/* When all pairs were taken: what is missing, and what does not go together. */
tc_status tci_native_check_metadata(tci_native_reader *reader);

#endif
