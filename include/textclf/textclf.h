/**
 * @file textclf.h
 * @brief Everything of libtextclf: train and run text classifiers inside this process.
 *
 * A whole host:
 *
 * @code
 * tc_config *config = NULL;                         // options; the defaults are Embedding -> LSTM -> Linear
 * tc_config_create(&config);
 *
 * tc_vocab_builder *words = NULL;                   // one pass over the training texts
 * tc_vocab_builder_create(config, &words);
 * for (i = 0; i < n; i++)
 *     tc_vocab_builder_add(words, text[i], strlen(text[i]));
 *
 * const char *labels[] = {"ham", "spam"};
 * tc_model *model = NULL;
 * tc_model_create(config, words, labels, 2, &model);
 *
 * tc_examples *examples = NULL;                     // encoded once, reused every epoch
 * tc_examples_create(model, &examples);
 * for (i = 0; i < n; i++)
 *     tc_examples_add_label(examples, text[i], strlen(text[i]), label[i], 1.0f);
 *
 * tc_trainer *trainer = NULL;
 * tc_trainer_create(model, config, &trainer);
 * tc_step step = TC_STEP_INIT;
 * for (first = 0; first + 32 <= n; first += 32)     // rows: example numbers, in the host's order
 *     tc_train_step(trainer, examples, rows + first, 32, &step);
 *
 * float scores[2];
 * size_t count = 0;
 * tc_predict(model, "win a prize", 11, 2, scores, &count);
 * tc_model_save(model, "spam.safetensors");
 * @endcode
 *
 * Every call answers a ::tc_status; 0 is success and tc_last_error() has the sentence otherwise. Read on in this order:
 * config.h, vocabulary.h, model.h, examples.h, trainer.h, predict.h, evaluate.h; then batcher.h, embed.h, encode.h,
 * allocator.h.
 */
#ifndef TEXTCLF_TEXTCLF_H
#define TEXTCLF_TEXTCLF_H

#include "textclf/allocator.h"
#include "textclf/batcher.h"
#include "textclf/config.h"
#include "textclf/embed.h"
#include "textclf/encode.h"
#include "textclf/evaluate.h"
#include "textclf/examples.h"
#include "textclf/export.h"
#include "textclf/model.h"
#include "textclf/predict.h"
#include "textclf/status.h"
#include "textclf/trainer.h"
#include "textclf/version.h"
#include "textclf/vocabulary.h"

#endif
