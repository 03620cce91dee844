/* file.c: reading and mapping files, and folders. Every step that can fail ends in a sentence with the path and the
 * reason. Must not know how files are replaced (file_replace.c), nor what is in them; a file's size is not believed
 * before it has been read, since it may grow, and pipes have none. */
#include "base/file_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIRST_CHUNK 65536

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
        return tci_io_error(path, "cannot read", errno);
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
        ssize_t got = files->read(file, *data + *size, room < TCI_LARGEST_TRANSFER ? room : TCI_LARGEST_TRANSFER);
        if (got == 0)
            return TC_OK;
        if (got < 0) {
            if (errno == EINTR)
                continue;
            return tci_io_error(path, "cannot read", errno);
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
    int file = tci_call_open(files, path, O_RDONLY | O_CLOEXEC | (regular ? O_NONBLOCK : 0), 0);
    if (file < 0)
        return tci_io_error(path, "cannot open", errno);
    tc_status status = read_open_file(files, memory, path, file, regular, max_bytes, data, size);
    (void)tci_call_close(files, file);
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
    *source = (tci_file_source){files, path, tci_call_open(files, path, O_RDONLY | O_CLOEXEC, 0), max_bytes, 0};
    return source->file < 0 ? tci_io_error(path, "cannot open", errno) : TC_OK;
}

tc_status tci_source_read(tci_file_source *source, void *buffer, size_t capacity, size_t *size)
{
    ssize_t got;
    *size = 0;
    do
        got = source->files->read(source->file, buffer,
                                  capacity < TCI_LARGEST_TRANSFER ? capacity : TCI_LARGEST_TRANSFER);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return tci_io_error(source->path, "cannot read", errno);
    source->size += (uint64_t)got;
    if (source->max_bytes != 0 && source->size > source->max_bytes)
        return size_error(source->path, source->max_bytes);
    *size = (size_t)got;
    return TC_OK;
}

void tci_source_close(tci_file_source *source)
{
    if (source->file >= 0)
        (void)tci_call_close(source->files, source->file);
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
    int folder = tci_call_open(files, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (folder < 0)
        return false;
    (void)tci_call_close(files, folder);
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
        status = tci_io_error(path, "cannot look at it", errno);
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
    return error == EEXIST && tci_file_is_folder(files, path) ? TC_OK
                                                              : tci_io_error(path, "cannot make the folder", error);
}

tc_status tci_file_remove(const tci_file_operations *files, const char *path)
{
    return files->unlink(path) == 0 || errno == ENOENT ? TC_OK : tci_io_error(path, "cannot remove the file", errno);
}

/* ---- mapping ---- */

static const uint8_t nothing[1];

tc_status tci_file_map(const char *path, uint64_t max_bytes, const uint8_t **data, size_t *size)
{
    tc_status status = TC_OK;
    *data = NULL;
    *size = 0;
    int file = tci_call_open(&tci_system_files, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    if (file < 0)
        return tci_io_error(path, "cannot open", errno);
    struct stat state;
    if (fstat(file, &state) != 0) {
        status = tci_io_error(path, "cannot map", errno);
    } else if (!S_ISREG(state.st_mode)) {
        status = tci_fail(TC_ERROR_IO, "'%s': cannot map: it is not a regular file", path);
    } else if ((max_bytes != 0 && (uint64_t)state.st_size > max_bytes) || (uint64_t)state.st_size > SIZE_MAX) {
        status = size_error(path, max_bytes);
    } else if (state.st_size == 0) {
        *data = nothing;
    } else {
        void *address = mmap(NULL, (size_t)state.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (address == MAP_FAILED) {
            status = tci_io_error(path, "cannot map", errno);
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
