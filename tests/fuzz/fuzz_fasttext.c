/* fuzz_fasttext.c: the reader of fastText's files. What loads must predict, and come back the same from a file of the
 * library's own. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "serialization/fasttext.h"
#include "serialization/native.h"
#include "textclf/textclf.h"

#define REQUIRE(condition) ((condition) ? (void)0 : abort())

static tc_status predict(const tc_model *model, const char *text, float *scores)
{
    size_t count = 0;
    tc_status status = tc_predict(model, text, strlen(text), model->label_count, scores, &count);
    REQUIRE(status == TC_OK || status == TC_ERROR_NUMERIC);
    for (size_t k = 0; status == TC_OK && k < count; k++)
        REQUIRE(scores[k] - scores[k] == 0.0f);
    return status;
}

static void use(const tc_model *model, const tci_options *run)
{
    static const char *const texts[] = {"", "the good \xE5\xA5\xBD film, a </s> bad 1", "\xFF good\n\xCC\x81 good"};
    size_t labels = model->label_count, size = 0;
    float *scores = calloc(2 * labels, sizeof *scores);
    tc_model *native = NULL;
    REQUIRE(scores);
    tc_status status = tci_native_save_memory(model, NULL, 0, NULL, &size);
    REQUIRE(status == TC_ERROR_CAPACITY || status == TC_ERROR_NUMERIC);
    if (status == TC_ERROR_CAPACITY) {
        uint8_t *bytes = malloc(size);
        REQUIRE(bytes && tci_native_save_memory(model, NULL, size, bytes, &size) == TC_OK);
        REQUIRE(tci_native_read(bytes, size, run, NULL, NULL, &native, NULL) == TC_OK);
        free(bytes);
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        status = predict(model, texts[i], scores);
        if (native) {
            REQUIRE(predict(native, texts[i], scores + labels) == status);
            REQUIRE(status != TC_OK || memcmp(scores, scores + labels, labels * sizeof *scores) == 0);
        }
    }
    tci_model_release(native);
    free(scores);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tci_options run;
    tci_options_default(&run);
    run.max_memory = (uint64_t)1 << 28;
    for (int in_place = 0; in_place < 2; in_place++) {
        tc_model *model = NULL;
        if (tci_fasttext_read(data, size, &run, NULL, NULL, in_place, !in_place, &model) == TC_OK)
            use(model, &run);
        else
            REQUIRE(!model && tci_error_text()[0]);
        tci_model_release(model);
    }
    return 0;
}
