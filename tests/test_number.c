/* labels: quick. number.c against the C library's strtod, strtof and printf, which may be named only here. */
#include "support/testing.h"
#include "support/c_locale.h"

#include <math.h>
#include <time.h>

#include "base/cpu.h"
#include "base/number.h"
#include "base/random.h"

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static bool same_double(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* Reads back, has no exponent, and no decimal with fewer digits reads back; of those with as many it is the nearest. */
static void check_float(float value)
{
    char text[TCI_FLOAT_TEXT + 1], other[64];
    text[TCI_FLOAT_TEXT] = 'G';
    size_t length = tci_print_float(value, text);
    assert_int_equal(text[TCI_FLOAT_TEXT], 'G');
    assert_int_equal(strlen(text), length);
    assert_int_equal(strspn(text, "-0123456789."), length);
    float back = 0, own = 0;
    assert_true(tci_parse_float(text, length, &own));
    back = c_strtof(text, NULL);
    assert_memory_equal(&back, &value, sizeof back);
    assert_memory_equal(&own, &value, sizeof own);
    /* Significant digits: between leading and trailing zeros. */
    char digits[TCI_FLOAT_TEXT];
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] >= '0' && text[i] <= '9' && (count > 0 || text[i] != '0'))
            digits[count++] = text[i];
    }
    while (count > 0 && digits[count - 1] == '0')
        count--;
    if (count > 1) {
        c_snprintf(other, sizeof other, "%.*e", (int)count - 2, (double)value);
        assert_true(c_strtof(other, NULL) != value);
    }
    if (count > 0) {
        c_snprintf(other, sizeof other, "%.*e", (int)count - 1, (double)value);
        if (c_strtof(other, NULL) == value) /* at a power of two the nearest one may not read back */
            assert_true(c_strtod(other, NULL) == c_strtod(text, NULL) ||
                        fabs(c_strtod(text, NULL) - (double)value) <= fabs(c_strtod(other, NULL) - (double)value));
    }
}

static void printed_floats_read_back_and_none_is_longer_than_needed(void **state)
{
    (void)state;
    for (uint64_t bits = 1; bits < 0x7F800000u; bits += 20011)
        check_float(float_of((uint32_t)bits | (bits % 3 == 0 ? 0x80000000u : 0)));
    for (uint32_t bits = 1; bits < 0x800000u; bits += 1013) /* denormals */
        check_float(float_of(bits));
    for (uint32_t exponent = 0; exponent < 255; exponent++) { /* around each power of two */
        for (uint32_t i = 0; i < 5; i++) {
            uint32_t bits = (exponent << 23) + i - 2;
            if (bits != 0 && bits < 0x7F800000u)
                check_float(float_of(bits));
        }
    }
    tci_random random;
    tci_random_init(&random, 3, TCI_RANDOM_SHUFFLE, 0);
    for (int i = 0; i < 40000; i++)
        check_float((float)((int32_t)tci_random_word(&random) % 1000000) / 1000.0f);
}

static void floats_print_as_written(void **state)
{
    (void)state;
    static const struct {
        float value;
        const char *text;
    } rows[] = {
        {0.0f, "0"},
        {-0.0f, "-0"},
        {1.0f, "1"},
        {-1.0f, "-1"},
        {0.1f, "0.1"},
        {0.5f, "0.5"},
        {100.0f, "100"},
        {123456.0f, "123456"},
        {1.5f, "1.5"},
        {-0.001f, "-0.001"},
        {16777216.0f, "16777216"},
        {0.3333333333f, "0.33333334"},
        {3.4028234663852886e38f, "340282350000000000000000000000000000000"},
        {1.401298464324817e-45f, "0.000000000000000000000000000000000000000000001"},
        {1.1754943508222875e-38f, "0.000000000000000000000000000000000000011754944"},
        {9.999999e9f, "9999999000"},
        {1e10f, "10000000000"},
    };
    char text[TCI_FLOAT_TEXT];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(tci_print_float(rows[i].value, text), strlen(rows[i].text));
        assert_string_equal(text, rows[i].text);
    }
    tci_print_float((float)INFINITY, text);
    assert_string_equal(text, "inf");
    tci_print_float((float)-INFINITY, text);
    assert_string_equal(text, "-inf");
    tci_print_float((float)NAN, text);
    assert_string_equal(text, "nan");
    tci_print_float((float)-NAN, text);
    assert_string_equal(text, "nan");
}

static void check_double(double value)
{
    char text[TCI_DOUBLE_TEXT + 1], other[64];
    text[TCI_DOUBLE_TEXT] = 'G';
    size_t length = tci_print_double(value, text);
    assert_int_equal(text[TCI_DOUBLE_TEXT], 'G');
    assert_int_equal(strlen(text), length);
    double own;
    assert_true(tci_parse_double(text, length, &own));
    assert_true(same_double(c_strtod(text, NULL), value));
    assert_true(same_double(own, value));
    for (int precision = 0; precision < 17; precision++) { /* the first precision that reads back */
        c_snprintf(other, sizeof other, "%.*e", precision, value);
        if (c_strtod(other, NULL) == value)
            break;
    }
    /* Both as digits without zeros around them. */
    char digits[2][TCI_DOUBLE_TEXT];
    const char *texts[2] = {text, other};
    for (int which = 0; which < 2; which++) {
        size_t count = 0;
        for (const char *at = texts[which]; *at && *at != 'e'; at++) {
            if (*at >= '0' && *at <= '9' && (count > 0 || *at != '0'))
                digits[which][count++] = *at;
        }
        while (count > 0 && digits[which][count - 1] == '0')
            count--;
        digits[which][count] = 0;
    }
    int exponent;
    if (fabs(frexp(value, &exponent)) != 0.5) /* there the nearest decimal of n digits may be outside */
        assert_string_equal(digits[0], digits[1]);
    else
        assert_true(strlen(digits[0]) <= strlen(digits[1]));
}

static void printed_doubles_read_back_and_none_is_longer_than_needed(void **state)
{
    (void)state;
    static const double some[] = {5e-324,
                                  2.2250738585072014e-308,
                                  2.2250738585072009e-308,
                                  1.7976931348623157e308,
                                  9007199254740993.0,
                                  1e23,
                                  1e22,
                                  0.1,
                                  0.3,
                                  2e-5,
                                  123456789.125,
                                  1e21,
                                  4.35,
                                  5e-320};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        check_double(some[i]);
        check_double(-some[i]);
    }
    tci_random random;
    tci_random_init(&random, 4, TCI_RANDOM_SHUFFLE, 0);
    for (int i = 0; i < 8000; i++) {
        double value = double_of(tci_random_below(&random, UINT64_MAX));
        if (isfinite(value))
            check_double(value);
    }
    for (int exponent = -1074; exponent <= 1023; exponent += 7)
        check_double(ldexp(1.0, exponent));
}

static void check_parse(const char *text)
{
    size_t length = strlen(text);
    double own_double = 7, wanted_double = c_strtod(text, NULL);
    float own_float = 7, wanted_float = c_strtof(text, NULL);
    bool got_double = tci_parse_double(text, length, &own_double);
    bool got_float = tci_parse_float(text, length, &own_float);
    if (got_double != (bool)isfinite(wanted_double) || got_float != (bool)isfinite(wanted_float) ||
        (got_double && !same_double(own_double, wanted_double)) ||
        (got_float && memcmp(&own_float, &wanted_float, sizeof own_float) != 0)) {
        print_error("%s: got %d %a and %d %a, wanted %a and %a\n", text, got_double, own_double, got_float,
                    (double)own_float, wanted_double, (double)wanted_float);
        fail();
    }
}

static void random_decimals_round_as_the_c_library_does(void **state)
{
    (void)state;
    tci_random random;
    tci_random_init(&random, 6, TCI_RANDOM_SHUFFLE, 0);
    char text[2000];
    for (int i = 0; i < 30000; i++) {
        size_t at = 0, digits = 1 + tci_random_below(&random, i % 50 == 0 ? 1200 : i % 3 == 0 ? 60 : 22);
        size_t point = tci_random_below(&random, digits + 5);
        if (tci_random_below(&random, 2))
            text[at++] = "+-"[tci_random_below(&random, 2)];
        for (size_t d = 0; d < digits; d++) {
            if (d == point && d > 0)
                text[at++] = '.';
            text[at++] = (char)('0' + tci_random_below(&random, 10));
        }
        text[at] = 0;
        int range = i % 4 == 0 ? 20 : i % 4 == 1 ? 60 : 350;
        if (i % 5 != 0)
            c_snprintf(text + at, sizeof text - at, "e%d", (int)tci_random_below(&random, (uint64_t)range * 2) - range);
        check_parse(text);
    }
}

/* 19 digits over 5^27: one in some thousands is a midpoint but for the division's remainder. */
static void a_remainder_decides_between_neighbours(void **state)
{
    (void)state;
    tci_random random;
    tci_random_init(&random, 8, TCI_RANDOM_SHUFFLE, 0);
    char text[64];
    for (int i = 0; i < 100000; i++) {
        uint64_t digits = UINT64_C(1000000000000000000) + tci_random_below(&random, UINT64_C(9000000000000000000));
        snprintf(text, sizeof text, "%llue-27", (unsigned long long)digits);
        check_parse(text);
    }
}

/* Exactly between two neighbours, and one unit in the 1100th digit above and below. */
static void halfway_decimals_round_to_even_and_a_hair_decides(void **state)
{
    (void)state;
    tci_random random;
    tci_random_init(&random, 7, TCI_RANDOM_SHUFFLE, 0);
    static char text[4000];
    for (int i = 0; i < 1500; i++) {
        /* The midpoint of two floats is a double; that of two doubles a long double. */
        uint32_t bits = (uint32_t)tci_random_below(&random, i % 5 == 0 ? 0x800000u : 0x7F7FFFFFu);
        uint64_t wide_bits = tci_random_below(&random, UINT64_C(0x7FEFFFFFFFFFFFFF));
        if (i % 5 == 0)
            wide_bits %= UINT64_C(1) << 52;
        if (i % 2 == 0) {
            double middle = ((double)float_of(bits) + (double)float_of(bits + 1)) / 2;
            c_snprintf(text, sizeof text, "%.1100f", middle);
        } else {
            long double middle = ((long double)double_of(wide_bits) + (long double)double_of(wide_bits + 1)) / 2;
            c_snprintf(text, sizeof text, "%.1100Lf", middle);
        }
        check_parse(text);
        size_t length = strlen(text);
        text[length - 1] = '1'; /* the last of 1100 places is 0 in any midpoint */
        check_parse(text);
        for (size_t at = length - 1;; at--) { /* minus one unit */
            if (at == length - 1)
                text[at] = '9';
            else if (text[at] == '0')
                text[at] = '9';
            else if (text[at] != '.') {
                text[at]--;
                break;
            }
        }
        check_parse(text);
    }
}

static void known_hard_cases_are_right(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "0",
        "-0",
        "+0.0",
        "0e999999999999999999999",
        "-0e-5",
        "1",
        "1e0",
        "2.2250738585072011e-308",
        "2.2250738585072012e-308",
        "4.9406564584124654e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "1e-400",
        "1e400",
        "-1e400",
        "1e99999999999999999999999",
        "1e-99999999999999999999999",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "179769313486231580793e289",
        "3.4028235e38",
        "3.4028235677973366e38",
        "3.4028235677973365e38",
        "3.4028236e38",
        "1.4e-45",
        "7.0064923216240853e-46",
        "7.0064923216240854e-46",
        "9007199254740993",
        "9007199254740992.9999999999",
        "9007199254740993.000000000001",
        "0.000000000000000000000000000000000000000000000000000000000000000000000000000000000001e84",
        "18446744073709551615",
        "18446744073709551616",
        "9999999999999999999e27",
        "9999999999999999999e-27",
        "10000000000000000000e28",
        "1e22",
        "1e23",
        "8.5e22",
        "100000000000000000000000000000000000000000",
        "6250000000000000000000e-22",
        "16777217",
        "16777217.0000001",
        "1.00000005960464477539062499",
        "123e-2",
        "1.00000017881393432617187499",
        "1.00000017881393432617187500",
        "1.00000017881393432617187501",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_parse(rows[i]);
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {"",    "+",    "-",        ".",     ".5",    "5.",    "1.e5", "e5",  "1e",
                                       "1e+", "1e-",  "--1",      "1 ",    " 1",    "1,5",   "0x10", "nan", "NaN",
                                       "inf", "-inf", "Infinity", "1e5.5", "1.2.3", "1e5e5", "1f",   "١"};
    double value = 7;
    float narrow = 7;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_false(tci_parse_double(rows[i], strlen(rows[i]), &value));
        assert_false(tci_parse_float(rows[i], strlen(rows[i]), &narrow));
    }
    assert_false(tci_parse_double("1\0", 2, &value));
    assert_true(value == 7.0 && narrow == 7.0f);
    assert_true(tci_parse_double("12345", 2, &value)); /* the length rules, not a NUL */
    assert_true(value == 12.0);
}

static void long_texts_take_linear_time_and_are_exact(void **state)
{
    (void)state;
    size_t length = 2000000;
    char *text = malloc(length + 16);
    assert_non_null(text);
    clock_t begin = clock();
    double value = 0;
    memset(text, '7', length);
    assert_false(tci_parse_double(text, length, &value));
    memset(text, '0', length); /* 1 2000000 places behind the point, times 10^1999999 */
    text[1] = '.';
    memcpy(text + length - 1, "1e1999998", 9);
    assert_true(tci_parse_double(text, length + 8, &value));
    assert_true(value == 1.0);
    memset(text, '0', length); /* 2^53 + 1 and a last digit that decides */
    memcpy(text, "9007199254740993.", 17);
    assert_true(tci_parse_double(text, length, &value));
    assert_true(value == 9007199254740992.0);
    text[length - 1] = '1';
    assert_true(tci_parse_double(text, length, &value));
    assert_true(value == 9007199254740994.0);
    assert_true((double)(clock() - begin) / CLOCKS_PER_SEC < TEST_PATIENCE);
    free(text);
}

static void unsigned_numbers_are_digits_only(void **state)
{
    (void)state;
    uint64_t value = 7;
    assert_true(tci_parse_unsigned("0", 1, &value) && value == 0);
    assert_true(tci_parse_unsigned("00012", 5, &value) && value == 12);
    assert_true(tci_parse_unsigned("18446744073709551615", 20, &value) && value == UINT64_MAX);
    value = 7;
    static const char *const rows[] = {"",
                                       "-1",
                                       "+1",
                                       "1.0",
                                       "1e3",
                                       " 1",
                                       "1 ",
                                       "18446744073709551616",
                                       "99999999999999999999",
                                       "100000000000000000000"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_false(tci_parse_unsigned(rows[i], strlen(rows[i]), &value));
    assert_true(value == 7);
}

static void the_hosts_modes_change_nothing(void **state)
{
    (void)state;
    tci_float_environment environment = tci_float_enter(); /* denormals flushed */
    float tiny = 0;
    double tinier = 0;
    bool parsed = tci_parse_float("1e-45", 5, &tiny) && tci_parse_double("5e-324", 6, &tinier);
    char text[TCI_FLOAT_TEXT];
    size_t length = tci_print_float(tiny, text);
    tci_float_leave(environment);
    assert_true(parsed);
    uint32_t bits;
    memcpy(&bits, &tiny, sizeof bits);
    assert_int_equal(bits, 1);
    assert_true(same_double(tinier, 5e-324));
    assert_int_equal(length, 47);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printed_floats_read_back_and_none_is_longer_than_needed),
        cmocka_unit_test(floats_print_as_written),
        cmocka_unit_test(printed_doubles_read_back_and_none_is_longer_than_needed),
        cmocka_unit_test(random_decimals_round_as_the_c_library_does),
        cmocka_unit_test(a_remainder_decides_between_neighbours),
        cmocka_unit_test(halfway_decimals_round_to_even_and_a_hair_decides),
        cmocka_unit_test(known_hard_cases_are_right),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(long_texts_take_linear_time_and_are_exact),
        cmocka_unit_test(unsigned_numbers_are_digits_only),
        cmocka_unit_test(the_hosts_modes_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
