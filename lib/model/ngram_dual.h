/* ngram_dual.h: training of an ngram network by dual coordinate descent on the squared hinge loss, one label against
 * the rest, with features scaled by naive Bayes.
 *
 * Wang and Manning 2012 scale a feature by how much more often it occurs in one class than in the others, Hsieh et al.
 * 2008 solve the linear SVM in its dual, one text at a time without a step size. Here, for feature f of df texts, p of
 * them of label c, q = df - p, and pi the label's share of all features of all texts:
 *
 *     r = |ln(((p + pi) / pi) / ((q + 1 - pi) / (1 - pi)))|        s² = (r + 1/2)² · (1 + ln((N + 1) / (df + 1)))
 *
 * A text i of label y = ±1 has a dual variable alpha >= 0 for each column, Q = B² + Σ x² s², cost C (ten times as much
 * for the label of a text of several labels) and D = 1 / 2C:
 *
 *     G = y·z - 1 + D·alpha     alpha' = max(0, alpha - G / (Q + D))     w += y (alpha' - alpha) x s²     bias likewise
 *
 * C = 1 / the mean Q. Texts go in blocks of TCI_DUAL_BLOCK: the margins of a block are of the weights before it; where
 * its texts are so alike that together they overshoot, the block's steps are cut down to where they do most good. For
 * real targets t, G = z - t + D·alpha, without the maximum.
 *
 * Calibration. While a text is met for the first time its margin is that of weights that knew nothing of it. Later it
 * is taken without a share of what the text has added to it, z - y·share·alpha·Q, the share being 1 where no other text
 * is like it (Jaakkola and Haussler 1999) and less where others say the same: as large as leaves these margins no more
 * telling than fresh ones were. Scale and shift are fitted to them (margin_fit.h) when the number of texts met reaches
 * a power of two, and at the end of every pass. */
#ifndef TCI_MODEL_NGRAM_DUAL_H
#define TCI_MODEL_NGRAM_DUAL_H

#include "model/examples.h"
#include "model/ngram_network.h"

#define TCI_DUAL_BLOCK 32

typedef struct tci_dual tci_dual;

/* `pool` and `class_weights` (labels) or NULL; kept by address. `one_pass`: texts that come in chunks come once. */
tc_status tci_dual_create(tci_ngram_network *network, tci_memory *memory, tci_pool *pool, int32_t task,
                          const float *class_weights, bool one_pass, tci_dual **dual);
void tci_dual_free(tci_dual *dual); /* NULL is a no-op */

/* Counts the features of these rows (NULL: all), before the first step, and keeps the examples. TC_ERROR_STATE after a
 * step, TC_ERROR_NUMERIC for a target beyond 1e18. */
tc_status tci_dual_count(tci_dual *dual, const tc_examples *examples, const size_t *rows, size_t row_count);

/* The same for a chunk of more texts than are held at once: its rows are numbered on from the chunks before, and the
 * examples are not kept. TC_ERROR_STATE also where whole sets were counted. */
tc_status tci_dual_count_chunk(tci_dual *dual, const tc_examples *examples);

/* Makes ready to learn from a chunk, whose first row has the number `first` among all; the chunk before is forgotten
 * but for its dual variables, and those, too, with `one_pass`. The mean Q is that of the first chunk. TC_ERROR_STATE
 * where no chunks were counted, or when all were learned from that come once, TC_ERROR_ARGUMENT for rows beyond those
 * counted. On failure the chunk is the one before. */
tc_status tci_dual_begin_chunk(tci_dual *dual, const tc_examples *examples, size_t first);

/* Whether anything was counted; of a trainer that goes on from a checkpoint, all that was before. */
bool tci_dual_counted(const tci_dual *dual);

/* As if no examples had been counted; only before the first step. */
void tci_dual_forget(tci_dual *dual);

/* Makes rows of weights for all that was counted, as the first step does where it was not asked for; nothing may be
 * counted from then on. `best` (may be NULL) gets a block of the parameters' new size. Nothing has changed when it
 * fails. */
tc_status tci_dual_start(tci_dual *dual, float **best);

/* Whether that has been done. */
bool tci_dual_started(const tci_dual *dual);

/* Learns from the rows, in their order. *loss and *weight are the sum of weighted losses and of weights. TC_ERROR_STATE
 * for examples that were not counted. On failure nothing has changed. */
tc_status tci_dual_step(tci_dual *dual, const tc_examples *examples, const size_t *rows, size_t row_count, double *loss,
                        double *weight);

/* ---- checkpoints ---- */

/* words[0] is the number of sets, words[1] that of all texts; both 0 before the first step. */
#define TCI_DUAL_WORDS 9
#define TCI_DUAL_ARRAYS 8

enum { TCI_DUAL_U8, TCI_DUAL_F32, TCI_DUAL_U64 };

/* An array of the state: shape[1] 0 where it has one dimension only. */
typedef struct tci_dual_array {
    const char *name; /* in a checkpoint */
    int32_t kind;
    size_t shape[2];
    void *values;
} tci_dual_array;

#define TCI_DUAL_SETS "optim.dual.sets"   /* (words[0], 2) rows and fingerprint of each */
#define TCI_DUAL_ALPHA "optim.dual.alpha" /* (words[1], columns); missing where texts come in chunks once */

/* The counters and figures; and, of a started trainer, rows and fingerprint of each set into its array. */
void tci_dual_words(const tci_dual *dual, uint64_t words[TCI_DUAL_WORDS]);

/* The arrays of a started trainer; returns how many there are. */
size_t tci_dual_arrays(tci_dual *dual, tci_dual_array arrays[TCI_DUAL_ARRAYS]);

/* Makes a new trainer one that goes on: with these words and sets of a checkpoint, which may be hostile, and room in
 * its arrays, to be filled and then finished. `has_alpha`: there is alpha of words[1] rows. Examples that were counted
 * are to be counted again before it steps. After a failure it is good for nothing but to be freed. */
tc_status tci_dual_resume(tci_dual *dual, const uint64_t words[TCI_DUAL_WORDS], const uint64_t *sets, bool has_alpha);
tc_status tci_dual_finish(tci_dual *dual);

#endif
