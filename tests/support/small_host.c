/* small_host.c: the loop of small_host.h through the public header alone. */
#include "support/testing.h"

#include "support/small_host.h"
#include "support/story.h"

/* The status, unless it is 0: for functions that have nothing to release. */
#define RETURN_IF(call)                                                                                                \
    do {                                                                                                               \
        tc_status status_ = (call);                                                                                    \
        if (status_ != TC_OK)                                                                                          \
            return status_;                                                                                            \
    } while (0)

tc_status host_set(tc_config *config, const char *settings)
{
    char copy[1024];
    (void)snprintf(copy, sizeof copy, "%s", settings ? settings : "");
    for (char *rest = copy, *pair; (pair = strtok_r(rest, " ", &rest)) != NULL;) {
        char *value = strchr(pair, '=');
        assert_non_null(value);
        *value = '\0';
        RETURN_IF(tc_config_set(config, pair, value + 1));
    }
    return TC_OK;
}

tc_status host_config(const tc_allocator *allocator, const char *settings, tc_config **config)
{
    RETURN_IF(allocator ? tc_config_create_with(allocator, config) : tc_config_create(config));
    bool lstm = !settings || !strstr(settings, "arch=");
    tc_status status = !lstm ? TC_OK : host_set(*config, "embedding_dim=12 hidden_dim=20");
    if (status == TC_OK)
        status = host_set(*config, settings);
    if (status != TC_OK) {
        tc_config_free(*config);
        *config = NULL;
    }
    return status;
}

tc_status host_model(const tc_config *config, size_t texts, tc_model **model)
{
    tc_vocab_builder *words = NULL;
    char text[STORY_SIZE];
    size_t length = 0;
    *model = NULL;
    tc_status status = tc_vocab_builder_create(config, &words);
    for (size_t i = 0; status == TC_OK && i < texts; i++) {
        (void)story_write((uint32_t)i, text, &length);
        status = tc_vocab_builder_add(words, text, length);
    }
    if (status == TC_OK)
        status = tc_model_create(config, words, story_labels, STORY_LABELS, model);
    tc_vocab_builder_free(words);
    return status;
}

static tc_status add_story(tc_examples *examples, char task, uint32_t number)
{
    char text[STORY_SIZE];
    size_t length = 0;
    uint32_t label = story_write(number, text, &length);
    float weight = number % 7 == 0 ? 0.5f : 1.0f;
    if (task == 'c')
        return tc_examples_add_label(examples, text, length, label, weight);
    if (task == 'm') {
        const uint32_t labels[2] = {label, (label + 1) % STORY_LABELS};
        return tc_examples_add_labels(examples, text, length, labels, number % 3, weight);
    }
    const float targets[STORY_LABELS] = {(float)label - 1.0f, (float)length / 64.0f, (float)(number % 5)};
    return tc_examples_add_targets(examples, text, length, targets, STORY_LABELS, weight);
}

tc_status host_examples(const tc_model *model, size_t first, size_t count, tc_examples **examples)
{
    char task[32];
    size_t length = 0;
    *examples = NULL;
    RETURN_IF(tc_model_option(model, "task", sizeof task, task, &length));
    RETURN_IF(tc_examples_create(model, examples));
    tc_status status = TC_OK;
    for (size_t i = first; status == TC_OK && i < first + count; i++)
        status = add_story(*examples, task[0], (uint32_t)i);
    if (status != TC_OK) {
        tc_examples_free(*examples);
        *examples = NULL;
    }
    return status;
}

tc_status host_begin(host *h, const tc_allocator *allocator, const char *settings, size_t texts)
{
    *h = (host){.epoch = TC_EPOCH_INIT};
    tc_status status = host_config(allocator, settings, &h->config);
    if (status == TC_OK)
        status = host_model(h->config, texts, &h->model);
    if (status == TC_OK)
        status = host_examples(h->model, 0, texts, &h->examples);
    if (status == TC_OK)
        status = tc_trainer_create(h->model, h->config, &h->trainer);
    if (status == TC_OK)
        status = tc_batcher_create(h->trainer, h->examples, NULL, &h->batcher);
    if (status != TC_OK)
        host_end(h);
    return status;
}

tc_status host_resume(host *h, const tc_allocator *allocator, const char *settings, const char *path, size_t texts)
{
    *h = (host){.epoch = TC_EPOCH_INIT};
    tc_status status = allocator ? tc_config_create_with(allocator, &h->config) : tc_config_create(&h->config);
    if (status == TC_OK)
        status = host_set(h->config, settings);
    if (status == TC_OK)
        status = tc_trainer_load(path, h->config, &h->model, &h->trainer);
    if (status == TC_OK)
        status = host_examples(h->model, 0, texts, &h->examples);
    if (status == TC_OK)
        status = tc_batcher_create(h->trainer, h->examples, NULL, &h->batcher);
    if (status != TC_OK)
        host_end(h);
    return status;
}

tc_status host_advance(host *h)
{
    tc_batch batch = TC_BATCH_INIT;
    RETURN_IF(tc_batcher_next(h->batcher, &batch));
    if (batch.row_count > 0)
        return tc_train_step(h->trainer, h->examples, batch.rows, batch.row_count, NULL);
    RETURN_IF(tc_batcher_finish_epoch(h->batcher, &h->epoch));
    h->over = h->epoch.finished != 0;
    return TC_OK;
}

tc_status host_finish(host *h)
{
    while (!h->over)
        RETURN_IF(host_advance(h));
    return tc_batcher_restore_best(h->batcher);
}

void host_end(host *h)
{
    tc_batcher_free(h->batcher);
    tc_trainer_free(h->trainer);
    tc_examples_free(h->examples);
    tc_model_free(h->model);
    tc_config_free(h->config);
    *h = (host){.epoch = TC_EPOCH_INIT};
}

void host_teach(tc_model *model, const tc_config *config, tc_examples *examples, const tc_examples *validation)
{
    host h = {.examples = examples, .epoch = TC_EPOCH_INIT};
    assert_ok(tc_trainer_create(model, config, &h.trainer));
    assert_ok(tc_batcher_create(h.trainer, examples, validation, &h.batcher));
    assert_ok(host_finish(&h));
    h.examples = NULL; /* the caller's */
    host_end(&h);
}

uint8_t *host_bytes(const tc_model *model, size_t *size)
{
    assert_int_equal(tc_model_save_memory(model, 0, NULL, size), TC_ERROR_CAPACITY);
    uint8_t *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_ok(tc_model_save_memory(model, *size, bytes, size));
    return bytes;
}

uint8_t *host_train(const char *settings, size_t texts, size_t *size)
{
    host h;
    assert_ok(host_begin(&h, NULL, settings, texts));
    assert_ok(host_finish(&h));
    uint8_t *bytes = host_bytes(h.model, size);
    host_end(&h);
    return bytes;
}
