/* order.h: which examples are held out, and in which order an epoch takes the others. A function of seed, epoch and
 * lengths alone. */
#ifndef TCI_TRAIN_ORDER_H
#define TCI_TRAIN_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "model/examples.h"

/* How many of `count` rows a validation split holds out: at least one and not all, when the share is above 0. */
size_t tci_split_size(size_t count, double share);

/* Shuffles all `count` row numbers by seed; the first `held_out` are for validation and come out in rising order, as do
 * the rest. `scratch` has room for `count`. */
void tci_split_rows(size_t count, size_t held_out, uint64_t seed, size_t *rows, size_t *scratch);

/* The order of one epoch: `rows` shuffled, cut into stretches of TCI_BUCKET batches, each sorted by length, cut into
 * batches, and the batches shuffled (the shorter last batch stays last); bags of features are shuffled alone.
 * `order` (count) out; `keys` (count) scratch. */
#define TCI_BUCKET 50
void tci_epoch_order(const tc_examples *examples, const size_t *rows, size_t count, size_t batch_size, uint64_t seed,
                     uint64_t epoch, size_t *order, tci_row *keys, tci_row *swap, size_t *scratch);

#endif
