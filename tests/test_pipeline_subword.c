/* labels: quick
 * Text to ids with a tokenizer of pieces of words: special tokens around each sequence, ranges, truncation, windows;
 * and models that come with it: words that have vectors, rows of their table. */
#include "support/testing.h"

#include "model/embed.h"
#include "serialization/tokenizer_json.h"
#include "support/failing.h"

static const char json[] =
    "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[],\"normalizer\":{\"type\":"
    "\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,\"strip_accents\":null,\"lowercase\":true},"
    "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},\"post_processor\":{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]"
    "\",3],\"cls\":[\"[CLS]\",2]},\"decoder\":null,\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\","
    "\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":100,\"vocab\":{\"[PAD]\":0,\"[UNK]\":1,\"[CLS]"
    "\":2,\"[SEP]\":3,\"n\":4,\"##1\":5,\"##2\":6,\"##3\":7}}}";

static tci_text_options options_of(tci_truncate truncate, size_t max_length, size_t overlap)
{
    return (tci_text_options){.max_length = max_length, .truncate = truncate, .window_overlap = overlap};
}

static tc_status make_pipeline(const tc_allocator *host, const tci_text_options *options, tci_pipeline **pipeline)
{
    tci_memory memory;
    tci_subword *subword = NULL;
    tci_memory_init(&memory, host, 0);
    TCI_RETURN_IF(tci_tokenizer_json_read(&memory, json, sizeof json - 1, 100, &subword));
    return tci_pipeline_create_subword(host, 0, options, subword, pipeline);
}

static void assert_encoded(const tci_text_options *options, const char *text, size_t tokens, size_t used,
                           const uint32_t *ids, size_t count, const uint64_t *ranges)
{
    tci_memory memory;
    tci_encoded encoded;
    tci_pipeline *pipeline = NULL;
    tci_memory_init(&memory, NULL, 0);
    tci_encoded_init(&encoded, &memory, true);
    assert_ok(make_pipeline(NULL, options, &pipeline));
    for (int again = 0; again < 2; again++) {
        assert_ok(tci_pipeline_encode(pipeline, text, strlen(text), &encoded));
        assert_int_equal(encoded.tokens, tokens);
        assert_int_equal(encoded.used, used);
        assert_int_equal(encoded.count, count);
        assert_memory_equal(encoded.ids, ids, count * sizeof *ids);
        assert_memory_equal(encoded.ranges, ranges, 2 * count * sizeof *ranges);
    }
    tci_encoded_free(&encoded);
    assert_int_equal(atomic_load(&memory.used), 0);
    tci_pipeline_release(pipeline);
}

static void special_tokens_stand_around_and_have_empty_ranges(void **state)
{
    (void)state;
    const tci_text_options options = options_of(TCI_TRUNCATE_HEAD, 512, 0);
    assert_encoded(&options, " N12 ?", 6, 6, (const uint32_t[]){2, 4, 5, 6, 1, 3}, 6,
                   (const uint64_t[]){0, 0, 1, 2, 2, 3, 3, 4, 5, 6, 0, 0});
    assert_encoded(&options, "", 2, 2, (const uint32_t[]){2, 3}, 2, (const uint64_t[]){0, 0, 0, 0});
}

static void what_is_cut_is_text(void **state)
{
    (void)state;
    const tci_text_options head = options_of(TCI_TRUNCATE_HEAD, 4, 0), tail = options_of(TCI_TRUNCATE_TAIL, 4, 0);
    const tci_text_options both = options_of(TCI_TRUNCATE_BOTH, 4, 0);
    assert_encoded(&head, "n123", 6, 4, (const uint32_t[]){2, 4, 5, 3}, 4, (const uint64_t[]){0, 0, 0, 1, 1, 2, 0, 0});
    assert_encoded(&tail, "n123", 6, 4, (const uint32_t[]){2, 6, 7, 3}, 4, (const uint64_t[]){0, 0, 2, 3, 3, 4, 0, 0});
    assert_encoded(&both, "n123", 6, 4, (const uint32_t[]){2, 4, 7, 3}, 4, (const uint64_t[]){0, 0, 0, 1, 3, 4, 0, 0});
}

static void windows_have_their_special_tokens_and_overlap(void **state)
{
    (void)state;
    const tci_text_options windows = options_of(TCI_TRUNCATE_WINDOWS, 5, 1);
    assert_encoded(&windows, "n123", 6, 6, (const uint32_t[]){2, 4, 5, 6, 3, 2, 6, 7, 3}, 9,
                   (const uint64_t[]){0, 0, 0, 1, 1, 2, 2, 3, 0, 0, 0, 0, 2, 3, 3, 4, 0, 0});
}

static void strict_utf8_is_heard(void **state)
{
    (void)state;
    tci_memory memory;
    tci_encoded encoded;
    tci_pipeline *pipeline = NULL;
    tci_text_options options = options_of(TCI_TRUNCATE_HEAD, 9, 0);
    tci_memory_init(&memory, NULL, 0);
    tci_encoded_init(&encoded, &memory, false);
    options.strict_utf8 = true;
    assert_ok(make_pipeline(NULL, &options, &pipeline));
    assert_ok(tci_pipeline_encode(pipeline, "n1", 2, &encoded));
    assert_int_equal(tci_pipeline_encode(pipeline, "n1\xFF", 3, &encoded), TC_ERROR_ENCODING);
    assert_int_equal(encoded.count + encoded.tokens + encoded.used, 0);
    tci_encoded_free(&encoded);
    tci_pipeline_release(pipeline);
}

static void the_fingerprint_is_that_of_the_json(void **state)
{
    (void)state;
    tci_text_options options = options_of(TCI_TRUNCATE_HEAD, 9, 0);
    tci_pipeline *one = NULL, *other = NULL;
    assert_ok(make_pipeline(NULL, &options, &one));
    assert_ok(make_pipeline(NULL, &options, &other));
    assert_true(one->fingerprint == other->fingerprint);
    tci_pipeline_release(other);
    char changed[sizeof json];
    memcpy(changed, json, sizeof json);
    *strstr(changed, "##3") = '-';
    tci_memory memory;
    tci_subword *subword = NULL;
    tci_memory_init(&memory, NULL, 0);
    assert_ok(tci_tokenizer_json_read(&memory, changed, sizeof json - 1, 100, &subword));
    assert_ok(tci_pipeline_create_subword(NULL, 0, &options, subword, &other));
    assert_true(one->fingerprint != other->fingerprint);
    tci_pipeline_release(other);
    options.max_length = 8;
    assert_ok(make_pipeline(NULL, &options, &other));
    assert_true(one->fingerprint != other->fingerprint);
    tci_pipeline_release(one);
    tci_pipeline_release(other);
}

static tc_status whole_life(const tc_allocator *host)
{
    tc_status status;
    tci_memory memory;
    tci_encoded encoded;
    tci_pipeline *pipeline = NULL;
    tci_text_options options = options_of(TCI_TRUNCATE_WINDOWS, 5, 1);
    tci_memory_init(&memory, host, 0);
    tci_encoded_init(&encoded, &memory, true);
    TCI_CHECK(make_pipeline(host, &options, &pipeline));
    TCI_CHECK(tci_pipeline_encode(pipeline, "n1 n2 n3 ? ? ?", 14, &encoded));
done:
    if (status != TC_OK)
        assert_int_equal(encoded.count + encoded.tokens, 0);
    tci_encoded_free(&encoded);
    tci_pipeline_release(pipeline);
    return status;
}

static void every_failing_allocation_is_a_status_and_leaves_nothing(void **state)
{
    (void)state;
    assert_survives_failing_allocations(whole_life);
}

static tc_status make_model(const char *vocab_size, tc_model **model)
{
    static const char *const labels[] = {"a", "b"};
    tci_options options;
    tci_pipeline *pipeline = NULL;
    tci_options_default(&options);
    assert_ok(tci_options_set(&options, "tokenizer", "json"));
    assert_ok(tci_options_set(&options, "vocab_size", vocab_size));
    assert_ok(tci_options_set(&options, "embedding_dim", "2"));
    assert_ok(tci_options_set(&options, "hidden_dim", "2"));
    tci_text_options text = tci_model_text_options(&options);
    assert_ok(make_pipeline(NULL, &text, &pipeline));
    return tci_model_build(NULL, NULL, &options, pipeline, NULL, labels, 2, model);
}

static void a_table_may_have_more_rows_than_there_are_ids_but_not_less(void **state)
{
    (void)state;
    tc_model *model = NULL;
    assert_ok(make_model("11", &model));
    assert_int_equal(tci_parameters_find(&model->network->parameters, "embedding.weight")->shape[0], 11);
    tci_model_release(model);
    assert_int_equal(make_model("7", &model), TC_ERROR_MISMATCH);
    assert_null(model);
}

static void a_word_that_is_one_piece_has_a_vector(void **state)
{
    (void)state;
    tc_model *model = NULL;
    tci_scratch *scratch = NULL;
    float vector[2];
    assert_ok(make_model("8", &model));
    for (size_t i = 0; i < 16; i++)
        model->network->parameters.values[i] = (float)i;
    assert_ok(tci_scratch_create(model, 1, &scratch));
    assert_ok(tci_model_word_vector(model, scratch, "N", 1, vector));
    assert_true(vector[0] == 8 && vector[1] == 9);
    assert_int_equal(tci_model_word_vector(model, scratch, "n1", 2, vector), TC_ERROR_ARGUMENT);
    assert_non_null(strstr(tci_error_text(), "this has 2"));
    tci_scratch_free(scratch);
    tci_model_release(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_tokens_stand_around_and_have_empty_ranges),
        cmocka_unit_test(what_is_cut_is_text),
        cmocka_unit_test(windows_have_their_special_tokens_and_overlap),
        cmocka_unit_test(strict_utf8_is_heard),
        cmocka_unit_test(the_fingerprint_is_that_of_the_json),
        cmocka_unit_test(every_failing_allocation_is_a_status_and_leaves_nothing),
        cmocka_unit_test(a_table_may_have_more_rows_than_there_are_ids_but_not_less),
        cmocka_unit_test(a_word_that_is_one_piece_has_a_vector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
