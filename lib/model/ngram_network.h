/* ngram_network.h: a linear model over a bag of hashed n-grams, as an architecture.
 *
 * A text of features f, each c_f times, has x_f = g_f·(1 + ln c_f) / n with g_f = 1/2 for light features
 * (text/ngrams.h), else 1, and n the Euclidean norm of the numerators. Margins are z = bias + Σ x_f·w_f, logits a·z +
 * b.
 *
 * Tensors: embedding.weight (rows, columns), one row for each feature that was seen in training, in the order of their
 * buckets; bias (columns); calibration (2), a and b. textclf.features, a bitmap of the buckets, says which rows there
 * are. One column for each label; one for both labels of a `classify` model of two, whose logits are -l/2 and l/2.
 * nn.EmbeddingBag(mode="sum") with x as per_sample_weights computes the sums.
 *
 * A converted model may have weights in bfloat16, which are widened, or int8 numbers q with a scale for each column:
 * then z = bias + (1/n · (scale · Σ (x_f·n)·q_f)), from the inside out. */
#ifndef TCI_MODEL_NGRAM_NETWORK_H
#define TCI_MODEL_NGRAM_NETWORK_H

#include "model/network.h"
#include "tensor/index_set.h"
#include "text/ngrams.h"

typedef struct tci_ngram_rows tci_ngram_rows;

typedef struct tci_ngram_network {
    tci_network base;
    size_t columns;
    tci_index_set set;
    tci_ngram_rows *rows; /* while a trainer adds rows, those behind the set's (ngram_rows.h); else NULL */
    float amounts[2][TCI_FEATURE_COUNT + 1]; /* g·(1 + ln count) by light and count */
    float *texts; /* (rows) in how many texts of its training each feature occurs; NULL: not known */
} tci_ngram_network;

/* The weights stand last, so that rows can be added to them. */
enum { TCI_NGRAM_BIAS, TCI_NGRAM_CALIBRATION, TCI_NGRAM_WEIGHT };

extern const tci_architecture tci_ngram_architecture;

/* Columns of a model of these options. */
size_t tci_ngram_columns(const tci_options *options, size_t label_count);

/* 1/n of a row; 0 for one without features. */
float tci_ngram_scale(const tci_ngram_network *network, const tci_row *row);

/* Margins (columns) of a row. */
void tci_ngram_margins(const tci_ngram_network *network, const tci_row *row, float *margins);

/* Gives the model rows for the members of `set`, which it has all of its own among; new ones are zeros. Takes the set's
 * arrays over; on failure network and set are as they were. */
tc_status tci_ngram_grow(tci_ngram_network *network, tci_index_set *set);

/* The network as one of this architecture, or NULL where it is of another. */
static inline tci_ngram_network *tci_ngram_of(tci_network *network)
{
    return network->architecture == &tci_ngram_architecture ? (tci_ngram_network *)network : NULL;
}

/* Notes in how many texts each feature occurs, in an array of the network's memory that it takes over; NULL: not
 * known. */
void tci_ngram_note_texts(tci_ngram_network *network, float *texts);

/* The rows of the `most` features that matter most, in their order: by the squares of their weights times the texts
 * that they occur in, where these are known; the lower bucket of two that are equal. `rows` (most) is what is kept,
 * `kept` an empty set of the network's bound that gets them as members; most is at most the network's features. */
tc_status tci_ngram_choose(const tci_ngram_network *network, size_t most, uint32_t *rows, tci_index_set *kept);

/* Floats of the parameters of a model in training with so many features. */
tc_status tci_ngram_measure(const tci_ngram_network *network, size_t features, size_t *size);

/* The row of a bucket behind the set's; TCI_INDEX_SET_NONE where it has none. */
uint32_t tci_ngram_rows_find(const tci_ngram_rows *rows, uint32_t bucket);

/* The row of weights of a bucket; TCI_INDEX_SET_NONE where it has none. */
static inline uint32_t tci_ngram_row(const tci_ngram_network *network, uint32_t bucket)
{
    uint32_t rank = tci_index_set_rank(&network->set, bucket);
    return rank != TCI_INDEX_SET_NONE || !network->rows ? rank : tci_ngram_rows_find(network->rows, bucket);
}

static inline float tci_ngram_amount(const tci_ngram_network *network, uint32_t feature, uint8_t count)
{
    return network->amounts[TCI_FEATURE_IS_LIGHT(feature)][count];
}

#endif
