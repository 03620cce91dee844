/* clock.h: seconds of a clock that never jumps. */
#ifndef PROGRAM_CLOCK_H
#define PROGRAM_CLOCK_H

double clock_seconds(void);

#endif
