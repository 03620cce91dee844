/* bag_network.h: averaged embeddings of a bag of rows, as an architecture: the embedding form of arch `ngram`, and what
 * a model of fastText computes (Joulin and others, Bag of Tricks for Efficient Text Classification, 2016).
 *
 * A text of n rows (text/bag_features.h) has hidden = 1/n Σ row, z = fc.weight · hidden, without a bias; of no rows,
 * hidden is 0. A bucket without a row of weights is a row of zeros; but with fasttext_scores it does not count in n, as
 * in fastText's pruned models. Heads, with s(z) = 1 / (1 + exp(-z)):
 *
 *     softmax   logits z
 *     sigmoid   logits z, scores s(z), each label for itself
 *     tree      L - 1 inner nodes of a Huffman tree over the labels, node k with z_k: its right child has s(z_k) of its
 *               part, the left one the rest; scores are the leaves' parts, logits their logarithms
 *
 * With option fasttext_scores scores are those that fastText prints: p + 0.00001; the sigmoid of a label from a table
 * of 512 steps over -8 to 8; in the tree 0.00001 added to the part of each node of the path.
 *
 * Tensors: embedding.weight (rows, embedding_dim), the vocabulary's words first, then the buckets; fc.weight (labels,
 * embedding_dim); with head tree textclf.label_counts, U64 (labels), of which the tree is built. With the U8 tensor
 * textclf.features only the buckets in it have rows, in rising order (of a model that was trained here
 * those that training saw, of a pruned one of fastText those that are left).
 *
 * With weights `pq` (product quantization, Jégou and others 2011) a row is cut in parts of pq_width numbers, the last
 * one what is left, and for embedding.weight there are textclf.embedding.codes, U8 (rows, parts), and .codebook (256 ·
 * embedding_dim): code c of part p stands for the numbers from 256·pq_width·p + c·(width of the part) on. With pq_norms
 * the row is that times textclf.embedding.norm_values (256) at textclf.embedding.norms, U8 (rows). With pq_output_width
 * and pq_output_norms the same of fc.weight, under textclf.fc. */
#ifndef TCI_MODEL_BAG_NETWORK_H
#define TCI_MODEL_BAG_NETWORK_H

#include "layer/product.h"
#include "model/network.h"
#include "tensor/index_set.h"
#include "text/bag_features.h"

#define TCI_BAG_CODES 256 /* that a part can have */
#define TCI_BAG_SIGMOID_STEPS 512
#define TCI_BAG_SIGMOID_END 8
#define TCI_BAG_ADDED 1e-5 /* to a probability, with fasttext_scores */

/* Where a matrix stands among the parameters. */
typedef struct tci_bag_matrix {
    size_t rows, columns;
    size_t width, last, parts; /* numbers of a part, of the last one, parts of a row; width 0: not quantized */
    size_t weight;             /* number of the tensor, where it is not quantized */
    size_t codes, codebook, norms, norm_values;
    bool has_norms;
} tci_bag_matrix;

/* The inner nodes of a tree over L labels; node numbers below L are labels, inner node k has number L + k, the root is
 * the last. Children have smaller numbers than their parent. */
typedef struct tci_bag_node {
    uint32_t left, right;
} tci_bag_node;

typedef struct tci_bag_network {
    tci_network base;
    size_t dim;
    int32_t task, head;
    bool fasttext_scores;
    size_t buckets;
    tci_index_set set; /* the buckets that have rows; bits NULL: all have */
    tci_bag_matrix embedding, output;
    size_t label_counts; /* number of the tensor, with head tree */
    tci_bag_node *tree;  /* (labels - 1), with head tree */
    uint64_t *counts;    /* (labels) where the tensor of counts points when the others point into a file; or NULL */
    tci_packed packed;   /* of fc.weight, not quantized */
    float sigmoid[TCI_BAG_SIGMOID_STEPS + 1];
} tci_bag_network;

extern const tci_architecture tci_bag_architecture;

/* The tree that fastText builds of these counts, uint64_t (labels) at any address, once they are in falling order.
 * `sums` is scratch of TCI_BAG_TREE_SCRATCH bytes a label. */
#define TCI_BAG_TREE_SCRATCH (2 * sizeof(uint64_t) + 2 * sizeof(uint32_t))
void tci_bag_build_tree(size_t labels, const void *counts, uint64_t *sums, tci_bag_node *tree);

/* The mean of the rows of a text: hidden (dim). Returns how many rows counted. */
size_t tci_bag_average(const tci_bag_network *network, const tci_row *row, float *hidden);

/* The row of weights of feature `id`; TCI_INDEX_SET_NONE where it has none. */
static inline uint32_t tci_bag_row(const tci_bag_network *network, uint32_t id)
{
    if (!network->set.bits)
        return id;
    uint32_t words = (uint32_t)(network->embedding.rows - network->set.count);
    if (id < words)
        return id;
    uint32_t rank = tci_index_set_rank(&network->set, id - words);
    return rank == TCI_INDEX_SET_NONE ? rank : words + rank;
}

/* Rows of the vocabulary's words. */
static inline size_t tci_bag_words(const tci_bag_network *network)
{
    return network->embedding.rows - (network->set.bits ? network->set.count : network->buckets);
}

/* 1/n of a text of `length` features, `count` of which have rows. */
static inline float tci_bag_share(const tci_bag_network *network, size_t length, size_t count)
{
    size_t n = network->fasttext_scores ? count : length;
    return n > 0 ? (float)(1.0 / (double)n) : 0.0f;
}

/* Gives the model rows for the buckets of `set`, which it has all of its own among; new ones are zeros, and uniform in
 * ±1/dim in a model without words, where nothing else would tell texts apart. Takes the set's arrays over; on failure
 * network and set are as they were. */
tc_status tci_bag_grow(tci_bag_network *network, tci_index_set *set, uint64_t seed);

/* Packs the output for prediction, after it changed. */
void tci_bag_pack(tci_bag_network *network);

/* z (labels) of a hidden vector, where fc.weight is quantized. */
void tci_bag_product(const tci_bag_network *network, const float *hidden, float *z);

/* A row of a matrix as floats (columns). */
void tci_bag_read_row(const tci_bag_network *network, const tci_bag_matrix *matrix, size_t row, float *values);

/* The weights of a quantized network as floats, in a network that differs in option `weights` alone. */
void tci_bag_widen(const tci_bag_network *from, tci_bag_network *to);

#endif
