/* tc_version.c: the version of the running library. */
#include "textclf/version.h"

const char *tc_library_version(void)
{
    return TC_VERSION_STRING;
}
