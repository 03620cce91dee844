/* interrupt.c: see interrupt.h. SA_RESETHAND gives the second signal its default action; without SA_RESTART a read that
 * waits for input ends with EINTR, so that Ctrl-C is seen there too. A SIGINT that was ignored when the program started
 * (a background job of a script) stays ignored. */
#include "interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t requested;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    requested = 1;
}

void interrupt_install(void)
{
    struct sigaction old;
    if (sigaction(SIGINT, NULL, &old) == 0 && old.sa_handler == SIG_IGN)
        return;
    struct sigaction action = {0};
    action.sa_handler = on_interrupt;
    action.sa_flags = (int)SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

bool interrupt_requested(void)
{
    return requested != 0;
}
