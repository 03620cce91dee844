/* vectors_read.h: pretrained word vectors in text into the rows of an embedding.
 *
 * A line is a word and its values, between them spaces or tabs, at the end LF or CR LF; a first line of two whole
 * numbers, as fastText (.vec) and word2vec write it and GloVe does not, says how many lines follow and how many values
 * they have. A word is taken where it equals a word of the vocabulary byte by byte; of one that comes again the first
 * counts. Lines of other words are counted, value by value, but not read as numbers; they may hold spaces in the word,
 * as a few of GloVe's do.
 *
 * Nothing is kept of the file but the vectors of the vocabulary. Time is linear in the file. */
#ifndef TCI_SERIALIZATION_VECTORS_READ_H
#define TCI_SERIALIZATION_VECTORS_READ_H

#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "model/classifier.h"
#include "text/vocabulary.h"

/* ---- as bytes come ---- */

typedef struct tci_vectors tci_vectors;

/* For vectors of `dim` values into rows of `table` (words of the vocabulary, dim), at the place of each word that is
 * found; the first word has id `first`, which is 1 behind <unk>. `vocabulary` NULL: only the dimension is looked for,
 * the other arguments are not used. */
tc_status tci_vectors_create(tci_memory *memory, const tci_vocabulary *vocabulary, uint32_t first, size_t dim,
                             float *table, tci_vectors **vectors);
void tci_vectors_free(tci_vectors *vectors); /* NULL is a no-op */

/* The next bytes. TC_ERROR_FORMAT, naming line and byte, for a line without a word, a value that is no finite number,
 * too many or too few values or lines; TC_ERROR_MISMATCH when the first line has another dimension. */
tc_status tci_vectors_feed(tci_vectors *vectors, const void *bytes, size_t size);
/* TC_ERROR_FORMAT when the file ends too early. */
tc_status tci_vectors_finish(const tci_vectors *vectors);

/* 0 until the first line was read. */
size_t tci_vectors_dim(const tci_vectors *vectors);
/* Words of the vocabulary that were found, and whether one is among them. */
size_t tci_vectors_found(const tci_vectors *vectors);
bool tci_vectors_has(const tci_vectors *vectors, uint32_t id);

/* ---- of files ---- */

/* The dimension of the vectors in a file, of which the first line is read. */
tc_status tci_vectors_dimension(const tci_file_operations *files, tci_memory *memory, const char *path,
                                uint64_t max_bytes, size_t *dim);

/* Puts the vectors of a file into the model's embedding and notes how many there were; the model is as before when that
 * fails. `fresh`: the model is new; other words of arch lstm, random yet, are given the same root mean square; and when
 * it fails the model is lost. What packs weights is up to the caller. */
tc_status tci_vectors_load(tc_model *model, const char *path, bool fresh);

#endif
