/* output.h: standard output: decimals, JSON, and write errors.
 *
 * Decimals are the shortest that read back as the same number, without exponent. The program never calls setlocale(),
 * so that printf and strtod speak the C locale whatever LC_ALL says. */
#ifndef PROGRAM_OUTPUT_H
#define PROGRAM_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Hold any decimal, its NUL included. */
#define FLOAT_TEXT 64
#define DOUBLE_TEXT 360

/* Return the length. Not finite: "nan", "inf", "-inf". */
size_t print_float(float value, char text[FLOAT_TEXT]);
size_t print_double(double value, char text[DOUBLE_TEXT]);

/* A closed pipe becomes an error of the write that meets it instead of the end of the process. */
void output_protect(void);

/* Flushes standard output; CODE_FAILED, told once, when something written did not get out. */
int output_flush(void);

/* JSON on standard output: commas are put where they belong. */
typedef struct json_output {
    bool more[16]; /* per level: something stands before */
    size_t depth;
    bool after_key;
} json_output;

void emit_begin(json_output *json, char bracket); /* '{' or '[' */
void emit_end(json_output *json, char bracket);   /* '}' or ']' */
void emit_key(json_output *json, const char *key);
/* Bytes that are not UTF-8 become U+FFFD. */
void emit_text(json_output *json, const char *text, size_t length);
void emit_double(json_output *json, double value); /* null when not finite */
void emit_float(json_output *json, float value);
void emit_unsigned(json_output *json, uint64_t value);
void emit_bool(json_output *json, bool value);
void emit_null(json_output *json);

/* "key": value */
void emit_key_text(json_output *json, const char *key, const char *text);
void emit_key_double(json_output *json, const char *key, double value);
void emit_key_unsigned(json_output *json, const char *key, uint64_t value);
void emit_key_bool(json_output *json, const char *key, bool value);

#endif
