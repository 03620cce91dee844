/* clock.c: see clock.h. The monotonic clock: training speed is not to depend on somebody setting the time. */
#include "clock.h"

#include <time.h>

double clock_seconds(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return 0.0;
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}
