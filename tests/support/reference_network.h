/* reference_network.h: the LSTM network once more, in double, text by text, as plain as its equations: the oracle for
 * logits and, by differences of its loss, for gradients. Only the dropout masks are the library's own. */
#ifndef TEST_SUPPORT_REFERENCE_NETWORK_H
#define TEST_SUPPORT_REFERENCE_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/classifier.h"

typedef struct reference_network {
    const tc_model *model; /* names, places and shapes of the parameters, options */
    double *values;        /* (parameters.size) a copy in their layout */
    uint64_t seed, step;   /* of the dropout */
    bool training;         /* dropout counts */
} reference_network;

/* Copies the model's parameters. */
void reference_open(reference_network *network, const tc_model *model);
void reference_close(reference_network *network);

/* logits (label_count) of one text; `position` keys its dropout. */
void reference_logits(const reference_network *network, const uint32_t *ids, size_t length, uint32_t position,
                      double *logits);

#endif
