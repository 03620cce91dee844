/* file_replace.c: writing files, crash-safe as file.h says. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "base/file_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONGEST_NAME 200 /* of the target's name within the temporary one: NAME_MAX is 255 */
#define MOST_TEMPORARIES 100000

static tc_status write_pieces(const tci_file_operations *files, const char *path, int file,
                              const tci_file_piece *pieces, size_t piece_count)
{
    for (size_t i = 0; i < piece_count; i++) {
        const uint8_t *at = pieces[i].data;
        for (size_t left = pieces[i].size; left > 0;) {
            ssize_t wrote = files->write(file, at, left < TCI_LARGEST_TRANSFER ? left : TCI_LARGEST_TRANSFER);
            if (wrote < 0 && errno == EINTR)
                continue;
            if (wrote <= 0) /* a device that takes nothing is full */
                return tci_io_error(path, "cannot write", wrote == 0 ? ENOSPC : errno);
            at += wrote;
            left -= (size_t)wrote;
        }
    }
    return TC_OK;
}

/* Writes to what is no regular file, a device or a pipe, or through a link to nothing. */
static tc_status write_straight(const tci_file_operations *files, const char *path, const tci_file_piece *pieces,
                                size_t piece_count)
{
    int file = tci_call_open(files, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0)
        return tci_io_error(path, "cannot open for writing", errno);
    tc_status status = write_pieces(files, path, file, pieces, piece_count);
    int error = status == TC_OK ? tci_call_sync(files, file) : 0;
    int close_error = tci_call_close(files, file);
    if (status == TC_OK && (error != 0 || close_error != 0))
        status = tci_io_error(path, "cannot write", error != 0 ? error : close_error);
    return status;
}

/* Creates the first `.NAME.tmp-PID-N` that does not exist; its path goes to `temporary`. */
static tc_status create_temporary(const tci_file_operations *files, const char *path, size_t folder_length, mode_t mode,
                                  char *temporary, size_t capacity, int *file)
{
    const char *name = path + folder_length;
    size_t name_length = strlen(name);
    if (name_length > LONGEST_NAME)
        name_length = LONGEST_NAME;
    for (int n = 0; n < MOST_TEMPORARIES; n++) {
        (void)snprintf(temporary, capacity, "%.*s.%.*s.tmp-%ld-%d", (int)folder_length, path, (int)name_length, name,
                       (long)getpid(), n);
        *file = tci_call_open(files, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        if (*file >= 0)
            return TC_OK;
        if (errno != EEXIST)
            return tci_io_error(temporary, "cannot create the temporary file", errno);
    }
    return tci_fail(TC_ERROR_IO, "'%s': %d temporary files of killed processes stand beside it; remove .%.*s.tmp-*",
                    path, MOST_TEMPORARIES, (int)name_length, name);
}

/* What the temporary file goes through before it takes the target's place. */
static tc_status fill_temporary(const tci_file_operations *files, const char *path, int file, const struct stat *old,
                                const tci_file_piece *pieces, size_t piece_count)
{
    if (old && files->fchmod(file, old->st_mode & 07777) != 0)
        return tci_io_error(path, "cannot keep the old file's mode", errno);
    TCI_RETURN_IF(write_pieces(files, path, file, pieces, piece_count));
    int error = tci_call_sync(files, file);
    return error == 0 ? TC_OK : tci_io_error(path, "cannot write", error);
}

/* `path` is a regular file (with the state `old`) or nothing (NULL). */
static tc_status prepare_regular(const tci_file_operations *files, tci_memory *memory, const char *path,
                                 const struct stat *old, const tci_file_piece *pieces, size_t piece_count,
                                 tci_prepared_file *prepared)
{
    const char *slash = strrchr(path, '/');
    size_t folder_length = slash ? (size_t)(slash - path) + 1 : 0, length = strlen(path), capacity = 0;
    if (length > INT_MAX || !tci_add(length, 64, &capacity)) /* 64: dots, tmp, two numbers */
        return tci_io_error("(path)", "cannot write", ENAMETOOLONG);
    char *names = NULL; /* the temporary's, then the target's */
    int file = -1, folder = -1, error = 0;
    bool exists = false;
    tc_status status = TC_OK;
    TCI_CHECK(tci_alloc(memory, capacity + length + 1, 1, "name of the temporary file", &names));
    /* Opened before anything is changed. A folder that may be written but not read cannot be synced. */
    (void)snprintf(names, capacity, "%.*s", (int)folder_length, path);
    folder = tci_call_open(files, folder_length > 0 ? names : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (folder < 0 && errno != EACCES)
        TCI_CHECK(tci_io_error(path, "cannot open its folder", errno));
    /* With an old file nobody else may look in before the mode is set. */
    TCI_CHECK(create_temporary(files, path, folder_length, old ? 0600 : 0666, names, capacity, &file));
    exists = true;
    TCI_CHECK(fill_temporary(files, path, file, old, pieces, piece_count));
    error = tci_call_close(files, file);
    file = -1;
    if (error != 0)
        TCI_CHECK(tci_io_error(path, "cannot write", error));
    memcpy(names + capacity, path, length + 1);
    *prepared = (tci_prepared_file){names, names + capacity, folder};
    return TC_OK;
done:
    if (file >= 0)
        (void)tci_call_close(files, file);
    if (exists)
        (void)files->unlink(names);
    if (folder >= 0)
        (void)tci_call_close(files, folder);
    tci_free(memory, names);
    return status;
}

tc_status tci_file_prepare(const tci_file_operations *files, tci_memory *memory, const char *path,
                           const tci_file_piece *pieces, size_t piece_count, tci_prepared_file *prepared)
{
    struct stat old;
    *prepared = (tci_prepared_file){.folder = -1};
    if (files->lstat(path, &old) != 0) {
        if (errno != ENOENT)
            return tci_io_error(path, "cannot write", errno);
        return prepare_regular(files, memory, path, NULL, pieces, piece_count, prepared);
    }
    char target[PATH_MAX];
    if (S_ISLNK(old.st_mode) && realpath(path, target) && files->lstat(target, &old) == 0 && S_ISREG(old.st_mode))
        return prepare_regular(files, memory, target, &old, pieces, piece_count, prepared);
    if (S_ISREG(old.st_mode))
        return prepare_regular(files, memory, path, &old, pieces, piece_count, prepared);
    return write_straight(files, path, pieces, piece_count);
}

static void forget(const tci_file_operations *files, tci_memory *memory, tci_prepared_file *prepared)
{
    if (prepared->folder >= 0)
        (void)tci_call_close(files, prepared->folder);
    tci_free(memory, prepared->temporary);
    *prepared = (tci_prepared_file){.folder = -1};
}

tc_status tci_file_place(const tci_file_operations *files, tci_memory *memory, tci_prepared_file *prepared)
{
    tc_status status = TC_OK;
    int error;
    if (!prepared->temporary)
        return TC_OK;
    while ((error = files->rename(prepared->temporary, prepared->target) == 0 ? 0 : errno) == EINTR)
        ;
    if (error != 0) {
        status = tci_io_error(prepared->target, "cannot put the new file in its place", error);
        tci_file_discard(files, memory, prepared);
        return status;
    }
    error = prepared->folder >= 0 ? tci_call_sync(files, prepared->folder) : 0;
    if (error != 0)
        status =
            tci_io_error(prepared->target, "the new file is in its place, but its folder could not be synced", error);
    forget(files, memory, prepared);
    return status;
}

void tci_file_discard(const tci_file_operations *files, tci_memory *memory, tci_prepared_file *prepared)
{
    if (!prepared->temporary)
        return;
    (void)files->unlink(prepared->temporary);
    forget(files, memory, prepared);
}

tc_status tci_file_replace(const tci_file_operations *files, tci_memory *memory, const char *path,
                           const tci_file_piece *pieces, size_t piece_count)
{
    tci_prepared_file prepared;
    TCI_RETURN_IF(tci_file_prepare(files, memory, path, pieces, piece_count, &prepared));
    return tci_file_place(files, memory, &prepared);
}
