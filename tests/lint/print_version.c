/* print_version.c: what the header and the running library say their version is, a line each, for check_version.py. */
#include <stdio.h>

#include <textclf/textclf.h>

int main(void)
{
    printf("text %s\n", TC_VERSION_STRING);
    printf("numbers %d.%d.%d\n", TC_VERSION_MAJOR, TC_VERSION_MINOR, TC_VERSION_PATCH);
    printf("library %s\n", tc_library_version());
    return 0;
}
