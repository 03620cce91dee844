/* golden.c: a reader of our own golden files (see golden.h). Understands exactly the JSON that tensor_file.py writes:
 * {"__metadata__":{"key":"value",...},"name":{"dtype":"F64","shape":[2,3],"data_offsets":[0,48]},...}. */
#include "support/golden.h"

#include <stdarg.h>

#include "support/c_locale.h"
#include "support/testing.h"

#define MAX_TENSORS 4096
#define MAX_METADATA 64

struct golden {
    char *bytes;
    size_t tensor_count;
    golden_tensor tensors[MAX_TENSORS];
    size_t metadata_count;
    const char *keys[MAX_METADATA];
    const char *values[MAX_METADATA];
};

/* The text between the next two quotes, ended in place; *at moves behind it. */
static char *quoted(char **at)
{
    char *begin = strchr(*at, '"') + 1;
    char *end = strchr(begin, '"');
    *end = '\0';
    *at = end + 1;
    return begin;
}

static size_t number(char **at)
{
    *at += strcspn(*at, "0123456789");
    return (size_t)strtoull(*at, at, 10);
}

static double element(const char *dtype, const char *bytes, size_t index)
{
    float f32;
    double f64;
    int32_t i32;
    int64_t i64;
    if (strcmp(dtype, "F64") == 0)
        return memcpy(&f64, bytes + 8 * index, sizeof f64), f64;
    if (strcmp(dtype, "F32") == 0)
        return memcpy(&f32, bytes + 4 * index, sizeof f32), (double)f32;
    if (strcmp(dtype, "I32") == 0)
        return memcpy(&i32, bytes + 4 * index, sizeof i32), (double)i32;
    if (strcmp(dtype, "I64") == 0)
        return memcpy(&i64, bytes + 8 * index, sizeof i64), (double)i64;
    assert_string_equal(dtype, "U8");
    return (double)(unsigned char)bytes[index];
}

static void read_tensor(golden_tensor *tensor, char **at, const char *data)
{
    tensor->name = quoted(at);
    quoted(at);
    const char *dtype = quoted(at);
    quoted(at);
    *at = strchr(*at, '[') + 1;
    tensor->count = 1;
    tensor->shape[0] = tensor->shape[1] = 1;
    for (tensor->rank = 0; **at != ']'; tensor->rank++) {
        size_t length = number(at);
        assert_true(tensor->rank < 2);
        tensor->shape[tensor->rank] = length;
        tensor->count *= length;
    }
    quoted(at);
    size_t begin = number(at);
    number(at);
    *at = strchr(*at, '}') + 1;
    tensor->values = malloc((tensor->count + 1) * sizeof(double));
    assert_non_null(tensor->values);
    for (size_t i = 0; i < tensor->count; i++)
        tensor->values[i] = element(dtype, data + begin, i);
}

static void read_header(golden *file, size_t length)
{
    char *at = file->bytes + 8;
    const char *data = at + length;
    assert_true(strncmp(at, "{\"__metadata__\":{", 17) == 0);
    at += 17;
    while (*at != '}') {
        assert_true(file->metadata_count < MAX_METADATA);
        file->keys[file->metadata_count] = quoted(&at);
        file->values[file->metadata_count++] = quoted(&at);
    }
    at++;
    while (*at != '}') {
        assert_true(file->tensor_count < MAX_TENSORS);
        read_tensor(&file->tensors[file->tensor_count++], &at, data);
    }
}

golden *golden_open(const char *name)
{
    char path[1024];
    uint64_t length = 0;
    snprintf(path, sizeof path, "%s/golden/%s", TEST_SOURCE_DIR, name);
    FILE *stream = fopen(path, "rb");
    if (!stream)
        fail_msg("%s is not there", path);
    golden *file = calloc(1, sizeof *file);
    assert_non_null(file);
    fseek(stream, 0, SEEK_END);
    size_t size = (size_t)ftell(stream);
    rewind(stream);
    file->bytes = malloc(size);
    assert_non_null(file->bytes);
    assert_int_equal(fread(file->bytes, 1, size, stream), size);
    fclose(stream);
    memcpy(&length, file->bytes, 8);
    assert_true(length < size);
    read_header(file, (size_t)length);
    return file;
}

void golden_close(golden *file)
{
    for (size_t i = 0; i < file->tensor_count; i++)
        free(file->tensors[i].values);
    free(file->bytes);
    free(file);
}

const golden_tensor *golden_find(const golden *file, const char *name)
{
    for (size_t i = 0; i < file->tensor_count; i++) {
        if (strcmp(file->tensors[i].name, name) == 0)
            return &file->tensors[i];
    }
    return NULL;
}

const golden_tensor *golden_get(const golden *file, const char *format, ...)
{
    char name[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    const golden_tensor *tensor = golden_find(file, name);
    if (!tensor)
        fail_msg("no tensor %s", name);
    return tensor;
}

const golden_tensor *golden_at(const golden *file, size_t index)
{
    return index < file->tensor_count ? &file->tensors[index] : NULL;
}

const char *golden_metadata_key(const golden *file, size_t index)
{
    return index < file->metadata_count ? file->keys[index] : NULL;
}

const char *golden_metadata(const golden *file, const char *key)
{
    for (size_t i = 0; i < file->metadata_count; i++) {
        if (strcmp(file->keys[i], key) == 0)
            return file->values[i];
    }
    return NULL;
}

bool golden_option_text(const char *options, const char *key, char *value, size_t size)
{
    size_t key_length = strlen(key);
    for (const char *at = options; *at;) {
        size_t length = strcspn(at, " ");
        if (length > key_length && strncmp(at, key, key_length) == 0 && at[key_length] == '=') {
            size_t value_length = length - key_length - 1;
            assert_true(value_length < size);
            memcpy(value, at + key_length + 1, value_length);
            value[value_length] = '\0';
            return true;
        }
        at += length;
        at += *at == ' ';
    }
    return false;
}

double golden_option(const char *options, const char *key, double otherwise)
{
    char value[64];
    return golden_option_text(options, key, value, sizeof value) ? c_strtod(value, NULL) : otherwise;
}
