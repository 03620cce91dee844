/* memory_cap.c: the host's own allocator, which counts what the library holds and refuses above a cap.
 *
 *     memory_cap MODEL
 *
 * The allocator given to a config is inherited by everything made from it. A refusal comes back as a status; the host
 * goes on. (For a plain limit per object the option max_memory is enough.) */
#include <stdatomic.h>

#include "support.h"

typedef struct budget {
    size_t cap;
    atomic_size_t used;
} budget;

/* Each block carries its size in front, so that free knows it. */
typedef union header {
    size_t size;
    max_align_t alignment;
} header;

static void *take(void *ctx, size_t size)
{
    budget *account = ctx;
    if (atomic_fetch_add(&account->used, size) + size > account->cap) {
        atomic_fetch_sub(&account->used, size);
        return NULL;
    }
    header *block = malloc(sizeof *block + size);
    if (!block) {
        atomic_fetch_sub(&account->used, size);
        return NULL;
    }
    block->size = size;
    return block + 1;
}

static void give_back(void *ctx, void *pointer)
{
    header *block = (header *)pointer - 1;
    atomic_fetch_sub(&((budget *)ctx)->used, block->size);
    free(block);
}

static void *resize(void *ctx, void *pointer, size_t old_size, size_t new_size)
{
    void *block = take(ctx, new_size);
    if (!block)
        return NULL;
    memcpy(block, pointer, old_size < new_size ? old_size : new_size);
    give_back(ctx, pointer);
    return block;
}

/* Loads the model and predicts once under a cap; returns the status of what failed first. */
static tc_status predict_under(const char *path, size_t cap, size_t *held)
{
    budget account = {.cap = cap};
    const tc_allocator allocator = {take, resize, give_back, &account};
    static const char text[] = "The two companies signed the merger on Tuesday.";
    tc_config *config = NULL;
    tc_model *model = NULL;
    float scores[64];
    size_t count = 0;
    tc_status status = tc_config_create_with(&allocator, &config);
    if (status == TC_OK)
        status = tc_model_load_with(path, config, 0, &model);
    if (status == TC_OK)
        status = tc_predict(model, text, sizeof text - 1, 64, scores, &count);
    *held = atomic_load(&account.used);
    tc_model_free(model);
    tc_config_free(config);
    if (atomic_load(&account.used) != 0) {
        fprintf(stderr, "%zu bytes were not given back\n", atomic_load(&account.used));
        exit(1);
    }
    return status;
}

int main(int argc, char **argv)
{
    size_t held = 0;
    if (argc != 2) {
        fprintf(stderr, "usage: memory_cap MODEL\n");
        return 2;
    }
    check(predict_under(argv[1], (size_t)1 << 30, &held));
    printf("with 1 GiB allowed: loaded and predicted, %zu KiB held\n", held / 1024);
    tc_status status = predict_under(argv[1], held / 2, &held);
    printf("with half of that: %s (%s)\n", tc_status_text(status), tc_last_error());
    return status == TC_ERROR_MEMORY ? 0 : 1;
}
