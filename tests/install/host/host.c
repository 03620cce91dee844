/* host.c: the smallest C program outside the tree: links the installed library, asks its version, sees an error. */
#include <stdio.h>
#include <string.h>

#include <textclf/textclf.h>

int main(void)
{
    if (strcmp(tc_library_version(), TC_VERSION_STRING) != 0) {
        fprintf(stderr, "header %s, library %s\n", TC_VERSION_STRING, tc_library_version());
        return 1;
    }
    if (strcmp(tc_status_text(TC_OK), "success") != 0)
        return 1;
    printf("C host of libtextclf %s\n", tc_library_version());
    return 0;
}
