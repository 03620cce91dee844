/* golden_model.c: from golden tensors to a model of the library. The files' ids become texts "w3 w1", so that parity
 * also covers the way from text to ids. */
#include "support/c_locale.h"
#include "support/testing.h"

#include "support/golden_model.h"

#include <math.h>

#include "text/vocabulary.h"

void golden_model_options(const golden *file, tci_options *options)
{
    static const char *const keys[] = {"task", "arch", "num_layers", "bidirectional", "pooling", "embedding_dim",
                                       "hidden_dim", "label_smoothing", "family", "num_heads", "intermediate_dim",
                                       "positions", "position_offset", "max_length", "segments", "activation",
                                       "pooler", "layer_norm_epsilon", "dropout", "embedding_dropout",
                                       "attention_dropout", "head_dropout", "lora_rank",
                                       "lora_alpha", "lora_targets"};
    tci_options_default(options);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const char *value = golden_metadata(file, keys[i]);
        if (value)
            assert_ok(tci_options_set(options, keys[i], value));
    }
    const golden_tensor *weights = golden_find(file, "class_weights");
    char text[512] = "";
    for (size_t i = 0; weights && i < weights->count; i++)
        (void)c_snprintf(text + strlen(text), sizeof text - strlen(text), "%sl%zu=%.9g", i ? "," : "", i,
                       weights->values[i]);
    if (weights)
        assert_ok(tci_options_set(options, "class_weights", text));
}

static size_t number_of(const golden *file, const char *key)
{
    const char *value = golden_metadata(file, key);
    assert_non_null(value);
    return (size_t)strtoul(value, NULL, 10);
}

tc_model *golden_model_create(const golden *file, const tci_options *options)
{
    tci_memory memory;
    tci_word_counter *counter = NULL;
    tci_vocabulary *vocabulary = NULL;
    tci_pipeline *pipeline = NULL;
    tc_model *model = NULL;
    size_t words = number_of(file, "vocab_size"), label_count = number_of(file, "label_count");
    tci_text_options text_options = tci_model_text_options(options);
    tci_memory_init(&memory, NULL, 0);
    assert_ok(tci_word_counter_create(&memory, 1000, &counter));
    for (size_t i = 1; i < words; i++) {
        char word[16];
        int length = snprintf(word, sizeof word, "w%zu", i);
        assert_ok(tci_word_counter_add(counter, word, (size_t)length, words - i));
    }
    assert_ok(tci_vocabulary_build(&memory, counter, 0, 1, &vocabulary));
    tci_word_counter_free(counter);
    assert_ok(tci_pipeline_create(NULL, 0, &text_options, vocabulary, &pipeline));
    char names[16][24];
    const char *labels[16];
    for (size_t i = 0; i < label_count; i++) {
        (void)snprintf(names[i], sizeof names[i], "l%zu", i);
        labels[i] = names[i];
    }
    assert_ok(tci_model_build(NULL, NULL, options, pipeline, NULL, labels, label_count, &model));
    const tci_parameters *parameters = &model->network->parameters;
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        const golden_tensor *init = golden_get(file, "init.%s", tensor->name);
        assert_int_equal(init->count, tensor->count);
        for (size_t k = 0; k < tensor->count; k++)
            parameters->values[tensor->offset + k] = (float)init->values[k];
    }
    tci_model_refresh(model);
    return model;
}

static void add_row(const golden *file, tc_examples *examples, size_t row, const char *text)
{
    const golden_tensor *labels = golden_find(file, "labels"), *targets = golden_find(file, "targets");
    float weight = (float)golden_get(file, "weights")->values[row], values[16];
    uint32_t list[16];
    tci_truth truth = {.labels = list};
    if (labels)
        list[truth.count++] = (uint32_t)labels->values[row];
    for (size_t i = 0; targets && i < targets->shape[1]; i++) {
        values[i] = (float)targets->values[row * targets->shape[1] + i];
        if (examples->task == TCI_TASK_MULTILABEL && values[i] > 0)
            list[truth.count++] = (uint32_t)i;
    }
    if (examples->task == TCI_TASK_REGRESS)
        truth = (tci_truth){.targets = values, .count = targets->shape[1]};
    assert_ok(tci_examples_add(examples, text, strlen(text), &truth, weight));
}

tc_examples *golden_model_examples(const golden *file, const tc_model *model)
{
    tc_examples *examples = NULL;
    const golden_tensor *ids = golden_get(file, "ids"), *offsets = golden_get(file, "offsets");
    assert_ok(tci_examples_create(model, &examples));
    for (size_t row = 0; row + 1 < offsets->count; row++) {
        char text[512] = "";
        for (size_t i = (size_t)offsets->values[row]; i < (size_t)offsets->values[row + 1]; i++)
            (void)snprintf(text + strlen(text), sizeof text - strlen(text), "w%d ", (int)ids->values[i]);
        add_row(file, examples, row, text);
    }
    return examples;
}

double golden_square_norm(const golden_tensor *expected)
{
    double sum = 0;
    for (size_t i = 0; i < expected->count; i++)
        sum += expected->values[i] * expected->values[i];
    return sum;
}

void golden_compare(const char *what, const float *values, const golden_tensor *expected, double tolerance, double norm)
{
    double difference = 0;
    for (size_t i = 0; i < expected->count; i++)
        difference += (values[i] - expected->values[i]) * (values[i] - expected->values[i]);
    if (!(sqrt(difference) <= tolerance * norm))
        fail_msg("%s, %s: differs by %.3g, which passes %.3g of %.3g", what, expected->name, sqrt(difference),
                 tolerance, norm);
}
