/* torture_host.c: a host to be compiled in other ways, killed, starved of memory and preloaded into. The scripts beside
 * it run it as torture_host train SETTINGS TEXTS MODEL              trains, saves, prints the bits of some scores
 *     torture_host resume SETTINGS TEXTS CHECKPOINT MODEL  the same, from the checkpoint where there is one, which it
 *                                                          renews after each step
 *     torture_host save MODEL MODEL PATH                   saves the one and the other to PATH until it is killed
 *     torture_host predict MODEL TEXT                      prints the bits of the scores
 *     torture_host all FOLDER                              every kind of call; a failing one is named and passed over
 */
#include "support/testing.h"

#include <unistd.h>

#include "support/small_host.h"
#include "support/story.h"

static int failed(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, tc_last_error());
    return 1;
}

static int print_scores(const tc_model *model, const char *text)
{
    float scores[STORY_LABELS];
    size_t count = 0;
    if (tc_predict(model, text, strlen(text), STORY_LABELS, scores, &count) != TC_OK)
        return failed("predict");
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = 0;
        memcpy(&bits, &scores[i], sizeof bits);
        printf("%08x%c", (unsigned)bits, i + 1 < count ? ' ' : '\n');
    }
    return 0;
}

static int train(const char *settings, size_t texts, const char *path)
{
    host h;
    char text[STORY_SIZE];
    if (host_begin(&h, NULL, settings, texts) != TC_OK || host_finish(&h) != TC_OK ||
        tc_model_save(h.model, path) != TC_OK)
        return failed("train");
    int result = 0;
    for (uint32_t i = 0; result == 0 && i < 20; i++) {
        (void)story_write(1000 + i, text, NULL);
        result = print_scores(h.model, text);
    }
    host_end(&h);
    return result;
}

static int resume(const char *settings, size_t texts, const char *checkpoint, const char *path)
{
    host h;
    tc_status status = access(checkpoint, F_OK) == 0 ? host_resume(&h, NULL, settings, checkpoint, texts)
                                                     : host_begin(&h, NULL, settings, texts);
    if (status != TC_OK)
        return failed("resume");
    while (status == TC_OK && !h.over) {
        status = host_advance(&h);
        if (status == TC_OK) {
            status = tc_trainer_save(h.trainer, checkpoint);
            if (status == TC_ERROR_STATE) /* between a backward and its apply */
                status = TC_OK;
        } else if (status == TC_ERROR_STATE) { /* killed after the last checkpoint, before the model was written */
            h.over = true;
            status = TC_OK;
        }
    }
    if (status != TC_OK || tc_batcher_restore_best(h.batcher) != TC_OK || tc_model_save(h.model, path) != TC_OK)
        return failed("resume");
    host_end(&h);
    return 0;
}

static int save(const char *first, const char *second, const char *path)
{
    tc_model *models[2] = {NULL, NULL};
    if (tc_model_load(first, &models[0]) != TC_OK || tc_model_load(second, &models[1]) != TC_OK)
        return failed("load");
    printf("ready\n");
    fflush(stdout);
    for (size_t i = 0;; i++) {
        if (tc_model_save(models[i % 2], path) != TC_OK)
            return failed("save");
    }
}

static int predict(const char *path, const char *text)
{
    tc_model *model = NULL;
    if (tc_model_load(path, &model) != TC_OK)
        return failed("load");
    int result = print_scores(model, text);
    tc_model_free(model);
    return result;
}

/* What a call answered; only TC_ERROR_MEMORY may stand for a lack of memory. */
static bool went_well(const char *what, tc_status status, int *wrong)
{
    if (status == TC_OK)
        return true;
    if (status != TC_ERROR_MEMORY) {
        fprintf(stderr, "%s: status %d: %s\n", what, (int)status, tc_last_error());
        *wrong = 1;
    }
    return false;
}

static void use_model(tc_model *model, const char *folder, int *wrong)
{
    char path[512], text[64] = "a good film";
    float scores[2 * STORY_LABELS];
    const char *const texts[2] = {text, "the plot was dull"};
    const size_t lengths[2] = {11, 17};
    size_t count = 0;
    tc_model *other = NULL;
    tc_scratch *scratch = NULL;
    uint32_t ids[64];
    (void)snprintf(path, sizeof path, "%s/model", folder);
    (void)went_well("predict", tc_predict(model, text, 11, STORY_LABELS, scores, &count), wrong);
    (void)went_well("predict many", tc_predict_batch(model, texts, lengths, 2, 2 * STORY_LABELS, scores, &count),
                    wrong);
    (void)went_well("encode", tc_encode(model, text, 11, 64, ids, NULL, &count), wrong);
    if (went_well("scratch", tc_scratch_create(model, &scratch), wrong))
        (void)went_well("predict with", tc_predict_with(model, scratch, text, 11, 3, scores, &count, NULL), wrong);
    tc_scratch_free(scratch);
    if (went_well("clone", tc_model_clone(model, &other), wrong))
        tc_model_free(other);
    other = NULL;
    if (went_well("save", tc_model_save(model, path), wrong) && went_well("load", tc_model_load(path, &other), wrong)) {
        (void)went_well("weights", tc_model_load_weights(other, path), wrong);
        tc_model_free(other);
    }
}

static int do_all(const char *folder)
{
    host h = {.epoch = TC_EPOCH_INIT};
    char path[512];
    int wrong = 0;
    tc_evaluation evaluation = TC_EVALUATION_INIT;
    (void)snprintf(path, sizeof path, "%s/checkpoint", folder);
    const char *settings =
        "epochs=1 batch_size=8 validation_split=0.3 threads=2 num_layers=2 bidirectional=true dropout=0.1";
    if (went_well("begin", host_begin(&h, NULL, settings, 30), &wrong)) {
        for (int i = 0; i < 20 && !h.over; i++)
            (void)went_well("train", host_advance(&h), &wrong);
        (void)went_well("checkpoint", tc_trainer_save(h.trainer, path), &wrong);
        (void)went_well("evaluate", tc_evaluate(h.model, h.examples, NULL, 30, &evaluation), &wrong);
        use_model(h.model, folder, &wrong);
    }
    host_end(&h);
    if (access(path, F_OK) == 0 && went_well("resume", host_resume(&h, NULL, "threads=2", path, 30), &wrong))
        host_end(&h);
    return wrong;
}

int main(int count, char **words)
{
    const char *what = count > 1 ? words[1] : "";
    if (strcmp(what, "train") == 0 && count == 5)
        return train(words[2], (size_t)atoi(words[3]), words[4]);
    if (strcmp(what, "resume") == 0 && count == 6)
        return resume(words[2], (size_t)atoi(words[3]), words[4], words[5]);
    if (strcmp(what, "save") == 0 && count == 5)
        return save(words[2], words[3], words[4]);
    if (strcmp(what, "predict") == 0 && count == 4)
        return predict(words[2], words[3]);
    if (strcmp(what, "all") == 0 && count == 3)
        return do_all(words[2]);
    fprintf(stderr, "usage: see the head of torture_host.c\n");
    return 2;
}
