/* probe.h: what one core of the machine can do, for the benches to print beside what the library does.
 *
 * Every loop that is timed is one piece of assembler where there is one, so that no compiler can merge, drop or spill
 * any of it. Knows nothing of the library. */
#ifndef TEXTCLF_BENCH_PROBE_H
#define TEXTCLF_BENCH_PROBE_H

#include <stdbool.h>
#include <stddef.h>

/* Seconds of a clock that only goes forward. */
double probe_now(void);

/* Sorts the values and gives the middle one. */
double probe_median(double *values, int count);

/* Billions of floating-point operations a second of 12 independent chains of fused multiply-adds on vectors of `lanes`
 * floats (8 or 16); 0 where this processor or this build has none. */
double probe_multiply_add(int lanes);

/* Bytes a second, in billions, of reading a block of a multiple of 256 bytes again and again: always from the front, or
 * `turning` at each end, which finds in a cache what was read last even where the block is larger than the cache. */
double probe_read(const void *block, size_t bytes, bool turning);

/* Zeroed floats on pages as large as the system gives; ends the program when there is no memory; to be freed. */
float *probe_block(size_t count);

#endif
