/* tc_status.c: the public face of base/error. */
#include "textclf/status.h"

#include "base/error.h"

const char *tc_last_error(void)
{
    return tci_error_text();
}

const char *tc_status_text(tc_status status)
{
    return tci_status_text(status);
}
