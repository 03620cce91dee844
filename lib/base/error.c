/* error.c: the per-thread error text. The only mutable state of the library outside its objects. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

#define TCI_ERROR_CAPACITY 1024

static _Thread_local char error_text[TCI_ERROR_CAPACITY];

/* One line of UTF-8, whatever a foreign name in it holds and wherever it was cut. */
static void clean(void)
{
    for (char *at = error_text; *at;) {
        size_t length = tci_utf8_sequence(at, strlen(at));
        if (length == 0 || (unsigned char)*at < 0x20 || *at == 0x7F)
            *at = '?';
        at += length > 0 ? length : 1;
    }
}

tc_status tci_fail(tc_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(error_text, sizeof error_text, format, arguments);
    va_end(arguments);
    clean();
    return status;
}

tc_status tci_fail_prefix(tc_status status, const char *format, ...)
{
    char old[TCI_ERROR_CAPACITY];
    memcpy(old, error_text, sizeof old);
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(error_text, sizeof error_text, format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length < sizeof error_text)
        (void)snprintf(error_text + length, sizeof error_text - (size_t)length, ": %s", old);
    clean();
    return status;
}

const char *tci_error_text(void)
{
    return error_text;
}

const char *tci_status_text(tc_status status)
{
    switch (status) {
#define TCI_STATUS_CASE(name, value, text)                                                                             \
    case name:                                                                                                         \
        return text;
        TC_STATUS_LIST(TCI_STATUS_CASE)
#undef TCI_STATUS_CASE
    default:
        return "unknown status";
    }
}
