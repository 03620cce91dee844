/* output.c: see output.h.
 *
 * Decimals: "%.*e" rounds correctly at any number of digits; the fewest digits that read back as the value are taken.
 * At a power of two the gap below is half the gap above, so the correctly rounded decimal may fall outside where its
 * upper neighbour reads back: that one is tried, too. */
#include "output.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messages.h"
#include "utf8.h"

/* Digits and exponent of d.ddd × 10^exponent. */
typedef struct decimal {
    char digits[24];
    int count;
    int exponent;
} decimal;

static void round_to(double value, int count, decimal *result)
{
    char text[40];
    snprintf(text, sizeof text, "%.*e", count - 1, value);
    int at = 0;
    const char *from = text;
    for (; *from != 'e' && *from != '\0'; from++)
        if (*from >= '0' && *from <= '9')
            result->digits[at++] = *from;
    result->count = at;
    result->exponent = (int)strtol(from + 1, NULL, 10);
}

/* One more in the last digit. */
static void step_up(decimal *number)
{
    int at = number->count - 1;
    while (at >= 0 && number->digits[at] == '9')
        number->digits[at--] = '0';
    if (at >= 0) {
        number->digits[at]++;
        return;
    }
    number->digits[0] = '1'; /* 9.99 became 10.00: same digits behind, one power more */
    number->exponent++;
}

/* The double nearest to a number of at most 15 digits and a small power of ten, which are doubles both: exactly
 * rounded, as one operation makes it. False where there is no such power. */
static bool nearest_double(const decimal *number, double *nearest)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    int power = number->exponent - number->count + 1;
    uint64_t digits = 0;
    if (number->count > 15 || power > 22 || power < -22)
        return false;
    for (int i = 0; i < number->count; i++)
        digits = digits * 10 + (uint64_t)(number->digits[i] - '0');
    *nearest = power < 0 ? (double)digits / powers[-power] : (double)digits * powers[power];
    return true;
}

/* Whether the float nearest to the number is `value`, where that can be told from the double nearest to it: the double
 * is not next to the middle between two floats. 1, 0, or -1: not told. */
static int is_nearest_float(const decimal *number, float value)
{
    double nearest;
    uint64_t bits;
    if (value < 1e-30f || !nearest_double(number, &nearest))
        return -1;
    memcpy(&bits, &nearest, sizeof bits);
    uint64_t low = bits & ((UINT64_C(1) << 29) - 1), middle = UINT64_C(1) << 28;
    if (low >= middle - 1 && low <= middle + 1)
        return -1;
    return (float)nearest == value;
}

static bool reads_back(const decimal *number, double value, bool single)
{
    char text[40];
    int told = single ? is_nearest_float(number, (float)value) : -1;
    if (told >= 0)
        return told != 0;
    snprintf(text, sizeof text, "%.*se%d", number->count, number->digits, number->exponent - number->count + 1);
    return single ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value;
}

static bool fits(double value, int count, bool single, bool power_of_two, decimal *result)
{
    round_to(value, count, result);
    if (reads_back(result, value, single))
        return true;
    if (!power_of_two)
        return false;
    step_up(result);
    return reads_back(result, value, single);
}

/* value > 0. Off powers of two "reads back" holds from some number of digits on, so the search starts where most
 * end. */
static void shortest(double value, bool single, decimal *result)
{
    int most = single ? 9 : 17;
    int unused = 0;
    bool power_of_two = frexp(value, &unused) == 0.5;
    int count = power_of_two ? 1 : most - 2;
    bool good = fits(value, count, single, power_of_two, result), fewer_failed = !good;
    while (!good && count < most)
        good = fits(value, ++count, single, power_of_two, result);
    decimal shorter;
    while (!fewer_failed && count > 1 && fits(value, count - 1, single, power_of_two, &shorter)) {
        *result = shorter;
        count--;
    }
    while (result->count > 1 && result->digits[result->count - 1] == '0')
        result->count--;
}

static size_t print(double value, bool single, char *text)
{
    const char *special = isnan(value) ? "nan" : isinf(value) ? (value < 0 ? "-inf" : "inf") : NULL;
    if (value == 0.0)
        special = signbit(value) ? "-0" : "0";
    if (special != NULL) {
        size_t length = strlen(special);
        memcpy(text, special, length + 1);
        return length;
    }
    decimal number;
    shortest(fabs(value), single, &number);
    size_t at = 0;
    if (value < 0)
        text[at++] = '-';
    if (number.exponent < 0) {
        text[at++] = '0';
        text[at++] = '.';
        for (int i = -1; i > number.exponent; i--)
            text[at++] = '0';
    }
    for (int i = 0; i < number.count; i++) {
        if (i > 0 && i == number.exponent + 1)
            text[at++] = '.';
        text[at++] = number.digits[i];
    }
    for (int i = number.count; i <= number.exponent; i++)
        text[at++] = '0';
    text[at] = '\0';
    return at;
}

size_t print_float(float value, char text[FLOAT_TEXT])
{
    return print((double)value, true, text);
}

size_t print_double(double value, char text[DOUBLE_TEXT])
{
    return print(value, false, text);
}

void output_protect(void)
{
    struct sigaction action = {0};
    action.sa_handler = SIG_IGN;
    sigemptyset(&action.sa_mask);
    sigaction(SIGPIPE, &action, NULL);
}

int output_flush(void)
{
    static bool told;
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return CODE_OK;
    if (told)
        return CODE_FAILED;
    told = true;
    if (errno == EPIPE)
        return fail("cannot write to standard output: the program that reads it has ended");
    return fail("cannot write to standard output: %s", errno != 0 ? strerror(errno) : "a write failed");
}

/* What stands between this value and the one before it. */
static void separate(json_output *json)
{
    if (json->after_key)
        json->after_key = false;
    else if (json->more[json->depth])
        fputc(',', stdout);
    json->more[json->depth] = true;
}

void emit_begin(json_output *json, char bracket)
{
    separate(json);
    fputc(bracket, stdout);
    json->more[++json->depth] = false;
}

void emit_end(json_output *json, char bracket)
{
    json->depth--;
    fputc(bracket, stdout);
}

void emit_text(json_output *json, const char *text, size_t length)
{
    separate(json);
    fputc('"', stdout);
    for (size_t i = 0; i < length;) {
        size_t step = utf8_sequence(text + i, length - i);
        unsigned char byte = (unsigned char)text[i];
        if (step == 0)
            fputs("\xef\xbf\xbd", stdout);
        else if (byte == '"' || byte == '\\')
            fprintf(stdout, "\\%c", byte);
        else if (byte < 0x20 || byte == 0x7f)
            fprintf(stdout, "\\u%04x", byte);
        else
            fwrite(text + i, 1, step, stdout);
        i += step > 0 ? step : 1;
    }
    fputc('"', stdout);
}

void emit_key(json_output *json, const char *key)
{
    emit_text(json, key, strlen(key));
    fputc(':', stdout);
    json->after_key = true;
}

void emit_double(json_output *json, double value)
{
    char text[DOUBLE_TEXT];
    separate(json);
    print_double(value, text);
    fputs(isfinite(value) ? text : "null", stdout);
}

void emit_float(json_output *json, float value)
{
    char text[FLOAT_TEXT];
    separate(json);
    print_float(value, text);
    fputs(isfinite(value) ? text : "null", stdout);
}

void emit_unsigned(json_output *json, uint64_t value)
{
    separate(json);
    printf("%" PRIu64, value);
}

void emit_bool(json_output *json, bool value)
{
    separate(json);
    fputs(value ? "true" : "false", stdout);
}

void emit_null(json_output *json)
{
    separate(json);
    fputs("null", stdout);
}

void emit_key_text(json_output *json, const char *key, const char *text)
{
    emit_key(json, key);
    emit_text(json, text, strlen(text));
}

void emit_key_double(json_output *json, const char *key, double value)
{
    emit_key(json, key);
    emit_double(json, value);
}

void emit_key_unsigned(json_output *json, const char *key, uint64_t value)
{
    emit_key(json, key);
    emit_unsigned(json, value);
}

void emit_key_bool(json_output *json, const char *key, bool value)
{
    emit_key(json, key);
    emit_bool(json, value);
}
