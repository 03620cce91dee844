/* fasttext_models.c: reads golden/fasttext_models/expected.txt; make_fasttext_golden.py says what stands in it. */
#include "support/fasttext_models.h"

#include "support/c_locale.h"
#include "support/testing.h"

const char *const test_fasttext_models[TEST_FASTTEXT_MODELS] = {
    "softmax.bin", "grams.bin",        "hs.bin",        "ova.bin",   "ns.bin",      "version11.bin",
    "grams_q.ftz", "grams_cutoff.ftz", "hs_cutoff.ftz", "ova_q.ftz", "many_out.ftz"};

uint8_t *test_fasttext_file(const char *name, size_t *size)
{
    char path[512];
    snprintf(path, sizeof path, "%s/golden/fasttext_models/%s", test_source_dir(), name);
    return (uint8_t *)test_read_file(path, size);
}

/* The line at `at`, NUL-terminated, or NULL at the end; *at goes behind it. */
static char *next_line(char **at)
{
    char *line = *at, *end = strchr(line, '\n');
    if (!end)
        return NULL;
    *end = '\0';
    *at = end + 1;
    return line;
}

void test_expected_open(test_expected *expected, const char *name)
{
    size_t size = 0, length = strlen(name);
    char *bytes = (char *)test_fasttext_file("expected.txt", &size);
    expected->text = malloc(size + 1);
    assert_non_null(expected->text);
    memcpy(expected->text, bytes, size);
    expected->text[size] = '\0';
    free(bytes);
    expected->at = expected->text;
    for (char *line = next_line(&expected->at); line; line = next_line(&expected->at)) {
        if (strncmp(line, "file ", 5) == 0 && strncmp(line + 5, name, length) == 0 && line[5 + length] == ' ') {
            expected->labels = strtoul(line + 5 + length, NULL, 10);
            return;
        }
    }
    fail_msg("expected.txt has nothing of %s", name);
}

void test_expected_close(test_expected *expected)
{
    free(expected->text);
}

int test_expected_text(test_expected *expected, char *text, size_t *length, float *scores)
{
    while (strncmp(expected->at, "runs ", 5) == 0)
        (void)next_line(&expected->at);
    if (strncmp(expected->at, "text ", 5) != 0)
        return 0;
    const char *digits = next_line(&expected->at) + 5;
    *length = strlen(digits) / 2;
    assert_true(*length <= 4096);
    for (size_t i = 0; i < *length; i++) {
        const char pair[3] = {digits[2 * i], digits[2 * i + 1], 0};
        text[i] = (char)strtoul(pair, NULL, 16);
    }
    char *numbers = next_line(&expected->at);
    for (size_t i = 0; i < expected->labels; i++)
        scores[i] = c_strtof(numbers, &numbers);
    return 1;
}

int test_expected_runs(test_expected *expected, char *word, uint32_t rows[256], size_t *count)
{
    if (strncmp(expected->at, "runs ", 5) != 0)
        return 0;
    char *line = next_line(&expected->at) + 5, *space = strchr(line, ' ');
    snprintf(word, 64, "%.*s", (int)(space ? space - line : (long)strlen(line)), line);
    *count = 0;
    while (space && *space && *count < 256)
        rows[(*count)++] = (uint32_t)strtoul(space, &space, 10);
    return 1;
}
