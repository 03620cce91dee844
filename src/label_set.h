/* label_set.h: a set of label names, gathered from data, then numbered in the order of their bytes. */
#ifndef PROGRAM_LABEL_SET_H
#define PROGRAM_LABEL_SET_H

#include <stddef.h>
#include <stdint.h>

#include "reader.h"

#define LABEL_NONE UINT32_MAX

typedef struct labels labels;

/* Functions that return int return an exit code, told. */
int labels_create(labels **created);
void labels_free(labels *set);
int labels_insert(labels *set, span name);
/* Numbers the labels by bytes; until then they are numbered by first insertion. */
void labels_sort(labels *set);
uint32_t labels_find(const labels *set, span name);
size_t labels_count(const labels *set);
/* How often a label was inserted. */
uint64_t labels_occurrences(const labels *set, size_t number);
/* NUL-terminated, by number; valid until the next insertion. */
const char *const *labels_names(const labels *set);

#endif
