/* file_calls.c: see file_calls.h. Reasons are our own texts, since strerror's depend on the locale and may be shared
 * between threads. */
#include "base/file_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int system_open(const char *path, int flags, mode_t mode)
{
    return open(path, flags, mode);
}

const tci_file_operations tci_system_files = {
    .open = system_open,
    .read = read,
    .write = write,
    .fsync = fsync,
    .close = close,
    .rename = rename,
    .unlink = unlink,
    .fstat = fstat,
    .lstat = lstat,
    .fchmod = fchmod,
    .mkdir = mkdir,
};

static const char *reason_of(int error)
{
    static const struct {
        int error;
        const char *text;
    } reasons[] = {
        {ENOENT, "no such file or folder"},
        {EACCES, "permission denied"},
        {EPERM, "not permitted"},
        {ENOSPC, "no space left on the device"},
        {EDQUOT, "the disk quota is used up"},
        {EFBIG, "the file would be too large for the system"},
        {EIO, "the device failed"},
        {EISDIR, "it is a folder"},
        {ENOTDIR, "a part of the path is not a folder"},
        {EROFS, "the file system is read-only"},
        {EEXIST, "it exists already"},
        {ELOOP, "too many symbolic links"},
        {ENAMETOOLONG, "the name is too long"},
        {EMFILE, "too many open files in this process"},
        {ENFILE, "too many open files in the system"},
        {ENOMEM, "the system is out of memory"},
        {ENXIO, "nobody reads the other end"},
        {EPIPE, "the other end was closed"},
        {ENODEV, "it cannot be mapped"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (reasons[i].error == error)
            return reasons[i].text;
    }
    return "system error";
}

tc_status tci_io_error(const char *path, const char *what, int error)
{
    return tci_fail(TC_ERROR_IO, "'%s': %s: %s (errno %d)", path, what, reason_of(error), error);
}

int tci_call_open(const tci_file_operations *files, const char *path, int flags, mode_t mode)
{
    int file;
    do
        file = files->open(path, flags, mode);
    while (file < 0 && errno == EINTR);
    return file;
}

int tci_call_sync(const tci_file_operations *files, int file)
{
    int result;
    do
        result = files->fsync(file);
    while (result != 0 && errno == EINTR);
    if (result == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS)
        return 0;
    return errno;
}

int tci_call_close(const tci_file_operations *files, int file)
{
    return files->close(file) == 0 || errno == EINTR ? 0 : errno;
}
