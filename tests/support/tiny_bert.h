/* tiny_bert.h: golden/tiny_bert, a Hugging Face folder of a few weights, and what transformers computed with it; copies
 * of it that a test may change. */
#ifndef TEST_SUPPORT_TINY_BERT_H
#define TEST_SUPPORT_TINY_BERT_H

#include "support/testing.h"
#include "textclf/textclf.h"

/* A file of the folder, or the folder with ""; until the next call. */
const char *tiny_bert_path(const char *name);

void tiny_bert_copy(test_folder *folder);
void tiny_bert_remove(test_folder *folder);
void tiny_bert_write(test_folder *folder, const char *file, const char *text);
/* The file's text with one part of it replaced. */
void tiny_bert_edit(test_folder *folder, const char *file, const char *old, const char *now);
/* The same in a file that is no text; both parts are of one length. */
void tiny_bert_overwrite(test_folder *folder, const char *file, const char *old, const char *now);

void tiny_bert_logits(const tc_model *model, const char *text, size_t count, float *logits);

/* Each text of the golden file: its logits to 1e-5. `order`: which of the file's labels each of the model's is. */
void tiny_bert_assert(const tc_model *model, const size_t order[3]);
extern const size_t tiny_bert_order[3]; /* that of the file */

/* Options of "key=value key=value". */
tc_config *tiny_bert_config(const char *settings);

/* tc_model_create_pretrained() with "key=value key=value". */
tc_status tiny_bert_create(const char *folder, const char *settings, const char *const *labels, size_t count,
                           tc_model **model);

#endif
