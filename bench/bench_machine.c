/* bench_machine.c: what the machine itself can do: multiply-adds and reads a second, on one core and on two at once.
 *
 *     bench_machine [--json | --exchange]
 *
 * Reading is measured for blocks of several sizes, one a core: half of a second-level cache, the whole of one, what
 * only the third level holds, what only memory holds. "turning" reads to and fro. Each thread stays on a core of its
 * own. --exchange prints only the nanoseconds that a number takes to the other core and back. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

enum { MOST_THREADS = 2, SIZES = 8 };

static const size_t kilobytes[SIZES] = {128, 256, 512, 1024, 2048, 4096, 8192, 262144};

typedef struct rates {
    double multiply_add[2]; /* 8 and 16 lanes */
    double forward[SIZES], turning[SIZES];
} rates;

typedef struct worker {
    pthread_t thread;
    pthread_barrier_t *together;
    int core;
    rates rates;
} worker;

static void stay_on(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    (void)sched_setaffinity(0, sizeof set, &set);
}

static void *measure(void *argument)
{
    worker *self = argument;
    stay_on(self->core);
    float *block = probe_block(kilobytes[SIZES - 1] * 1024 / sizeof(float));
    for (int wide = 0; wide < 2; wide++) {
        pthread_barrier_wait(self->together);
        self->rates.multiply_add[wide] = probe_multiply_add(wide ? 16 : 8);
    }
    for (int size = 0; size < SIZES; size++) {
        pthread_barrier_wait(self->together);
        self->rates.forward[size] = probe_read(block, kilobytes[size] * 1024, false);
        pthread_barrier_wait(self->together);
        self->rates.turning[size] = probe_read(block, kilobytes[size] * 1024, true);
    }
    free(block);
    return NULL;
}

/* Two cores write one number by turns, which neither has to itself. Nanoseconds there and back: on a virtual machine
 * they change by the hour, and with them what two threads of a small step can gain. */
enum { EXCHANGES = 100000 };

typedef struct partner {
    _Alignas(64) atomic_int turn;
    int core;
} partner;

static void *answer(void *argument)
{
    partner *self = argument;
    stay_on(self->core);
    for (int i = 0; i < EXCHANGES; i++) {
        while (atomic_load_explicit(&self->turn, memory_order_acquire) != 2 * i + 1)
            ;
        atomic_store_explicit(&self->turn, 2 * i + 2, memory_order_release);
    }
    return NULL;
}

static double exchange(const int *cores)
{
    static partner other;
    pthread_t thread;
    cpu_set_t before;
    double start = 0.0;
    atomic_init(&other.turn, 0);
    other.core = cores[1];
    (void)sched_getaffinity(0, sizeof before, &before);
    stay_on(cores[0]);
    if (pthread_create(&thread, NULL, answer, &other) != 0)
        return 0.0;
    for (int i = 0; i < EXCHANGES; i++) {
        if (i == EXCHANGES / 10)
            start = probe_now();
        atomic_store_explicit(&other.turn, 2 * i + 1, memory_order_release);
        while (atomic_load_explicit(&other.turn, memory_order_acquire) != 2 * i + 2)
            ;
    }
    double seconds = probe_now() - start;
    pthread_join(thread, NULL);
    (void)sched_setaffinity(0, sizeof before, &before);
    return seconds / (EXCHANGES - EXCHANGES / 10) * 1e9;
}

/* The rates of so many cores at once, added up. */
static rates measure_together(const int *cores, int count)
{
    static worker workers[MOST_THREADS];
    pthread_barrier_t together;
    rates sum = {{0}, {0}, {0}};
    pthread_barrier_init(&together, NULL, (unsigned)count);
    for (int i = 0; i < count; i++) {
        workers[i] = (worker){.together = &together, .core = cores[i]};
        if (pthread_create(&workers[i].thread, NULL, measure, &workers[i]) != 0) {
            fprintf(stderr, "bench_machine: no thread for core %d\n", cores[i]);
            exit(1);
        }
    }
    for (int i = 0; i < count; i++) {
        pthread_join(workers[i].thread, NULL);
        const rates *one = &workers[i].rates;
        for (int wide = 0; wide < 2; wide++)
            sum.multiply_add[wide] += one->multiply_add[wide];
        for (int size = 0; size < SIZES; size++) {
            sum.forward[size] += one->forward[size];
            sum.turning[size] += one->turning[size];
        }
    }
    pthread_barrier_destroy(&together);
    return sum;
}

static void print_json(int count, const rates *sum, double nanoseconds)
{
    printf("{\"threads\": %d, \"fma_gflops\": {\"8\": %.1f, \"16\": %.1f}, \"exchange_ns\": %.0f, \"read\": [", count,
           sum->multiply_add[0], sum->multiply_add[1], nanoseconds);
    for (int size = 0; size < SIZES; size++)
        printf("%s{\"kib\": %zu, \"forward_gbs\": %.1f, \"turning_gbs\": %.1f}", size ? ", " : "", kilobytes[size],
               sum->forward[size], sum->turning[size]);
    printf("]}");
}

static void print_text(int count, const rates *sum, double nanoseconds)
{
    printf("%d thread(s): multiply-adds of 8 floats %.1f GFLOP/s, of 16 %.1f\n", count, sum->multiply_add[0],
           sum->multiply_add[1]);
    if (count > 1)
        printf("    a number to the other core and back: %.0f ns\n", nanoseconds);
    for (int size = 0; size < SIZES; size++)
        printf("    reading %6zu KB a core: %6.1f GB/s, to and fro %6.1f\n", kilobytes[size], sum->forward[size],
               sum->turning[size]);
}

int main(int argc, char **argv)
{
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0,
         only_exchange = argc == 2 && strcmp(argv[1], "--exchange") == 0;
    int cores[MOST_THREADS], count = 0;
    cpu_set_t set;
    if (argc > 2 || (argc == 2 && !json && !only_exchange)) {
        fprintf(stderr, "usage: bench_machine [--json | --exchange]\n");
        return 2;
    }
    if (sched_getaffinity(0, sizeof set, &set) != 0) {
        perror("bench_machine");
        return 1;
    }
    for (int core = CPU_SETSIZE - 1; core >= 0 && count < MOST_THREADS; core--)
        if (CPU_ISSET((size_t)core, &set))
            cores[count++] = core;
    if (only_exchange) {
        printf("%.0f\n", count > 1 ? exchange(cores) : 0.0);
        return 0;
    }
    if (json)
        printf("[");
    for (int threads = 1; threads <= count; threads++) {
        rates sum = measure_together(cores, threads);
        if (json && threads > 1)
            printf(", ");
        (json ? print_json : print_text)(threads, &sum, threads > 1 ? exchange(cores) : 0.0);
    }
    if (json)
        printf("]\n");
    return 0;
}
