/* failing.h: an allocator and a table of file operations whose n-th call fails, and that count what is not given back.
 *
 * The loop that proves a scenario against every failing call:
 *     for (long n = 0;; n++) {
 *         test_allocator allocator;
 *         test_allocator_init(&allocator, n, false);
 *         ... the scenario with test_allocator_host(&allocator), expecting success or a status, freeing all ...
 *         assert_nothing_held(&allocator);
 *         if (!allocator.failed) break;     every call has failed once; this time none did
 *     } */
#ifndef TEST_SUPPORT_FAILING_H
#define TEST_SUPPORT_FAILING_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "textclf/allocator.h"

#define TEST_NEVER (-1L)

typedef struct test_allocator {
    pthread_mutex_t lock;
    long fail_at;      /* number from 0 of the call that fails, or TEST_NEVER */
    bool onwards;      /* all later ones fail, too */
    long calls;        /* of alloc and realloc so far */
    bool failed;       /* some call has failed */
    long live_blocks;
    size_t live_bytes;
    size_t peak_bytes;
    const char *fault; /* wrong use: a bad pointer or a wrong old size; NULL = none */
} test_allocator;

void test_allocator_init(test_allocator *allocator, long fail_at, bool onwards);
/* Thread-safe; checks that realloc is told the right old size and that only its own blocks come back. */
tc_allocator test_allocator_host(test_allocator *allocator);

#define assert_nothing_held(allocator)                      \
    do {                                                    \
        assert_null((allocator)->fault);                    \
        assert_int_equal((allocator)->live_blocks, 0);      \
        assert_int_equal((allocator)->live_bytes, 0);       \
    } while (0)

/* life(&host) makes, uses and frees something: with each of its allocations failing in turn it says TC_ERROR_MEMORY and
 * leaves nothing, and with none failing TC_OK. */
#define assert_survives_failing_allocations(life)                                               \
    do {                                                                                        \
        bool failed_ = true;                                                                    \
        for (long n_ = 0; failed_; n_++) {                                                      \
            test_allocator allocator_;                                                          \
            test_allocator_init(&allocator_, n_, false);                                        \
            tc_allocator host_ = test_allocator_host(&allocator_);                              \
            tc_status status_ = life(&host_);                                                   \
            assert_nothing_held(&allocator_);                                                   \
            failed_ = allocator_.failed;                                                        \
            assert_int_equal(status_, failed_ ? TC_ERROR_MEMORY : TC_OK);                       \
        }                                                                                       \
    } while (0)

#endif
