/**
 * @file evaluate.h
 * @brief How good a model is on labelled examples.
 */
#ifndef TEXTCLF_EVALUATE_H
#define TEXTCLF_EVALUATE_H

#include <stddef.h>
#include <stdint.h>

#include "textclf/examples.h"
#include "textclf/export.h"
#include "textclf/model.h"
#include "textclf/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Figures of one label. */
typedef struct tc_label_metrics {
    double precision; /**< 0 when the label was never predicted */
    double recall;    /**< 0 when the label never occurs */
    double f1;        /**< harmonic mean of the two */
    uint64_t support; /**< rows that truly have the label */
} tc_label_metrics;

/** Result of tc_evaluate(). Figures that the task does not have are NaN. */
typedef struct tc_evaluation {
    size_t struct_size;            /**< set by #TC_EVALUATION_INIT */
    size_t label_capacity;         /**< in: elements in `labels` */
    tc_label_metrics *labels;      /**< in: the caller's buffer for figures per label, or NULL */
    size_t confusion_capacity;     /**< in: elements in `confusion` */
    uint64_t *confusion; /**< in: buffer for (true label, predicted label) counts, row-major, or NULL; classify only */
    uint64_t examples;             /**< rows evaluated */
    uint64_t unknown_labels;       /**< rows whose true label the model lacks: counted as wrong */
    uint64_t tokens;               /**< tokens read */
    double loss;                   /**< mean loss over rows with known labels, sample weights applied */
    double accuracy;               /**< classify: right rows; multilabel: rows with exactly the right set */
    double macro_f1;               /**< mean F1 of the labels seen in truth or prediction */
    double micro_f1;               /**< F1 over all decisions */
    double calibration_error;      /**< expected calibration error over 15 equal bins; classify only */
    double mean_squared_error;     /**< regress only, mean over targets */
    double mean_absolute_error;    /**< regress only */
    double r2;                     /**< regress only: coefficient of determination, mean over targets */
} tc_evaluation;

/** Initializer of a ::tc_evaluation. */
#define TC_EVALUATION_INIT {sizeof(tc_evaluation), 0, NULL, 0, NULL, 0, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0}

/**
 * Evaluates `row_count` rows (rows NULL: all, whatever row_count says) on the model's `threads` threads.
 *
 * Errors: #TC_ERROR_ARGUMENT, #TC_ERROR_MISMATCH, #TC_ERROR_CAPACITY (a buffer given is too small),
 * #TC_ERROR_UNSUPPORTED (confusion of another task than classify), #TC_ERROR_NUMERIC,
 * #TC_ERROR_LIMIT, #TC_ERROR_MEMORY.
 */
TC_EXPORT tc_status tc_evaluate(const tc_model *model, const tc_examples *examples, const size_t *rows,
                                size_t row_count, tc_evaluation *evaluation);

/**
 * Gives each label of a model of task multilabel the threshold at which its F1 on these rows (rows NULL: all) is best,
 * on the model's `threads` threads. Of thresholds as good it takes the one nearest to option `threshold`, so a label
 * without an example keeps that; else the middle between two scores. Use texts that the model has not learned from, and
 * others again to evaluate it. Takes 4 bytes a row and label.
 *
 * Thread rule: no other call on the model at the same time. Errors: #TC_ERROR_ARGUMENT, #TC_ERROR_MISMATCH,
 * #TC_ERROR_UNSUPPORTED (another task), #TC_ERROR_NUMERIC, #TC_ERROR_LIMIT, #TC_ERROR_MEMORY.
 */
TC_EXPORT tc_status tc_tune_thresholds(tc_model *model, const tc_examples *examples, const size_t *rows,
                                       size_t row_count);

#ifdef __cplusplus
}
#endif

#endif
