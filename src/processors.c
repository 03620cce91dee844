/* processors.c: see processors.h. Under taskset, in a cpuset or a container the affinity mask is smaller than the
 * machine; threads beyond it would only wait for each other. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* sched_getaffinity, CPU_COUNT */
#endif
#include "processors.h"

#include <sched.h>
#include <unistd.h>

size_t processors_available(void)
{
#if defined(__linux__)
    cpu_set_t mask;
    if (sched_getaffinity(0, sizeof mask, &mask) == 0 && CPU_COUNT(&mask) > 0)
        return (size_t)CPU_COUNT(&mask);
#endif
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (size_t)online : 1;
}
