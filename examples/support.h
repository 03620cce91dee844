/* support.h: what the examples share: stopping with the library's reason, and reading `label TAB text` lines. */
#ifndef EXAMPLES_SUPPORT_H
#define EXAMPLES_SUPPORT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <textclf/textclf.h>

/* Every call of the library answers a status; an example simply stops with the reason. */
static inline void check(tc_status status)
{
    if (status != TC_OK) {
        fprintf(stderr, "%s\n", tc_last_error());
        exit(1);
    }
}

#define LINE_SIZE 4096

typedef struct line {
    char buffer[LINE_SIZE];
    char *label;
    char *text;
} line;

static inline FILE *open_lines(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        exit(1);
    }
    return file;
}

/* The next line of the file; 0 at its end. */
static inline int next_line(FILE *file, line *row)
{
    if (!fgets(row->buffer, sizeof row->buffer, file))
        return 0;
    row->buffer[strcspn(row->buffer, "\r\n")] = '\0';
    row->label = row->buffer;
    row->text = strchr(row->buffer, '\t');
    if (!row->text) {
        fprintf(stderr, "a line has no tab: %s\n", row->buffer);
        exit(1);
    }
    *row->text++ = '\0';
    return 1;
}

/* Number of a label among `count` names. */
static inline uint32_t label_index(const char *const *labels, size_t count, const char *label)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(labels[i], label) == 0)
            return i;
    }
    return TC_LABEL_UNKNOWN;
}

#endif
