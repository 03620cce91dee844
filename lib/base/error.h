/* error.h: the failing call's sentence, and the two macros that carry a status outwards.
 *
 * The text lives in one fixed per-thread buffer, so that reporting never allocates. Messages say what, where (byte,
 * line, tensor, option) and what would be accepted. Only integers and strings are formatted here; decimals go through
 * number.h first. */
#ifndef TCI_BASE_ERROR_H
#define TCI_BASE_ERROR_H

#include "textclf/status.h"

#if defined(__GNUC__)
#define TCI_PRINTF_LIKE(at, first) __attribute__((format(printf, at, first)))
#else
#define TCI_PRINTF_LIKE(at, first)
#endif

/* Records the sentence for tc_last_error() and returns `status`, so that `return tci_fail(...)` reads naturally. */
tc_status tci_fail(tc_status status, const char *format, ...) TCI_PRINTF_LIKE(2, 3);

/* Puts "prefix: " before the sentence recorded last: an outer layer names the file or object it was working on. */
tc_status tci_fail_prefix(tc_status status, const char *format, ...) TCI_PRINTF_LIKE(2, 3);

const char *tci_error_text(void);
const char *tci_status_text(tc_status status);

/* For a function that owns nothing yet. */
#define TCI_RETURN_IF(call)                    \
    do {                                       \
        tc_status tci_status_ = (call);        \
        if (tci_status_ != TC_OK)              \
            return tci_status_;                \
    } while (0)

/* For a function with something to release: needs a local `tc_status status` and the one exit label `done`. */
#define TCI_CHECK(call)                        \
    do {                                       \
        status = (call);                       \
        if (status != TC_OK)                   \
            goto done;                         \
    } while (0)

#endif
