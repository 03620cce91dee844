/* tiny_model.c: made from the internals, so that tests of files need neither trainer nor builder. */
#include "support/tiny_model.h"

#include <math.h>

#include "base/cpu.h"
#include "model/conversion.h"
#include "serialization/native.h"
#include "support/testing.h"

static const char words[] = "<unk>\nthe\ngood\nbad\n\xE5\xA5\xBD\nfilm\n";

tc_status test_tiny_create(const tc_allocator *host, const tci_file_operations *files, const char *const *settings,
                           tc_model **model)
{
    static const char *const labels[] = {"no", "yes \"\xE5\xA5\xBD\""};
    static const char *const small[] = {"embedding_dim", "3", "hidden_dim", "2", "vocab_size", "16", NULL};
    tci_memory memory;
    tci_options options;
    tci_vocabulary *vocabulary = NULL;
    tci_pipeline *pipeline = NULL;
    tci_memory_init(&memory, host, 0);
    tci_options_default(&options);
    for (size_t i = 0; small[i]; i += 2)
        assert_ok(tci_options_set(&options, small[i], small[i + 1]));
    for (size_t i = 0; settings && settings[i]; i += 2)
        assert_ok(tci_options_set(&options, settings[i], settings[i + 1]));
    tci_text_options text = tci_model_text_options(&options);
    int32_t weights = options.weights;
    options.weights = TCI_WEIGHTS_F32; /* narrow ones are converted from these */
    *model = NULL;
    TCI_RETURN_IF(tci_vocabulary_parse(&memory, words, sizeof words - 1, 100, &vocabulary));
    TCI_RETURN_IF(tci_pipeline_create(host, 0, &text, vocabulary, &pipeline));
    TCI_RETURN_IF(tci_model_build(host, files, &options, pipeline, NULL, labels, 2, model));
    (*model)->network->architecture->initialize((*model)->network, 1);
    tci_model_refresh(*model);
    if (weights == TCI_WEIGHTS_F32)
        return TC_OK;
    tc_model *wide = *model;
    options.weights = weights;
    tc_status status = tci_model_convert(wide, &options, model);
    tci_model_release(wide);
    return status;
}

tc_model *test_tiny_model(const char *const *settings)
{
    tc_model *model = NULL;
    assert_ok(test_tiny_create(NULL, NULL, settings, &model));
    return model;
}

void test_ngram_parts(const char *task, const char *buckets, tci_options *options, tci_pipeline **pipeline)
{
    tci_memory memory;
    tci_vocabulary *vocabulary = NULL;
    tci_options_default(options);
    assert_ok(tci_options_set(options, "arch", "ngram"));
    assert_ok(tci_options_set(options, "buckets", buckets));
    assert_ok(tci_options_set(options, "task", task));
    assert_ok(tci_options_resolve(options, 100));
    tci_memory_init(&memory, NULL, 0);
    assert_ok(tci_vocabulary_parse(&memory, "<unk>\n", 6, 10, &vocabulary));
    tci_text_options text = tci_model_text_options(options);
    assert_ok(tci_pipeline_create(NULL, 0, &text, vocabulary, pipeline));
}

uint8_t *test_model_bytes(const tc_model *model, size_t *size)
{
    assert_int_equal(tci_native_save_memory(model, NULL, 0, NULL, size), TC_ERROR_CAPACITY);
    uint8_t *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_ok(tci_native_save_memory(model, NULL, *size, bytes, size));
    return bytes;
}

void test_reseal(uint8_t *bytes, size_t size)
{
    char digits[TCI_CHECKSUM_DIGITS + 1];
    const tci_file_piece whole = {bytes, size};
    assert_true(size >= TCI_CHECKSUM_END);
    tci_checksum_compute(&whole, 1, digits);
    memcpy(bytes + TCI_CHECKSUM_AT, digits, TCI_CHECKSUM_DIGITS);
}

uint8_t *test_edit_header(const uint8_t *bytes, size_t size, const char *find, const char *replace, size_t *new_size)
{
    size_t header = (size_t)tci_load_u64(bytes), old = strlen(find), new = strlen(replace), at = 8;
    while (at + old <= 8 + header && memcmp(bytes + at, find, old) != 0)
        at++;
    assert_true(at + old <= 8 + header);
    *new_size = size - old + new;
    uint8_t *edited = malloc(*new_size);
    assert_non_null(edited);
    memcpy(edited, bytes, at);
    memcpy(edited + at, replace, new);
    memcpy(edited + at + new, bytes + at + old, size - at - old);
    tci_store_u64(edited, header - old + new);
    test_reseal(edited, *new_size);
    return edited;
}

tc_status test_read(const uint8_t *bytes, size_t size, const tc_allocator *host, tc_model **model)
{
    tci_options run;
    tci_options_default(&run);
    return tci_native_read(bytes, size, &run, host, NULL, model, NULL);
}

tc_status test_predict_20(const tc_model *model)
{
    static const char *const texts[] = {"",
                                        "good film",
                                        "the bad film",
                                        "\xE5\xA5\xBD\xE5\xA5\xBD",
                                        "\xFF\xC3",
                                        "a\tb\nc",
                                        "good good good good good",
                                        "unknown words only",
                                        "1 2 3",
                                        "The Film."};
    tci_scratch *scratch = NULL;
    tc_status status = TC_OK;
    float *scores = malloc(model->label_count * sizeof *scores);
    assert_non_null(scores);
    TCI_CHECK(tci_scratch_create(model, 1, &scratch));
    for (size_t i = 0; i < 20; i++) {
        char text[200];
        int length = snprintf(text, sizeof text, "%s %s", texts[i % 10], texts[(i * 7 + i / 10) % 10]);
        tci_float_environment environment = tci_float_enter();
        status = tci_model_predict_text(model, scratch, text, (size_t)length, scores);
        if (status == TC_OK)
            status = tci_model_scores(model, 1, scores);
        tci_float_leave(environment);
        for (size_t k = 0; status == TC_OK && k < model->label_count; k++)
            assert_true(isfinite(scores[k]));
        TCI_CHECK(status);
    }
done:
    tci_scratch_free(scratch);
    free(scores);
    return status;
}
