/* messages.c: see messages.h. Each message goes out with one write, so that lines of several processes that share a
 * standard error do not mix. */
#include "messages.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <textclf/textclf.h>

#define MESSAGE_BYTES 2048

static bool status_shown;

static void put(const char *before, const char *format, va_list arguments, const char *after)
{
    char text[MESSAGE_BYTES + 64];
    size_t length = strlen(before);
    memcpy(text, before, length);
    int wanted = vsnprintf(text + length, MESSAGE_BYTES, format, arguments);
    size_t written = wanted < 0 ? 0 : (size_t)wanted;
    if (written >= MESSAGE_BYTES) {
        written = MESSAGE_BYTES - 1;
        memcpy(text + length + written - 3, "...", 3);
    }
    for (size_t i = 0; i < written; i++) {
        unsigned char byte = (unsigned char)text[length + i];
        if (byte < 0x20 || byte == 0x7f)
            text[length + i] = '?';
    }
    length += written;
    size_t after_length = strlen(after);
    memcpy(text + length, after, after_length);
    fwrite(text, 1, length + after_length, stderr);
    fflush(stderr);
}

static void say(const char *format, va_list arguments)
{
    const char *erase = status_shown ? "\r\033[Ktextclf: " : "textclf: ";
    status_shown = false;
    put(erase, format, arguments, "\n");
}

int fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    return CODE_FAILED;
}

int misuse(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    return CODE_MISUSE;
}

void note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}

int fail_memory(const char *what)
{
    return fail("not enough memory for %s", what);
}

int fail_library(const char *where)
{
    if (where != NULL)
        return fail("%s: %s", where, tc_last_error());
    return fail("%s", tc_last_error());
}

bool status_on_terminal(void)
{
    static int known = -1;
    if (known < 0)
        known = isatty(STDERR_FILENO) ? 1 : 0;
    return known == 1;
}

void status_line(const char *format, ...)
{
    if (!status_on_terminal())
        return;
    va_list arguments;
    va_start(arguments, format);
    put("\r", format, arguments, "\033[K");
    va_end(arguments);
    status_shown = true;
}
