/* file.c: reading, mapping and replacing files. Every step that can fail ends in a sentence with the path and the
 * reason; reasons are our own texts, since strerror's depend on the locale and may be shared between threads. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIRST_CHUNK 65536
#define LARGEST_TRANSFER ((size_t)1 << 30) /* some systems refuse more than INT_MAX in one call */
#define LONGEST_NAME 200                   /* of the target's name within the temporary one: NAME_MAX is 255 */
#define MOST_TEMPORARIES 100000

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

static tc_status io_error(const char *path, const char *what, int error)
{
    return tci_fail(TC_ERROR_IO, "'%s': %s: %s (errno %d)", path, what, reason_of(error), error);
}

/* ---- calls that are retried after a signal ---- */

static int open_file(const tci_file_operations *files, const char *path, int flags, mode_t mode)
{
    int file;
    do
        file = files->open(path, flags, mode);
    while (file < 0 && errno == EINTR);
    return file;
}

/* 0 or the error; file systems and devices that cannot sync have nothing to wait for. */
static int sync_file(const tci_file_operations *files, int file)
{
    int result;
    do
        result = files->fsync(file);
    while (result != 0 && errno == EINTR);
    if (result == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS)
        return 0;
    return errno;
}

/* 0 or the error. Never again after EINTR: the file is closed then, and its number may be another's. */
static int close_file(const tci_file_operations *files, int file)
{
    return files->close(file) == 0 || errno == EINTR ? 0 : errno;
}

/* ---- reading ---- */

static tc_status size_error(const char *path, uint64_t max_bytes)
{
    return tci_fail(TC_ERROR_LIMIT, "'%s': the file has more than max_file_bytes (%llu) bytes", path,
                    (unsigned long long)max_bytes);
}

static tc_status read_open_file(const tci_file_operations *files, tci_memory *memory, const char *path, int file,
                                bool regular, uint64_t max_bytes, uint8_t **data, size_t *size)
{
    struct stat state;
    if (files->fstat(file, &state) != 0)
        return io_error(path, "cannot read", errno);
    if (regular && !S_ISREG(state.st_mode))
        return tci_fail(TC_ERROR_IO, "'%s': cannot read: it is not a regular file", path);
    /* One byte more than there is, so that the end is seen without growing. */
    size_t capacity = FIRST_CHUNK, ceiling = SIZE_MAX;
    if (max_bytes != 0 && max_bytes < SIZE_MAX)
        ceiling = (size_t)max_bytes + 1;
    if (S_ISREG(state.st_mode) && state.st_size > 0) {
        uint64_t wanted = (uint64_t)state.st_size;
        if ((max_bytes != 0 && wanted > max_bytes) || wanted >= SIZE_MAX)
            return size_error(path, max_bytes);
        capacity = (size_t)wanted + 1;
    }
    if (capacity > ceiling)
        capacity = ceiling;
    tc_status status = tci_alloc(memory, capacity, 1, "contents", data);
    if (status != TC_OK)
        return tci_fail_prefix(status, "'%s'", path);
    tci_ask_for_large_pages(memory, *data, capacity);
    *size = 0;
    for (;;) {
        if (*size == capacity)
            status = tci_reserve(memory, *size + 1, ceiling, 1, "contents", &capacity, data);
        if (status != TC_OK)
            return tci_fail_prefix(status, "'%s'", path);
        size_t room = capacity - *size;
        ssize_t got = files->read(file, *data + *size, room < LARGEST_TRANSFER ? room : LARGEST_TRANSFER);
        if (got == 0)
            return TC_OK;
        if (got < 0) {
            if (errno == EINTR)
                continue;
            return io_error(path, "cannot read", errno);
        }
        *size += (size_t)got;
        if (max_bytes != 0 && *size > max_bytes)
            return size_error(path, max_bytes);
    }
}

/* Not waiting for a pipe's other end where it would be refused anyway. */
static tc_status read_file(const tci_file_operations *files, tci_memory *memory, const char *path, bool regular,
                           uint64_t max_bytes, uint8_t **data, size_t *size)
{
    *data = NULL;
    *size = 0;
    int file = open_file(files, path, O_RDONLY | O_CLOEXEC | (regular ? O_NONBLOCK : 0), 0);
    if (file < 0)
        return io_error(path, "cannot open", errno);
    tc_status status = read_open_file(files, memory, path, file, regular, max_bytes, data, size);
    (void)close_file(files, file);
    if (status != TC_OK) {
        tci_free(memory, *data);
        *data = NULL;
        *size = 0;
    }
    return status;
}

tc_status tci_file_read(const tci_file_operations *files, tci_memory *memory, const char *path, uint64_t max_bytes,
                        uint8_t **data, size_t *size)
{
    return read_file(files, memory, path, false, max_bytes, data, size);
}

tc_status tci_file_read_regular(const tci_file_operations *files, tci_memory *memory, const char *path,
                                uint64_t max_bytes, uint8_t **data, size_t *size)
{
    return read_file(files, memory, path, true, max_bytes, data, size);
}

tc_status tci_source_open(const tci_file_operations *files, const char *path, uint64_t max_bytes,
                          tci_file_source *source)
{
    *source = (tci_file_source){files, path, open_file(files, path, O_RDONLY | O_CLOEXEC, 0), max_bytes, 0};
    return source->file < 0 ? io_error(path, "cannot open", errno) : TC_OK;
}

tc_status tci_source_read(tci_file_source *source, void *buffer, size_t capacity, size_t *size)
{
    ssize_t got;
    *size = 0;
    do
        got = source->files->read(source->file, buffer, capacity < LARGEST_TRANSFER ? capacity : LARGEST_TRANSFER);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return io_error(source->path, "cannot read", errno);
    source->size += (uint64_t)got;
    if (source->max_bytes != 0 && source->size > source->max_bytes)
        return size_error(source->path, source->max_bytes);
    *size = (size_t)got;
    return TC_OK;
}

void tci_source_close(tci_file_source *source)
{
    if (source->file >= 0)
        (void)close_file(source->files, source->file);
    source->file = -1;
}

/* ---- names and folders ---- */

bool tci_file_exists(const tci_file_operations *files, const char *path)
{
    struct stat state;
    return files->lstat(path, &state) == 0;
}

bool tci_file_is_folder(const tci_file_operations *files, const char *path)
{
    int folder = open_file(files, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (folder < 0)
        return false;
    (void)close_file(files, folder);
    return true;
}

bool tci_is_plain_name(const char *name, size_t length)
{
    return length > 0 && length < TCI_PLAIN_NAME && name[0] != '.' && !memchr(name, '/', length) &&
           !memchr(name, '\\', length) && !memchr(name, 0, length);
}

tc_status tci_path_join(tci_memory *memory, const char *folder, const char *name, char **path)
{
    size_t length = strlen(folder), name_length = strlen(name), size = 0;
    bool slash = length > 0 && folder[length - 1] != '/';
    *path = NULL;
    if (!tci_add(length, name_length, &size) || !tci_add(size, 2, &size))
        return tci_fail(TC_ERROR_LIMIT, "a path that does not fit the address space");
    TCI_RETURN_IF(tci_alloc(memory, size, 1, "path", path));
    memcpy(*path, folder, length);
    if (slash)
        (*path)[length++] = '/';
    memcpy(*path + length, name, name_length + 1);
    return TC_OK;
}

tc_status tci_folder_has(tci_memory *memory, const tci_file_operations *files, const char *folder, const char *name,
                         bool *has)
{
    struct stat state;
    char *path = NULL;
    tc_status status = TC_OK;
    TCI_RETURN_IF(tci_path_join(memory, folder, name, &path));
    *has = files->lstat(path, &state) == 0;
    if (!*has && errno != ENOENT && errno != ENOTDIR)
        status = io_error(path, "cannot look at it", errno);
    tci_free(memory, path);
    return status;
}

tc_status tci_folder_read(const tci_file_operations *files, tci_memory *memory, const char *folder, const char *name,
                          uint64_t max_bytes, uint8_t **data, size_t *size)
{
    char *path = NULL;
    TCI_RETURN_IF(tci_path_join(memory, folder, name, &path));
    tc_status status = tci_file_read_regular(files, memory, path, max_bytes, data, size);
    tci_free(memory, path);
    return status;
}

tc_status tci_folder_create(const tci_file_operations *files, const char *path)
{
    if (files->mkdir(path, 0777) == 0)
        return TC_OK;
    int error = errno;
    return error == EEXIST && tci_file_is_folder(files, path) ? TC_OK : io_error(path, "cannot make the folder", error);
}

tc_status tci_file_remove(const tci_file_operations *files, const char *path)
{
    return files->unlink(path) == 0 || errno == ENOENT ? TC_OK : io_error(path, "cannot remove the file", errno);
}

/* ---- mapping ---- */

static const uint8_t nothing[1];

tc_status tci_file_map(const char *path, uint64_t max_bytes, const uint8_t **data, size_t *size)
{
    tc_status status = TC_OK;
    *data = NULL;
    *size = 0;
    int file = open_file(&tci_system_files, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    if (file < 0)
        return io_error(path, "cannot open", errno);
    struct stat state;
    if (fstat(file, &state) != 0) {
        status = io_error(path, "cannot map", errno);
    } else if (!S_ISREG(state.st_mode)) {
        status = tci_fail(TC_ERROR_IO, "'%s': cannot map: it is not a regular file", path);
    } else if ((max_bytes != 0 && (uint64_t)state.st_size > max_bytes) || (uint64_t)state.st_size > SIZE_MAX) {
        status = size_error(path, max_bytes);
    } else if (state.st_size == 0) {
        *data = nothing;
    } else {
        void *address = mmap(NULL, (size_t)state.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (address == MAP_FAILED) {
            status = io_error(path, "cannot map", errno);
        } else {
            *data = address;
            *size = (size_t)state.st_size;
        }
    }
    (void)close(file);
    return status;
}

void tci_file_unmap(const uint8_t *data, size_t size)
{
    if (data && size > 0)
        (void)munmap((void *)(uintptr_t)data, size);
}

/* ---- replacing ---- */

static tc_status write_pieces(const tci_file_operations *files, const char *path, int file,
                              const tci_file_piece *pieces, size_t piece_count)
{
    for (size_t i = 0; i < piece_count; i++) {
        const uint8_t *at = pieces[i].data;
        for (size_t left = pieces[i].size; left > 0;) {
            ssize_t wrote = files->write(file, at, left < LARGEST_TRANSFER ? left : LARGEST_TRANSFER);
            if (wrote < 0 && errno == EINTR)
                continue;
            if (wrote <= 0) /* a device that takes nothing is full */
                return io_error(path, "cannot write", wrote == 0 ? ENOSPC : errno);
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
    int file = open_file(files, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0)
        return io_error(path, "cannot open for writing", errno);
    tc_status status = write_pieces(files, path, file, pieces, piece_count);
    int error = status == TC_OK ? sync_file(files, file) : 0;
    int close_error = close_file(files, file);
    if (status == TC_OK && (error != 0 || close_error != 0))
        status = io_error(path, "cannot write", error != 0 ? error : close_error);
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
        *file = open_file(files, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        if (*file >= 0)
            return TC_OK;
        if (errno != EEXIST)
            return io_error(temporary, "cannot create the temporary file", errno);
    }
    return tci_fail(TC_ERROR_IO, "'%s': %d temporary files of killed processes stand beside it; remove .%.*s.tmp-*",
                    path, MOST_TEMPORARIES, (int)name_length, name);
}

/* What the temporary file goes through before it takes the target's place. */
static tc_status fill_temporary(const tci_file_operations *files, const char *path, int file, const struct stat *old,
                                const tci_file_piece *pieces, size_t piece_count)
{
    if (old && files->fchmod(file, old->st_mode & 07777) != 0)
        return io_error(path, "cannot keep the old file's mode", errno);
    TCI_RETURN_IF(write_pieces(files, path, file, pieces, piece_count));
    int error = sync_file(files, file);
    return error == 0 ? TC_OK : io_error(path, "cannot write", error);
}

/* `path` is a regular file (with the state `old`) or nothing (NULL). */
static tc_status prepare_regular(const tci_file_operations *files, tci_memory *memory, const char *path,
                                 const struct stat *old, const tci_file_piece *pieces, size_t piece_count,
                                 tci_prepared_file *prepared)
{
    const char *slash = strrchr(path, '/');
    size_t folder_length = slash ? (size_t)(slash - path) + 1 : 0, length = strlen(path), capacity = 0;
    if (length > INT_MAX || !tci_add(length, 64, &capacity)) /* 64: dots, tmp, two numbers */
        return io_error("(path)", "cannot write", ENAMETOOLONG);
    char *names = NULL; /* the temporary's, then the target's */
    int file = -1, folder = -1, error = 0;
    bool exists = false;
    tc_status status = TC_OK;
    TCI_CHECK(tci_alloc(memory, capacity + length + 1, 1, "name of the temporary file", &names));
    /* Opened before anything is changed. A folder that may be written but not read cannot be synced. */
    (void)snprintf(names, capacity, "%.*s", (int)folder_length, path);
    folder = open_file(files, folder_length > 0 ? names : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (folder < 0 && errno != EACCES)
        TCI_CHECK(io_error(path, "cannot open its folder", errno));
    /* With an old file nobody else may look in before the mode is set. */
    TCI_CHECK(create_temporary(files, path, folder_length, old ? 0600 : 0666, names, capacity, &file));
    exists = true;
    TCI_CHECK(fill_temporary(files, path, file, old, pieces, piece_count));
    error = close_file(files, file);
    file = -1;
    if (error != 0)
        TCI_CHECK(io_error(path, "cannot write", error));
    memcpy(names + capacity, path, length + 1);
    *prepared = (tci_prepared_file){names, names + capacity, folder};
    return TC_OK;
done:
    if (file >= 0)
        (void)close_file(files, file);
    if (exists)
        (void)files->unlink(names);
    if (folder >= 0)
        (void)close_file(files, folder);
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
            return io_error(path, "cannot write", errno);
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
        (void)close_file(files, prepared->folder);
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
        status = io_error(prepared->target, "cannot put the new file in its place", error);
        tci_file_discard(files, memory, prepared);
        return status;
    }
    error = prepared->folder >= 0 ? sync_file(files, prepared->folder) : 0;
    if (error != 0)
        status = io_error(prepared->target, "the new file is in its place, but its folder could not be synced", error);
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
