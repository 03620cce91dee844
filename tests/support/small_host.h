/* small_host.h: what a host does with the public header, in small: options from one line, a model with a vocabulary of
 * stories, examples, the training loop, the bytes of a file. Calls answer the library's status and hold nothing when
 * they fail, so that tests of failing resources use them too. */
#ifndef TEST_SUPPORT_SMALL_HOST_H
#define TEST_SUPPORT_SMALL_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "textclf/textclf.h"

/* A config with "key=value key=value ..." set on top of a small network (embedding 12, hidden 20), or, with
 * arch=ngram, of the defaults. allocator may be NULL. */
tc_status host_config(const tc_allocator *allocator, const char *settings, tc_config **config);
/* More of the same; settings may be NULL. */
tc_status host_set(tc_config *config, const char *settings);

/* A model whose vocabulary is that of stories 0 to texts - 1. */
tc_status host_model(const tc_config *config, size_t texts, tc_model **model);

/* Stories first to first + count - 1 as examples, labelled as the model's task wants it. */
tc_status host_examples(const tc_model *model, size_t first, size_t count, tc_examples **examples);

/* Everything of one training, in the order in which it is made. */
typedef struct host {
    tc_config *config;
    tc_model *model;
    tc_examples *examples;
    tc_trainer *trainer;
    tc_batcher *batcher;
    tc_epoch epoch; /* the latest */
    bool over;
} host;

/* From options to a batcher over `texts` stories. */
tc_status host_begin(host *h, const tc_allocator *allocator, const char *settings, size_t texts);
/* The same from a checkpoint. */
tc_status host_resume(host *h, const tc_allocator *allocator, const char *settings, const char *path, size_t texts);
/* A batch, or the end of an epoch; h->over after the last. */
tc_status host_advance(host *h);
/* Advances to the end and puts the best weights back. */
tc_status host_finish(host *h);
void host_end(host *h);

/* All epochs of `config` over these examples, and the best weights put back; config and validation may be NULL. Fails
 * the test when the library fails. */
void host_teach(tc_model *model, const tc_config *config, tc_examples *examples, const tc_examples *validation);

/* The model's file in a malloc()ed block. Fails the test when the library fails. */
uint8_t *host_bytes(const tc_model *model, size_t *size);

/* A whole training; the bytes of its model. Fails the test when the library fails. */
uint8_t *host_train(const char *settings, size_t texts, size_t *size);

#endif
