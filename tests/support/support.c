/* support.c: helpers shared by the test programs. */
#include "support/testing.h"

/* The folder of the tests, for their data files. */
const char *test_source_dir(void);

const char *test_source_dir(void)
{
    return TEST_SOURCE_DIR;
}
