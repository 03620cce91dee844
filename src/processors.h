/* processors.h: how many processors this process may use. */
#ifndef PROGRAM_PROCESSORS_H
#define PROGRAM_PROCESSORS_H

#include <stddef.h>

size_t processors_available(void);

#endif
