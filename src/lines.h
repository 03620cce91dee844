/* lines.h: the lines of an input, of any length that memory holds, each in place in one buffer.
 *
 * A byte order mark at the start of the input is dropped. A line comes without its LF; a CR before it is left to the
 * format, since a quoted CSV field may hold one. */
#ifndef PROGRAM_LINES_H
#define PROGRAM_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "input.h"

typedef struct lines {
    input *source;
    char *text;      /* the current line; may be changed in place; valid until the next call */
    size_t length;   /* of it */
    uint64_t number; /* of the line read last, from 1 */
    char *buffer;
    size_t capacity;
    size_t size;     /* bytes in the buffer */
    size_t position; /* of the first byte behind the current line and its LF */
    bool ended;      /* the input gave its last byte */
} lines;

void lines_init(lines *reader, input *source);
void lines_free(lines *reader);
/* From the first line again, after input_rewind(). */
void lines_restart(lines *reader);

/* The next line; *more false at the end. `extend` appends it, after its LF, to the current line instead. */
int lines_next(lines *reader, bool extend, bool *more);

/* Gives back what an extended line holds behind its first `length` bytes and their LF: line `number` is again the last
 * one read. */
void lines_give_back(lines *reader, size_t length, uint64_t number);

/* True when the next line is not here yet and reading it would wait. */
bool lines_would_wait(const lines *reader);

#endif
