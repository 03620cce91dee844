/* file.h: whole-file reading, mapping and crash-safe replacing, behind a table of system calls that tests can replace.
 *
 * Saving: a temporary `.NAME.tmp-PID-N` beside the target (the next N while it exists; O_EXCL, O_CLOEXEC, O_NOFOLLOW),
 * write, fsync, rename, fsync of the folder; the old file's mode is kept; a target that is not a regular file is
 * written straight, and a symbolic link to a regular file stays a link whose target is replaced. Any failure removes
 * the temporary and leaves the old file, except that of the last step: when only the fsync of the folder fails, the new
 * file is there already, and the error says so. EINTR is retried, short reads and writes go on. */
#ifndef TCI_BASE_FILE_H
#define TCI_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/memory.h"

/* The system calls in use; tests put failing ones here. */
typedef struct tci_file_operations {
    int (*open)(const char *path, int flags, mode_t mode);
    ssize_t (*read)(int file, void *buffer, size_t count);
    ssize_t (*write)(int file, const void *buffer, size_t count);
    int (*fsync)(int file);
    int (*close)(int file);
    int (*rename)(const char *from, const char *to);
    int (*unlink)(const char *path);
    int (*fstat)(int file, struct stat *status);
    int (*lstat)(const char *path, struct stat *status);
    int (*fchmod)(int file, mode_t mode);
    int (*mkdir)(const char *path, mode_t mode);
} tci_file_operations;

extern const tci_file_operations tci_system_files;

/* The whole file in one block of `memory`; TC_ERROR_LIMIT above max_bytes (0 = none), TC_ERROR_IO with the reason. */
tc_status tci_file_read(const tci_file_operations *files, tci_memory *memory, const char *path, uint64_t max_bytes,
                        uint8_t **data, size_t *size);

/* The same of what has to be a regular file, as those of a foreign folder: TC_ERROR_IO for anything else. A link is
 * followed. */
tc_status tci_file_read_regular(const tci_file_operations *files, tci_memory *memory, const char *path,
                                uint64_t max_bytes, uint8_t **data, size_t *size);

/* Whether there is something of that name, and whether it is a folder; links are followed to a folder. */
bool tci_file_exists(const tci_file_operations *files, const char *path);
bool tci_file_is_folder(const tci_file_operations *files, const char *path);

/* Whether a foreign name is one of something within a folder, and leads nowhere else. */
#define TCI_PLAIN_NAME 256 /* bytes, with a NUL */
bool tci_is_plain_name(const char *name, size_t length);

/* FOLDER/NAME, NUL-terminated, in a block of `memory`; no second slash where the folder ends in one. */
tc_status tci_path_join(tci_memory *memory, const char *folder, const char *name, char **path);

/* Whether a folder has something of that name. */
tc_status tci_folder_has(tci_memory *memory, const tci_file_operations *files, const char *folder, const char *name,
                         bool *has);

/* A regular file of a folder, as tci_file_read_regular(). */
tc_status tci_folder_read(const tci_file_operations *files, tci_memory *memory, const char *folder, const char *name,
                          uint64_t max_bytes, uint8_t **data, size_t *size);

/* Makes the folder where it is not there; its parent is. */
tc_status tci_folder_create(const tci_file_operations *files, const char *path);

/* Removes a file; nothing to do where there is none. */
tc_status tci_file_remove(const tci_file_operations *files, const char *path);

/* A file that is read piece by piece, in order. */
typedef struct tci_file_source {
    const tci_file_operations *files;
    const char *path; /* the caller's */
    int file;
    uint64_t max_bytes, size; /* size: read so far */
} tci_file_source;

/* Errors as tci_file_read(); the limit strikes when the bytes come. */
tc_status tci_source_open(const tci_file_operations *files, const char *path, uint64_t max_bytes,
                          tci_file_source *source);
/* Up to `capacity` bytes; *size is 0 at the end. */
tc_status tci_source_read(tci_file_source *source, void *buffer, size_t capacity, size_t *size);
void tci_source_close(tci_file_source *source);

/* Read-only map of a regular file; an empty one gives a valid pointer and size 0. */
tc_status tci_file_map(const char *path, uint64_t max_bytes, const uint8_t **data, size_t *size);
void tci_file_unmap(const uint8_t *data, size_t size);

/* One piece of a file to be written. */
typedef struct tci_file_piece {
    const void *data;
    size_t size;
} tci_file_piece;

/* Replaces `path` with the pieces in order, crash-safe as above. */
tc_status tci_file_replace(const tci_file_operations *files, tci_memory *memory, const char *path,
                           const tci_file_piece *pieces, size_t piece_count);

/* The same in two halves, for files that belong together: first all are written, then each takes its place. */
typedef struct tci_prepared_file {
    char *temporary; /* NULL: nothing is left to be done */
    const char *target;
    int folder; /* open, to be synced; -1 where it cannot be read */
} tci_prepared_file;

/* Up to the rename. What is not a regular file is written straight. After an error there is nothing to place. */
tc_status tci_file_prepare(const tci_file_operations *files, tci_memory *memory, const char *path,
                           const tci_file_piece *pieces, size_t piece_count, tci_prepared_file *prepared);
/* From the rename on; ends with `prepared` in any case. */
tc_status tci_file_place(const tci_file_operations *files, tci_memory *memory, tci_prepared_file *prepared);
/* Removes the temporary instead. */
void tci_file_discard(const tci_file_operations *files, tci_memory *memory, tci_prepared_file *prepared);

#endif
