/**
 * @file model.h
 * @brief A model: text pipeline, network and labels in one object; creating, loading, saving, copying it.
 */
#ifndef TEXTCLF_MODEL_H
#define TEXTCLF_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "textclf/config.h"
#include "textclf/export.h"
#include "textclf/status.h"
#include "textclf/vocabulary.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A text classifier. Thread rule: any number of threads may predict, encode, evaluate and save at once; while a trainer
 * holds the model, only the trainer's thread may use it, and only between steps (other threads use a clone).
 */
typedef struct tc_model tc_model;

/**
 * A new model with random weights; with option `pretrained_vectors` its words begin with the vectors of that file, as
 * in tc_model_load_vectors(), whose errors it can then answer, and `embedding_dim` is theirs where it was not set.
 *
 * @param config      options; copied.
 * @param words       vocabulary; copied. Its text options must be those of `config`.
 * @param labels      `label_count` NUL-terminated labels (target names with task regress): non-empty UTF-8 without TAB,
 *                    CR, LF, and without comma with task multilabel; all different. Scores come in this order.
 * Errors: #TC_ERROR_ARGUMENT, #TC_ERROR_MISMATCH, #TC_ERROR_UNSUPPORTED (max_isa; weights other than f32 and
 * max_features, which are tc_model_convert()'s), #TC_ERROR_LIMIT, #TC_ERROR_MEMORY.
 */
TC_EXPORT tc_status tc_model_create(const tc_config *config, const tc_vocab_builder *words, const char *const *labels,
                                    size_t label_count, tc_model **model);

/**
 * A model for training that begins with the weights of a Hugging Face folder: config.json of model type bert, roberta,
 * xlm-roberta, distilbert or gpt2, model.safetensors (F32, F16, BF16 or F64; also in shards), tokenizer.json, vocab.txt
 * or vocab.json with merges.txt, and of sentence-transformers modules.json. Weights that the head lacks are random, by
 * option `seed`; tc_model_info() then has "untrained_head".
 *
 * @param config      options; copied. Of class model those that are set must be the folder's, but for `task`,
 *                    `max_length` (by default, and at most, the positions of the checkpoint), `truncate`,
 *                    `window_overlap`, `pooling`, `pooler`, the dropouts and `threshold`. With another pooling than the
 *                    folder's the head is a new one, without pooler.
 * @param folder      its path. With option `adapter`, the path of a folder of PEFT's, its adapters stand beside these
 *                    weights (`lora_rank` and what goes with it are then theirs), and its head, if it has one, is the
 *                    model's. The path of a base that such a folder names is not followed.
 * @param labels      as in tc_model_create(). Where they are those of the folder's id2label, in whatever order, or as
 *                    many as its labels without names, its head is kept; else the output layer is a new one. NULL (and
 *                    label_count 0): the folder's.
 * @param flags       0, or #TC_LOAD_MAPPED: F32 weights are read from the mapped files and stand still; adapters beside
 *                    them (`lora_rank`) and a new head can be trained.
 * Errors: #TC_ERROR_ARGUMENT, #TC_ERROR_MISMATCH (an option that is not the folder's), and those of tc_model_load().
 */
TC_EXPORT tc_status tc_model_create_pretrained(const tc_config *config, const char *folder, const char *const *labels,
                                               size_t label_count, int32_t flags, tc_model **model);

/** Loads a model file: the library's own, a supervised model of fastText (.bin, .ftz; docs/fasttext.md), or a Hugging
 * Face folder, as tc_model_create_pretrained() reads it, with its own labels. Knows it by content.
 * Errors: #TC_ERROR_IO, #TC_ERROR_FORMAT, #TC_ERROR_CHECKSUM, #TC_ERROR_VERSION, #TC_ERROR_NUMERIC (weights that are
 * not finite), #TC_ERROR_LIMIT, #TC_ERROR_MEMORY, #TC_ERROR_UNSUPPORTED. */
TC_EXPORT tc_status tc_model_load(const char *path, tc_model **model);

/** Keep the file mapped: the embedding, which is most of a model, is read from the map, and processes share its pages.
 * The model is read-only: it predicts, and can be saved and cloned, but not be trained (#TC_ERROR_STATE).
 * A file that is cut short under the map ends the process with a bus error: only for files that nobody writes to in
 * place (saves by this library replace a file, they never write into it). */
#define TC_LOAD_MAPPED 1

/**
 * As tc_model_load(), with the allocator and the run options (limits, threads, max_isa) of a config.
 *
 * @param config may be NULL: defaults. Its options of other classes are ignored.
 * @param flags  0 or #TC_LOAD_MAPPED.
 */
TC_EXPORT tc_status tc_model_load_with(const char *path, const tc_config *config, int32_t flags, tc_model **model);

/** As tc_model_load(), from `size` bytes in memory, which are copied; config may be NULL. */
TC_EXPORT tc_status tc_model_load_memory(const void *bytes, size_t size, const tc_config *config, tc_model **model);

/**
 * Fills the model's parameters by name from any safetensors file (F32, F16, BF16 or F64 tensors), for example one that
 * PyTorch wrote. Every tensor of the model must be there in its shape; other tensors are ignored. On failure the model
 * is as before. Thread rule: no other thread may use the model meanwhile.
 *
 * Errors: as tc_model_load(), #TC_ERROR_MISMATCH, #TC_ERROR_BUSY while a trainer holds the model, #TC_ERROR_STATE for a
 * mapped model, #TC_ERROR_UNSUPPORTED for one whose weights are not f32.
 */
TC_EXPORT tc_status tc_model_load_weights(tc_model *model, const char *path);

/**
 * Puts pretrained word vectors into the embedding of the model: the text formats of fastText (.vec), word2vec and
 * GloVe, a line being a word and its `embedding_dim` values. A word is taken where the vocabulary has it, byte by byte;
 * of one that comes twice the first counts; words that the file lacks stay as they are. The file is read in pieces, and
 * nothing of it is kept but what goes into the model. On failure the model is as before. Option `pretrained_vectors`
 * does it for a new model, in tc_model_create(). Thread rule: no other thread may use the model meanwhile.
 *
 * @param found words of the vocabulary that the file has; or NULL.
 * Errors: #TC_ERROR_IO, #TC_ERROR_FORMAT (with line and byte: a value that is no finite number, too many or too few, a
 * file cut short), #TC_ERROR_MISMATCH for another dimension, #TC_ERROR_LIMIT, #TC_ERROR_MEMORY, #TC_ERROR_BUSY while a
 * trainer holds the model, #TC_ERROR_STATE for a mapped model, #TC_ERROR_UNSUPPORTED for one whose weights are not f32
 * or that has no embedding of words.
 */
TC_EXPORT tc_status tc_model_load_vectors(tc_model *model, const char *path, size_t *found);

/** Writes the model file, replacing an old one only when the new one is whole.
 * Errors: #TC_ERROR_IO, #TC_ERROR_NUMERIC (weights that are not finite), #TC_ERROR_MEMORY. */
TC_EXPORT tc_status tc_model_save(const tc_model *model, const char *path);

/** The model file's bytes into `buffer`; #TC_ERROR_CAPACITY with the size needed when it is too small (NULL with
 * capacity 0 asks for the size). */
TC_EXPORT tc_status tc_model_save_memory(const tc_model *model, size_t capacity, void *buffer, size_t *size);

/** A format of other programs: fastText's model files, .bin and .ftz. */
#define TC_FORMAT_FASTTEXT 1
/** A format of other programs: a Hugging Face folder, as transformers writes and loads it. */
#define TC_FORMAT_HUGGING_FACE 2
/** A format of other programs: adapters alone, as a folder of the PEFT package's. */
#define TC_FORMAT_PEFT 3

/**
 * Writes the model in the format of another program, replacing an old file only when the new one is whole.
 *
 * #TC_FORMAT_FASTTEXT: of a model of arch ngram with `embedding_dim` above 0, tasks classify and multilabel. fastText
 * reads the file and predicts the same labels with the same probabilities, plus its own 0.00001, where it is given the
 * model's tokens with spaces between (as it has no tokenizer), no more than `max_length` of them. Buckets that no
 * training text met are written as zeros, so that the file has `buckets` rows whatever the model has; counts of words
 * are written as 1.
 *
 * #TC_FORMAT_HUGGING_FACE: of a model of arch bert or gpt whose tokenizer is described by a tokenizer.json. `path` is
 * the folder, which is made where it is not there (its parent is). All its files are written beside old ones before
 * the first takes its place, so that a full disk, say, leaves the old model there. config.json, model.safetensors,
 * tokenizer.json, tokenizer_config.json and special_tokens_map.json are written; transformers loads them as
 * ...ForSequenceClassification, with the same logits. A model that pools otherwise (option `pooling` mean, say) is
 * written as the body alone, for sentence-transformers with modules.json and 1_Pooling/config.json; the head stands
 * beside it as classifier.* and is read back by tc_model_load(). What these files have no place for, `max_length`,
 * `truncate`, `window_overlap`, `strict_utf8` and thresholds that are not the defaults, stands in textclf.json, which
 * this library alone reads. Adapters are merged into the weights.
 *
 * #TC_FORMAT_PEFT: of a model with adapters (`lora_rank` above 0): adapter_config.json and adapter_model.safetensors
 * with adapters and head, for PEFT to load beside the base model, and textclf.json with labels, pooling and the like.
 * It is read with option `adapter`. Neither kind of folder is written where the other stands.
 *
 * Errors: #TC_ERROR_ARGUMENT, #TC_ERROR_UNSUPPORTED (the sentence says what the format has no place for),
 * #TC_ERROR_NUMERIC (weights that are not finite), #TC_ERROR_IO, #TC_ERROR_MEMORY, #TC_ERROR_LIMIT.
 */
TC_EXPORT tc_status tc_model_export(const tc_model *model, const char *path, int32_t format);

/** A model of its own with the same weights; the text pipeline is shared, so examples serve both. */
TC_EXPORT tc_status tc_model_clone(const tc_model *model, tc_model **clone);

/**
 * A copy of a trained model with weights of another kind, which option `weights` of the config names: `bf16` keeps
 * embedding and LSTM in half the bytes, `int8` in a quarter, and predicts faster for it; `f32` widens such a model
 * again. The copy predicts, evaluates, saves, loads, clones and maps; it cannot be trained (#TC_ERROR_UNSUPPORTED). The
 * text pipeline is shared, so examples serve both.
 *
 * Option `max_features` cuts a model of n-grams down to so many features, those that matter most: by their weights and,
 * while the model is the trained one or a copy of it, not one from a file, by the texts of the training that they occur
 * in. Such a copy of f32 weights learns of all features again when it is trained.
 *
 * Option `lora_rank` 0 merges the adapters of a model that has them into its weights; a number above puts new adapters,
 * which change nothing until they are trained, beside the weights of a model that has none (with `lora_alpha` and
 * `lora_targets`).
 *
 * @param config `weights` (f32 where it is not set), `max_features` (0: all that the model has), and what is set of the
 *               run options (threads, max_isa, limits); another model option that is set must be the model's. NULL:
 *               f32. All else is the model's own, its allocator, too.
 * Thread rule: as tc_model_clone(). Errors: #TC_ERROR_ARGUMENT, #TC_ERROR_MISMATCH, #TC_ERROR_NUMERIC (weights that are
 * not finite), #TC_ERROR_OPTION (max_features of another architecture), #TC_ERROR_UNSUPPORTED (max_isa),
 * #TC_ERROR_LIMIT, #TC_ERROR_MEMORY.
 */
TC_EXPORT tc_status tc_model_convert(const tc_model *model, const tc_config *config, tc_model **converted);

/**
 * Appends a label to a model of n-grams (arch ngram with embedding_dim 0; tasks classify and multilabel) without
 * forgetting the others: their numbers and logits stay as they are, so that examples made before stay usable, and the
 * new label is one that no text has yet. A training that goes on then teaches it. Checkpoints from before are of a
 * model without it, and examples that know it are refused there (#TC_ERROR_MISMATCH).
 *
 * Thread rule: nobody else uses the model meanwhile; texts that tc_model_label() gave are not valid afterwards.
 * Errors: #TC_ERROR_BUSY (a trainer holds the model),
 * #TC_ERROR_UNSUPPORTED (another architecture, task regress, narrow weights), #TC_ERROR_STATE (a mapped model),
 * #TC_ERROR_ARGUMENT (as for labels of tc_model_create()), #TC_ERROR_NUMERIC, #TC_ERROR_LIMIT, #TC_ERROR_MEMORY; the
 * model is then as it was.
 */
TC_EXPORT tc_status tc_model_add_label(tc_model *model, const char *label);

/** NULL is a no-op. A trainer or examples made from the model keep what they need alive. */
TC_EXPORT void tc_model_free(tc_model *model);

/**
 * The score from which on each label is given, in the model's label order: labels' own where tc_model_set_thresholds(),
 * tc_tune_thresholds() or a training with option `tune_thresholds` set them, else option `threshold` for all.
 * Task multilabel. tc_evaluate() and the program go by them, predicted scores do not.
 *
 * @param capacity elements in `thresholds`. @param count labels, also with #TC_ERROR_CAPACITY.
 * Errors: #TC_ERROR_ARGUMENT, #TC_ERROR_UNSUPPORTED (another task), #TC_ERROR_CAPACITY.
 */
TC_EXPORT tc_status tc_model_thresholds(const tc_model *model, size_t capacity, double *thresholds, size_t *count);

/**
 * Gives each label a threshold of its own, 0 to 1, which is stored with the model; `count` is the number of labels.
 * NULL and 0: option `threshold` for all again.
 *
 * Thread rule: no other call on the model at the same time. Errors: #TC_ERROR_ARGUMENT, #TC_ERROR_UNSUPPORTED (another
 * task), #TC_ERROR_LIMIT, #TC_ERROR_MEMORY.
 */
TC_EXPORT tc_status tc_model_set_thresholds(tc_model *model, const double *thresholds, size_t count);

/** What the model is, as one JSON object in NUL-terminated text: options, labels, tensors, sizes, checksum.
 * `length`: bytes without the NUL, written or (with #TC_ERROR_CAPACITY) needed. */
TC_EXPORT tc_status tc_model_info(const tc_model *model, size_t capacity, char *text, size_t *length);

/** Number of labels (scores of a prediction). */
TC_EXPORT tc_status tc_model_label_count(const tc_model *model, size_t *count);

/** Label `index`, NUL-terminated, valid as long as the model. */
TC_EXPORT tc_status tc_model_label(const tc_model *model, size_t index, const char **label);

/** The resolved value of a stored option as NUL-terminated text; as tc_config_get(). */
TC_EXPORT tc_status tc_model_option(const tc_model *model, const char *key, size_t capacity, char *value,
                                    size_t *length);

#ifdef __cplusplus
}
#endif

#endif
