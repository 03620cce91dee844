/* c_locale.c: switches this thread to the C locale for one call. */
#include "support/c_locale.h"

#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static locale_t enter(void)
{
    static locale_t c_locale;
    if (!c_locale)
        c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return uselocale(c_locale);
}

double c_strtod(const char *text, char **end)
{
    locale_t before = enter();
    double value = strtod(text, end);
    uselocale(before);
    return value;
}

float c_strtof(const char *text, char **end)
{
    locale_t before = enter();
    float value = strtof(text, end);
    uselocale(before);
    return value;
}

int c_snprintf(char *text, size_t capacity, const char *format, ...)
{
    locale_t before = enter();
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, capacity, format, arguments);
    va_end(arguments);
    uselocale(before);
    return length;
}
