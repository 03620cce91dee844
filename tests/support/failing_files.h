/* failing_files.h: the table of file operations with failures planted in it. Its state is the program's: one test at a
 * time, one thread. */
#ifndef TEST_SUPPORT_FAILING_FILES_H
#define TEST_SUPPORT_FAILING_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/file.h"

typedef enum test_file_call {
    TEST_FILE_ANY, /* whichever it is */
    TEST_FILE_OPEN,
    TEST_FILE_READ,
    TEST_FILE_WRITE,
    TEST_FILE_FSYNC,
    TEST_FILE_CLOSE,
    TEST_FILE_RENAME,
    TEST_FILE_UNLINK,
    TEST_FILE_FSTAT,
    TEST_FILE_LSTAT,
    TEST_FILE_FCHMOD,
    TEST_FILE_MKDIR,
    TEST_FILE_CALLS
} test_file_call;

typedef struct test_files {
    test_file_call fail_call;
    long fail_at;        /* number from 0 of such a call that fails; below 0: none */
    int error;           /* its errno */
    size_t most;         /* bytes that one read or write moves; 0 = any */
    bool failed;         /* it has failed */
    test_file_call last; /* which call that was */
    long last_number;    /* and its number among those of its kind */
    long calls[TEST_FILE_CALLS];
    long open_files; /* opened and not closed */
} test_files;

/* Sets what fails and clears the counts. */
void test_files_init(test_file_call fail_call, long fail_at, int error);
extern test_files test_files_state;
extern const tci_file_operations test_failing_files;

#endif
