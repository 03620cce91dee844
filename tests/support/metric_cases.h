/* metric_cases.h: the cases of tests/golden/metrics.txt, read line by line. */
#ifndef TEST_SUPPORT_METRIC_CASES_H
#define TEST_SUPPORT_METRIC_CASES_H

#include <stdbool.h>
#include <stddef.h>

#define METRIC_MAX_WIDTH 16

typedef struct metric_cases metric_cases;

metric_cases *metric_cases_open(void);
void metric_cases_close(metric_cases *cases);

/* The next case of `task`; false behind the last. */
bool metric_cases_next(metric_cases *cases, const char *task, size_t *rows, size_t *labels);

/* The next line within the case: its first word into `word`, the numbers behind it into values; returns their count. */
size_t metric_cases_line(metric_cases *cases, char word[32], double values[METRIC_MAX_WIDTH]);

#endif
