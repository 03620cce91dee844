/* fuzz_examples.c: bytes of encoded examples. The first byte chooses the model, and whether fingerprints and digest are
 * made right, so that what stands behind them is reached. What must hold for any bytes: a status, or examples of that
 * model whose rows and labels can be read, that can be predicted, and that are written as they were read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "model/predict_many.h"
#include "serialization/examples_bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
    if (!holds)
        abort();
}

#define TASKS 3
#define FORMS 3 /* words, features, rows as fastText has them */
#define MODELS (TASKS * FORMS)

static tc_model *make_model(size_t number)
{
    static const char *const tasks[TASKS] = {"classify", "multilabel", "regress"}, *const labels[2] = {"a", "b"};
    static const char vocabulary_lines[] = "<unk>\nthe\ngood\nbad\n";
    const char *const settings[][2] = {{"task", tasks[number % TASKS]},
                                       {"arch", number / TASKS == 0 ? "lstm" : "ngram"},
                                       {"embedding_dim", number / TASKS == 1 ? "0" : "2"},
                                       {"buckets", "64"},
                                       {"hidden_dim", "2"}};
    tci_options options;
    tci_memory memory;
    tci_vocabulary *vocabulary = NULL;
    tci_pipeline *pipeline = NULL;
    tc_model *model = NULL;
    tci_options_default(&options);
    size_t count = number / TASKS == 0 ? 5 : 4;
    for (size_t i = 0; i < count; i++)
        require((number / TASKS == 0 && i == 3) || tci_options_set(&options, settings[i][0], settings[i][1]) == TC_OK);
    require(tci_options_resolve(&options, 100) == TC_OK);
    tci_memory_init(&memory, NULL, 0);
    require(tci_vocabulary_parse(&memory, vocabulary_lines, sizeof vocabulary_lines - 1, 10, &vocabulary) == TC_OK);
    tci_text_options text = tci_model_text_options(&options);
    require(tci_pipeline_create(NULL, 0, &text, vocabulary, &pipeline) == TC_OK);
    require(tci_model_build(NULL, NULL, &options, pipeline, NULL, labels, 2, &model) == TC_OK);
    tci_model_refresh(model);
    return model;
}

/* The fingerprints of the model and the digest, where they stand. */
static void mend(uint8_t *bytes, size_t size, const tc_model *model)
{
    tci_hash_stream stream;
    memcpy(bytes, "textclf.examples", 16);
    tci_store_u64(bytes + 40, model->pipeline->fingerprint);
    tci_store_u64(bytes + 48, model->label_fingerprint);
    tci_hash_begin(&stream);
    tci_hash_add(&stream, bytes + 32, size - 32);
    tci_hash_end_128(&stream, bytes + 16);
}

static void use(const tc_model *model, const tc_examples *examples)
{
    enum { MOST = 64 };
    tci_row rows[MOST];
    float logits[2 * MOST], targets[2];
    size_t count = examples->rows < MOST ? examples->rows : MOST;
    for (size_t i = 0; i < examples->rows; i++) {
        tci_examples_targets(examples, i, 2, targets);
        (void)tci_examples_unknown(examples, i);
        if (i < count)
            rows[i] = tci_examples_row(examples, i);
    }
    require(tci_examples_check(examples, model, NULL, examples->rows) == TC_OK);
    require(tci_predict_rows(model, NULL, rows, count, logits) == TC_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static tc_model *models[MODELS];
    tc_examples *examples = NULL;
    size_t written = 0;
    if (size == 0)
        return 0;
    tc_model **model = &models[(data[0] & 0x7f) % MODELS];
    if (!*model)
        *model = make_model((size_t)(model - models));
    uint8_t *bytes = malloc(size), *again = malloc(size);
    require(bytes && again);
    memcpy(bytes, data + 1, --size);
    if (size >= 128 && data[0] & 0x80)
        mend(bytes, size, *model);
    if (tci_examples_load_memory(bytes, size, *model, &examples) == TC_OK) {
        use(*model, examples);
        require(tci_examples_save_memory(examples, size, again, &written) == TC_OK && written == size);
        require(memcmp(again, bytes, size) == 0);
    }
    tci_examples_release(examples);
    free(bytes);
    free(again);
    return 0;
}
