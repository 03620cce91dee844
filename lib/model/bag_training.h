/* bag_training.h: training of a bag network (averaged embeddings) by stochastic gradient descent, text by text, as
 * fastText does it (Joulin and others, Bag of Tricks for Efficient Text Classification, 2016), with the same bits on
 * any number of threads.
 *
 * For a text of n rows x, h = 1/n Σ x; heads with outputs o, rows W_o and z_o = W_o · h:
 *
 *     softmax   every label; g_o = [o = y] - softmax(z)_o                       loss -log softmax(z)_y
 *     sigmoid   every label; g_o = t_o - s(z_o), s(z) = 1 / (1 + exp(-z))       loss the mean of -log of right parts
 *     tree      the inner nodes above label y; g_o = [y is right of o] - s(z_o) loss -log of the label's part
 *     values    every target (task regress); g_o = 2/L (t_o - z_o)              loss mean squared error
 *
 * and with the learning rate r and the text's weight w (class weight included), all from the values before:
 *
 *     W_o += r w g_o h        each x += r w / n Σ g_o W_o        as often as it occurs in the text
 *
 * A step is as many of these as it has rows: there is no mean over the rows. They go in groups of TCI_BAG_GROUP: all of
 * a group see the weights before it. On the sets that were tried that costs nothing (8 begin to), and members of the
 * pool meet twice a group instead of twice a text.
 *
 * Threads. Rows of the embedding belong to TCI_BAG_SHARDS shards, by their number; a member sums, and changes, those of
 * its shards, and the sums of the shards are added in their order. Between the two, texts of the group are dealt out.
 *
 * Rows are there for the words of the vocabulary and for buckets that were counted before the first step. New ones
 * are zeros, which training moves away from because words and what is above them differ. */
#ifndef TCI_MODEL_BAG_TRAINING_H
#define TCI_MODEL_BAG_TRAINING_H

#include "base/team.h"
#include "model/bag_network.h"
#include "model/examples.h"

#define TCI_BAG_GROUP 4
#define TCI_BAG_SHARDS 8

typedef struct tci_bag_trainer tci_bag_trainer;

/* `class_weights` (labels) or NULL; kept by address, like the network and the pool. `frozen`: the rows of the embedding
 * stay as they are. */
tc_status tci_bag_trainer_create(tci_bag_network *network, tci_memory *memory, tci_pool *pool,
                                 const float *class_weights, bool frozen, uint64_t seed, tci_bag_trainer **trainer);
void tci_bag_trainer_free(tci_bag_trainer *trainer); /* NULL is a no-op */

/* Notes the buckets and labels of these rows (NULL: all), before the first step; the examples are not kept.
 * TC_ERROR_STATE after a step. */
tc_status tci_bag_trainer_count(tci_bag_trainer *trainer, const tc_examples *examples, const size_t *rows,
                                size_t row_count);
bool tci_bag_trainer_counted(const tci_bag_trainer *trainer);

void tci_bag_trainer_forget(tci_bag_trainer *trainer);

/* Makes rows of weights for all that was counted, as the first step does where it was not asked for; nothing may be
 * counted from then on. Nothing has changed when it fails. */
tc_status tci_bag_trainer_start(tci_bag_trainer *trainer);

/* The same where the network comes from a checkpoint of a training that had begun: its rows are what was counted. */
tc_status tci_bag_trainer_resume(tci_bag_trainer *trainer);

/* Learns from the rows, in their order, which know their labels. *loss and *weight are the sum of weighted losses and
 * of weights. TC_ERROR_STATE when nothing was counted, TC_ERROR_NUMERIC when weights grow beyond bounds; on failure
 * nothing has changed. */
tc_status tci_bag_trainer_step(tci_bag_trainer *trainer, const tc_examples *examples, const size_t *rows,
                               size_t row_count, double rate, double *loss, double *weight);

#endif
