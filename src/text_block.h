/* text_block.h: records of a reader, kept until there are enough for one call of the library, which encodes them on all
 * threads. */
#ifndef PROGRAM_TEXT_BLOCK_H
#define PROGRAM_TEXT_BLOCK_H

#include <textclf/textclf.h>

#include "reader.h"

typedef struct text_block {
    reader_task task;
    char *bytes; /* of all texts, one after the other */
    size_t byte_count, byte_capacity;
    size_t *lengths;       /* (count) */
    uint64_t *lines;       /* (count) */
    float *weights;        /* (count) */
    size_t *label_counts;  /* (count) */
    const char **pointers; /* (count) made for the call */
    size_t count, capacity;
    uint32_t *numbers; /* of labels, all texts' */
    size_t number_count, number_capacity;
    float *targets; /* likewise */
    size_t target_count, target_capacity;
    size_t most; /* bytes of text from which on it is full */
} text_block;

/* Functions return an exit code, told. */

void text_block_init(text_block *block, reader_task task);
void text_block_free(text_block *block);

/* Keeps a text with the numbers of its labels (none with task regress, whose targets the record has). */
int text_block_put(text_block *block, const record *text, const uint32_t *numbers, size_t number_count);
bool text_block_full(const text_block *block);

/* Adds what was kept to the examples and forgets it. A text that the library refuses for its bytes is a bad line of the
 * reader's. */
int text_block_add(text_block *block, reader *source, tc_examples *examples);

/* A call on one text failed: text that is not UTF-8 is a bad line, anything else ends the reading. */
int text_refused(reader *source, uint64_t line, tc_status status);

#endif
