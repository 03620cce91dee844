/* interrupt.h: Ctrl-C while training. The first asks the training to end after its current step, the second ends the
 * process at once. */
#ifndef PROGRAM_INTERRUPT_H
#define PROGRAM_INTERRUPT_H

#include <stdbool.h>

void interrupt_install(void);

/* True once Ctrl-C was pressed. */
bool interrupt_requested(void);

#endif
