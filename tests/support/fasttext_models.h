/* fasttext_models.h: the models of tests/golden/fasttext_models and what fastText predicted with them. */
#ifndef TEST_SUPPORT_FASTTEXT_MODELS_H
#define TEST_SUPPORT_FASTTEXT_MODELS_H

#include <stddef.h>
#include <stdint.h>

#define TEST_FASTTEXT_MODELS 11
extern const char *const test_fasttext_models[TEST_FASTTEXT_MODELS];

/* The bytes of a model, malloc'ed. */
uint8_t *test_fasttext_file(const char *name, size_t *size);

/* What is expected of one model, one line after the other. */
typedef struct test_expected {
    char *text; /* the whole file */
    char *at;   /* next line */
    size_t labels;
} test_expected;

/* The lines of a model. */
void test_expected_open(test_expected *expected, const char *name);
void test_expected_close(test_expected *expected);

/* The next text, its bytes into `text` (of 4096), and its scores (labels); false behind the last one. */
int test_expected_text(test_expected *expected, char *text, size_t *length, float *scores);

/* The next word of `runs` lines, NUL-terminated into `word`, and its rows; false behind the last one. */
int test_expected_runs(test_expected *expected, char *word, uint32_t rows[256], size_t *count);

#endif
