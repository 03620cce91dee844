/* fuzz_model.c: the model file's reader, and the reader of foreign weights.
 *
 * Each input is loaded as it is, then as if its checksum were right, so that what stands behind that check is reached;
 * then as weights for a small model. Whatever loads must predict. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "serialization/native.h"
#include "serialization/weights.h"

#define REQUIRE(condition) ((condition) ? (void)0 : abort())

static const char words[] = "<unk>\nthe\ngood\nbad\na\nfilm\n";

/* The model that foreign weights go into: that of the corpus, in its dimensions. */
static tc_model *small_model(const tci_options *defaults)
{
    static const char *const labels[] = {"no", "yes"};
    tci_memory memory;
    tci_options options = *defaults;
    tci_vocabulary *vocabulary = NULL;
    tci_pipeline *pipeline = NULL;
    tc_model *model = NULL;
    tci_memory_init(&memory, NULL, 0);
    REQUIRE(tci_options_set(&options, "embedding_dim", "3") == TC_OK);
    REQUIRE(tci_options_set(&options, "hidden_dim", "2") == TC_OK);
    tci_text_options text = tci_model_text_options(&options);
    REQUIRE(tci_vocabulary_parse(&memory, words, sizeof words - 1, 100, &vocabulary) == TC_OK);
    REQUIRE(tci_pipeline_create(NULL, 0, &text, vocabulary, &pipeline) == TC_OK);
    REQUIRE(tci_model_build(NULL, NULL, &options, pipeline, NULL, labels, 2, &model) == TC_OK);
    return model;
}

/* Three texts; each score is finite, or the library says that it is not. */
static void predict(const tc_model *model)
{
    static const char *const texts[] = {"", "the good \xE5\xA5\xBD film, a bad 1", "\xFF good\n\xCC\x81 good"};
    tci_scratch *scratch = NULL;
    float *scores = calloc(model->label_count, sizeof *scores);
    REQUIRE(scores && tci_scratch_create(model, 1, &scratch) == TC_OK);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        tci_float_environment environment = tci_float_enter();
        tc_status status = tci_model_predict_text(model, scratch, texts[i], strlen(texts[i]), scores);
        if (status == TC_OK)
            status = tci_model_scores(model, 1, scores);
        tci_float_leave(environment);
        REQUIRE(status == TC_OK || status == TC_ERROR_NUMERIC || status == TC_ERROR_ENCODING ||
                status == TC_ERROR_LIMIT);
        for (size_t k = 0; status == TC_OK && k < model->label_count; k++)
            REQUIRE(scores[k] - scores[k] == 0.0f);
    }
    tci_scratch_free(scratch);
    free(scores);
}

static void load(const uint8_t *bytes, size_t size, const tci_options *run)
{
    tc_model *model = NULL;
    tci_native_contents contents;
    if (tci_native_read(bytes, size, run, NULL, NULL, &model, &contents) != TC_OK) {
        REQUIRE(!model && tci_error_text()[0]);
        return;
    }
    (void)tci_native_contents_find(&contents, "textclf.kept");
    tci_native_contents_close(&contents);
    predict(model);
    tci_model_release(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tci_options run;
    tci_options_default(&run);
    run.max_memory = (uint64_t)1 << 28;
    load(data, size, &run);
    tc_model *model = small_model(&run);
    if (tci_weights_load(model, data, size) == TC_OK)
        predict(model);
    tci_model_release(model);
    if (size > TCI_CHECKSUM_END) {
        uint8_t *copy = malloc(size);
        const tci_file_piece whole = {copy, size};
        char digits[TCI_CHECKSUM_DIGITS + 1];
        REQUIRE(copy);
        memcpy(copy, data, size);
        tci_checksum_compute(&whole, 1, digits);
        memcpy(copy + TCI_CHECKSUM_AT, digits, TCI_CHECKSUM_DIGITS);
        load(copy, size, &run);
        free(copy);
    }
    return 0;
}
