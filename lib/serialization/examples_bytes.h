/* examples_bytes.h: a set of encoded examples as bytes, for hosts that keep more of them than memory holds.
 *
 * All numbers are little-endian. 16 bytes "textclf.examples"; 16 bytes XXH3-128 (canonical order) of all that follows;
 * twelve u64: version 1, fingerprint of the text pipeline, fingerprint of the labels, task, labels, rows, ids, labels
 * of all rows (multilabel, else 0), 1 where ids have counts, bytes of a size_t, 0, 0. Then arrays: ends of the rows'
 * ids (rows, size_t), weights (rows, f32), ids (u32), and by task: labels (rows, u32); ends of the rows' labels (rows,
 * size_t) and labels (u32); targets (rows, labels, f32). Last the counts of the ids (u8). */
#ifndef TCI_SERIALIZATION_EXAMPLES_BYTES_H
#define TCI_SERIALIZATION_EXAMPLES_BYTES_H

#include "model/examples.h"

/* As tc_examples_save_memory(). */
tc_status tci_examples_save_memory(const tc_examples *examples, size_t capacity, void *buffer, size_t *size);

/* As tc_examples_load_memory(). */
tc_status tci_examples_load_memory(const void *bytes, size_t size, const tc_model *model, tc_examples **examples);

#endif
