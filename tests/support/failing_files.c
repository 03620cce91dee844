/* failing_files.c: each call is counted, made to fail when its number has come, and otherwise passed on. A close that
 * fails has closed, as in Linux. */
#include "support/failing_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

test_files test_files_state = {.fail_at = -1};

void test_files_init(test_file_call fail_call, long fail_at, int error)
{
    test_files_state = (test_files){.fail_call = fail_call, .fail_at = fail_at, .error = error};
}

static bool fails(test_file_call call)
{
    long number = test_files_state.calls[call]++, any = test_files_state.calls[TEST_FILE_ANY]++;
    bool now = test_files_state.fail_call == TEST_FILE_ANY
                   ? any == test_files_state.fail_at
                   : call == test_files_state.fail_call && number == test_files_state.fail_at;
    if (now) {
        test_files_state.failed = true;
        test_files_state.last = call;
        test_files_state.last_number = number;
        errno = test_files_state.error;
    }
    return now;
}

static size_t at_most(size_t count)
{
    return test_files_state.most != 0 && count > test_files_state.most ? test_files_state.most : count;
}

static int failing_open(const char *path, int flags, mode_t mode)
{
    if (fails(TEST_FILE_OPEN))
        return -1;
    int file = open(path, flags, mode);
    test_files_state.open_files += file >= 0;
    return file;
}

static ssize_t failing_read(int file, void *buffer, size_t count)
{
    return fails(TEST_FILE_READ) ? -1 : read(file, buffer, at_most(count));
}

static ssize_t failing_write(int file, const void *buffer, size_t count)
{
    return fails(TEST_FILE_WRITE) ? -1 : write(file, buffer, at_most(count));
}

static int failing_fsync(int file)
{
    return fails(TEST_FILE_FSYNC) ? -1 : fsync(file);
}

static int failing_close(int file)
{
    bool now = fails(TEST_FILE_CLOSE);
    int error = errno, result = close(file);
    test_files_state.open_files -= result == 0;
    if (now)
        errno = error;
    return now ? -1 : result;
}

static int failing_rename(const char *from, const char *to)
{
    return fails(TEST_FILE_RENAME) ? -1 : rename(from, to);
}

static int failing_unlink(const char *path)
{
    return fails(TEST_FILE_UNLINK) ? -1 : unlink(path);
}

static int failing_fstat(int file, struct stat *status)
{
    return fails(TEST_FILE_FSTAT) ? -1 : fstat(file, status);
}

static int failing_lstat(const char *path, struct stat *status)
{
    return fails(TEST_FILE_LSTAT) ? -1 : lstat(path, status);
}

static int failing_fchmod(int file, mode_t mode)
{
    return fails(TEST_FILE_FCHMOD) ? -1 : fchmod(file, mode);
}

static int failing_mkdir(const char *path, mode_t mode)
{
    return fails(TEST_FILE_MKDIR) ? -1 : mkdir(path, mode);
}

const tci_file_operations test_failing_files = {
    .open = failing_open,
    .read = failing_read,
    .write = failing_write,
    .fsync = failing_fsync,
    .close = failing_close,
    .rename = failing_rename,
    .unlink = failing_unlink,
    .fstat = failing_fstat,
    .lstat = failing_lstat,
    .fchmod = failing_fchmod,
    .mkdir = failing_mkdir,
};
