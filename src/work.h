/* work.h: what `textclf train` works on, and how its data come in: model, examples or chunks, validation. */
#ifndef PROGRAM_WORK_H
#define PROGRAM_WORK_H

#include "data.h"
#include "epochs.h"

typedef struct work {
    training run;
    labels *known;
    labels *unknown; /* in the validation data */
    uint64_t skipped;
    data_summary summary; /* of the input */
    size_t chunk_bytes;   /* of encoded texts in a chunk; SIZE_MAX: all may be there at once */
    chunks stream;
} work;

/* Functions return an exit code, told. */

/* The first passes over the input: a new model, or the one that goes on, and its texts: all of them, or, where they do
 * not fit, as chunks that are to come. */
int work_read_input(work *all);
int work_read_validation(work *all);

/* The value of an option as the command line left it. */
int given_option(const arguments *given, const char *key, char *value, size_t capacity);

#endif
