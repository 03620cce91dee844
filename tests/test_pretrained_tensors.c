/* labels: quick. pretrained_tensors.c, pretrained_shards.c: which tensors a folder has, in one file or in shards, under
 * which names; and what of them is refused. */
#include "support/testing.h"

#include <errno.h>
#include <math.h>

#include "serialization/pretrained_tensors.h"
#include "support/failing.h"
#include "support/failing_files.h"

static const tci_transformer_family *family_of(int32_t family)
{
    tci_options options;
    tci_options_default(&options);
    options.family = family;
    return tci_transformer_family_of(&options);
}

/* A file of F32 tensors of two elements, named in `names` with commas between. */
static void write_tensors(test_folder *folder, const char *file, const char *names)
{
    static const float values[2] = {1.5f, -2.0f};
    char list[512], *rest = list;
    tci_tensor_source sources[8];
    size_t count = 0;
    tci_memory memory;
    tci_buffer out;
    tci_memory_init(&memory, NULL, 0);
    tci_buffer_init(&out, &memory, 1 << 20, "file");
    (void)snprintf(list, sizeof list, "%s", names);
    for (char *name = strtok_r(rest, ",", &rest); name; name = strtok_r(NULL, ",", &rest))
        sources[count++] =
            (tci_tensor_source){.name = name, .dtype = TCI_DTYPE_F32, .rank = 1, .shape = {2}, .data = values};
    assert_ok(tci_safetensors_layout(&memory, NULL, 0, sources, count, &out));
    for (size_t i = 0; i < count; i++)
        assert_ok(tci_buffer_append(&out, values, sizeof values));
    test_write_file(test_folder_file(folder, file), out.data, out.size);
    tci_buffer_free(&out);
}

static void write_text(test_folder *folder, const char *file, const char *text)
{
    test_write_file(test_folder_file(folder, file), text, strlen(text));
}

static tc_status read(test_folder *folder, int32_t family, bool mapped, tci_tensor_set *set, tci_memory *memory)
{
    tci_memory_init(memory, NULL, 0);
    tci_tensor_set_init(set, memory);
    return tci_tensor_set_read(set, &tci_system_files, folder->path, family_of(family), 100, 0, mapped);
}

static void assert_has(tci_tensor_set *set, int32_t family, const char *name)
{
    tci_tensor_view view;
    if (!tci_tensor_set_take(set, family_of(family), name, &view))
        fail_msg("'%s' is not found", name);
    assert_int_equal(view.size, 8);
}

static void names_with_and_without_prefix_and_of_old_files_are_one(void **state)
{
    (void)state;
    static const struct {
        int32_t family;
        const char *there, *wanted;
    } cases[] = {
        {TCI_FAMILY_BERT, "embeddings.LayerNorm.gamma", "bert.embeddings.LayerNorm.weight"},
        {TCI_FAMILY_BERT, "bert.embeddings.LayerNorm.beta", "bert.embeddings.LayerNorm.bias"},
        {TCI_FAMILY_BERT, "encoder.layer.3.output.dense.bias", "bert.encoder.layer.3.output.dense.bias"},
        {TCI_FAMILY_BERT, "classifier.weight", "classifier.weight"},
        {TCI_FAMILY_XLM_ROBERTA, "roberta.encoder.layer.0.output.dense.bias",
         "roberta.encoder.layer.0.output.dense.bias"},
        {TCI_FAMILY_DISTILBERT, "transformer.layer.1.ffn.lin1.bias", "distilbert.transformer.layer.1.ffn.lin1.bias"},
        {TCI_FAMILY_GPT2, "h.1.attn.c_attn.bias", "transformer.h.1.attn.c_attn.bias"},
        {TCI_FAMILY_GPT2, "transformer.wte.weight", "transformer.wte.weight"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int mapped = 0; mapped < 2; mapped++) {
            test_folder folder;
            tci_memory memory;
            tci_tensor_set set;
            test_folder_create(&folder);
            write_tensors(&folder, "model.safetensors", cases[i].there);
            assert_ok(read(&folder, cases[i].family, mapped, &set, &memory));
            assert_has(&set, cases[i].family, cases[i].wanted);
            assert_ok(tci_tensor_set_others(&set, family_of(cases[i].family)));
            tci_tensor_set_free(&set);
            assert_int_equal(memory.used, 0);
            test_folder_remove(&folder);
        }
    }
}

static void what_nobody_asks_for_is_named_but_for_known_companions(void **state)
{
    (void)state;
    static const struct {
        int32_t family;
        const char *there;
        bool known;
    } cases[] = {
        {TCI_FAMILY_BERT, "bert.embeddings.position_ids", true},
        {TCI_FAMILY_BERT, "cls.predictions.transform.dense.weight", true},
        {TCI_FAMILY_BERT, "bert.pooler.dense.bias", true},
        {TCI_FAMILY_ROBERTA, "lm_head.layer_norm.weight", true},
        {TCI_FAMILY_DISTILBERT, "vocab_projector.bias", true},
        {TCI_FAMILY_GPT2, "h.11.attn.bias", true},
        {TCI_FAMILY_GPT2, "transformer.h.0.attn.masked_bias", true},
        {TCI_FAMILY_BERT, "bert.encoder.layer.12.output.dense.bias", false},
        {TCI_FAMILY_BERT, "base_model.model.bert.encoder.layer.0.attention.self.query.lora_A.weight", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test_folder folder;
        tci_memory memory;
        tci_tensor_set set;
        test_folder_create(&folder);
        write_tensors(&folder, "model.safetensors", cases[i].there);
        assert_ok(read(&folder, cases[i].family, false, &set, &memory));
        tc_status status = tci_tensor_set_others(&set, family_of(cases[i].family));
        assert_int_equal(status, cases[i].known ? TC_OK : TC_ERROR_FORMAT);
        if (!cases[i].known)
            assert_contains(tci_error_text(), "has the tensor 'b");
        tci_tensor_set_free(&set);
        test_folder_remove(&folder);
    }
}

static const char index_of_two[] = "{\"metadata\": {\"total_size\": 24}, \"weight_map\": {\"wte.weight\": "
                                   "\"model-00001-of-00002.safetensors\", \"wpe.weight\": "
                                   "\"model-00002-of-00002.safetensors\", \"ln_f.bias\": "
                                   "\"model-00002-of-00002.safetensors\"}}";

static void shards_are_read_by_their_index(void **state)
{
    (void)state;
    for (int mapped = 0; mapped < 2; mapped++) {
        test_folder folder;
        tci_memory memory;
        tci_tensor_set set;
        test_folder_create(&folder);
        write_text(&folder, "model.safetensors.index.json", index_of_two);
        write_tensors(&folder, "model-00001-of-00002.safetensors", "wte.weight");
        write_tensors(&folder, "model-00002-of-00002.safetensors", "wpe.weight,ln_f.bias");
        assert_ok(read(&folder, TCI_FAMILY_GPT2, mapped, &set, &memory));
        assert_int_equal(set.shard_count, 2);
        assert_has(&set, TCI_FAMILY_GPT2, "transformer.wte.weight");
        assert_has(&set, TCI_FAMILY_GPT2, "transformer.ln_f.bias");
        tci_tensor_set_free(&set);
        assert_int_equal(memory.used, 0);
        test_folder_remove(&folder);
    }
}

static void folders_that_do_not_fit_together_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *index, *first, *second;
        tc_status status;
        const char *named;
    } cases[] = {
        {index_of_two, "wte.weight", "wpe.weight", TC_ERROR_FORMAT, "lacks the tensor 'ln_f.bias'"},
        {"{\"weight_map\": {\"wte.weight\": \"model-00001-of-00002.safetensors\", \"wte.weight\\u0000\": "
         "\"model-00001-of-00002.safetensors\"}}",
         "wte.weight", NULL, TC_ERROR_FORMAT, "lacks the tensor 'wte.weight?'"},
        {index_of_two, "wte.weight,ln_f.bias", "wpe.weight", TC_ERROR_FORMAT, "'ln_f.bias'"},
        {index_of_two, "wte.weight", "wpe.weight,ln_f.bias,h.0.ln_1.bias", TC_ERROR_FORMAT, "'h.0.ln_1.bias'"},
        {index_of_two, "wte.weight", NULL, TC_ERROR_IO, "model-00002-of-00002.safetensors"},
        {"{\"weight_map\": {\"a\": \"../x.safetensors\"}}", "a", NULL, TC_ERROR_FORMAT, "'../x.safetensors'"},
        {"{\"weight_map\": {\"a\": \"/x.safetensors\"}}", "a", NULL, TC_ERROR_FORMAT, "'/x.safetensors'"},
        {"{\"weight_map\": {\"a\": \".x.safetensors\"}}", "a", NULL, TC_ERROR_FORMAT, "byte"},
        {"{\"weight_map\": {\"a\": \"a\\u0000.safetensors\"}}", "a", NULL, TC_ERROR_FORMAT, "byte"},
        {"{\"weight_map\": {\"a\": \"x.bin\"}}", "a", NULL, TC_ERROR_FORMAT, "'x.bin'"},
        {"{\"weight_map\": {\"a\": 3}}", "a", NULL, TC_ERROR_FORMAT, "index.json"},
        {"{\"weight_map\": []}", "a", NULL, TC_ERROR_FORMAT, "'weight_map'"},
        {"{\"weight_map\": {}}", "a", NULL, TC_ERROR_FORMAT, "'weight_map'"},
        {"{}", "a", NULL, TC_ERROR_FORMAT, "'weight_map'"},
        {"{\"weight_map\": {\"a\": \"x.safetensors\", \"a\": \"x.safetensors\"}}", "a", NULL, TC_ERROR_FORMAT, "byte"},
        {NULL, NULL, NULL, TC_ERROR_IO, "neither model.safetensors"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test_folder folder;
        tci_memory memory;
        tci_tensor_set set;
        test_folder_create(&folder);
        if (cases[i].index)
            write_text(&folder, "model.safetensors.index.json", cases[i].index);
        if (cases[i].first)
            write_tensors(&folder, "model-00001-of-00002.safetensors", cases[i].first);
        if (cases[i].second)
            write_tensors(&folder, "model-00002-of-00002.safetensors", cases[i].second);
        tc_status status = read(&folder, TCI_FAMILY_GPT2, i % 2 == 0, &set, &memory);
        if (status != cases[i].status || !strstr(tci_error_text(), cases[i].named))
            fail_msg("case %zu: status %d, '%s'", i, (int)status, status ? tci_error_text() : "");
        tci_tensor_set_free(&set);
        assert_int_equal(memory.used, 0);
        test_folder_remove(&folder);
    }
}

static void an_index_is_bounded(void **state)
{
    (void)state;
    tci_memory memory;
    tci_buffer json;
    tci_shard_index index;
    tci_memory_init(&memory, NULL, 0);
    assert_int_equal(tci_shard_index_read(&memory, index_of_two, strlen(index_of_two), 2, &index), TC_ERROR_LIMIT);
    assert_contains(tci_error_text(), "max_tensors (2)");
    tci_buffer_init(&json, &memory, SIZE_MAX, "index");
    assert_ok(tci_buffer_text(&json, "{\"weight_map\":{"));
    for (size_t i = 0; i <= 4096; i++) {
        char member[64];
        snprintf(member, sizeof member, "%s\"%zu\":\"%zu.safetensors\"", i == 0 ? "" : ",", i, i);
        assert_ok(tci_buffer_text(&json, member));
    }
    assert_ok(tci_buffer_text(&json, "}}"));
    assert_int_equal(tci_shard_index_read(&memory, json.data, json.size, 65536, &index), TC_ERROR_LIMIT);
    assert_contains(tci_error_text(), "more than 4096 files");
    tci_buffer_free(&json);
    assert_int_equal(memory.used, 0);
}

static void weights_in_pickle_are_answered_with_the_way_out(void **state)
{
    (void)state;
    test_folder folder;
    tci_memory memory;
    tci_tensor_set set;
    test_folder_create(&folder);
    write_text(&folder, "pytorch_model.bin", "x");
    assert_int_equal(read(&folder, TCI_FAMILY_BERT, false, &set, &memory), TC_ERROR_UNSUPPORTED);
    assert_contains(tci_error_text(), "save_pretrained");
    tci_tensor_set_free(&set);
    test_folder_remove(&folder);
}

static void a_tensor_has_to_fit(void **state)
{
    (void)state;
    static const float nan_at_1[2] = {0, NAN};
    static const size_t two[] = {2}, four[] = {4};
    tci_tensor_info wanted = {.name = "x", .rank = 1, .shape = {2}, .count = 2};
    tci_tensor_view view = {
        .name = "gamma", .name_length = 5, .dtype = TCI_DTYPE_F32, .rank = 1, .shape = two, .size = 8};
    view.data = (const uint8_t *)nan_at_1;
    assert_int_equal(tci_tensor_fits(&view, &wanted), TC_ERROR_NUMERIC);
    assert_contains(tci_error_text(), "'gamma': element 1");
    view.dtype = TCI_DTYPE_I32;
    assert_int_equal(tci_tensor_fits(&view, &wanted), TC_ERROR_UNSUPPORTED);
    assert_contains(tci_error_text(), "I32");
    view.shape = four;
    assert_int_equal(tci_tensor_fits(&view, &wanted), TC_ERROR_FORMAT);
    assert_contains(tci_error_text(), "(4)");
}

static void the_same_tensor_twice_is_refused(void **state)
{
    (void)state;
    test_folder folder;
    tci_memory memory;
    tci_tensor_set set;
    test_folder_create(&folder);
    write_tensors(&folder, "model.safetensors", "wte.weight,transformer.wte.weight");
    assert_int_equal(read(&folder, TCI_FAMILY_GPT2, false, &set, &memory), TC_ERROR_FORMAT);
    assert_contains(tci_error_text(), "twice");
    tci_tensor_set_free(&set);
    test_folder_remove(&folder);
}

static void each_failed_allocation_and_call_is_a_status(void **state)
{
    (void)state;
    test_folder folder;
    test_folder_create(&folder);
    write_text(&folder, "model.safetensors.index.json", index_of_two);
    write_tensors(&folder, "model-00001-of-00002.safetensors", "wte.weight");
    write_tensors(&folder, "model-00002-of-00002.safetensors", "wpe.weight,ln_f.bias");
    for (long n = 0;; n++) {
        test_allocator allocator;
        test_allocator_init(&allocator, n, false);
        tc_allocator host = test_allocator_host(&allocator);
        tci_memory memory;
        tci_tensor_set set;
        tci_memory_init(&memory, &host, 0);
        tci_tensor_set_init(&set, &memory);
        tc_status status =
            tci_tensor_set_read(&set, &tci_system_files, folder.path, family_of(TCI_FAMILY_GPT2), 100, 0, n % 2 == 0);
        assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
        tci_tensor_set_free(&set);
        assert_nothing_held(&allocator);
        if (!allocator.failed)
            break;
    }
    for (long n = 0;; n++) {
        tci_memory memory;
        tci_tensor_set set;
        test_files_init(TEST_FILE_READ, n, EIO);
        tci_memory_init(&memory, NULL, 0);
        tci_tensor_set_init(&set, &memory);
        tc_status status =
            tci_tensor_set_read(&set, &test_failing_files, folder.path, family_of(TCI_FAMILY_GPT2), 100, 0, false);
        assert_int_equal(status, test_files_state.failed ? TC_ERROR_IO : TC_OK);
        tci_tensor_set_free(&set);
        assert_int_equal(memory.used, 0);
        assert_int_equal(test_files_state.open_files, 0);
        if (!test_files_state.failed)
            break;
    }
    test_folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_with_and_without_prefix_and_of_old_files_are_one),
        cmocka_unit_test(what_nobody_asks_for_is_named_but_for_known_companions),
        cmocka_unit_test(shards_are_read_by_their_index),
        cmocka_unit_test(folders_that_do_not_fit_together_are_refused),
        cmocka_unit_test(an_index_is_bounded),
        cmocka_unit_test(weights_in_pickle_are_answered_with_the_way_out),
        cmocka_unit_test(a_tensor_has_to_fit),
        cmocka_unit_test(the_same_tensor_twice_is_refused),
        cmocka_unit_test(each_failed_allocation_and_call_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
