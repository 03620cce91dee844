/* c_locale.h: the C library's number functions as they are in the C locale, for tests that judge or read decimals.
 *
 * The suite also runs where 1.5 is written 1,5; what the library prints and reads must not change there, so what it is
 * compared with must not either. */
#ifndef TEST_SUPPORT_C_LOCALE_H
#define TEST_SUPPORT_C_LOCALE_H

#include <stddef.h>

double c_strtod(const char *text, char **end);
float c_strtof(const char *text, char **end);
int c_snprintf(char *text, size_t capacity, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
