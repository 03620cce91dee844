/* fasttext.h: fastText's model files (.bin, .ftz), versions 11 and 12, of supervised models.
 *
 * All integers are little-endian, without padding.
 *
 *     i32 793712314, i32 version
 *     i32 dim, ws, epoch, minCount, neg, wordNgrams, loss (1 hs, 2 ns, 3 softmax, 4 ova), model (1 cbow, 2 skip-gram,
 *         3 supervised), bucket, minn, maxn, lrUpdateRate; f64 t
 *     i32 size, nwords, nlabels; i64 ntokens, pruneidx_size (-1: not pruned)
 *     size entries, words before labels: bytes of the word, NUL, i64 count, u8 type (0 word, 1 label)
 *     pruneidx_size pairs: i32 bucket, i32 its row behind the words
 *     u8 quantized; the input matrix (nwords + buckets that have rows, dim)
 *     u8 output quantized; the output matrix (nlabels, dim)
 *
 *     matrix             i64 rows, i64 columns, f32 (rows, columns)
 *     quantized matrix   u8 has norms, i64 rows, i64 columns, i32 codesize, u8 (codesize) codes, quantizer of rows;
 *                        with norms u8 (rows) codes of norms, quantizer of norms (of one column)
 *     quantizer          i32 dim, parts, width, width of the last part; f32 (256·dim)
 *
 * There is no checksum: what cannot be seen is a damaged weight. lib/model/bag_network.h says how it predicts. */
#ifndef TCI_SERIALIZATION_FASTTEXT_H
#define TCI_SERIALIZATION_FASTTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/classifier.h"

#define TCI_FASTTEXT_MAGIC 793712314
#define TCI_FASTTEXT_FORMAT "fasttext"

/* True when the bytes begin as such a file does. */
bool tci_fasttext_marked(const uint8_t *bytes, size_t size);

/* A model from the bytes of a file; `run`, `host`, `files` as in tci_native_read(). With `in_place` the parameters
 * point into the bytes, as far as they can be read there (parameters.values is NULL then), and they are checked for NaN
 * and infinity only where `check_weights` says so.
 *
 * TC_ERROR_FORMAT, _VERSION, _UNSUPPORTED for models that are not supervised, _LIMIT (max_file_bytes, max_memory,
 * max_vocab), _NUMERIC, _MEMORY; the sentence says the field and its byte. After a failure nothing is held. */
tc_status tci_fasttext_read(const uint8_t *bytes, size_t size, const tci_options *run, const tc_allocator *host,
                            const tci_file_operations *files, bool in_place, bool check_weights, tc_model **model);

/* The model as a file of version 12, which fastText reads and predicts the same with; crash-safe, through the model's
 * file operations. TC_ERROR_UNSUPPORTED, saying why, for a model that such a file has no place for. */
tc_status tci_fasttext_save(const tc_model *model, const char *path);

#endif
