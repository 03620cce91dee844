/* testing.h: what every test program includes: CMocka and what it needs before it, and a few checks of our own. */
#ifndef TEST_SUPPORT_TESTING_H
#define TEST_SUPPORT_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A step through many cases: all of them, but where an emulator takes ten times as long, one of n. And how often the
 * time that is allowed a test may pass there. */
#if defined(TEST_EMULATED)
#define TEST_EVERY(n) (n)
#define TEST_PATIENCE 30
#else
#define TEST_EVERY(n) 1
#define TEST_PATIENCE 1
#endif

#define assert_ok(call) assert_int_equal((call), 0)

/* |value - wanted| <= bound * max(1, |wanted|); NaN is close to nothing. */
#define assert_close(value, wanted, bound) \
    test_close((double)(value), (double)(wanted), (bound), #value, __FILE__, __LINE__)
/* The same for each of `count` floats. */
#define assert_all_close(values, wanted, count, bound) \
    test_all_close((values), (wanted), (count), (bound), #values, __FILE__, __LINE__)
/* `part` occurs in `text`. */
#define assert_contains(text, part)                                        \
    do {                                                                   \
        if (!strstr((text), (part))) {                                     \
            print_error("\"%s\" does not contain \"%s\"\n", (text), (part)); \
            fail();                                                        \
        }                                                                  \
    } while (0)

void test_close(double value, double wanted, double bound, const char *what, const char *file, int line);
void test_all_close(const float *values, const float *wanted, size_t count, double bound, const char *what,
                    const char *file, int line);

/* The folder of the tests, for their data files. */
const char *test_source_dir(void);

/* A new folder of one test; remove takes its plain files with it. */
typedef struct test_folder {
    char path[64];
    char file[512]; /* the latest answer of test_folder_file */
} test_folder;

void test_folder_create(test_folder *folder);
const char *test_folder_file(test_folder *folder, const char *name);
/* Entries in it, hidden ones too. */
size_t test_folder_count(const test_folder *folder);
void test_folder_remove(test_folder *folder);

void test_write_file(const char *path, const void *bytes, size_t size);
/* The whole file, NUL-terminated; release with free(). */
char *test_read_file(const char *path, size_t *size);

#endif
