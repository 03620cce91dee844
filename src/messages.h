/* messages.h: everything the program says on standard error, and its exit codes.
 *
 * A message is one line, "textclf: ...", whatever bytes a file name or a text brings: control characters are shown as
 * '?'. A status line is drawn over itself on a terminal and taken away before any message. */
#ifndef PROGRAM_MESSAGES_H
#define PROGRAM_MESSAGES_H

#include <stdbool.h>

enum {
    CODE_OK = 0,
    CODE_FAILED = 1,        /* a failure, told in one line */
    CODE_MISUSE = 2,        /* wrong use of the command line */
    CODE_INTERRUPTED = 130, /* Ctrl-C */
};

#if defined(__GNUC__)
#define PRINTF_LIKE(at, first) __attribute__((format(printf, at, first)))
#else
#define PRINTF_LIKE(at, first)
#endif

/* Each prints its sentence; the first two return the exit code that belongs to it, for `return fail(...)`. */
int fail(const char *format, ...) PRINTF_LIKE(1, 2);
int misuse(const char *format, ...) PRINTF_LIKE(1, 2);
void note(const char *format, ...) PRINTF_LIKE(1, 2);

/* "not enough memory for WHAT"; returns CODE_FAILED. */
int fail_memory(const char *what);

/* The sentence of the library's latest failure, after "WHERE: " unless that is NULL; returns CODE_FAILED. */
int fail_library(const char *where);

/* Whether standard error is a terminal, and the line that is redrawn there. */
bool status_on_terminal(void);
void status_line(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
