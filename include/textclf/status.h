/**
 * @file status.h
 * @brief What a call answers: a status, and a sentence that says what, where and what would be accepted.
 *
 * @code
 * tc_model *model = NULL;
 * if (tc_model_load("spam.safetensors", &model) != TC_OK)
 *     log_line(tc_last_error());
 * @endcode
 */
#ifndef TEXTCLF_STATUS_H
#define TEXTCLF_STATUS_H

#include <stdint.h>

#include "textclf/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Every status: name, value, short text. Values never change; new ones are added at the end. */
#define TC_STATUS_LIST(X) \
    X(TC_OK, 0, "success") \
    X(TC_ERROR_ARGUMENT, 1, "an argument is missing or outside its range") \
    X(TC_ERROR_OPTION, 2, "an option's key or value is not accepted") \
    X(TC_ERROR_MEMORY, 3, "the allocator gave no memory") \
    X(TC_ERROR_LIMIT, 4, "a limit of the host (max_memory, max_file_bytes, max_tensors, max_vocab) would be passed") \
    X(TC_ERROR_CAPACITY, 5, "the caller's buffer is too small") \
    X(TC_ERROR_IO, 6, "a file operation failed") \
    X(TC_ERROR_FORMAT, 7, "the file or text is not of the expected form") \
    X(TC_ERROR_CHECKSUM, 8, "the file is damaged: its checksum is wrong") \
    X(TC_ERROR_VERSION, 9, "the file was written by a newer library") \
    X(TC_ERROR_NUMERIC, 10, "a value is not finite") \
    X(TC_ERROR_STATE, 11, "the object is not in a state for this call") \
    X(TC_ERROR_BUSY, 12, "another trainer holds the model") \
    X(TC_ERROR_MISMATCH, 13, "the objects do not belong together") \
    X(TC_ERROR_UNSUPPORTED, 14, "this combination is not supported") \
    X(TC_ERROR_ENCODING, 15, "the text is not valid UTF-8") \
    X(TC_ERROR_INTERNAL, 16, "the library contradicts itself; please report it")

/** Result of a call; 0 (#TC_OK) is success. */
typedef int32_t tc_status;

/** The values of #tc_status. */
enum {
#define TC_STATUS_ENUM(name, value, text) name = value,
    TC_STATUS_LIST(TC_STATUS_ENUM)
#undef TC_STATUS_ENUM
};

/**
 * The reason of this thread's latest failed call, as one English sentence without line end.
 *
 * Never NULL; empty before the first failure. The text stays until the next failing call of the same thread; a
 * successful call leaves it alone. Copy it to keep it. Thread rule: each thread has its own.
 */
TC_EXPORT const char *tc_last_error(void);

/** The short text of a status, valid forever; "unknown status" for a value that is not in #TC_STATUS_LIST. */
TC_EXPORT const char *tc_status_text(tc_status status);

#ifdef __cplusplus
}
#endif

#endif
