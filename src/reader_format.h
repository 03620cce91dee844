/* reader_format.h: what the files of the single formats (reader_*.c) share with reader.c. A format is one file with one
 * reader_format, and one row in reader.c. */
#ifndef PROGRAM_READER_FORMAT_H
#define PROGRAM_READER_FORMAT_H

#include "lines.h"
#include "messages.h"
#include "reader.h"

typedef enum reader_event {
    EVENT_RECORD, /* source->current is filled */
    EVENT_BAD,    /* reader_bad() was called; the next call goes on behind it */
    EVENT_END
} reader_event;

typedef struct reader_format {
    const char *name;
    /* Reads on and fills source->current; clean at entry, the line number apart. */
    int (*next)(reader *source, reader_event *event);
    /* Frees and forgets source->state; also before a second reading. May be NULL. */
    void (*reset)(reader *source);
} reader_format;

extern const reader_format reader_tsv;
extern const reader_format reader_csv;
extern const reader_format reader_jsonl;
extern const reader_format reader_text;

struct reader {
    reader_options options;
    const reader_format *format;
    input *source;
    lines lines;
    record current;
    size_t label_capacity;
    size_t target_capacity;
    size_t target_count; /* expected; 0 before the first record */
    void *state;         /* the format's own */
    char problem[512];   /* of a bad line */
    char first_problem[512];
    uint64_t first_problem_line;
    uint64_t skipped;
};

/* Notes what is wrong with the line; returns false, for `return reader_bad(...)`. */
bool reader_bad(reader *source, const char *format, ...) PRINTF_LIKE(2, 3);

/* The label part as .tsv and .csv have it: one label, labels joined by commas, or targets joined by commas. */
bool reader_read_labels(reader *source, span column);

/* One label or target of the record; false when it is not acceptable. */
bool reader_add_label(reader *source, span label);
bool reader_add_target(reader *source, double target);

/* Without the CR at its end, if there is one. */
span reader_trim_cr(span line);

#endif
