/* number.c: decimals in exact integer arithmetic, so that no rounding mode, locale or libm matters.
 *
 * Printing: free-format digit generation of Steele and White, "How to print floating-point numbers accurately" (PLDI
 * 1990), in the form of Burger and Dybvig (PLDI 1996): with v = r / s and the half gaps m to its neighbours over the
 * same s, digits are produced until what is left is within a half gap.
 * Parsing: digits d and exponent e give d 10^e as a fraction of integers; 64 quotient bits and "something is left over"
 * are rounded once. No midpoint of two doubles has more than 767 significant digits (Gay, 1990), so digits past the
 * 800th only matter as zero or not zero, and time is linear in the text. */
#include "base/number.h"

#include <string.h>

/* ---- unsigned integers of up to 4096 bits ---- */

#define LIMBS 128

typedef struct big {
    size_t count; /* of limbs; the last one is not 0 */
    uint32_t limbs[LIMBS];
} big;

static void big_set(big *x, uint64_t value)
{
    x->limbs[0] = (uint32_t)value;
    x->limbs[1] = (uint32_t)(value >> 32);
    x->count = x->limbs[1] != 0 ? 2 : x->limbs[0] != 0;
}

/* x = x factor + add */
static void big_multiply_add(big *x, uint32_t factor, uint32_t add)
{
    uint64_t carry = add;
    for (size_t i = 0; i < x->count; i++) {
        carry += (uint64_t)x->limbs[i] * factor;
        x->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0)
        x->limbs[x->count++] = (uint32_t)carry;
}

static void big_shift(big *x, unsigned bits)
{
    if (x->count == 0)
        return;
    size_t limbs = bits / 32;
    bits %= 32;
    x->limbs[x->count] = 0;
    for (size_t i = x->count + 1; i-- > 0;) {
        uint64_t pair = (uint64_t)x->limbs[i] << 32 | (i > 0 ? x->limbs[i - 1] : 0);
        x->limbs[i + limbs] = (uint32_t)(pair >> (32 - bits));
    }
    memset(x->limbs, 0, limbs * sizeof *x->limbs);
    x->count += limbs + 1;
    if (x->limbs[x->count - 1] == 0)
        x->count--;
}

/* 10^n = 5^n 2^n */
static void big_multiply_power_of_ten(big *x, unsigned exponent)
{
    unsigned fives = exponent;
    for (; fives >= 13; fives -= 13)
        big_multiply_add(x, 1220703125, 0); /* 5^13 */
    for (; fives > 0; fives--)
        big_multiply_add(x, 5, 0);
    big_shift(x, exponent);
}

static int big_compare(const big *a, const big *b)
{
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (size_t i = a->count; i-- > 0;) {
        if (a->limbs[i] != b->limbs[i])
            return a->limbs[i] < b->limbs[i] ? -1 : 1;
    }
    return 0;
}

static void big_add(big *a, const big *b)
{
    uint64_t carry = 0;
    size_t count = a->count > b->count ? a->count : b->count;
    for (size_t i = 0; i < count; i++) {
        carry += (uint64_t)(i < a->count ? a->limbs[i] : 0) + (i < b->count ? b->limbs[i] : 0);
        a->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    a->count = count;
    if (carry != 0)
        a->limbs[a->count++] = (uint32_t)carry;
}

/* a -= b for a >= b */
static void big_subtract(big *a, const big *b)
{
    uint64_t borrow = 0;
    for (size_t i = 0; i < a->count; i++) {
        uint64_t difference = (uint64_t)a->limbs[i] - (i < b->count ? b->limbs[i] : 0) - borrow;
        a->limbs[i] = (uint32_t)difference;
        borrow = difference >> 63;
    }
    while (a->count > 0 && a->limbs[a->count - 1] == 0)
        a->count--;
}

static int bit_length(uint64_t value)
{
    int length = 0;
    for (int step = 32; step > 0; step /= 2) {
        if (value >> step != 0) {
            value >>= step;
            length += step;
        }
    }
    return length + (value != 0);
}

static int big_bit_length(const big *x)
{
    return x->count == 0 ? 0 : (int)(x->count - 1) * 32 + bit_length(x->limbs[x->count - 1]);
}

/* ---- the two formats ---- */

typedef struct float_format {
    int precision;    /* bits of the significand, the hidden one included */
    int min_exponent; /* of the smallest normal number 2^min */
    int max_exponent;
} float_format;

static const float_format format_float = {24, -126, 127};
static const float_format format_double = {53, -1022, 1023};

/* ---- printing ---- */

/* floor(exponent log10 2); exact for all exponents of a double. */
static int floor_log10_of_power(int exponent)
{
    int64_t product = (int64_t)exponent * 1292913986; /* log10(2) 2^32 */
    int64_t one = INT64_C(1) << 32;
    return (int)(product >= 0 ? product / one : -((-product + one - 1) / one));
}

/* The shortest digits d1 d2 … dn with significand 2^exponent = 0.d1d2…dn 10^point after rounding; returns n <= 17. */
static int shortest_digits(uint64_t significand, int exponent, const float_format *format, char digits[20], int *point)
{
    bool even = significand % 2 == 0; /* then the midpoints to the neighbours read back as this value, too */
    /* Below a power of two the gap is half as wide, except where the denormal gap begins. */
    bool uneven = significand == UINT64_C(1) << (format->precision - 1) &&
                  exponent > format->min_exponent - format->precision + 1;
    big r, s, lower, upper, sum;
    big_set(&r, significand);
    big_set(&s, 1);
    big_set(&lower, 1);
    big_shift(&r, (unsigned)((exponent > 0 ? exponent : 0) + 1 + uneven));
    big_shift(&s, (unsigned)((exponent < 0 ? -exponent : 0) + 1 + uneven));
    big_shift(&lower, (unsigned)(exponent > 0 ? exponent : 0));
    *point = floor_log10_of_power(exponent + bit_length(significand) - 1) + 1; /* right or one too small */
    if (*point >= 0) {
        big_multiply_power_of_ten(&s, (unsigned)*point);
    } else {
        big_multiply_power_of_ten(&r, (unsigned)-*point);
        big_multiply_power_of_ten(&lower, (unsigned)-*point);
    }
    upper = lower;
    big_shift(&upper, uneven);
    sum = r;
    big_add(&sum, &upper);
    if (big_compare(&sum, &s) >= (even ? 0 : 1)) {
        big_multiply_add(&s, 10, 0);
        ++*point;
    }
    for (int count = 0;;) {
        big_multiply_add(&r, 10, 0);
        big_multiply_add(&lower, 10, 0);
        big_multiply_add(&upper, 10, 0);
        char digit = '0';
        while (big_compare(&r, &s) >= 0) {
            big_subtract(&r, &s);
            digit++;
        }
        sum = r;
        big_add(&sum, &upper);
        bool down = big_compare(&r, &lower) < (even ? 1 : 0);
        bool up = big_compare(&sum, &s) >= (even ? 0 : 1);
        if (down && up) { /* both ends read back: the nearer one, of two as near the even digit */
            big_shift(&r, 1);
            int order = big_compare(&r, &s);
            up = order > 0 || (order == 0 && digit % 2 != '0' % 2);
        }
        digits[count++] = (char)(digit + up);
        if (down || up)
            return count;
    }
}

static size_t print_bits(uint64_t bits, const float_format *format, char *text)
{
    int stored = format->precision - 1; /* bits of the significand that are stored */
    uint64_t significand = bits & ((UINT64_C(1) << stored) - 1);
    int biased = (int)(bits >> stored & (uint64_t)(2 * format->max_exponent + 1));
    bool negative = bits >> stored > (uint64_t)(2 * format->max_exponent + 1);
    char *out = text;
    if (biased == 2 * format->max_exponent + 1 && significand != 0) {
        memcpy(text, "nan", 4);
        return 3;
    }
    if (negative)
        *out++ = '-';
    if (biased == 2 * format->max_exponent + 1) {
        memcpy(out, "inf", 4);
        return (size_t)(out - text) + 3;
    }
    if (biased == 0 && significand == 0) {
        memcpy(out, "0", 2);
        return (size_t)(out - text) + 1;
    }
    if (biased != 0)
        significand |= UINT64_C(1) << stored;
    char digits[20];
    int point, exponent = (biased == 0 ? 1 : biased) - format->max_exponent - stored;
    int count = shortest_digits(significand, exponent, format, digits, &point);
    if (point <= 0) {
        *out++ = '0';
        *out++ = '.';
        memset(out, '0', (size_t)-point);
        out += -point;
    }
    for (int i = 0; i < count || i < point; i++) {
        if (i == point && i > 0)
            *out++ = '.';
        *out++ = i < count ? digits[i] : '0';
    }
    *out = 0;
    return (size_t)(out - text);
}

size_t tci_print_float(float value, char text[TCI_FLOAT_TEXT])
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return print_bits(bits, &format_float, text);
}

size_t tci_print_double(double value, char text[TCI_DOUBLE_TEXT])
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return print_bits(bits, &format_double, text);
}

/* ---- parsing ---- */

#define WINDOW 800 /* significant digits that are kept */

typedef struct decimal {
    bool negative;
    bool more;        /* a digit past the window is not 0 */
    size_t count;     /* significant digits kept, the first one not 0; 0 for zero */
    int64_t exponent; /* value = digits as an integer, times 10^exponent */
    uint8_t digits[WINDOW + 1];
} decimal;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes one digit; `after` is 1 behind the decimal point. */
static void take_digit(decimal *number, char c, int after)
{
    uint8_t digit = (uint8_t)(c - '0');
    if (number->count == 0 && digit == 0) {
        number->exponent -= after;
    } else if (number->count < WINDOW) {
        number->digits[number->count++] = digit;
        number->exponent -= after;
    } else {
        number->more |= digit != 0;
        number->exponent += 1 - after;
    }
}

static bool scan(const char *text, size_t length, decimal *number)
{
    const char *at = text, *end = text + length;
    number->negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    number->more = false;
    number->count = 0;
    number->exponent = 0;
    if (at == end || !is_digit(*at))
        return false;
    for (; at < end && is_digit(*at); at++)
        take_digit(number, *at, 0);
    if (at < end && *at == '.') {
        at++;
        if (at == end || !is_digit(*at))
            return false;
        for (; at < end && is_digit(*at); at++)
            take_digit(number, *at, 1);
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        bool minus = at < end && *at == '-';
        if (at < end && (*at == '-' || *at == '+'))
            at++;
        if (at == end || !is_digit(*at))
            return false;
        int64_t exponent = 0, limit = INT64_MAX / 20; /* more than any text has digits */
        for (; at < end && is_digit(*at); at++)
            exponent = exponent < limit ? exponent * 10 + (*at - '0') : exponent;
        number->exponent += minus ? -exponent : exponent;
    }
    if (number->more) { /* 0 < rest < 1 unit: any such rest rounds alike */
        number->digits[number->count++] = 1;
        number->exponent--;
    }
    return at == end;
}

/* Rounds significand 2^exponent, top bit of the significand set, `more` if something smaller is to be added, to nearest
 * even; false on overflow. */
static bool round_bits(uint64_t significand, int exponent, bool more, const float_format *format, uint64_t *bits)
{
    int top = exponent + 63; /* of the leading bit */
    if (top > format->max_exponent)
        return false;
    int drop = 64 - format->precision;
    if (top < format->min_exponent)
        drop += format->min_exponent - top;
    if (drop > 64) { /* below half of the smallest denormal */
        *bits = 0;
        return true;
    }
    uint64_t kept = drop == 64 ? 0 : significand >> drop;
    uint64_t half = UINT64_C(1) << (drop - 1), rest = significand & (half | (half - 1));
    if (rest > half || (rest == half && (more || kept % 2 != 0)))
        kept++;
    /* The hidden bit, and a carry out of the significand, count the exponent field up by themselves. */
    *bits = kept;
    if (top > format->min_exponent)
        *bits += (uint64_t)(top - format->min_exponent) << (format->precision - 1);
    return *bits < (uint64_t)(2 * format->max_exponent + 1) << (format->precision - 1);
}

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 wide;

/* Up to 19 digits and a small exponent: one 128-bit product or quotient. */
static bool round_small(uint64_t digits, int exponent, const float_format *format, uint64_t *bits)
{
    uint64_t power = 1;
    for (int i = exponent < 0 ? -exponent : exponent; i > 0; i--)
        power *= 5;
    int shift = 64 - bit_length(digits);
    wide value;
    bool more = false;
    if (exponent >= 0) {
        value = (wide)digits * power;
        shift = 0;
    } else {
        wide numerator = (wide)(digits << shift) << 64;
        value = numerator / power;
        more = value * power != numerator;
        shift += 64;
    }
    uint64_t high = (uint64_t)(value >> 64);
    int drop = high != 0 ? bit_length(high) : bit_length((uint64_t)value) - 64; /* to 64 bits */
    uint64_t significand = drop >= 0 ? (uint64_t)(value >> drop) : (uint64_t)value << -drop;
    if (drop > 0)
        more |= (wide)significand << drop != value;
    return round_bits(significand, exponent - shift + drop, more, format, bits);
}
#define SMALL_DIGITS 19
#define SMALL_EXPONENT 27 /* 5^27 < 2^63 */
#endif

/* Any number: long division of big integers, bit by bit. */
static bool round_large(const decimal *number, const float_format *format, uint64_t *bits)
{
    big numerator, denominator;
    big_set(&numerator, 0);
    big_set(&denominator, 1);
    for (size_t i = 0; i < number->count;) {
        uint32_t chunk = 0, scale = 1;
        for (; i < number->count && scale < 1000000000; i++, scale *= 10)
            chunk = chunk * 10 + number->digits[i];
        big_multiply_add(&numerator, scale, chunk);
    }
    if (number->exponent >= 0)
        big_multiply_power_of_ten(&numerator, (unsigned)number->exponent);
    else
        big_multiply_power_of_ten(&denominator, (unsigned)-number->exponent);
    /* Bring the quotient into [1, 2): then 64 steps of shift and subtract. */
    int top = big_bit_length(&numerator) - big_bit_length(&denominator);
    if (top > 0)
        big_shift(&denominator, (unsigned)top);
    else
        big_shift(&numerator, (unsigned)-top);
    if (big_compare(&numerator, &denominator) < 0) {
        big_shift(&numerator, 1);
        top--;
    }
    uint64_t quotient = 0;
    for (int i = 0; i < 64; i++) {
        quotient <<= 1;
        if (big_compare(&numerator, &denominator) >= 0) {
            big_subtract(&numerator, &denominator);
            quotient |= 1;
        }
        big_shift(&numerator, 1);
    }
    return round_bits(quotient, top - 63, numerator.count != 0, format, bits);
}

static bool parse_bits(const char *text, size_t length, const float_format *format, uint64_t *bits)
{
    decimal number;
    if (!scan(text, length, &number))
        return false;
    *bits = 0;
    /* 10^(point - 1) <= value < 10^point */
    int64_t point = number.exponent + (int64_t)number.count;
    bool right = true;
    if (number.count == 0 || point < -330) {
        *bits = 0; /* below half of 5e-324 */
    } else if (point > 310) {
        return false;
    } else {
#ifdef __SIZEOF_INT128__
        if (number.count <= SMALL_DIGITS && number.exponent >= -SMALL_EXPONENT && number.exponent <= SMALL_EXPONENT) {
            uint64_t digits = 0;
            for (size_t i = 0; i < number.count; i++)
                digits = digits * 10 + number.digits[i];
            right = round_small(digits, (int)number.exponent, format, bits);
        } else
#endif
            right = round_large(&number, format, bits);
    }
    if (number.negative)
        *bits |= (uint64_t)(2 * format->max_exponent + 2) << (format->precision - 1);
    return right;
}

bool tci_parse_double(const char *text, size_t length, double *value)
{
    uint64_t bits;
    if (!parse_bits(text, length, &format_double, &bits))
        return false;
    memcpy(value, &bits, sizeof bits);
    return true;
}

bool tci_parse_float(const char *text, size_t length, float *value)
{
    uint64_t bits;
    if (!parse_bits(text, length, &format_float, &bits))
        return false;
    uint32_t narrow = (uint32_t)bits;
    memcpy(value, &narrow, sizeof narrow);
    return true;
}

bool tci_parse_unsigned(const char *text, size_t length, uint64_t *value)
{
    uint64_t sum = 0;
    if (length == 0)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (!is_digit(text[i]))
            return false;
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (sum > (UINT64_MAX - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *value = sum;
    return true;
}
