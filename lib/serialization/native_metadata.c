/* native_metadata.c: the metadata of a model file: format version, options, labels, thresholds, Unicode version, and
 * whether the head is untrained. What is none of these is kept as it is where the caller wants it: a checkpoint has
 * such pairs. */
#include "serialization/native_reader.h"

#include <string.h>

#include "base/json.h"
#include "base/number.h"

static tc_status read_version(tci_native_reader *reader, const char *value, size_t length)
{
    uint64_t version = 0;
    if (!tci_parse_unsigned(value, length, &version) || version == 0 || value[0] == '0')
        return tci_fail(TC_ERROR_FORMAT, "'%.40s' is no format version", value);
    if (version > TCI_NATIVE_VERSION)
        return tci_fail(TC_ERROR_VERSION, "the file has format version %.40s; this library reads up to %d", value,
                        TCI_NATIVE_VERSION);
    reader->version_seen = true;
    return TC_OK;
}

/* Reads the list once; counts when there is no room yet, else copies. */
static tc_status pass_labels(tci_native_reader *reader, const char *value, size_t length, size_t *count, size_t *bytes)
{
    tc_status status = TC_OK;
    tci_json_reader json;
    tci_json_init(&json, reader->memory, value, length);
    *count = *bytes = 0;
    TCI_CHECK(tci_json_expect(&json, TCI_JSON_ARRAY_BEGIN, "labels"));
    for (;;) {
        tci_json_event event;
        TCI_CHECK(tci_json_next(&json, &event));
        if (event == TCI_JSON_ARRAY_END)
            break;
        if (event == TCI_JSON_STRING && json.text.size > TCI_LABEL_BYTES) {
            status = tci_fail(TC_ERROR_FORMAT, "byte %zu: a label of %zu bytes; at most %d are accepted", json.start,
                              json.text.size, TCI_LABEL_BYTES);
            goto done;
        }
        if (event != TCI_JSON_STRING || memchr(json.text.data, 0, json.text.size)) {
            status = tci_fail(TC_ERROR_FORMAT, "byte %zu: a label is a string without NUL", json.start);
            goto done;
        }
        if (reader->labels) {
            reader->labels[*count] = memcpy(reader->label_text + *bytes, json.text.data, json.text.size);
            reader->label_text[*bytes + json.text.size] = '\0';
        }
        ++*count;
        *bytes += json.text.size + 1;
    }
    TCI_CHECK(tci_json_expect(&json, TCI_JSON_END, "labels"));
done:
    tci_json_free(&json);
    return status;
}

static tc_status read_labels(tci_native_reader *reader, const char *value, size_t length)
{
    size_t bytes = 0;
    TCI_RETURN_IF(pass_labels(reader, value, length, &reader->label_count, &bytes));
    TCI_RETURN_IF(tci_alloc(reader->memory, bytes, 1, "labels", &reader->label_text));
    TCI_RETURN_IF(tci_alloc(reader->memory, reader->label_count, sizeof *reader->labels, "labels", &reader->labels));
    reader->labels_seen = true;
    return pass_labels(reader, value, length, &reader->label_count, &bytes);
}

/* A number of 0 to 1 for each label; the labels stand before by the order of the keys. */
static tc_status read_thresholds(tci_native_reader *reader, const char *value, size_t length)
{
    tc_status status = TC_OK;
    tci_json_reader json;
    size_t count = 0;
    TCI_RETURN_IF(
        tci_alloc(reader->memory, reader->label_count, sizeof *reader->thresholds, "thresholds", &reader->thresholds));
    tci_json_init(&json, reader->memory, value, length);
    TCI_CHECK(tci_json_expect(&json, TCI_JSON_ARRAY_BEGIN, "thresholds"));
    for (; count < reader->label_count; count++) {
        TCI_CHECK(tci_json_expect(&json, TCI_JSON_NUMBER, "a threshold for each label"));
        TCI_CHECK(tci_json_double(&json, "a threshold", &reader->thresholds[count]));
        if (reader->thresholds[count] < 0 || reader->thresholds[count] > 1) {
            status = tci_fail(TC_ERROR_FORMAT, "byte %zu: a threshold is a number from 0 to 1", json.start);
            goto done;
        }
    }
    TCI_CHECK(tci_json_expect(&json, TCI_JSON_ARRAY_END, "as many thresholds as labels"));
    TCI_CHECK(tci_json_expect(&json, TCI_JSON_END, "thresholds"));
done:
    tci_json_free(&json);
    return status;
}

/* An unknown key, and an unknown alternative of a choice, are what a newer library would write. */
static tc_status read_option(tci_native_reader *reader, const char *key, const char *value)
{
    const tci_option_row *row = tci_option_find(key);
    if (!row)
        return tci_fail(TC_ERROR_VERSION, "this library has no such option; a newer one wrote the file");
    if (row->option_class == TCI_CLASS_RUN)
        return tci_fail(TC_ERROR_FORMAT, "an option of a run has no place in a file");
    if (tci_options_set(&reader->options, key, value) == TC_OK)
        return TC_OK;
    return row->type == TCI_OPTION_CHOICE ? TC_ERROR_VERSION : TC_ERROR_FORMAT; /* with the sentence just made */
}

static tc_status read_unicode(tci_native_reader *reader, const char *value, size_t length)
{
    if (length == 0 || length >= sizeof reader->unicode_version || strspn(value, "0123456789.") != length)
        return tci_fail(TC_ERROR_FORMAT, "'%.40s' is no Unicode version", value);
    memcpy(reader->unicode_version, value, length + 1);
    reader->unicode_seen = true;
    return TC_OK;
}

static tc_status read_untrained(tci_native_reader *reader, const char *value)
{
    if (strcmp(value, "true") != 0)
        return tci_fail(TC_ERROR_FORMAT, "'%.40s' is not 'true', which it is where it is there", value);
    reader->untrained_head = true;
    return TC_OK;
}

static tc_status read_pair(tci_native_reader *reader, const char *value, size_t length)
{
    const char *key = reader->key;
    if (strcmp(key, TCI_NATIVE_FORMAT) == 0)
        return read_version(reader, value, length);
    if (strcmp(key, TCI_NATIVE_LABELS) == 0)
        return read_labels(reader, value, length);
    if (strcmp(key, TCI_NATIVE_THRESHOLDS) == 0)
        return read_thresholds(reader, value, length);
    if (strcmp(key, TCI_NATIVE_UNICODE) == 0)
        return read_unicode(reader, value, length);
    if (strcmp(key, TCI_NATIVE_UNTRAINED) == 0)
        return read_untrained(reader, value);
    if (strncmp(key, TCI_NATIVE_OPTION, strlen(TCI_NATIVE_OPTION)) == 0)
        return read_option(reader, key + strlen(TCI_NATIVE_OPTION), value);
    if (!reader->others)
        return TC_OK;
    TCI_RETURN_IF(tci_buffer_append(reader->others, key, reader->key_length + 1));
    return tci_buffer_append(reader->others, value, length + 1);
}

/* The checksum first, then keys of our own in rising order of their bytes, all without NUL. */
static tc_status check_key(const tci_native_reader *reader, const char *key, size_t length)
{
    size_t shorter = length < reader->key_length ? length : reader->key_length;
    int order = memcmp(key, reader->key, shorter);
    if (memchr(key, 0, length))
        return tci_fail(TC_ERROR_FORMAT, "a metadata key holds NUL");
    if (length < strlen(TCI_NATIVE_KEYS) || memcmp(key, TCI_NATIVE_KEYS, strlen(TCI_NATIVE_KEYS)) != 0)
        return tci_fail(TC_ERROR_FORMAT,
                        "metadata '%.64s': every key of a model file begins with '" TCI_NATIVE_KEYS "'", key);
    if (order < 0 || (order == 0 && length <= reader->key_length))
        return tci_fail(TC_ERROR_FORMAT, "metadata '%.64s' stands behind '%.64s'; keys are sorted by their bytes", key,
                        reader->key);
    return TC_OK;
}

tc_status tci_native_take_pair(void *context, const char *key, size_t key_length, const char *value, size_t length)
{
    tci_native_reader *reader = context;
    if (!reader->checksum_seen) { /* its place and digits were checked before */
        reader->checksum_seen = true;
        if (length != strlen(TCI_CHECKSUM_KIND) + TCI_CHECKSUM_DIGITS)
            return tci_fail(TC_ERROR_FORMAT, "the checksum does not end behind its %d digits", TCI_CHECKSUM_DIGITS);
        return TC_OK;
    }
    TCI_RETURN_IF(check_key(reader, key, key_length));
    memcpy(reader->key, key, key_length + 1);
    reader->key_length = key_length;
    if (memchr(value, 0, length))
        return tci_fail(TC_ERROR_FORMAT, "metadata '%.64s': its value holds NUL", key);
    tc_status status = read_pair(reader, value, length);
    return status == TC_OK ? TC_OK : tci_fail_prefix(status, "metadata '%.64s'", key);
}

tc_status tci_native_check_metadata(tci_native_reader *reader)
{
    const char *missing = !reader->version_seen   ? TCI_NATIVE_FORMAT
                          : !reader->labels_seen  ? TCI_NATIVE_LABELS
                          : !reader->unicode_seen ? TCI_NATIVE_UNICODE
                                                  : NULL;
    if (missing)
        return tci_fail(TC_ERROR_FORMAT, "the metadata lacks '%s'", missing);
    /* Files of linear models from before there was an embedding form do not have the option. */
    if (reader->options.arch == TCI_ARCH_NGRAM && !tci_options_is_set(&reader->options, "embedding_dim"))
        reader->options.embedding_dim = 0;
    if (reader->thresholds && reader->options.task != TCI_TASK_MULTILABEL)
        return tci_fail(TC_ERROR_FORMAT, "metadata '" TCI_NATIVE_THRESHOLDS "' is of task multilabel");
    tc_status status = tci_options_check(&reader->options);
    if (status == TC_ERROR_OPTION)
        return tci_fail_prefix(TC_ERROR_FORMAT, "metadata");
    status = tci_labels_check(reader->memory, reader->labels, reader->label_count, reader->options.task);
    if (status == TC_ERROR_ARGUMENT)
        status = tci_fail_prefix(TC_ERROR_FORMAT, "metadata '" TCI_NATIVE_LABELS "'");
    return status;
}
