/* truth.h: what the texts of a batch are to be learned as: which loss, and its classes or targets.
 *
 * Models of n-grams of more than two labels learn each label against the rest, by the binary cross-entropy of each
 * (`loss` bce, their default): targets are then 1 - e for the text's label, e/K added for all, e being label_smoothing,
 * and the weight of the label's class is multiplied into the text's. */
#ifndef TCI_TRAIN_TRUTH_H
#define TCI_TRAIN_TRUTH_H

#include "train/trainer.h"

/* Sets the trainer's loss and resolves the option. TC_ERROR_OPTION for one that the task does not take. */
tc_status tci_trainer_choose_loss(tc_trainer *trainer);

/* Label or targets of a row of the examples, as row `i` of the batch. TC_ERROR_ARGUMENT for a label that the model does
 * not have. */
tc_status tci_trainer_gather_truth(tc_trainer *trainer, const tc_examples *examples, size_t row, size_t i);
tc_status tci_trainer_check_labels(const tc_examples *examples, size_t row);

/* After that, and once class weights are known: the batch as its loss takes it. */
tci_loss_batch tci_trainer_loss_batch(tc_trainer *trainer, size_t row_count);

#endif
