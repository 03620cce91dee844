/* file_calls.h: what reading and replacing files share: system calls that go on after a signal, and the sentence about
 * one that failed. */
#ifndef TCI_BASE_FILE_CALLS_H
#define TCI_BASE_FILE_CALLS_H

#include "base/file.h"

#define TCI_LARGEST_TRANSFER ((size_t)1 << 30) /* some systems refuse more than INT_MAX in one call */

/* TC_ERROR_IO with the path, what was to be done, and the reason. */
tc_status tci_io_error(const char *path, const char *what, int error);

/* The file, or below 0 with errno. */
int tci_call_open(const tci_file_operations *files, const char *path, int flags, mode_t mode);
/* 0 or the error; file systems and devices that cannot sync have nothing to wait for. */
int tci_call_sync(const tci_file_operations *files, int file);
/* 0 or the error. Never again after EINTR: the file is closed then, and its number may be another's. */
int tci_call_close(const tci_file_operations *files, int file);

#endif
