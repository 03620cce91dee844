/* golden.h: reads the safetensors files of tests/golden, which our own scripts wrote. It trusts the
 * file's form, finds tensors by name as double arrays and ends the test when something is missing. */
#ifndef TEST_SUPPORT_GOLDEN_H
#define TEST_SUPPORT_GOLDEN_H

#include <stdbool.h>
#include <stddef.h>

typedef struct golden golden;

typedef struct golden_tensor {
    const char *name;
    size_t rank;
    size_t shape[2]; /* (rows, columns); 1 where there is no such dimension */
    size_t count;
    double *values; /* every type as double; live as long as the file */
} golden_tensor;

/* tests/golden/NAME. */
golden *golden_open(const char *name);
void golden_close(golden *file);

/* NULL when the file has none of that name. */
const golden_tensor *golden_find(const golden *file, const char *name);
/* As find, but a missing tensor fails the test. `format` is printf's. */
const golden_tensor *golden_get(const golden *file, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Tensors in the order of the file, NULL behind the last. */
const golden_tensor *golden_at(const golden *file, size_t index);

/* A metadata string, or NULL. */
const char *golden_metadata(const golden *file, const char *key);
/* Metadata keys in the order of the file, NULL behind the last. */
const char *golden_metadata_key(const golden *file, size_t index);

/* The value of `key` in "key=value key=value ..." as a number, `otherwise` where it is missing. */
double golden_option(const char *options, const char *key, double otherwise);
/* The same as text into `value`; false where it is missing. */
bool golden_option_text(const char *options, const char *key, char *value, size_t size);

#endif
