/* team.h: threads that run one piece of work together.
 *
 * A pool owns `threads` - 1 workers; the caller is member 0. tci_pool_run() runs the same function on every member
 * (single program, multiple data); members meet at tci_team_wait(), a barrier cheap enough for thousands of meetings a
 * second (spins briefly, then sleeps). Work is split by shape, never by timing, so results do not depend on the number
 * of members. Workers block all signals. A pool makes itself anew in a forked child; a thread that cannot be started
 * means a smaller team and the same result. */
#ifndef TCI_BASE_TEAM_H
#define TCI_BASE_TEAM_H

#include <pthread.h>
#include <stddef.h>

#include "base/memory.h"

typedef struct tci_barrier tci_barrier;
typedef struct tci_pool tci_pool;

/* One member's place in the running team. */
typedef struct tci_team {
    size_t index;
    size_t size;
    tci_barrier *barrier; /* NULL in a team of one */
} tci_team;

/* The team of a caller that works alone. */
extern const tci_team tci_team_alone;

typedef void (*tci_team_function)(void *context, const tci_team *team);

/* Fails only for lack of memory. */
tc_status tci_pool_create(tci_memory *memory, size_t threads, tci_pool **pool);
/* As tci_pool_create with the function that starts threads, which tests make fail. */
typedef int (*tci_thread_start)(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *),
                                void *argument);
tc_status tci_pool_create_with(tci_memory *memory, size_t threads, tci_thread_start start, tci_pool **pool);
void tci_pool_free(tci_pool *pool);

/* How many members the next run has at most (in a forked child that cannot start threads it has fewer: the function
 * goes by its team's size). A NULL pool is a team of one. */
size_t tci_pool_size(const tci_pool *pool);

/* Runs `function` on every member and returns when all are done; member 0 is the calling thread. The floating-point
 * environment of the workers is tci_float_environment's. One caller at a time. */
void tci_pool_run(tci_pool *pool, tci_team_function function, void *context);

/* Returns when every member has arrived; what they wrote before is then visible to all. */
void tci_team_wait(const tci_team *team);

/* This member's share [*begin, *end) of `count` items in units of `unit` items. */
void tci_team_share(const tci_team *team, size_t count, size_t unit, size_t *begin, size_t *end);

#endif
