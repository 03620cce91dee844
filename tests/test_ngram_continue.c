/* labels: quick
 * Training goes on from the weights of a model: features that it does not know are added, what it has learned is what
 * it begins with, and its calibration stays where the texts are no news to it. */
#include "support/testing.h"

#include "model/classifier.h"
#include "model/ngram_network.h"
#include "support/small_host.h"
#include "support/story.h"

#define SETTINGS "arch=ngram buckets=65536 epochs=3 batch_size=16 "
#define TEXTS 60

static const tci_ngram_network *network_of(const tc_model *model)
{
    return (const tci_ngram_network *)model->network;
}

static void read_calibration(const tc_model *model, float calibration[2])
{
    memcpy(calibration, tci_parameters_read(&model->network->parameters, TCI_NGRAM_CALIBRATION),
           2 * sizeof *calibration);
}

/* A trained host whose trainer and batcher are gone. */
static void learn(host *h, const char *settings)
{
    assert_ok(host_begin(h, NULL, settings, TEXTS));
    assert_ok(host_finish(h));
    tc_batcher_free(h->batcher);
    tc_trainer_free(h->trainer);
    h->batcher = NULL;
    h->trainer = NULL;
    h->over = false;
}

/* A trainer and batcher over these stories, on the model as it is. */
static void begin_again(host *h, size_t first, size_t count)
{
    tc_examples_free(h->examples);
    assert_ok(host_examples(h->model, first, count, &h->examples));
    assert_ok(tc_trainer_create(h->model, h->config, &h->trainer));
    assert_ok(tc_batcher_create(h->trainer, h->examples, NULL, &h->batcher));
}

static void scores_of(const tc_model *model, float scores[8][STORY_LABELS])
{
    for (uint32_t i = 0; i < 8; i++) {
        char text[12 * STORY_WORDS + 1];
        size_t count = 0, length = story_write_words(i, STORY_WORDS, text, sizeof text);
        assert_ok(tc_predict(model, text, length, STORY_LABELS, scores[i], &count));
    }
}

static void features_are_added_and_weights_kept(void **state)
{
    host h;
    float before[8][STORY_LABELS], after[8][STORY_LABELS], taught[8][STORY_LABELS];
    (void)state;
    learn(&h, SETTINGS);
    size_t known = network_of(h.model)->set.count;
    scores_of(h.model, before);
    begin_again(&h, TEXTS, TEXTS);
    assert_true(network_of(h.model)->set.count > known);
    scores_of(h.model, after);
    assert_memory_equal(before, after, sizeof before);
    assert_ok(host_advance(&h));
    scores_of(h.model, taught);
    for (size_t i = 0; i < 8; i++) {
        for (size_t c = 0; c < STORY_LABELS; c++)
            assert_close(taught[i][c], before[i][c], 0.45); /* not begun afresh */
    }
    assert_ok(host_finish(&h));
    host_end(&h);
}

/* Texts that have no word in common, with labels that nothing tells: what a model knows of them it has by heart. */
static void make_riddles(host *h, const char *settings)
{
    *h = (host){.epoch = TC_EPOCH_INIT};
    assert_ok(host_config(NULL, settings, &h->config));
    assert_ok(host_model(h->config, TEXTS, &h->model));
    assert_ok(tc_examples_create(h->model, &h->examples));
    for (uint32_t i = 0; i < TEXTS; i++) {
        char text[64];
        const uint32_t label = i * i * 7 % 5 % STORY_LABELS;
        int length = snprintf(text, sizeof text, "%c%u %c%u", 'a' + i % 26, i * 7919, 'A' + i % 25, i * 104729);
        assert_ok(tc_examples_add_labels(h->examples, text, (size_t)length, &label, 1, 1.0f));
    }
}

static void train_over(host *h)
{
    h->over = false;
    assert_ok(tc_trainer_create(h->model, h->config, &h->trainer));
    assert_ok(tc_batcher_create(h->trainer, h->examples, NULL, &h->batcher));
    assert_ok(host_finish(h));
    tc_batcher_free(h->batcher);
    tc_trainer_free(h->trainer);
    h->batcher = NULL;
    h->trainer = NULL;
}

static void known_texts_leave_the_calibration(void **state)
{
    static const char *const settings[] = {SETTINGS "max_char_ngram=0 min_char_ngram=0",
                                           SETTINGS "max_char_ngram=0 min_char_ngram=0 task=multilabel"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        host h;
        float before[2], after[2];
        make_riddles(&h, settings[i]);
        train_over(&h);
        read_calibration(h.model, before);
        assert_true(before[0] != 1.0f);
        train_over(&h);
        read_calibration(h.model, after);
        assert_memory_equal(before, after, sizeof before);
        host_end(&h);
    }
}

/* A model that was only counted for has no weights that know anything. */
static void texts_are_news_to_weights_of_zero(void **state)
{
    host h;
    float calibration[2];
    (void)state;
    assert_ok(host_begin(&h, NULL, SETTINGS, TEXTS));
    tc_batcher_free(h.batcher);
    tc_trainer_free(h.trainer);
    h.batcher = NULL;
    h.trainer = NULL;
    begin_again(&h, 0, TEXTS);
    assert_ok(host_finish(&h));
    read_calibration(h.model, calibration);
    assert_true(calibration[0] != 1.0f);
    host_end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features_are_added_and_weights_kept),
        cmocka_unit_test(known_texts_leave_the_calibration),
        cmocka_unit_test(texts_are_news_to_weights_of_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
