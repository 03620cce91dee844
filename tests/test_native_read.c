/* labels: quick. native_read.c, checksum.c: every rule of the model file, broken once; what stands in
 * its tensors is in test_native_tensors.c. */
#include "support/testing.h"

#include <fenv.h>

#include "serialization/native.h"
#include "support/tiny_model.h"
#include "text/point.h"

static tc_status read_edited(const char *find, const char *replace)
{
    size_t size = 0, edited_size = 0;
    tc_model *model = test_tiny_model(NULL), *loaded = NULL;
    uint8_t *bytes = test_model_bytes(model, &size);
    uint8_t *edited = test_edit_header(bytes, size, find, replace, &edited_size);
    tc_status status = test_read(edited, edited_size, NULL, &loaded);
    if (status != TC_OK)
        assert_null(loaded);
    tci_model_release(loaded);
    tci_model_release(model);
    free(bytes);
    free(edited);
    return status;
}

#define assert_edit_refused(find, replace, wanted, part)                                                               \
    do {                                                                                                               \
        assert_int_equal(read_edited((find), (replace)), (wanted));                                                    \
        assert_contains(tci_error_text(), (part));                                                                     \
    } while (0)

static void a_plain_safetensors_file_is_told_the_way_in(void **state)
{
    (void)state;
    tc_model *model = NULL;
    uint8_t bytes[] = "\x02\0\0\0\0\0\0\0{}";
    assert_int_equal(test_read(bytes, 10, NULL, &model), TC_ERROR_FORMAT);
    assert_contains(tci_error_text(), "tc_model_load_weights()");
    assert_int_equal(test_read((const uint8_t *)"PK\3\4 something else", 20, NULL, &model), TC_ERROR_FORMAT);
    assert_contains(tci_error_text(), "not a model file");
    assert_int_equal(test_read(bytes, 0, NULL, &model), TC_ERROR_FORMAT);
}

static void thresholds_are_a_number_of_0_to_1_for_each_label(void **state)
{
    (void)state;
    static const struct {
        const char *name, *part; /* NULL: a good one */
    } files[] = {{"good", NULL},
                 {"few", "a threshold for each label"},
                 {"many", "as many thresholds as labels"},
                 {"none", "a threshold for each label"},
                 {"above", "a threshold is a number from 0 to 1"},
                 {"below", "a threshold is a number from 0 to 1"},
                 {"huge", "a threshold"},
                 {"nan", "byte 1"},
                 {"text", "a threshold for each label"},
                 {"nested", "a threshold for each label"},
                 {"object", "thresholds"},
                 {"tail", "byte 5"},
                 {"classify", "is of task multilabel"},
                 {"alone", "metadata 'textclf.thresholds'"}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[512];
        size_t size = 0;
        tc_model *model = NULL;
        (void)snprintf(path, sizeof path, "%s/fuzz/corpus/model/thresholds_%s", test_source_dir(), files[i].name);
        char *bytes = test_read_file(path, &size);
        tc_status status = test_read((const uint8_t *)bytes, size, NULL, &model);
        assert_int_equal(status, files[i].part ? TC_ERROR_FORMAT : TC_OK);
        if (files[i].part)
            assert_contains(tci_error_text(), files[i].part);
        else
            assert_true(model->thresholds[0] == 0 && model->thresholds[1] == 0.1);
        tci_model_release(model);
        free(bytes);
    }
}

static void a_file_of_ngrams_is_held_to_its_set_of_features(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        tc_status status;
        const char *part;
    } files[] = {
        {"good", TC_OK, ""},
        {"good_three", TC_OK, ""},
        {"good_multilabel", TC_OK, ""},
        {"good_empty", TC_OK, ""},
        {"bits_above", TC_ERROR_FORMAT, "members above its 23"},
        {"bits_fewer", TC_ERROR_FORMAT, "'textclf.features' is no list of 3 U8"},
        {"bits_missing", TC_ERROR_FORMAT, "'textclf.features' is missing"},
        {"bits_signed", TC_ERROR_FORMAT, "'textclf.features' is no list of 3 U8"},
        {"rows_fewer", TC_ERROR_FORMAT, "'embedding.weight' has shape (3, 1)"},
        {"columns_two", TC_ERROR_FORMAT, "'bias' has shape (2)"},
        {"buckets_huge", TC_ERROR_FORMAT, "'textclf.features' is no list of 134217728 U8"},
        {"lacks_calibration", TC_ERROR_FORMAT, "'calibration' is missing"},
        {"nan", TC_ERROR_NUMERIC, "'bias': element 0 is NaN"},
        {"f32_as_bf16", TC_ERROR_FORMAT, "'weights' asks for BF16"},
        {"bf16", TC_OK, ""},
        {"int8", TC_OK, ""},
        {"int8_lacking", TC_ERROR_FORMAT, "'textclf.scale.embedding.weight' is missing"},
        {"int8_least", TC_ERROR_FORMAT, "'embedding.weight': element 0 is -128"},
        {"int8_scale_rows", TC_ERROR_FORMAT, "'textclf.scale.embedding.weight' has shape (4)"},
        {"int8_scale_zero", TC_ERROR_FORMAT, "element 1 is no scale"},
        {"int8_scale_nan", TC_ERROR_NUMERIC, "element 1 is NaN"},
        {"int8_scale_huge", TC_ERROR_FORMAT, "element 1 is no scale"},
        {"int8_most_3", TC_ERROR_FORMAT, "'max_features' is 3"},
        {"most_3", TC_ERROR_FORMAT, "the file has 4 features"},
        {"runs_turned", TC_ERROR_FORMAT, "option 'min_char_ngram' is 6"},
        {"runs_half", TC_ERROR_FORMAT, "option 'min_char_ngram' is 0"},
        {"tail", TC_ERROR_FORMAT, "option 'truncate'"},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[512];
        size_t size = 0;
        tc_model *model = NULL;
        (void)snprintf(path, sizeof path, "%s/fuzz/corpus/model/ngram_%s", test_source_dir(), files[i].name);
        char *bytes = test_read_file(path, &size);
        assert_int_equal(test_read((const uint8_t *)bytes, size, NULL, &model), files[i].status);
        if (files[i].status == TC_OK) {
            const tci_index_set *features = tci_model_features(model);
            assert_int_equal(features->count, strcmp(files[i].name, "good_empty") == 0 ? 0 : 4);
            assert_int_equal(features->bound, 24);
            tci_model_release(model);
        } else {
            assert_null(model);
            assert_contains(tci_error_text(), files[i].part);
        }
        free(bytes);
    }
}

static void a_tokenizer_json_stands_in_place_of_the_words(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        tc_status status;
        const char *part;
    } files[] = {
        {"good", TC_OK, ""},
        {"good_tail", TC_OK, ""},
        {"missing", TC_ERROR_FORMAT, "'textclf.tokenizer' is missing"},
        {"not_asked_for", TC_ERROR_FORMAT, "'textclf.tokenizer' does not go with"},
        {"and_words", TC_ERROR_FORMAT, "'textclf.vocab' does not go with"},
        {"words_only", TC_ERROR_FORMAT, "'textclf.vocab' does not go with"},
        {"signed", TC_ERROR_FORMAT, "'textclf.tokenizer' is no list of U8"},
        {"cut", TC_ERROR_FORMAT, "tensor 'textclf.tokenizer'"},
        {"none", TC_ERROR_FORMAT, "tensor 'textclf.tokenizer'"},
        {"of_a_kind", TC_ERROR_UNSUPPORTED, "BertPretokeniser"},
        {"more_ids", TC_ERROR_MISMATCH, "ids up to 6; option 'vocab_size'"},
        {"more_rows", TC_ERROR_FORMAT, "tensor 'embedding.weight' has shape (6, 3)"},
        {"no_room", TC_ERROR_OPTION, "option 'max_length' is 2"},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[512];
        size_t size = 0, again = 0;
        tc_model *model = NULL, *other = NULL;
        (void)snprintf(path, sizeof path, "%s/fuzz/corpus/model/tokenizer_%s", test_source_dir(), files[i].name);
        char *bytes = test_read_file(path, &size);
        assert_int_equal(test_read((const uint8_t *)bytes, size, NULL, &model), files[i].status);
        if (files[i].status == TC_OK) {
            assert_null(model->pipeline->vocabulary);
            uint8_t *written = test_model_bytes(model, &again);
            assert_int_equal(test_read(written, again, NULL, &other), TC_OK);
            assert_true(other->pipeline->fingerprint == model->pipeline->fingerprint);
            free(written);
            tci_model_release(other);
            tci_model_release(model);
        } else {
            assert_null(model);
            assert_contains(tci_error_text(), files[i].part);
        }
        free(bytes);
    }
}

static void damage_is_a_wrong_checksum(void **state)
{
    (void)state;
    size_t size = 0;
    tc_model *model = test_tiny_model(NULL), *loaded = NULL;
    uint8_t *bytes = test_model_bytes(model, &size);
    for (size_t i = 0; i < size; i += 13) {
        bytes[i] ^= 4;
        tc_status status = test_read(bytes, size, NULL, &loaded);
        /* The mark and the bounds of the header are looked at before. */
        if (i >= 8 || status != TC_ERROR_CHECKSUM)
            assert_int_equal(status, i < 54 ? TC_ERROR_FORMAT : TC_ERROR_CHECKSUM);
        bytes[i] ^= 4;
    }
    bytes[60] ^= 0x20; /* 'A' for 'a' or another character for a digit: only lower-case digits are accepted */
    assert_int_equal(test_read(bytes, size, NULL, &loaded), TC_ERROR_CHECKSUM);
    bytes[60] ^= 0x20;
    assert_int_equal(test_read(bytes, size - 1, NULL, &loaded), TC_ERROR_CHECKSUM);
    assert_int_equal(test_read(bytes, 200, NULL, &loaded), TC_ERROR_FORMAT);
    assert_contains(tci_error_text(), "cut short");
    free(bytes);
    tci_model_release(model);
}

static void a_newer_format_or_option_is_a_version_error(void **state)
{
    (void)state;
    assert_edit_refused("format_version\":\"1\"", "format_version\":\"2\"", TC_ERROR_VERSION, "reads up to 1");
    assert_edit_refused("option.hidden_dim\":", "option.hidden_dimension\":", TC_ERROR_VERSION,
                        "option.hidden_dimension");
    assert_edit_refused("option.arch\":\"lstm\"", "option.arch\":\"transformer\"", TC_ERROR_VERSION, "'transformer'");
    assert_edit_refused("format_version\":\"1\"", "format_version\":\"01\"", TC_ERROR_FORMAT, "format_version");
    assert_edit_refused("format_version\":\"1\"", "format_version\":\"0\"", TC_ERROR_FORMAT, "format_version");
    assert_edit_refused("format_version\":\"1\"", "format_version\":\"\"", TC_ERROR_FORMAT, "format_version");
    assert_edit_refused("option.weights\":\"f32\"", "option.weights\":\"int4\"", TC_ERROR_VERSION, "'int4'");
}

static void metadata_is_sorted_and_our_own(void **state)
{
    (void)state;
    assert_edit_refused("textclf.labels\"", "textclf.z\"", TC_ERROR_FORMAT, "stands behind");
    assert_edit_refused("\"textclf.format_version\"", "\"format\":\"pt\",\"textclf.format_version\"", TC_ERROR_FORMAT,
                        "'format'");
    assert_edit_refused("\"textclf.format_version\"", "\"textclf.format_version\":\"1\",\"textclf.format_version\"",
                        TC_ERROR_FORMAT, "twice");
    assert_edit_refused("\"textclf.labels\"", "\"textclf.format_version\\u0000\":\"1\",\"textclf.labels\"",
                        TC_ERROR_FORMAT, "NUL");
    assert_edit_refused("format_version\":\"1\"", "format_version\":\"1\\u0000\"", TC_ERROR_FORMAT, "NUL");
    assert_ok(read_edited("\"textclf.labels\"", "\"textclf.kept_for_later\":\"\",\"textclf.labels\""));
}

static void metadata_that_a_model_needs_must_be_there(void **state)
{
    (void)state;
    assert_edit_refused("\"textclf.format_version\":\"1\",", "", TC_ERROR_FORMAT, "lacks 'textclf.format_version'");
    assert_edit_refused("textclf.labels\"", "textclf.lapels\"", TC_ERROR_FORMAT, "lacks 'textclf.labels'");
    assert_edit_refused("textclf.unicode_version\"", "textclf.unicode_versions\"", TC_ERROR_FORMAT,
                        "lacks 'textclf.unicode_version'");
    assert_edit_refused("unicode_version\":\"1", "unicode_version\":\"x", TC_ERROR_FORMAT, "no Unicode version");
    assert_edit_refused("unicode_version\":\"1", "unicode_version\":\"1111111111111", TC_ERROR_FORMAT, "no Unicode");
    assert_ok(read_edited("\"textclf.option.patience\":\"0\",", "")); /* an older file: the default holds */
}

static void options_have_their_ranges_and_none_is_of_a_run(void **state)
{
    (void)state;
    assert_edit_refused("option.dropout\":\"0\"", "option.dropout\":\"1\"", TC_ERROR_FORMAT, "option 'dropout'");
    assert_edit_refused("option.num_layers\":\"1\"", "option.num_layers\":\"1e0\"", TC_ERROR_FORMAT, "'num_layers'");
    assert_edit_refused("option.threshold\"", "option.threads\"", TC_ERROR_FORMAT, "an option of a run");
}

static void labels_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *labels, *part;
    } cases[] = {
        {"[]", "label"},
        {"[\\\"no\\\"]", "(1, 2)"},
        {"[\\\"no\\\",\\\"no\\\"]", "twice"},
        {"[\\\"no\\\",\\\"\\\"]", "empty"},
        {"[\\\"no\\\",\\\"a\\\\tb\\\"]", "tab"},
        {"[\\\"no\\\",\\\"a\\\\u0000b\\\"]", "NUL"},
        {"[\\\"no\\\",1]", "string"},
        {"{}", "labels"},
        {"[\\\"no\\\",\\\"b\\\"", "labels"},
        {"[\\\"no\\\",\\\"b\\\"]]", "labels"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_edit_refused("[\\\"no\\\",\\\"yes \\\\\\\"\xE5\xA5\xBD\\\\\\\"\\\"]", cases[i].labels, TC_ERROR_FORMAT,
                            cases[i].part);
    assert_edit_refused("\\\"no\\\",", "\\\"n,o\\\",\\\"p\\\",", TC_ERROR_FORMAT, "(3, 2)");
}

static void the_checksum_ends_behind_its_digits(void **state)
{
    (void)state;
    size_t size = 0, edited_size = 0;
    tc_model *model = test_tiny_model(NULL), *loaded = NULL;
    uint8_t *bytes = test_model_bytes(model, &size);
    uint8_t *edited =
        test_edit_header(bytes, size, "\",\"textclf.format_version", "0\",\"textclf.format_version", &edited_size);
    assert_int_equal(test_read(edited, edited_size, NULL, &loaded), TC_ERROR_FORMAT);
    assert_contains(tci_error_text(), "32 digits");
    free(bytes);
    free(edited);
    tci_model_release(model);
}

static void tensors_have_the_shapes_that_options_ask_for(void **state)
{
    (void)state;
    assert_edit_refused("option.hidden_dim\":\"2\"", "option.hidden_dim\":\"16384\"", TC_ERROR_FORMAT, "(65536, 3)");
    assert_edit_refused("option.num_layers\":\"1\"", "option.num_layers\":\"2\"", TC_ERROR_FORMAT,
                        "'lstm.weight_ih_l1' is missing");
    assert_edit_refused("option.embedding_dim\":\"3\"", "option.embedding_dim\":\"65536\"", TC_ERROR_FORMAT,
                        "shape (6, 3); options, labels and vocabulary ask for (6, 65536)");
    assert_edit_refused("fc.bias", "fc.bios", TC_ERROR_FORMAT, "'fc.bias' is missing");
    assert_edit_refused("fc.bias\":{\"dtype\":\"F32\"", "fc.bias\":{\"dtype\":\"I32\"", TC_ERROR_FORMAT, "type I32");
    assert_edit_refused("fc.bias\":{\"dtype\":\"F32\",\"shape\":[2]", "fc.bias\":{\"dtype\":\"F32\",\"shape\":[2,1]",
                        TC_ERROR_FORMAT, "shape (2, 1)");
    assert_edit_refused(
        "\"fc.bias\":", "\"other\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},\"fc.bias\":",
        TC_ERROR_FORMAT, "'other' is none of this architecture");
    assert_ok(read_edited("\"fc.bias\":",
                          "\"optim.x\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},\"fc.bias\":"));
}

static void the_vocabulary_is_a_list_of_bytes(void **state)
{
    (void)state;
    assert_edit_refused("textclf.vocab\"", "textclf.words\"", TC_ERROR_FORMAT, "'textclf.vocab' is missing");
    assert_edit_refused("textclf.vocab\":{\"dtype\":\"U8\"", "textclf.vocab\":{\"dtype\":\"I8\"", TC_ERROR_FORMAT,
                        "U8");
}

static void limits_of_the_run_hold(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value, *part;
    } cases[] = {{"max_file_bytes", "1000", "max_file_bytes"},
                 {"max_tensors", "7", "max_tensors (7)"},
                 {"max_vocab", "5", "max_vocab is 5"},
                 {"max_memory", "9000", "max_memory"}};
    size_t size = 0;
    tc_model *model = test_tiny_model(NULL), *loaded = NULL;
    uint8_t *bytes = test_model_bytes(model, &size);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tci_options run;
        tci_options_default(&run);
        assert_ok(tci_options_set(&run, cases[i].key, cases[i].value));
        assert_int_equal(tci_native_read(bytes, size, &run, NULL, NULL, &loaded, NULL), TC_ERROR_LIMIT);
        assert_contains(tci_error_text(), cases[i].part);
    }
    free(bytes);
    tci_model_release(model);
}

static void the_unicode_version_of_the_file_is_kept(void **state)
{
    (void)state;
    size_t size = 0, edited_size = 0;
    char version[64];
    tc_model *model = test_tiny_model(NULL), *loaded = NULL;
    assert_string_equal(model->unicode_version, tci_unicode_version());
    uint8_t *bytes = test_model_bytes(model, &size);
    snprintf(version, sizeof version, "unicode_version\":\"%s\"", tci_unicode_version());
    uint8_t *edited = test_edit_header(bytes, size, version, "unicode_version\":\"9.1\"", &edited_size);
    assert_ok(test_read(edited, edited_size, NULL, &loaded));
    assert_string_equal(loaded->unicode_version, "9.1");
    free(bytes);
    bytes = test_model_bytes(loaded, &size); /* and written again */
    tci_model_release(loaded);
    assert_ok(test_read(bytes, size, NULL, &loaded));
    assert_string_equal(loaded->unicode_version, "9.1");
    free(bytes);
    free(edited);
    tci_model_release(model);
    tci_model_release(loaded);
}

/* The bias sums of the packed weights are rounded: they must not depend on the modes that the host has set. */
static void the_hosts_rounding_mode_changes_nothing(void **state)
{
    (void)state;
    size_t size = 0;
    tc_model *model = test_tiny_model(NULL), *loaded[2] = {NULL, NULL};
    /* Only the cell's input has biases, whose sum is inexact, and passes through nearly linear functions. */
    float *values = model->network->parameters.values;
    memset(values, 0, model->network->parameters.size * sizeof *values);
    values[tci_parameters_find(&model->network->parameters, "lstm.bias_ih_l0")->offset + 4] = 0x1p-7f;
    values[tci_parameters_find(&model->network->parameters, "lstm.bias_hh_l0")->offset + 4] = 0x1p-33f;
    values[tci_parameters_find(&model->network->parameters, "fc.weight")->offset] = 1;
    uint8_t *bytes = test_model_bytes(model, &size);
    float logits[2][2];
    for (int i = 0; i < 2; i++) {
        tci_scratch *scratch = NULL;
        assert_int_equal(fesetround(i ? FE_UPWARD : FE_TONEAREST), 0);
        tc_status status = test_read(bytes, size, NULL, &loaded[i]);
        assert_int_equal(fesetround(FE_TONEAREST), 0);
        assert_ok(status);
        assert_ok(tci_scratch_create(loaded[i], 1, &scratch));
        assert_ok(tci_model_predict_text(loaded[i], scratch, "the good bad film", 17, logits[i]));
        tci_scratch_free(scratch);
        tci_model_release(loaded[i]);
    }
    assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
    free(bytes);
    tci_model_release(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_safetensors_file_is_told_the_way_in),
        cmocka_unit_test(thresholds_are_a_number_of_0_to_1_for_each_label),
        cmocka_unit_test(a_file_of_ngrams_is_held_to_its_set_of_features),
        cmocka_unit_test(a_tokenizer_json_stands_in_place_of_the_words),
        cmocka_unit_test(damage_is_a_wrong_checksum),
        cmocka_unit_test(a_newer_format_or_option_is_a_version_error),
        cmocka_unit_test(metadata_is_sorted_and_our_own),
        cmocka_unit_test(metadata_that_a_model_needs_must_be_there),
        cmocka_unit_test(options_have_their_ranges_and_none_is_of_a_run),
        cmocka_unit_test(labels_are_checked),
        cmocka_unit_test(the_checksum_ends_behind_its_digits),
        cmocka_unit_test(tensors_have_the_shapes_that_options_ask_for),
        cmocka_unit_test(the_vocabulary_is_a_list_of_bytes),
        cmocka_unit_test(limits_of_the_run_hold),
        cmocka_unit_test(the_unicode_version_of_the_file_is_kept),
        cmocka_unit_test(the_hosts_rounding_mode_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
