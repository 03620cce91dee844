/* pretrained_modules.c: modules.json and 1_Pooling/config.json of sentence-transformers: what becomes of the states of
 * a text's tokens.
 *
 *     [{"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"},
 *      {"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}, ...]
 *
 * Normalize is passed over: it scales the vector that somebody compares, not the one that a head reads. */
#include <string.h>

#include "base/json.h"
#include "serialization/pretrained_options.h"
#include "serialization/safetensors.h"

#define NAME_BYTES TCI_PLAIN_NAME

typedef struct module {
    char path[NAME_BYTES], type[NAME_BYTES];
} module;

static tc_status read_name(tci_json_reader *json, const char *key, char name[NAME_BYTES])
{
    TCI_RETURN_IF(tci_json_expect(json, TCI_JSON_STRING, key));
    if (json->text.size >= NAME_BYTES || memchr(json->text.data, 0, json->text.size))
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: wanted a name of less than %d bytes for '%s'", json->start,
                        NAME_BYTES, key);
    memcpy(name, json->text.data, json->text.size + 1);
    return TC_OK;
}

static tc_status read_module(tci_json_reader *json, module *read)
{
    *read = (module){.path = ""};
    for (;;) {
        tci_json_event event;
        TCI_RETURN_IF(tci_json_next(json, &event));
        if (event == TCI_JSON_OBJECT_END)
            return TC_OK;
        if (tci_json_is(json, "path")) {
            TCI_RETURN_IF(read_name(json, "path", read->path));
        } else if (tci_json_is(json, "type")) {
            TCI_RETURN_IF(read_name(json, "type", read->type));
        } else {
            TCI_RETURN_IF(tci_json_next(json, &event));
            TCI_RETURN_IF(tci_json_skip(json, event));
        }
    }
}

/* What is known of a module so far: one Transformer, then one Pooling, then Normalize or nothing. */
static tc_status place_module(const tci_json_reader *json, const module *read, size_t number, char path[NAME_BYTES])
{
    const char *point = strrchr(read->type, '.');
    const char *type = point ? point + 1 : read->type;
    char shown[TCI_SHOWN];
    if (number == 0 && strcmp(type, "Transformer") == 0) {
        if (read->path[0])
            return tci_fail(TC_ERROR_UNSUPPORTED,
                            "byte %zu: the transformer is in the folder '%s' of this one; one "
                            "beside " TCI_MODULES_JSON " is supported",
                            json->start, tci_show_text(read->path, strlen(read->path), shown));
        return TC_OK;
    }
    if (number == 1 && strcmp(type, "Pooling") == 0) {
        if (!tci_is_plain_name(read->path, strlen(read->path)))
            return tci_fail(TC_ERROR_FORMAT, "byte %zu: '%s' is no name of a folder in this one", json->start,
                            tci_show_text(read->path, strlen(read->path), shown));
        memcpy(path, read->path, NAME_BYTES);
        return TC_OK;
    }
    if (number > 1 && strcmp(type, "Normalize") == 0)
        return TC_OK;
    return tci_fail(TC_ERROR_UNSUPPORTED,
                    "byte %zu: module %zu is of type '%s'; Transformer, Pooling and then Normalize or nothing are "
                    "supported",
                    json->start, number, tci_show_text(type, strlen(type), shown));
}

static tc_status read_modules(tci_json_reader *json, char path[NAME_BYTES])
{
    TCI_RETURN_IF(tci_json_expect(json, TCI_JSON_ARRAY_BEGIN, "the list of modules"));
    for (size_t number = 0;; number++) {
        tci_json_event event;
        module read;
        TCI_RETURN_IF(tci_json_next(json, &event));
        if (event == TCI_JSON_ARRAY_END)
            break;
        if (event != TCI_JSON_OBJECT_BEGIN)
            return tci_fail(TC_ERROR_FORMAT, "byte %zu: module %zu is no object", json->start, number);
        TCI_RETURN_IF(read_module(json, &read));
        TCI_RETURN_IF(place_module(json, &read, number, path));
    }
    if (!path[0])
        return tci_fail(TC_ERROR_FORMAT, "there is no module of type Pooling behind a Transformer");
    return tci_json_expect(json, TCI_JSON_END, "the end of the modules");
}

/* Modes by the key that asks for them, or by the word of "pooling_mode". */
static const struct {
    const char *key, *word, *pooling; /* NULL: there is no such pooling */
} modes[] = {
    {"pooling_mode_cls_token", "cls", "cls"},
    {"pooling_mode_mean_tokens", "mean", "mean"},
    {"pooling_mode_max_tokens", "max", "max"},
    {"pooling_mode_lasttoken", "lasttoken", "last"},
    {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", NULL},
    {"pooling_mode_weightedmean_tokens", "weightedmean", NULL},
};

static tc_status take_mode(const tci_json_reader *json, size_t mode, const char **pooling)
{
    if (!modes[mode].pooling || *pooling)
        return tci_fail(TC_ERROR_UNSUPPORTED, "'%s' (byte %zu): one of cls, mean, max and last pooling is supported",
                        modes[mode].key, json->start);
    *pooling = modes[mode].pooling;
    return TC_OK;
}

static tc_status read_pooling(tci_json_reader *json, const char **pooling)
{
    const size_t count = sizeof modes / sizeof modes[0];
    TCI_RETURN_IF(tci_json_expect(json, TCI_JSON_OBJECT_BEGIN, "the pooling"));
    for (;;) {
        tci_json_event event;
        size_t mode = 0;
        TCI_RETURN_IF(tci_json_next(json, &event));
        if (event == TCI_JSON_OBJECT_END)
            break;
        bool word = tci_json_is(json, "pooling_mode");
        while (mode < count && !tci_json_is(json, modes[mode].key))
            mode++;
        TCI_RETURN_IF(tci_json_next(json, &event));
        for (size_t m = 0; word && event == TCI_JSON_STRING && m < count; m++) {
            if (tci_json_is(json, modes[m].word))
                mode = m;
        }
        if (word && mode == count)
            return tci_fail(TC_ERROR_UNSUPPORTED,
                            "'pooling_mode' (byte %zu): cls, mean, max and lasttoken are "
                            "supported",
                            json->start);
        if (word || (mode < count && event == TCI_JSON_TRUE))
            TCI_RETURN_IF(take_mode(json, mode, pooling));
        else
            TCI_RETURN_IF(tci_json_skip(json, event));
    }
    if (!*pooling)
        return tci_fail(TC_ERROR_FORMAT, "it names no pooling; cls, mean, max or last pooling is wanted");
    return tci_json_expect(json, TCI_JSON_END, "the end of the pooling");
}

static tc_status read_pooling_file(tci_memory *memory, const tci_file_operations *files, const char *folder,
                                   const char *path, uint64_t max_bytes, const char **pooling)
{
    tc_status status = TC_OK;
    char *inner = NULL;
    uint8_t *bytes = NULL;
    size_t size = 0;
    tci_json_reader json;
    TCI_RETURN_IF(tci_path_join(memory, folder, path, &inner));
    status = tci_folder_read(files, memory, inner, TCI_CONFIG_JSON, max_bytes, &bytes, &size);
    tci_free(memory, inner);
    TCI_RETURN_IF(status);
    tci_json_init(&json, memory, (const char *)bytes, size);
    status = read_pooling(&json, pooling);
    tci_json_free(&json);
    tci_free(memory, bytes);
    return status == TC_OK ? TC_OK : tci_fail_prefix(status, "%s/" TCI_CONFIG_JSON, path);
}

tc_status tci_modules_read(tci_memory *memory, const tci_file_operations *files, const char *folder, uint64_t max_bytes,
                           bool *found, const char **pooling)
{
    char path[NAME_BYTES] = "";
    uint8_t *bytes = NULL;
    size_t size = 0;
    tci_json_reader json;
    *pooling = NULL;
    TCI_RETURN_IF(tci_folder_has(memory, files, folder, TCI_MODULES_JSON, found));
    if (!*found)
        return TC_OK;
    TCI_RETURN_IF(tci_folder_read(files, memory, folder, TCI_MODULES_JSON, max_bytes, &bytes, &size));
    tci_json_init(&json, memory, (const char *)bytes, size);
    tc_status status = read_modules(&json, path);
    tci_json_free(&json);
    tci_free(memory, bytes);
    if (status != TC_OK)
        return tci_fail_prefix(status, TCI_MODULES_JSON);
    return read_pooling_file(memory, files, folder, path, max_bytes, pooling);
}
