/* team.c: the pool is one barrier. Workers wait at it for the next piece of work, run it, and meet the caller there
 * again; within the work members meet at the same barrier.
 *
 * The barrier counts arrivals; the last one resets the count and raises the generation for which the others watch: some
 * thousand pauses, then asleep on a condition variable. A pause is 10 to 50 ns, by processor; a step in which a member
 * slept took 40 us on a virtual machine, most of it waking. Were a member to sleep sooner than that, the others would
 * wait for it as long, fall asleep too, and every step would go on so. Between pauses the core is offered to whoever
 * wants it, for instance a member.
 *
 * The sequentially consistent pair (raise the generation, then look for sleepers; count oneself as a sleeper, then look
 * at the generation) is Dekker's argument that no sleeper is missed. */
#include "base/team.h"

#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/cpu.h"

#define SPINS 4000
#define SPINS_TO_YIELD 64

struct tci_barrier {
    alignas(TCI_ALIGNMENT) atomic_size_t arrived;
    alignas(TCI_ALIGNMENT) atomic_uint generation;
    atomic_size_t size; /* members; the largest possible number until all are started */
    atomic_size_t sleepers;
    pthread_mutex_t lock; /* only for sleeping */
    pthread_cond_t wake;
};

typedef struct member {
    tci_pool *pool;
    tci_team team;
    pthread_t thread; /* none for member 0 */
} member;

struct tci_pool {
    tci_barrier barrier;
    tci_memory *memory;
    tci_thread_start start;
    pid_t process; /* whose workers they are */
    member *members;
    size_t size; /* members of the next run */
    /* The work at hand; written by the caller before a meeting, read by the workers after it. */
    tci_team_function function; /* NULL: go home */
    void *context;
};

const tci_team tci_team_alone = {0, 1, NULL};

static inline void pause_briefly(void)
{
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
    __asm__ volatile("yield");
#endif
}

static void barrier_init(tci_barrier *barrier, size_t size)
{
    atomic_init(&barrier->arrived, 0);
    atomic_init(&barrier->generation, 0);
    atomic_init(&barrier->size, size);
    atomic_init(&barrier->sleepers, 0);
    (void)pthread_mutex_init(&barrier->lock, NULL); /* with default attributes neither fails */
    (void)pthread_cond_init(&barrier->wake, NULL);
}

static void barrier_wait(tci_barrier *barrier)
{
    /* Cannot change before this member has arrived. */
    unsigned generation = atomic_load_explicit(&barrier->generation, memory_order_relaxed);
    size_t before = atomic_fetch_add_explicit(&barrier->arrived, 1, memory_order_acq_rel);
    if (before + 1 == atomic_load_explicit(&barrier->size, memory_order_relaxed)) {
        atomic_store_explicit(&barrier->arrived, 0, memory_order_relaxed);
        /* No plain store: where AArch64 is emulated (qemu), a later load passes one, and a sleeper is not seen. */
        atomic_fetch_add(&barrier->generation, 1);
        if (atomic_load(&barrier->sleepers) != 0) {
            pthread_mutex_lock(&barrier->lock);
            pthread_cond_broadcast(&barrier->wake);
            pthread_mutex_unlock(&barrier->lock);
        }
        return;
    }
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&barrier->generation, memory_order_acquire) != generation)
            return;
        if (i % SPINS_TO_YIELD == SPINS_TO_YIELD - 1)
            (void)sched_yield();
        else
            pause_briefly();
    }
    pthread_mutex_lock(&barrier->lock);
    atomic_fetch_add(&barrier->sleepers, 1);
    while (atomic_load(&barrier->generation) == generation)
        pthread_cond_wait(&barrier->wake, &barrier->lock);
    atomic_fetch_sub(&barrier->sleepers, 1);
    pthread_mutex_unlock(&barrier->lock);
}

void tci_team_wait(const tci_team *team)
{
    if (team->barrier)
        barrier_wait(team->barrier);
}

static void *work(void *argument)
{
    const member *self = argument;
    tci_pool *pool = self->pool;
    (void)tci_float_enter(); /* for good: the thread is ours */
    for (;;) {
        barrier_wait(&pool->barrier);
        if (!pool->function)
            return NULL;
        pool->function(pool->context, &self->team);
        barrier_wait(&pool->barrier);
    }
}

/* Starts workers until there are `wanted` members or one cannot be started; sets the size. */
static void start_workers(tci_pool *pool, size_t wanted)
{
    barrier_init(&pool->barrier, wanted);
    pool->process = getpid();
    pool->size = 1;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* inherited by the workers */
    while (pool->size < wanted) {
        member *next = &pool->members[pool->size];
        if (pool->start(&next->thread, NULL, work, next) != 0)
            break;
        pool->size++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    /* Workers that arrived already did not fill the team of `wanted`, since the caller has not arrived. Those that come
     * after the caller see this size through its arrival. */
    atomic_store_explicit(&pool->barrier.size, pool->size, memory_order_relaxed);
    for (size_t i = 0; i < wanted; i++) {
        pool->members[i].team.size = pool->size;
        pool->members[i].team.barrier = pool->size > 1 ? &pool->barrier : NULL;
    }
}

tc_status tci_pool_create_with(tci_memory *memory, size_t threads, tci_thread_start start, tci_pool **pool)
{
    if (threads == 0)
        threads = 1;
    TCI_RETURN_IF(tci_alloc_zero(memory, 1, sizeof **pool, "thread pool", pool));
    tci_pool *made = *pool;
    made->memory = memory;
    made->start = start;
    tc_status status =
        tci_alloc_zero(memory, threads, sizeof *made->members, "members of the thread pool", &made->members);
    if (status != TC_OK) {
        tci_free(memory, made);
        *pool = NULL;
        return status;
    }
    for (size_t i = 0; i < threads; i++) {
        made->members[i].pool = made;
        made->members[i].team.index = i;
    }
    start_workers(made, threads);
    return TC_OK;
}

tc_status tci_pool_create(tci_memory *memory, size_t threads, tci_pool **pool)
{
    return tci_pool_create_with(memory, threads, pthread_create, pool);
}

void tci_pool_free(tci_pool *pool)
{
    if (!pool)
        return;
    if (pool->process == getpid()) { /* in a forked child there is nobody to send home */
        pool->function = NULL;
        if (pool->size > 1)
            barrier_wait(&pool->barrier);
        for (size_t i = 1; i < pool->size; i++)
            pthread_join(pool->members[i].thread, NULL);
        pthread_cond_destroy(&pool->barrier.wake);
        pthread_mutex_destroy(&pool->barrier.lock);
    }
    tci_free(pool->memory, pool->members);
    tci_free(pool->memory, pool);
}

size_t tci_pool_size(const tci_pool *pool)
{
    return pool ? pool->size : 1;
}

void tci_pool_run(tci_pool *pool, tci_team_function function, void *context)
{
    if (!pool) {
        function(context, &tci_team_alone);
        return;
    }
    if (pool->size > 1 && pool->process != getpid())
        start_workers(pool, pool->size);
    if (pool->size == 1) {
        function(context, &tci_team_alone);
        return;
    }
    pool->function = function;
    pool->context = context;
    barrier_wait(&pool->barrier);
    function(context, &pool->members[0].team);
    barrier_wait(&pool->barrier);
}

void tci_team_share(const tci_team *team, size_t count, size_t unit, size_t *begin, size_t *end)
{
    if (unit == 0)
        unit = 1;
    size_t units = count / unit + (count % unit != 0);
    size_t each = units / team->size, more = units % team->size; /* the first `more` members take one more */
    size_t first = each * team->index + (team->index < more ? team->index : more);
    size_t last = first + each + (team->index < more);
    *begin = first < units ? first * unit : count;
    *end = last < units ? last * unit : count;
}
