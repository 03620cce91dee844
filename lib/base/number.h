/* number.h: decimals to and from text, exactly and in any locale.
 *
 * Printing gives the shortest decimal that reads back as the same value (Steele and White in exact integers), without
 * exponent for floats; parsing rounds correctly to nearest, ties to even. Non-finite values are "nan", "inf",
 * "-inf" when printed and refused when parsed. */
#ifndef TCI_BASE_NUMBER_H
#define TCI_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that hold any printed float or double, terminating NUL included. */
#define TCI_FLOAT_TEXT 80
#define TCI_DOUBLE_TEXT 400

/* The shortest decimal without exponent; returns its length. */
size_t tci_print_float(float value, char text[TCI_FLOAT_TEXT]);
size_t tci_print_double(double value, char text[TCI_DOUBLE_TEXT]);

/* The whole of [text, text + length) as a number: [+-]digits[.digits][(e|E)[+-]digits]; false for anything else or a
 * value that overflows. */
bool tci_parse_double(const char *text, size_t length, double *value);
bool tci_parse_float(const char *text, size_t length, float *value);
/* Decimal digits only, no sign; false on overflow. */
bool tci_parse_unsigned(const char *text, size_t length, uint64_t *value);

#endif
