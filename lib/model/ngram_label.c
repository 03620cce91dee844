/* ngram_label.c: a column more. Of two labels with one column between them three are made with a column each: the
 * margin z of the second label against the first becomes -z and z, and logits that were -(a·z + b)/2 and (a·z + b)/2
 * come out of the scale a/2, b/a being a part of the biases from then on. */
#include "model/ngram_label.h"

#include <string.h>

#include "base/cpu.h"
#include "model/conversion.h"
#include "model/ngram_network.h"

#define NEVER_SEEN (-1.0f) /* margin of a label that no text has */

/* Everything that replaces a part of the model. */
typedef struct labelled {
    char *label_text;
    const char **labels;
    uint64_t fingerprint;
    double *thresholds; /* or NULL */
    tci_parameters parameters;
    size_t columns;
} labelled;

static tc_status check_model(const tc_model *model)
{
    if (model->network->architecture != &tci_ngram_architecture)
        return tci_fail(TC_ERROR_UNSUPPORTED,
                        "a label can be added to a linear model of n-grams (arch ngram, embedding_dim"
                        " 0); this model is another");
    if (model->options.task == TCI_TASK_REGRESS)
        return tci_fail(TC_ERROR_UNSUPPORTED, "a label can be added with task classify or multilabel; this model's is"
                                              " regress");
    return tci_weights_trainable(&model->options, "a label to be added");
}

static tc_status add_name(tc_model *model, const char *label, labelled *more)
{
    tc_status status = TC_OK;
    size_t count = model->label_count;
    const char **labels = NULL;
    TCI_CHECK(tci_alloc(&model->memory, count + 1, sizeof *labels, "labels", &labels));
    memcpy(labels, model->labels, count * sizeof *labels);
    labels[count] = label;
    TCI_CHECK(tci_labels_check(&model->memory, labels, count + 1, model->options.task));
    TCI_CHECK(tci_labels_copy(&model->memory, labels, count + 1, &more->label_text, &more->labels, &more->fingerprint));
done:
    tci_free(&model->memory, labels);
    return status;
}

/* The new label's threshold is the option's. */
static tc_status add_threshold(tc_model *model, labelled *more)
{
    if (!model->thresholds)
        return TC_OK;
    TCI_RETURN_IF(
        tci_alloc(&model->memory, model->label_count + 1, sizeof *more->thresholds, "thresholds", &more->thresholds));
    memcpy(more->thresholds, model->thresholds, model->label_count * sizeof *more->thresholds);
    more->thresholds[model->label_count] = model->options.threshold;
    return TC_OK;
}

/* For each column of the old weights where it comes from: the column's number, and by what it is multiplied. */
typedef struct source {
    size_t column;
    float factor; /* 0: of no column */
    float bias;
} source;

/* The columns of one more label, and the calibration that goes with them. */
static void find_sources(const tc_model *model, const labelled *more, source *sources, float calibration[2])
{
    const tci_parameters *old = &model->network->parameters;
    const tci_ngram_network *network = (const tci_ngram_network *)model->network;
    const float *bias = tci_parameters_read(old, TCI_NGRAM_BIAS);
    memcpy(calibration, tci_parameters_read(old, TCI_NGRAM_CALIBRATION), 2 * sizeof *calibration);
    float a = calibration[0], b = calibration[1];
    for (size_t c = 0; c < more->columns; c++)
        sources[c] = c < network->columns ? (source){c, 1.0f, bias[c]} : (source){0, 0.0f, NEVER_SEEN};
    if (more->columns == network->columns) { /* one label becomes two: the margin is that of the second */
        sources[0] = (source){0, -1.0f, -bias[0]};
        calibration[0] = 2 * a;
        calibration[1] = -2 * b;
    } else if (network->columns < model->label_count) {
        float factor = a != 0 ? 1.0f : 0.0f, middle = a != 0 ? bias[0] + b / a : b / 2;
        sources[0] = (source){0, -factor, -middle};
        sources[1] = (source){0, factor, middle};
        calibration[0] = a != 0 ? a / 2 : 1.0f;
        calibration[1] = 0;
    }
}

static tc_status add_column(const tc_model *model, labelled *more)
{
    tc_status status = TC_OK;
    const tci_parameters *old = &model->network->parameters;
    const tci_ngram_network *network = (const tci_ngram_network *)model->network;
    size_t rows = network->set.count;
    source *sources = NULL;
    float calibration[2];
    more->columns = tci_ngram_columns(&model->options, model->label_count + 1);
    TCI_CHECK(tci_alloc(more->parameters.memory, more->columns, sizeof *sources, "labels", &sources));
    TCI_CHECK(tci_ngram_architecture.declare(&more->parameters, &model->options, rows, model->label_count + 1));
    TCI_CHECK(tci_parameters_allocate(&more->parameters));
    find_sources(model, more, sources, calibration);
    const float *from = tci_parameters_read(old, TCI_NGRAM_WEIGHT);
    float *to = more->parameters.values + more->parameters.tensors[TCI_NGRAM_WEIGHT].offset;
    float *bias = more->parameters.values + more->parameters.tensors[TCI_NGRAM_BIAS].offset;
    for (size_t r = 0; r < rows; r++, from += network->columns, to += more->columns) {
        for (size_t c = 0; c < more->columns; c++)
            to[c] = sources[c].factor != 0 ? sources[c].factor * from[sources[c].column] : 0.0f;
    }
    for (size_t c = 0; c < more->columns; c++) {
        bias[c] = sources[c].bias;
        if (bias[c] - bias[c] != 0)
            status = tci_fail(TC_ERROR_NUMERIC, "the model's calibration is too small for a label to be added");
    }
    memcpy(more->parameters.values + more->parameters.tensors[TCI_NGRAM_CALIBRATION].offset, calibration,
           sizeof calibration);
done:
    tci_free(more->parameters.memory, sources);
    return status;
}

static void take_over(tc_model *model, const labelled *more)
{
    tci_ngram_network *network = (tci_ngram_network *)model->network;
    tci_free(&model->memory, model->label_text);
    tci_free(&model->memory, model->labels);
    tci_free(&model->memory, model->thresholds);
    tci_parameters_free(&network->base.parameters);
    model->label_text = more->label_text;
    model->labels = more->labels;
    model->label_fingerprint = more->fingerprint;
    model->thresholds = more->thresholds;
    model->label_count++;
    model->checksum[0] = '\0'; /* not the file's weights any more */
    network->base.parameters = more->parameters;
    network->base.label_count = model->label_count;
    network->columns = more->columns;
}

tc_status tci_model_add_label(tc_model *model, const char *label)
{
    tc_status status = TC_OK;
    labelled more = {.label_text = NULL};
    if (atomic_exchange(&model->trained, true))
        return tci_fail(TC_ERROR_BUSY, "a trainer holds this model; free it before a label is added");
    tci_float_environment environment = tci_float_enter();
    tci_parameters_init(&more.parameters, model->network->memory);
    TCI_CHECK(check_model(model));
    TCI_CHECK(tci_model_own_parameters(model));
    TCI_CHECK(add_name(model, label, &more));
    TCI_CHECK(add_threshold(model, &more));
    TCI_CHECK(add_column(model, &more));
    take_over(model, &more);
done:
    if (status != TC_OK) {
        tci_free(&model->memory, more.label_text);
        tci_free(&model->memory, more.labels);
        tci_free(&model->memory, more.thresholds);
        tci_parameters_free(&more.parameters);
    }
    tci_float_leave(environment);
    atomic_store(&model->trained, false);
    return status;
}
