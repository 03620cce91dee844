/* Many threads on one model: the same scores, no memory after a while, forked children. labels: long threads */
#include "support/testing.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/failing.h"
#include "support/small_host.h"
#include "support/story.h"

#define THREADS 8
#define TEXTS 10000 /* for each thread */
#define STORIES 500

typedef struct shared {
    const tc_model *model;
    char texts[STORIES][STORY_SIZE];
    size_t lengths[STORIES];
    float wanted[STORIES][STORY_LABELS];
    size_t longest; /* by its tokens */
} shared;

static shared *make_shared(const char *settings, const tc_allocator *allocator, tc_model **model)
{
    tc_config *config = NULL;
    size_t count = 0;
    shared *s = calloc(1, sizeof *s);
    assert_non_null(s);
    assert_ok(host_config(allocator, settings, &config));
    assert_ok(host_model(config, STORIES, model));
    tc_config_free(config);
    s->model = *model;
    size_t most = 0;
    for (uint32_t i = 0; i < STORIES; i++) {
        (void)story_write(i, s->texts[i], &s->lengths[i]);
        assert_ok(tc_predict(s->model, s->texts[i], s->lengths[i], STORY_LABELS, s->wanted[i], &count));
        (void)tc_encode(s->model, s->texts[i], s->lengths[i], 0, NULL, NULL, &count);
        s->longest = count > most ? i : s->longest;
        most = count > most ? count : most;
    }
    return s;
}

typedef struct worker {
    pthread_t thread;
    const shared *s;
    size_t number, predictions, wrong;
    atomic_bool *stop;
} worker;

static void predict_one(worker *w, size_t i, tc_scratch *scratch)
{
    float scores[STORY_LABELS];
    size_t count = 0;
    tc_status status = scratch
                           ? tc_predict_with(w->s->model, scratch, w->s->texts[i], w->s->lengths[i], STORY_LABELS,
                                             scores, &count, NULL)
                           : tc_predict(w->s->model, w->s->texts[i], w->s->lengths[i], STORY_LABELS, scores, &count);
    w->wrong += status != TC_OK || count != STORY_LABELS || memcmp(scores, w->s->wanted[i], sizeof scores) != 0;
}

static void *predict_many(void *argument)
{
    worker *w = argument;
    for (size_t k = 0; k < w->predictions; k++)
        predict_one(w, (k * 7 + w->number * 61) % STORIES, NULL);
    return NULL;
}

static void run_workers(const shared *s, size_t threads, size_t predictions, void *(*function)(void *))
{
    worker workers[THREADS];
    for (size_t i = 0; i < threads; i++) {
        workers[i] = (worker){.s = s, .number = i, .predictions = predictions};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, function, &workers[i]), 0);
    }
    for (size_t i = 0; i < threads; i++)
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    for (size_t i = 0; i < threads; i++)
        assert_int_equal(workers[i].wrong, 0);
}

static void eight_threads_predict_ten_thousand_texts_each_on_one_model(void **state)
{
    tc_model *model = NULL;
    (void)state;
    shared *s = make_shared("hidden_dim=32", NULL, &model);
    run_workers(s, THREADS, TEXTS, predict_many);
    tc_model_free(model);
    free(s);
}

/* ---- everything else at once ---- */

static void *do_everything(void *argument)
{
    worker *w = argument;
    tc_scratch *scratch = NULL;
    w->wrong += tc_scratch_create(w->s->model, &scratch) != TC_OK;
    for (size_t k = 0; k < w->predictions; k++) {
        const char *texts[3];
        size_t lengths[3], count = 0, size = 0, first = (k * 11 + w->number * 31) % (STORIES - 3);
        float scores[3 * STORY_LABELS];
        uint32_t ids[STORY_WORDS * 3];
        tc_model *clone = NULL;
        for (size_t i = 0; i < 3; i++) {
            texts[i] = w->s->texts[first + i];
            lengths[i] = w->s->lengths[first + i];
        }
        predict_one(w, first, scratch);
        w->wrong += tc_predict_batch(w->s->model, texts, lengths, 3, 3 * STORY_LABELS, scores, &count) != TC_OK ||
                    memcmp(scores, w->s->wanted[first], sizeof scores) != 0;
        w->wrong +=
            tc_encode(w->s->model, texts[0], lengths[0], sizeof ids / sizeof ids[0], ids, NULL, &count) != TC_OK;
        w->wrong += tc_model_save_memory(w->s->model, 0, NULL, &size) != TC_ERROR_CAPACITY || !*tc_last_error();
        if (k % 5 == 0) {
            w->wrong += tc_model_clone(w->s->model, &clone) != TC_OK;
            tc_model_free(clone);
        }
    }
    tc_scratch_free(scratch);
    return NULL;
}

static void threads_may_mix_every_reading_call(void **state)
{
    tc_model *model = NULL;
    (void)state;
    shared *s = make_shared("hidden_dim=20 threads=2 num_layers=2 bidirectional=true", NULL, &model);
    run_workers(s, 6, 40, do_everything);
    tc_model_free(model);
    free(s);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SMALL_STACK ((size_t)1 << 20) /* instrumented frames are several times as large */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SMALL_STACK ((size_t)1 << 20)
#endif
#endif
#ifndef SMALL_STACK
#define SMALL_STACK ((size_t)64 << 10)
#endif

static void a_thread_with_a_small_stack_may_make_every_reading_call(void **state)
{
    tc_model *model = NULL;
    pthread_attr_t attributes;
    (void)state;
    shared *s = make_shared("hidden_dim=20 num_layers=2 bidirectional=true", NULL, &model);
    worker w = {.s = s, .number = 1, .predictions = 20};
    assert_int_equal(pthread_attr_init(&attributes), 0);
    long least = sysconf(_SC_THREAD_STACK_MIN); /* 128 KB on AArch64 */
    size_t size = least > (long)SMALL_STACK ? (size_t)least : SMALL_STACK;
    assert_int_equal(pthread_attr_setstacksize(&attributes, size), 0);
    assert_int_equal(pthread_create(&w.thread, &attributes, do_everything, &w), 0);
    assert_int_equal(pthread_join(w.thread, NULL), 0);
    assert_int_equal(w.wrong, 0);
    (void)pthread_attr_destroy(&attributes);
    tc_model_free(model);
    free(s);
}

/* ---- memory ---- */

/* An allocator that, while it is told to, lets nobody have memory before all threads ask for some: then each of them
 * holds working memory of its own at the same time. */
typedef struct meeting {
    test_allocator counting;
    tc_allocator inner;
    pthread_barrier_t all;
    bool wait;
} meeting;

static _Thread_local bool has_met;

static void *meet_and_alloc(void *context, size_t size)
{
    meeting *m = context;
    if (m->wait && !has_met) {
        has_met = true;
        (void)pthread_barrier_wait(&m->all);
    }
    return m->inner.alloc(&m->counting, size);
}

static void *plain_realloc(void *context, void *pointer, size_t old_size, size_t new_size)
{
    meeting *m = context;
    return m->inner.realloc(&m->counting, pointer, old_size, new_size);
}

static void plain_free(void *context, void *pointer)
{
    meeting *m = context;
    m->inner.free(&m->counting, pointer);
}

static void *predict_the_longest(void *argument)
{
    worker *w = argument;
    has_met = false;
    predict_one(w, w->s->longest, NULL);
    return NULL;
}

static void nothing_is_allocated_once_as_many_have_predicted_at_once(void **state)
{
    meeting m = {.wait = false};
    const tc_allocator allocator = {meet_and_alloc, plain_realloc, plain_free, &m};
    tc_config *config = NULL;
    tc_model *model = NULL;
    (void)state;
    test_allocator_init(&m.counting, TEST_NEVER, false);
    m.inner = test_allocator_host(&m.counting);
    assert_int_equal(pthread_barrier_init(&m.all, NULL, THREADS), 0);
    shared *s = make_shared("hidden_dim=32 num_layers=2 bidirectional=true", NULL, &model);
    tc_model_free(model); /* its scores serve as those of a fresh model with no working memory yet */
    assert_ok(host_config(&allocator, "hidden_dim=32 num_layers=2 bidirectional=true", &config));
    assert_ok(host_model(config, STORIES, &model));
    s->model = model;

    m.wait = true;
    run_workers(s, THREADS, 1, predict_the_longest);
    m.wait = false;
    long calls = m.counting.calls;
    run_workers(s, THREADS, 500, predict_many);
    assert_int_equal(m.counting.calls, calls);

    tc_model_free(model);
    tc_config_free(config);
    assert_nothing_held(&m.counting);
    (void)pthread_barrier_destroy(&m.all);
    free(s);
}

/* ---- fork ---- */

typedef struct crowd {
    atomic_bool stop;
    worker workers[4];
} crowd;

/* The address sanitizer's malloc, unlike libc's, stays locked in a child that is forked while another thread is inside
 * it. Forks then wait until the others have all the memory that they need. */
#if defined(__SANITIZE_ADDRESS__)
#define WARM_TEXTS (5 * STORIES)
#else
#define WARM_TEXTS 0
#endif

static atomic_size_t warm; /* workers that have predicted so many */

static void *predict_until_told(void *argument)
{
    worker *w = argument;
    for (size_t k = 0; !atomic_load(w->stop); k++) {
        if (k == WARM_TEXTS)
            (void)atomic_fetch_add(&warm, 1);
        predict_one(w, (k * 7 + w->number * 61) % STORIES, NULL);
    }
    return NULL;
}

/* What a child does: 0 when all its scores are right. */
static int work_of_child(const shared *s, unsigned number, bool with_threads)
{
    worker w = {.s = s, .number = number};
    for (size_t k = 0; k < 3; k++)
        predict_one(&w, (number * 3 + k) % STORIES, NULL);
    if (with_threads) {
        const char *texts[2] = {s->texts[1], s->texts[2]};
        float scores[2 * STORY_LABELS];
        size_t count = 0;
        w.wrong += tc_predict_batch(s->model, texts, s->lengths + 1, 2, 2 * STORY_LABELS, scores, &count) != TC_OK ||
                   memcmp(scores, s->wanted[1], sizeof scores) != 0;
    }
    return w.wrong == 0 ? 0 : 1;
}

static void check_forks(const char *settings, unsigned forks, bool with_threads)
{
    tc_model *model = NULL;
    crowd c;
    atomic_init(&c.stop, false);
    atomic_store(&warm, 0);
    shared *s = make_shared(settings, NULL, &model);
    for (size_t i = 0; i < 4; i++) {
        c.workers[i] = (worker){.s = s, .number = i, .stop = &c.stop};
        assert_int_equal(pthread_create(&c.workers[i].thread, NULL, predict_until_told, &c.workers[i]), 0);
    }
    while (atomic_load(&warm) < 4)
        (void)sched_yield();
    for (unsigned n = 0; n < forks; n++) {
        int status = 0;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            (void)alarm(60); /* a child that waits for ever is a failure, too */
            _exit(work_of_child(s, n, with_threads));
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            fail_msg("child %u ended with wait status %d", n, status);
    }
    atomic_store(&c.stop, true);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(c.workers[i].thread, NULL), 0);
        assert_int_equal(c.workers[i].wrong, 0);
    }
    tc_model_free(model);
    free(s);
}

static void children_forked_while_others_predict_predict_too(void **state)
{
    (void)state;
    check_forks("hidden_dim=32", 1000, false);
}

#if defined(__SANITIZE_THREAD__) || defined(TEST_EMULATED)
#define THREADS_AFTER_FORK 0 /* which their runtimes refuse */
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREADS_AFTER_FORK 0
#endif
#endif
#ifndef THREADS_AFTER_FORK
#define THREADS_AFTER_FORK 1
#endif

static void children_start_threads_of_their_own(void **state)
{
    (void)state;
    if (!THREADS_AFTER_FORK)
        skip();
    check_forks("hidden_dim=20 threads=3", 100, true);
}

static void a_child_goes_on_training_with_the_trainer_of_its_parent(void **state)
{
    host h;
    size_t size = 0;
    (void)state;
    if (!THREADS_AFTER_FORK)
        skip();
    const char *settings = "threads=3 epochs=1 batch_size=8 num_layers=2 bidirectional=true dropout=0.1";
    uint8_t *wanted = host_train(settings, 60, &size);
    assert_ok(host_begin(&h, NULL, settings, 60));
    assert_ok(host_advance(&h));
    for (int n = 0; n < 10; n++) {
        int status = 0;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            size_t child_size = 0;
            (void)alarm(60);
            if (host_finish(&h) != TC_OK)
                _exit(1);
            uint8_t *bytes = host_bytes(h.model, &child_size);
            host_end(&h);
            _exit(child_size == size && memcmp(bytes, wanted, size) == 0 ? 0 : 2);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    host_end(&h);
    free(wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_threads_predict_ten_thousand_texts_each_on_one_model),
        cmocka_unit_test(threads_may_mix_every_reading_call),
        cmocka_unit_test(a_thread_with_a_small_stack_may_make_every_reading_call),
        cmocka_unit_test(nothing_is_allocated_once_as_many_have_predicted_at_once),
        cmocka_unit_test(children_forked_while_others_predict_predict_too),
        cmocka_unit_test(children_start_threads_of_their_own),
        cmocka_unit_test(a_child_goes_on_training_with_the_trainer_of_its_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
