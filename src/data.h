/* data.h: from the records of a reader to what the library takes: words, labels, examples; and a model's side of
 * them. */
#ifndef PROGRAM_DATA_H
#define PROGRAM_DATA_H

#include <textclf/textclf.h>

#include "label_set.h"
#include "arguments.h"
#include "reader.h"

/* Functions return an exit code, told. */

/* What a task, as the option spells it, asks of a reader. */
reader_task data_task(const char *task);
/* The value of a stored option. */
int data_model_option(const tc_model *model, const char *key, char *value, size_t capacity);
int data_model_task(const tc_model *model, reader_task *task);
/* Whether the model has a head that has learned something: one that was made for a checkpoint without any has not.
 * Looks at folders only. */
int data_model_trained(const tc_model *model, const char *path);
/* tc_model_info(), to be freed. */
int data_model_text(const tc_model *model, char **text, size_t *length);
/* The model's labels as a set, in its own order. */
int data_model_labels(const tc_model *model, labels **known);

/* The options of a data file as the command line gave them; `path` decides the format where --format does not. */
reader_options data_reader_options(const arguments *given, reader_task task);

/* What a first pass over training data finds. */
typedef struct data_summary {
    uint64_t texts;
    size_t target_count;
    uint64_t bytes; /* of texts */
    uint64_t crc;   /* CRC-32 of all that was read, where it is asked for */
} data_summary;

/* Counts words (NULL: the vocabulary is known) and gathers labels; `identify` asks for the CRC. */
int data_gather(reader *source, reader_task task, bool identify, tc_vocab_builder *words, labels *found,
                data_summary *summary);

/* Some records, by their number from the start of the data and a seed. */
typedef struct data_part {
    uint64_t threshold; /* of 2^32: the share that is held out; 0: none */
    uint64_t seed;
    uint64_t next;  /* number of the next record */
    bool held_out;  /* take those that are held out, else the others */
} data_part;

typedef struct data_encoder {
    const tc_model *model;
    reader_task task;
    const labels *known;
    labels *unknown;       /* gathers labels that the model lacks; NULL: such a label is a failure */
    tc_examples *examples; /* made by data_encode */
    data_part part;
} data_encoder;

/* Encodes records into new examples until these have about so many bytes; *more is false when there are no further
 * records. */
int data_encode_chunk(data_encoder *encoder, reader *source, size_t bytes, bool *more);

/* Encodes every record of the reader; a file without any is a failure. */
int data_encode(data_encoder *encoder, reader *source);

#endif
