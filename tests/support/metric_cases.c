/* metric_cases.c: see metric_cases.h; the format stands at the top of the data file. */
#include "support/metric_cases.h"

#include "support/c_locale.h"
#include "support/testing.h"

struct metric_cases {
    FILE *stream;
};

metric_cases *metric_cases_open(void)
{
    metric_cases *cases = malloc(sizeof *cases);
    assert_non_null(cases);
    cases->stream = fopen(TEST_SOURCE_DIR "/golden/metrics.txt", "r");
    assert_non_null(cases->stream);
    return cases;
}

void metric_cases_close(metric_cases *cases)
{
    fclose(cases->stream);
    free(cases);
}

bool metric_cases_next(metric_cases *cases, const char *task, size_t *rows, size_t *labels)
{
    char line[1024];
    char found[32];
    while (fgets(line, sizeof line, cases->stream)) {
        if (sscanf(line, "case %*s %31s %zu %zu", found, rows, labels) == 3 && strcmp(found, task) == 0)
            return true;
    }
    return false;
}

size_t metric_cases_line(metric_cases *cases, char word[32], double values[METRIC_MAX_WIDTH])
{
    char line[1024];
    size_t count = 0;
    assert_non_null(fgets(line, sizeof line, cases->stream));
    size_t length = strcspn(line, " \n");
    assert_true(length < 32);
    memcpy(word, line, length);
    word[length] = '\0';
    for (char *at = line + length; *at == ' '; count++) {
        assert_true(count < METRIC_MAX_WIDTH);
        values[count] = c_strtod(at, &at);
    }
    return count;
}
