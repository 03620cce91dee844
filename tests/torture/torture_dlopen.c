/* torture_dlopen.c: loads the library given as argument 200 times, makes a model and predicts on three threads, and
 * lets it go: afterwards nothing of it is mapped, and memory does not grow. Only its own functions know the library: it
 * is not linked. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "textclf/textclf.h"

#define ROUNDS 200

#define FUNCTIONS(X)                                                                                                   \
    X(tc_config_create)                                                                                                \
    X(tc_config_set)                                                                                                   \
    X(tc_config_free)                                                                                                  \
    X(tc_vocab_builder_create)                                                                                         \
    X(tc_vocab_builder_add)                                                                                            \
    X(tc_vocab_builder_free)                                                                                           \
    X(tc_model_create)                                                                                                 \
    X(tc_model_free)                                                                                                   \
    X(tc_predict_batch)                                                                                                \
    X(tc_last_error)

/* The library's functions, by their own types. */
typedef struct functions {
#define MEMBER(name) __typeof__(&name) name;
    FUNCTIONS(MEMBER)
} functions;

static void *find(void *library, const char *name)
{
    void *function = dlsym(library, name);
    if (!function) {
        fprintf(stderr, "no %s\n", name);
        exit(1);
    }
    return function;
}

static void bind(void *library, functions *f)
{
#define BIND(name)                                                                                                     \
    do {                                                                                                               \
        void *function_ = find(library, #name);                                                                        \
        memcpy(&f->name, &function_, sizeof function_);                                                                \
    } while (0);
    FUNCTIONS(BIND)
}

#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "line %d: %s does not hold\n", __LINE__, #condition);                                      \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

static void use(const functions *f)
{
    static const char *const labels[] = {"a", "b"}, *const texts[] = {"good film", "", "bad film"};
    const size_t lengths[] = {9, 0, 8};
    tc_config *config = NULL;
    tc_vocab_builder *words = NULL;
    tc_model *model = NULL;
    float scores[6];
    size_t count = 0;
    MUST(f->tc_config_create(&config) == TC_OK);
    MUST(f->tc_config_set(config, "hidden_dim", "4") == TC_OK && f->tc_config_set(config, "threads", "3") == TC_OK);
    MUST(f->tc_config_set(config, "hidden_dim", "none") == TC_ERROR_OPTION);
    MUST(strstr(f->tc_last_error(), "hidden_dim"));
    MUST(f->tc_vocab_builder_create(config, &words) == TC_OK);
    MUST(f->tc_vocab_builder_add(words, texts[0], lengths[0]) == TC_OK);
    MUST(f->tc_model_create(config, words, labels, 2, &model) == TC_OK);
    MUST(f->tc_predict_batch(model, texts, lengths, 3, 6, scores, &count) == TC_OK && count == 6);
    f->tc_model_free(model);
    f->tc_vocab_builder_free(words);
    f->tc_config_free(config);
}

/* A thread that used the library and lives on when it is gone. */
typedef struct witness {
    pthread_t thread;
    pthread_barrier_t used, gone;
    const functions *f;
} witness;

static void *witness_it(void *argument)
{
    witness *w = argument;
    use(w->f);
    (void)pthread_barrier_wait(&w->used);
    (void)pthread_barrier_wait(&w->gone);
    return NULL;
}

/* Kilobytes resident, and whether the library is mapped. */
static long resident(bool *mapped)
{
    char line[1024];
    long pages = 0, ignored = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    MUST(file && fscanf(file, "%ld %ld", &ignored, &pages) == 2);
    fclose(file);
    *mapped = false;
    file = fopen("/proc/self/maps", "r");
    MUST(file);
    while (fgets(line, sizeof line, file))
        *mapped = *mapped || strstr(line, "libtextclf");
    fclose(file);
    return pages * 4;
}

int main(int argument_count, char **arguments)
{
    long before = 0;
    bool mapped = false;
    MUST(argument_count == 2);
    for (int round = 0; round < ROUNDS; round++) {
        functions f;
        witness w = {.f = &f};
        void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
        if (!library) {
            fprintf(stderr, "%s\n", dlerror());
            return 1;
        }
        bind(library, &f);
        MUST(pthread_barrier_init(&w.used, NULL, 2) == 0 && pthread_barrier_init(&w.gone, NULL, 2) == 0);
        MUST(pthread_create(&w.thread, NULL, witness_it, &w) == 0);
        use(&f);
        (void)pthread_barrier_wait(&w.used);
        MUST(dlclose(library) == 0);
        (void)pthread_barrier_wait(&w.gone);
        MUST(pthread_join(w.thread, NULL) == 0);
        long now = resident(&mapped);
        MUST(!mapped);
        if (round == ROUNDS / 4)
            before = now;
        else if (round == ROUNDS - 1)
            printf("%ld KB resident after %d rounds, %ld after %d\n", before, ROUNDS / 4 + 1, now, ROUNDS);
        MUST(round <= ROUNDS / 4 || now < before + 1024);
    }
    return 0;
}
