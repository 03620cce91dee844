/* ngram_fixture.h: a model of n-grams with a few short texts, trained by AdaGrad. */
#ifndef TEST_SUPPORT_NGRAM_FIXTURE_H
#define TEST_SUPPORT_NGRAM_FIXTURE_H

#include "support/testing.h"

#include "model/ngram_rows.h"
#include "train/trainer.h"

#define NGRAM_TEXTS 12
#define NGRAM_LABELS 3
#define NGRAM_BUCKETS 65536
#define NGRAM_BATCHES 4

extern const char *const ngram_texts[NGRAM_TEXTS];
extern const uint32_t ngram_labels[NGRAM_TEXTS];
extern const char *const ngram_names[NGRAM_LABELS];
/* Adds the texts, labelled as the model's task wants it. */
void ngram_add_texts(tc_examples *examples, const tc_model *model);
/* The features of the first texts and what they are to give, dense over the buckets. */
void ngram_features(const tc_examples *examples, size_t label_count, double x[NGRAM_TEXTS][NGRAM_BUCKETS],
                    float targets[NGRAM_TEXTS][NGRAM_LABELS]);

extern const size_t ngram_batches[NGRAM_BATCHES][4];

typedef struct ngram_fixture {
    tc_config *config;
    tc_model *model;
    tc_examples *examples;
    tc_trainer *trainer;
    size_t labels, columns;
    const tc_allocator *memory; /* may be NULL */
} ngram_fixture;

/* Of `label_count` labels; only f->memory is read. */
void ngram_set_up(ngram_fixture *f, const char *settings, size_t label_count);
void ngram_tear_down(ngram_fixture *f);

const tci_ngram_network *ngram_network_of(const tc_model *model);
float ngram_weight_of(const tc_model *model, uint32_t bucket, size_t column);

/* A step on batch i. */
tc_status ngram_try_step(const ngram_fixture *f, size_t i);

/* The bytes of a checkpoint. */
char *ngram_checkpoint(const ngram_fixture *f, size_t *size);
/* Frees both. */
void ngram_check_same(uint8_t *a, size_t a_size, uint8_t *b, size_t b_size);

#endif
