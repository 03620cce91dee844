/* reader.h: labelled or plain texts out of a data file, one record after the other, in any of the formats.
 *
 * .tsv label TAB text; .csv RFC 4180; .jsonl one object a line; .txt fastText's "__label__x text", or, where only texts
 * are wanted, one plain text a line. The task decides how labels are read. A bad line is named by file and line and
 * ends the reading, or is counted and passed over with skip_bad_lines. */
#ifndef PROGRAM_READER_H
#define PROGRAM_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct reader reader;

/* How the label part is read. READ_TEXTS: it is not read at all, and .txt holds plain texts. */
typedef enum reader_task { READ_TEXTS, READ_LABEL, READ_LABELS, READ_TARGETS } reader_task;

typedef struct reader_options {
    const char *format;       /* "tsv", "csv", "jsonl", "txt"; NULL: by the file's extension */
    const char *text_column;  /* of .csv, name or number from 1; NULL: "text" */
    const char *label_column; /* NULL: "label" */
    bool header;              /* the first row of a .csv is a header although columns are given by number */
    bool skip_bad_lines;
    bool again; /* reader_rewind() will be called */
    const char *spool; /* with it: where what comes only once is kept, beside this file; NULL: in memory */
    size_t most_kept;  /* bytes of it in memory; 0: any */
    reader_task task;
    size_t target_count; /* READ_TARGETS: how many each record must have; 0: as many as the first */
} reader_options;

typedef struct span {
    const char *data;
    size_t length;
} span;

/* Valid until the next call on its reader. */
typedef struct record {
    span text;
    span *labels; /* not NUL-terminated; READ_LABEL has exactly one */
    size_t label_count;
    float *targets;
    size_t target_count;
    float weight;
    uint64_t line; /* where it begins */
} record;

/* The name of the format that belongs to a path's extension (.gz aside), or NULL. */
const char *reader_format_of(const char *path);
bool reader_format_known(const char *name);

/* "-" is standard input. Functions return an exit code of messages.h and have told the failure. */
int reader_open(const char *path, const reader_options *options, reader **opened);
void reader_close(reader *source);
int reader_next(reader *source, record *next, bool *more);
int reader_rewind(reader *source);

/* The record read last is bad for a reason found outside, a sentence: fails, or counts it as skipped. */
int reader_reject(reader *source, uint64_t line, const char *reason);

/* Lines passed over since the start or rewind. */
uint64_t reader_skipped(const reader *source);
/* Says how many lines were passed over, and why the first, if any were. */
void reader_report_skipped(const reader *source);

bool reader_would_wait(const reader *source);
const char *reader_name(const reader *source);

#endif
