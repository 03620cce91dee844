/* server_threads.c: many threads answer requests with one model.
 *
 *     server_threads MODEL [THREADS] [REQUESTS]
 *
 * A model is read-only while it predicts: any number of threads may share it, without locks. tc_predict() finds working
 * memory in the model; a thread that wants its own in hand makes a tc_scratch, as here. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "support.h"

static const char *const requests[] = {
    "The board approved the offer and the founders stay on for two years.",
    "Trading in the stock begins on Monday.",
    "该公司关闭电商业务，改做企业软件。",
    "The company hired a new head of sales.",
};

typedef struct server {
    const tc_model *model;
    int requests;
    atomic_int next;
    atomic_int answered;
} server;

static void *serve(void *argument)
{
    server *shared = argument;
    tc_scratch *scratch = NULL;
    float scores[64];
    size_t count = 0;
    check(tc_scratch_create(shared->model, &scratch));
    for (;;) {
        int number = atomic_fetch_add(&shared->next, 1);
        if (number >= shared->requests)
            break;
        const char *text = requests[number % 4];
        check(tc_predict_with(shared->model, scratch, text, strlen(text), 64, scores, &count, NULL));
        atomic_fetch_add(&shared->answered, 1);
    }
    tc_scratch_free(scratch);
    return NULL;
}

int main(int argc, char **argv)
{
    enum { MOST_THREADS = 64 };
    if (argc < 2) {
        fprintf(stderr, "usage: server_threads MODEL [THREADS] [REQUESTS]\n");
        return 2;
    }
    tc_model *model = NULL;
    pthread_t threads[MOST_THREADS];
    int thread_count = argc > 2 ? atoi(argv[2]) : 4;
    struct timespec begin, end;
    check(tc_model_load(argv[1], &model));
    server shared = {.model = model, .requests = argc > 3 ? atoi(argv[3]) : 2000};
    if (thread_count < 1 || thread_count > MOST_THREADS) {
        fprintf(stderr, "THREADS is 1 to %d\n", MOST_THREADS);
        return 2;
    }
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int i = 0; i < thread_count; i++) {
        if (pthread_create(&threads[i], NULL, serve, &shared) != 0) {
            perror("pthread_create");
            return 1;
        }
    }
    for (int i = 0; i < thread_count; i++)
        pthread_join(threads[i], NULL);
    clock_gettime(CLOCK_MONOTONIC, &end);
    double seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    printf("%d answers by %d threads in %.2f s\n", atomic_load(&shared.answered), thread_count, seconds);
    tc_model_free(model);
    return atomic_load(&shared.answered) == shared.requests ? 0 : 1;
}
