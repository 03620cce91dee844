/* fasttext_file.h: what a file of fastText's says, before it is a model. */
#ifndef TCI_SERIALIZATION_FASTTEXT_FILE_H
#define TCI_SERIALIZATION_FASTTEXT_FILE_H

#include "model/classifier.h"
#include "serialization/fields.h"

/* Numbers of losses in a file. */
enum { TCI_FASTTEXT_HS = 1, TCI_FASTTEXT_NS, TCI_FASTTEXT_SOFTMAX, TCI_FASTTEXT_OVA };

/* Where the parts of a matrix stand in the file. */
typedef struct tci_fasttext_matrix {
    bool quantized, has_norms;
    size_t rows;
    int32_t width;
    const uint8_t *weight, *codes, *codebook, *norms, *norm_values;
} tci_fasttext_matrix;

/* The caller sets bytes and memory, and the options that do not come from the file. */
typedef struct tci_fasttext_file {
    tci_reader bytes;
    tci_memory *memory;
    tci_options options;
    int32_t version, dim, loss, bucket;
    int32_t words, labels;
    int64_t pruned; /* buckets that have rows; -1: all */
    tci_vocabulary *vocabulary;
    const char **label_names; /* (labels), in the file's bytes */
    uint64_t *label_counts;   /* (labels) */
    tci_index_set set;        /* the buckets that have rows */
    uint32_t *order;          /* (pruned) row in the file, behind the words, of each bucket of the set in turn */
    tci_fasttext_matrix input, output;
} tci_fasttext_file;

/* Reads all of the file, as fasttext.h says. What it allocates is the caller's to free, after an error too: vocabulary,
 * label_names, label_counts, order, and set where it has memory. */
tc_status tci_fasttext_parse(tci_fasttext_file *file);

tc_status tci_fasttext_set_number(tci_options *options, const char *key, int64_t value);

#endif
