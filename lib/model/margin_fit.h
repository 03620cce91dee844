/* margin_fit.h: from margins to probabilities: the scale and shift that make them most likely.
 *
 * Margins of a linear model trained for their sign are no log odds. Given margins of texts that the model had not
 * learned from, and the truth, the logits a·z + b are fitted by maximum likelihood: of a sigmoid for each margin
 * (Platt 1999, with the targets and the Newton steps of Lin, Lin and Weng 2007), or of a softmax over the labels of
 * a text, for which b is no matter (temperature scaling: Guo et al. 2017). */
#ifndef TCI_MODEL_MARGIN_FIT_H
#define TCI_MODEL_MARGIN_FIT_H

#include <stddef.h>
#include <stdint.h>

typedef struct tci_margin_fit {
    float scale, shift;
    double loss; /* mean -log of the likelihood, of a margin or of a row */
} tci_margin_fit;

/* margins (count); truth[i] above 0: the label holds. `from` (or NULL) is a fit to begin with. 1 and 0, and a loss of
 * 0, where one of both never occurs. */
tci_margin_fit tci_fit_sigmoid(const float *margins, const float *truth, size_t count, const tci_margin_fit *from);

/* margins (rows, columns); truth[row] is the row's column. */
tci_margin_fit tci_fit_softmax(const float *margins, const uint32_t *truth, size_t rows, size_t columns,
                               const tci_margin_fit *from);

/* The mean -log of the probability that scale and shift give the truth, and into *expected what that would be were the
 * probabilities right: their entropy. */
double tci_sigmoid_surprise(const float *margins, const float *truth, size_t count, const tci_margin_fit *fit,
                            double *expected);
double tci_softmax_surprise(const float *margins, const uint32_t *truth, size_t rows, size_t columns,
                            const tci_margin_fit *fit, double *expected);

#endif
