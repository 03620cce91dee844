/* labels: quick. team.c: pools, barriers, shares, failing thread starts, forked children. */
#include "support/testing.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/team.h"
#include "support/failing.h"

#define MOST 8

/* Under TSan a child that starts threads is refused by default. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "die_after_fork=0";
}

/* Each round every member adds its neighbour's number of the round before: wrong if a barrier lets anybody pass. */
typedef struct ring {
    size_t rounds;
    unsigned numbers[2][MOST];
    size_t sizes[MOST];
} ring;

static void run_ring(void *context, const tci_team *team)
{
    ring *shared = context;
    shared->sizes[team->index] = team->size;
    shared->numbers[0][team->index] = (unsigned)team->index + 1;
    tci_team_wait(team);
    for (size_t round = 0; round < shared->rounds; round++) {
        const unsigned *now = shared->numbers[round % 2];
        shared->numbers[(round + 1) % 2][team->index] = now[team->index] + 3 * now[(team->index + 1) % team->size];
        tci_team_wait(team);
    }
}

static void check_ring(tci_pool *pool, size_t size, size_t rounds)
{
    ring shared = {.rounds = rounds}, wanted = {.rounds = rounds};
    tci_pool_run(pool, run_ring, &shared);
    for (size_t i = 0; i < size; i++)
        wanted.numbers[0][i] = (unsigned)i + 1;
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < size; i++)
            wanted.numbers[(round + 1) % 2][i] =
                wanted.numbers[round % 2][i] + 3 * wanted.numbers[round % 2][(i + 1) % size];
    }
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(shared.sizes[i], size);
        assert_int_equal(shared.numbers[rounds % 2][i], wanted.numbers[rounds % 2][i]);
    }
}

static void members_meet_at_barriers(void **state)
{
    (void)state;
    test_allocator allocator;
    test_allocator_init(&allocator, TEST_NEVER, false);
    tc_allocator host = test_allocator_host(&allocator);
    tci_memory memory;
    tci_memory_init(&memory, &host, 0);
    for (size_t threads = 1; threads <= 4; threads++) {
        tci_pool *pool;
        assert_ok(tci_pool_create(&memory, threads, &pool));
        assert_int_equal(tci_pool_size(pool), threads);
        for (size_t run = 0; run < 50; run++)
            check_ring(pool, threads, run % 7);
        check_ring(pool, threads, 3000);
        tci_pool_free(pool);
    }
    tci_pool_free(NULL);
    assert_nothing_held(&allocator);
}

/* Member after member dawdles before the meeting, so that all others fall asleep. */
typedef struct meetings {
    atomic_int arrived;
    atomic_bool early;
} meetings;

static void dawdle(void *context, const tci_team *team)
{
    meetings *shared = context;
    for (size_t slow = 0; slow < team->size; slow++) {
        if (slow == team->index)
            nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        atomic_fetch_add(&shared->arrived, 1);
        tci_team_wait(team);
        if (atomic_load(&shared->arrived) != (int)(team->size * (slow + 1)))
            atomic_store(&shared->early, true);
        tci_team_wait(team);
    }
}

static void sleepers_are_woken(void **state)
{
    (void)state;
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    tci_pool *pool;
    assert_ok(tci_pool_create(&memory, 3, &pool));
    meetings shared = {0, false};
    tci_pool_run(pool, dawdle, &shared);
    assert_int_equal(atomic_load(&shared.arrived), 9);
    assert_false(atomic_load(&shared.early));
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL); /* now the workers sleep between runs */
    check_ring(pool, 3, 100);
    tci_pool_free(pool);
}

static void no_pool_is_a_team_of_one(void **state)
{
    (void)state;
    assert_int_equal(tci_pool_size(NULL), 1);
    check_ring(NULL, 1, 10);
    assert_int_equal(tci_team_alone.size, 1);
}

/* Work that itself runs work alone, as a layer does within a batch that is split by rows. */
static void nest(void *context, const tci_team *team)
{
    ring *rings = context;
    tci_pool_run(NULL, run_ring, &rings[team->index]);
    tci_team_wait(team);
}

static void a_run_without_a_pool_nests_in_a_run(void **state)
{
    (void)state;
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    tci_pool *pool;
    assert_ok(tci_pool_create(&memory, 3, &pool));
    ring rings[3] = {{.rounds = 2}, {.rounds = 2}, {.rounds = 2}};
    tci_pool_run(pool, nest, rings);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(rings[i].sizes[0], 1);
        assert_int_equal(rings[i].numbers[0][0], 16);
    }
    tci_pool_free(pool);
}

static int starts_left;

static int start_some(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *), void *argument)
{
    if (starts_left == 0)
        return EAGAIN;
    starts_left--;
    return pthread_create(thread, attributes, function, argument);
}

static void threads_that_cannot_start_make_a_smaller_team(void **state)
{
    (void)state;
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    for (int started = 0; started <= 4; started++) {
        starts_left = started;
        tci_pool *pool;
        assert_ok(tci_pool_create_with(&memory, 4, start_some, &pool));
        size_t size = started < 3 ? (size_t)started + 1 : 4;
        assert_int_equal(tci_pool_size(pool), size);
        for (size_t run = 0; run < 20; run++)
            check_ring(pool, size, 5);
        tci_pool_free(pool);
    }
}

static void creation_without_memory_leaves_nothing(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        test_allocator allocator;
        test_allocator_init(&allocator, n, false);
        tc_allocator host = test_allocator_host(&allocator);
        tci_memory memory;
        tci_memory_init(&memory, &host, 0);
        tci_pool *pool;
        tc_status status = tci_pool_create(&memory, 2, &pool);
        assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
        if (status != TC_OK)
            assert_null(pool);
        tci_pool_free(pool);
        assert_nothing_held(&allocator);
        if (!allocator.failed)
            break;
    }
}

/* Runs in the child: 0 when a ring of `size` members comes out right. */
static int child_ring(tci_pool *pool, size_t size)
{
    ring shared = {.rounds = 100}, again = {.rounds = 100};
    tci_pool_run(pool, run_ring, &shared);
    tci_pool_run(pool, run_ring, &again);
    for (size_t i = 0; i < size; i++) {
        if (shared.sizes[i] != size || shared.numbers[0][i] != again.numbers[0][i])
            return 1;
    }
    return shared.sizes[size] != 0;
}

static void wait_for(pid_t child)
{
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_forked_child_runs_on_workers_of_its_own(void **state)
{
    (void)state;
#if defined(TEST_EMULATED)
    skip(); /* qemu 7 loses its own head when a child of a process with threads starts threads */
#endif
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    tci_pool *pool;
    starts_left = 100;
    assert_ok(tci_pool_create_with(&memory, 3, start_some, &pool));
    check_ring(pool, 3, 10);
    for (int i = 0; i < 10; i++) {
        fflush(NULL);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            alarm(20); /* a child that hangs is a failure, too */
            int wrong = i == 9 ? 0 : child_ring(pool, 3);
            tci_pool_free(pool); /* the last child never ran anything */
            _exit(wrong);
        }
        wait_for(child);
        check_ring(pool, 3, 10);
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        starts_left = 1;
        int wrong = child_ring(pool, 2);
        tci_pool_free(pool);
        _exit(wrong);
    }
    wait_for(child);
    tci_pool_free(pool);
}

static void look_at_modes(void *context, const tci_team *team)
{
    bool *right = context;
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    volatile float tiny = 0x1p-126f, half = 0.5f, result = tiny * half;
    right[team->index] = result == 0.0f && (team->index == 0 || sigismember(&blocked, SIGUSR1) == 1);
}

static void workers_block_signals_and_flush_denormals(void **state)
{
    (void)state;
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    tci_pool *pool;
    assert_ok(tci_pool_create(&memory, 3, &pool));
    bool right[3] = {false};
    tci_float_environment environment = tci_float_enter();
    tci_pool_run(pool, look_at_modes, right);
    tci_float_leave(environment);
#if defined(__x86_64__) || defined(__aarch64__)
    assert_true(right[0] && right[1] && right[2]);
#endif
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    assert_int_equal(sigismember(&blocked, SIGUSR1), 0);
    tci_pool_free(pool);
}

static void shares_cover_everything_once_in_whole_units(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 5, 16, 17, 63, 64, 65, 1000, SIZE_MAX, SIZE_MAX - 7};
    for (size_t size = 1; size <= 5; size++) {
        for (size_t unit = 0; unit <= 16; unit += 8) {
            for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
                size_t at = 0, least = SIZE_MAX, most = 0;
                for (size_t index = 0; index < size; index++) {
                    size_t begin = 1, end = 0;
                    tci_team_share(&(tci_team){index, size, NULL}, counts[c], unit, &begin, &end);
                    assert_int_equal(begin, at);
                    assert_true(end >= begin);
                    assert_true(begin == counts[c] || unit == 0 || begin % unit == 0);
                    at = end;
                    least = end - begin < least ? end - begin : least;
                    most = end - begin > most ? end - begin : most;
                }
                assert_int_equal(at, counts[c]);
                assert_true(most - least <= 2 * (unit == 0 ? 1 : unit)); /* one unit, and a cut last one */
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_meet_at_barriers),
        cmocka_unit_test(sleepers_are_woken),
        cmocka_unit_test(no_pool_is_a_team_of_one),
        cmocka_unit_test(a_run_without_a_pool_nests_in_a_run),
        cmocka_unit_test(threads_that_cannot_start_make_a_smaller_team),
        cmocka_unit_test(creation_without_memory_leaves_nothing),
        cmocka_unit_test(a_forked_child_runs_on_workers_of_its_own),
        cmocka_unit_test(workers_block_signals_and_flush_denormals),
        cmocka_unit_test(shares_cover_everything_once_in_whole_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
