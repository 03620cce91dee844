/* ngram_fixture.c: see ngram_fixture.h. */
#include "support/ngram_fixture.h"

#include <math.h>

#include "api/handles.h"
#include "support/small_host.h"

const char *const ngram_texts[NGRAM_TEXTS] = {
    "good film",       "a good plot",    "good good music",    "bad film",    "a dull plot", "bad bad acting",
    "a film of music", "long long film", "the plot of a plot", "dull, bad!!", "fine music",  ""};
const uint32_t ngram_labels[NGRAM_TEXTS] = {0, 0, 0, 1, 1, 1, 2, 2, 2, 1, 0, 2};
const char *const ngram_names[NGRAM_LABELS] = {"a", "b", "c"};

const size_t ngram_batches[NGRAM_BATCHES][4] = {{0, 3, 6, 11}, {1, 4, 4, 7}, {2, 5, 8, 0}, {9, 10, 3, 3}};

void ngram_add_texts(tc_examples *examples, const tc_model *model)
{
    size_t count = model->label_count;
    for (size_t i = 0; i < NGRAM_TEXTS; i++) {
        uint32_t label = ngram_labels[i] % (uint32_t)count;
        const uint32_t two[2] = {label, (label + 1) % (uint32_t)count};
        const float values[NGRAM_LABELS] = {(float)label, (float)i / 4, -1.0f};
        tci_truth truth = {two, NULL, 1};
        if (model->options.task == TCI_TASK_MULTILABEL)
            truth.count = i % 3;
        if (model->options.task == TCI_TASK_REGRESS)
            truth = (tci_truth){NULL, values, count};
        assert_ok(tci_examples_add(examples, ngram_texts[i], strlen(ngram_texts[i]), &truth, i == 4 ? 0.5f : 1.0f));
    }
}

void ngram_features(const tc_examples *examples, size_t label_count, double x[NGRAM_TEXTS][NGRAM_BUCKETS],
                    float targets[NGRAM_TEXTS][NGRAM_LABELS])
{
    memset(x, 0, NGRAM_TEXTS * sizeof x[0]);
    for (size_t i = 0; i < NGRAM_TEXTS; i++) {
        tci_row row = tci_examples_row(examples, i);
        double squares = 0;
        for (size_t k = 0; k < row.length; k++) {
            double amount = (TCI_FEATURE_IS_LIGHT(row.ids[k]) ? 0.5 : 1) * (1 + log(row.counts[k]));
            assert_true(x[i][TCI_FEATURE_BUCKET(row.ids[k])] == 0); /* no two features of these texts meet */
            x[i][TCI_FEATURE_BUCKET(row.ids[k])] = amount;
            squares += amount * amount;
        }
        for (size_t b = 0; b < NGRAM_BUCKETS; b++)
            x[i][b] /= squares > 0 ? sqrt(squares) : 1;
        tci_examples_targets(examples, i, label_count, targets[i]);
    }
}

void ngram_set_up(ngram_fixture *f, const char *settings, size_t label_count)
{
    tc_vocab_builder *words = NULL;
    char all[256];
    (void)snprintf(all, sizeof all, "arch=ngram optimizer=adagrad buckets=65536 %s", settings);
    f->labels = label_count;
    assert_ok(host_config(f->memory, all, &f->config));
    assert_ok(tc_vocab_builder_create(f->config, &words));
    assert_ok(tc_model_create(f->config, words, ngram_names, label_count, &f->model));
    tc_vocab_builder_free(words);
    assert_ok(tci_examples_create(f->model, &f->examples));
    ngram_add_texts(f->examples, f->model);
    assert_ok(tc_trainer_create(f->model, f->config, &f->trainer));
    f->columns = ((tci_ngram_network *)f->model->network)->columns;
}

void ngram_tear_down(ngram_fixture *f)
{
    tc_trainer_free(f->trainer);
    tc_examples_free(f->examples);
    tc_model_free(f->model);
    tc_config_free(f->config);
}

const tci_ngram_network *ngram_network_of(const tc_model *model)
{
    return (const tci_ngram_network *)model->network;
}

float ngram_weight_of(const tc_model *model, uint32_t bucket, size_t column)
{
    const tci_ngram_network *network = ngram_network_of(model);
    uint32_t row = tci_ngram_row(network, bucket);
    return row == TCI_INDEX_SET_NONE
               ? 0
               : tci_parameters_read(&network->base.parameters, TCI_NGRAM_WEIGHT)[row * network->columns + column];
}

tc_status ngram_try_step(const ngram_fixture *f, size_t i)
{
    return tc_train_step(f->trainer, f->examples, ngram_batches[i], 4, NULL);
}

char *ngram_checkpoint(const ngram_fixture *f, size_t *size)
{
    test_folder folder;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "checkpoint");
    assert_ok(tc_trainer_save(f->trainer, path));
    char *bytes = test_read_file(path, size);
    test_folder_remove(&folder);
    return bytes;
}

void ngram_check_same(uint8_t *a, size_t a_size, uint8_t *b, size_t b_size)
{
    assert_int_equal(a_size, b_size);
    assert_memory_equal(a, b, a_size);
    free(a);
    free(b);
}
