/* tiny_model.h: a model of a few numbers, the bytes of its file, and ways to damage them. */
#ifndef TEST_SUPPORT_TINY_MODEL_H
#define TEST_SUPPORT_TINY_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "model/classifier.h"

/* 6 words, 2 labels, embedding 3, hidden 2, with what `settings` (key, value, ..., NULL; or NULL) change. Random
 * weights. */
tc_status test_tiny_create(const tc_allocator *host, const tci_file_operations *files, const char *const *settings,
                           tc_model **model);
/* As above, which must work. */
tc_model *test_tiny_model(const char *const *settings);

/* What a model of n-grams is built of that knows no word: resolved options, and a pipeline of them. */
void test_ngram_parts(const char *task, const char *buckets, tci_options *options, tci_pipeline **pipeline);

/* The file of a model, in a malloc()ed block of exactly its size. */
uint8_t *test_model_bytes(const tc_model *model, size_t *size);

/* Puts the right checksum into bytes that are long enough for one. */
void test_reseal(uint8_t *bytes, size_t size);

/* A copy of the file in which the first `find` of the header is `replace` instead, with the right length and
 * checksum. */
uint8_t *test_edit_header(const uint8_t *bytes, size_t size, const char *find, const char *replace, size_t *new_size);

/* Loads with default options. */
tc_status test_read(const uint8_t *bytes, size_t size, const tc_allocator *host, tc_model **model);

/* Predicts 20 texts: TC_OK when every score is finite. Another status is the library's own error. */
tc_status test_predict_20(const tc_model *model);

#endif
