/* bag_training_internal.h: what the two files of the trainer of a bag network share: bag_training.c, which counts,
 * makes ready and keeps a failed step from showing, and bag_step.c, which learns. */
#ifndef TCI_MODEL_BAG_TRAINING_INTERNAL_H
#define TCI_MODEL_BAG_TRAINING_INTERNAL_H

#include "model/bag_training.h"

/* Values that training does not go beyond, so that no product of a step overflows. */
#define TCI_BAG_MOST 1e16

#define TCI_BAG_TEAM_LEAST 32768

/* The rows of weights of a text. */
typedef struct tci_bag_list {
    uint32_t *rows; /* by shard, within it in the text's order */
    uint32_t *unsorted;
    size_t ends[TCI_BAG_SHARDS];
    float share; /* 1/n, 0 without rows */
} tci_bag_list;

/* A text of the group at work. */
typedef struct tci_bag_slot {
    float *sums;     /* (TCI_BAG_SHARDS, dim) */
    float *hidden;   /* (dim) */
    float *gradient; /* (dim) what is added to each row */
    float *z;        /* (outputs) */
    float *steps;    /* (outputs) r·w·g, for the text's outputs */
    float *targets;  /* (labels) */
    uint32_t *path;  /* (tree nodes of a text, at most) */
    const uint32_t *outputs;
    size_t output_count;
    double loss, weight;
    double moved_rows, moved_outputs; /* by how much a value changed at most */
    bool failed;
} tci_bag_slot;

struct tci_bag_trainer {
    tci_bag_network *network;
    tci_memory *memory;
    tci_pool *pool;
    const float *class_weights;
    bool frozen;
    uint64_t seed;
    int32_t head; /* AUTO stands for values */
    size_t labels, dim;
    size_t team_least; /* numbers of a group from which on it is worth more than one member */
    bool counted, started;
    tci_index_set set;            /* buckets that were counted */
    uint64_t *label_counts;       /* (labels) head tree, until the start */
    uint32_t *parents;            /* (2·labels) head tree: 2·parent + whether it is its right child */
    size_t depth;                 /* most nodes above a label */
    uint32_t *all_outputs;        /* 0, 1, ... */
    double most_row, most_output; /* no value of the embedding and of the output is greater */
    /* working memory */
    tci_bag_list lists[2][TCI_BAG_GROUP];
    tci_bag_slot slots[TCI_BAG_GROUP];
    tci_workspace slot_space, list_space, copy_space;
};

/* Rows of one step; `loss` and `weight` are results, `failed` says that the step went no further than a text whose
 * values are beyond bounds. */
typedef struct tci_bag_step {
    tci_bag_trainer *trainer;
    const tc_examples *examples;
    const size_t *rows;
    size_t row_count;
    double rate;
    double loss, weight, moved_rows, moved_outputs;
    bool failed;
} tci_bag_step;

/* What a text counts for: its weight and that of its class. */
double tci_bag_text_weight(const tci_bag_trainer *trainer, const tc_examples *examples, size_t row);

/* Learns from the rows on all members of the pool. */
void tci_bag_learn(tci_bag_step *step);

#endif
