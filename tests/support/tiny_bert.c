/* tiny_bert.c: see tiny_bert.h. */
#include "support/tiny_bert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"

static const char *const folder_files[] = {"config.json", "model.safetensors", "tokenizer.json",
                                           "tokenizer_config.json"};
#define FILES (sizeof folder_files / sizeof folder_files[0])

const char *tiny_bert_path(const char *name)
{
    static char path[1024];
    (void)snprintf(path, sizeof path, "%s/golden/tiny_bert%s%s", test_source_dir(), name[0] ? "/" : "", name);
    return path;
}

void tiny_bert_copy(test_folder *folder)
{
    test_folder_create(folder);
    for (size_t i = 0; i < FILES; i++) {
        size_t size = 0;
        char *bytes = test_read_file(tiny_bert_path(folder_files[i]), &size);
        test_write_file(test_folder_file(folder, folder_files[i]), bytes, size);
        free(bytes);
    }
}

void tiny_bert_write(test_folder *folder, const char *file, const char *text)
{
    test_write_file(test_folder_file(folder, file), text, strlen(text));
}

/* The file's text with one part of it replaced. */
void tiny_bert_edit(test_folder *folder, const char *file, const char *old, const char *now)
{
    size_t size = 0;
    char *text = test_read_file(test_folder_file(folder, file), &size), *edited = malloc(size + strlen(now) + 1);
    text = realloc(text, size + 1);
    assert_non_null(text);
    assert_non_null(edited);
    text[size] = '\0';
    char *at = strstr(text, old);
    assert_non_null(at);
    int length = snprintf(edited, size + strlen(now) + 1, "%.*s%s%s", (int)(at - text), text, now, at + strlen(old));
    test_write_file(test_folder_file(folder, file), edited, (size_t)length);
    free(text);
    free(edited);
}

void tiny_bert_overwrite(test_folder *folder, const char *file, const char *old, const char *now)
{
    size_t size = 0, at = 0, length = strlen(old);
    char *bytes = test_read_file(test_folder_file(folder, file), &size);
    assert_int_equal(length, strlen(now));
    while (at + length < size && memcmp(bytes + at, old, length) != 0)
        at++;
    assert_true(at + length < size);
    memcpy(bytes + at, now, length);
    test_write_file(test_folder_file(folder, file), bytes, size);
    free(bytes);
}

void tiny_bert_remove(test_folder *folder)
{
    char path[600];
    (void)snprintf(path, sizeof path, "%s/1_Pooling/config.json", folder->path);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/1_Pooling", folder->path);
    (void)rmdir(path);
    test_folder_remove(folder);
}

void tiny_bert_logits(const tc_model *model, const char *text, size_t count, float *logits)
{
    float scores[8];
    size_t written = 0;
    tc_prediction prediction = TC_PREDICTION_INIT;
    prediction.logits_capacity = count;
    prediction.logits = logits;
    assert_ok(tc_predict_with(model, NULL, text, strlen(text), 8, scores, &written, &prediction));
    assert_int_equal(written, count);
}

/* Each text of the golden file: its logits to 1e-5. `order`: which of the file's labels each of the model's is. */
void tiny_bert_assert(const tc_model *model, const size_t order[3])
{
    size_t size = 0, texts = 0;
    char *bytes = test_read_file(tiny_bert_path("../tiny_bert.json"), &size);
    tci_memory memory;
    tci_json_reader json;
    tci_json_event event;
    char text[4096] = "";
    tci_memory_init(&memory, NULL, 0);
    tci_json_init(&json, &memory, bytes, size);
    for (;;) {
        assert_ok(tci_json_next(&json, &event));
        if (event == TCI_JSON_END)
            break;
        if (event != TCI_JSON_KEY)
            continue;
        bool is_text = tci_json_is(&json, "text"), is_logits = tci_json_is(&json, "logits");
        assert_ok(tci_json_next(&json, &event));
        if (is_text) {
            (void)snprintf(text, sizeof text, "%s", json.text.data);
        } else if (is_logits) {
            float logits[3];
            tiny_bert_logits(model, text, 3, logits);
            for (size_t i = 0; i < 3; i++) {
                double wanted = 0;
                size_t label = 0;
                assert_ok(tci_json_next(&json, &event));
                assert_ok(tci_json_double(&json, "a logit", &wanted));
                while (order[label] != i)
                    label++;
                assert_close(logits[label], wanted, 1e-5);
            }
            texts++;
        } else {
            assert_ok(tci_json_skip(&json, event));
        }
    }
    assert_true(texts > 3);
    tci_json_free(&json);
    free(bytes);
}

const size_t tiny_bert_order[3] = {0, 1, 2};

tc_config *tiny_bert_config(const char *settings)
{
    char copy[512], *rest = copy;
    tc_config *config = NULL;
    assert_ok(tc_config_create(&config));
    (void)snprintf(copy, sizeof copy, "%s", settings);
    for (char *key = strtok_r(rest, "= ", &rest); key; key = strtok_r(NULL, "= ", &rest))
        assert_ok(tc_config_set(config, key, strtok_r(NULL, " ", &rest)));
    return config;
}

tc_status tiny_bert_create(const char *folder, const char *settings, const char *const *labels, size_t count,
                           tc_model **model)
{
    tc_config *config = tiny_bert_config(settings);
    tc_status status = tc_model_create_pretrained(config, folder, labels, count, 0, model);
    tc_config_free(config);
    return status;
}
