/* testing.h: what every test program includes: CMocka and what it needs before it, and a few checks of our own. */
#ifndef TEST_SUPPORT_TESTING_H
#define TEST_SUPPORT_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define assert_ok(call) assert_int_equal((call), 0)

#endif
