/* labels: quick. native_read.c against damaged and hostile files: an error with a reason, or a model that is safe to
 * use; never more than a second, nor more memory than 3 times the file and 4 MB (of which 1 is the file, held by the
 * caller). */
#include "support/testing.h"

#include <time.h>

#include "serialization/native.h"
#include "support/failing.h"
#include "support/tiny_model.h"

#define MEGABYTE ((size_t)1 << 20)

typedef struct tally {
    long errors, models, numeric;
} tally;

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static size_t below(uint64_t *state, size_t bound)
{
    return (size_t)(next_random(state) % bound);
}

/* Loads `size` bytes, in a block of exactly that size, and uses what comes of it. */
static tc_status load_bytes(const uint8_t *bytes, size_t size, tally *counts)
{
    test_allocator allocator;
    test_allocator_init(&allocator, TEST_NEVER, false);
    tc_allocator host = test_allocator_host(&allocator);
    uint8_t *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, size);
    tc_model *model = NULL;
    clock_t begin = clock();
    (void)tci_fail(TC_OK, "%s", "");
    tc_status status = test_read(exact, size, &host, &model);
    free(exact);
    if (status == TC_OK) {
        tc_status prediction = test_predict_20(model);
        counts->models++;
        counts->numeric += prediction == TC_ERROR_NUMERIC;
        assert_true(prediction == TC_OK || prediction == TC_ERROR_NUMERIC || prediction == TC_ERROR_ENCODING);
    } else {
        counts->errors++;
        assert_null(model);
        assert_true(strlen(tci_error_text()) > 10);
        assert_true(status != TC_ERROR_INTERNAL && status != TC_ERROR_MEMORY && status != TC_ERROR_ARGUMENT &&
                    status != TC_ERROR_OPTION);
    }
    tci_model_release(model);
    assert_true((double)(clock() - begin) / CLOCKS_PER_SEC < TEST_PATIENCE);
    assert_true(allocator.peak_bytes <= 2 * size + 4 * MEGABYTE);
    assert_nothing_held(&allocator);
    return status;
}

/* As it is: refused. With the right checksum: refused, or a model. `bytes` may be written to. */
static void load_both(uint8_t *bytes, size_t size, tally *counts)
{
    assert_int_not_equal(load_bytes(bytes, size, counts), TC_OK);
    if (size >= TCI_CHECKSUM_END) {
        test_reseal(bytes, size);
        (void)load_bytes(bytes, size, counts);
    }
}

/* Files to damage: a small one, one of every kind of tensor, narrow weights. */
#define VICTIMS 4
static uint8_t *victim(size_t index, size_t *size)
{
    static const float moments[4] = {1, 2, 3, 4};
    static const uint8_t state[3] = {1, 2, 3};
    static const tci_tensor_source tensors[] = {
        {.name = "optim.fc.bias.m", .dtype = TCI_DTYPE_F32, .rank = 2, .shape = {2, 2}, .data = moments},
        {.name = "textclf.state", .dtype = TCI_DTYPE_U8, .rank = 1, .shape = {3}, .data = state}};
    static const tci_metadata_pair pairs[] = {{"textclf.step", "12"}};
    static const tci_native_extra extra = {tensors, 2, pairs, 1};
    static const char *const settings[VICTIMS][9] = {
        {NULL},
        {"num_layers", "2", "bidirectional", "true", "task", "multilabel", "pooling", "max", NULL},
        {"weights", "int8", "bidirectional", "true", NULL},
        {"weights", "bf16", "num_layers", "2", NULL}};
    tc_model *model = test_tiny_model(settings[index]);
    const tci_native_extra *more = index == 1 ? &extra : NULL;
    (void)tci_native_save_memory(model, more, 0, NULL, size);
    uint8_t *bytes = malloc(*size);
    assert_ok(tci_native_save_memory(model, more, *size, bytes, size));
    tci_model_release(model);
    return bytes;
}

static void no_truncation_loads(void **state)
{
    (void)state;
    tally counts = {0};
    for (size_t i = 0; i < 200; i++) {
        size_t size = 0;
        uint8_t *bytes = victim(i % VICTIMS, &size);
        load_both(bytes, i < 100 ? i * 2 : size - 1 - (i - 100) * (size - 300) / 100, &counts);
        free(bytes);
    }
    assert_int_equal(counts.models, 0);
}

static void no_flipped_bit_goes_unseen(void **state)
{
    (void)state;
    tally counts = {0};
    uint64_t random = 1;
    for (size_t i = 0; i < 2000; i++) {
        size_t size = 0;
        uint8_t *bytes = victim(i % VICTIMS, &size);
        bytes[below(&random, size)] ^= (uint8_t)(1 << below(&random, 8));
        load_both(bytes, size, &counts);
        free(bytes);
    }
    /* Most bits of a weight make another weight; some of the header's make an error. */
    assert_true(counts.models > 100 && counts.errors > 3000);
    assert_true(counts.numeric < 20);
}

/* Something else in place of a number, word or bracket of the header, of another length or the same. */
static uint8_t *overwrite_field(uint8_t *bytes, size_t size, uint64_t *random, size_t *new_size)
{
    static const char *const values[] = {"0",
                                         "1",
                                         "-1",
                                         "2",
                                         "4294967295",
                                         "4294967296",
                                         "9223372036854775807",
                                         "18446744073709551615",
                                         "18446744073709551616",
                                         "1e3",
                                         "0.5",
                                         "1e999",
                                         "null",
                                         "true",
                                         "\"\"",
                                         "[]",
                                         "{}",
                                         "[[[[[[[[[[[[[[[[",
                                         "NaN",
                                         "",
                                         "\"\\u0000\"",
                                         "\"\xFF\"",
                                         "\"\\ud800\"",
                                         "F64",
                                         "U8",
                                         "BF16",
                                         "fc.bias",
                                         "embedding.weight",
                                         "textclf.vocab",
                                         "textclf.labels",
                                         "__metadata__",
                                         "dtype",
                                         ",",
                                         ":",
                                         "\"",
                                         "\\",
                                         "\n",
                                         "65536",
                                         "16",
                                         "none",
                                         "char"};
    size_t header = (size_t)tci_load_u64(bytes), begin = 0, end = 0;
    if (below(random, 20) == 0) { /* the length itself */
        *new_size = size;
        tci_store_u64(bytes, below(random, 2) ? next_random(random) : header + below(random, 200) - 100);
        return bytes;
    }
    while (begin == end) {
        begin = 86 + below(random, header - 78);
        while (begin > 86 && strchr("\":,[]{}\\", bytes[begin - 1]) == NULL)
            begin--;
        for (end = begin; end < 8 + header && strchr("\":,[]{}\\", bytes[end]) == NULL;)
            end++;
        if (begin == end && below(random, 4) == 0)
            end++;
    }
    const char *value = values[below(random, sizeof values / sizeof values[0])];
    size_t length = strlen(value);
    *new_size = size - (end - begin) + length;
    uint8_t *changed = malloc(*new_size);
    memcpy(changed, bytes, begin);
    memcpy(changed + begin, value, length);
    memcpy(changed + begin + length, bytes + end, size - end);
    if (below(random, 4) != 0)
        tci_store_u64(changed, header - (end - begin) + length);
    free(bytes);
    return changed;
}

static void no_overwritten_field_does_harm(void **state)
{
    (void)state;
    tally counts = {0};
    uint64_t random = 2;
    for (size_t i = 0; i < 1000; i++) {
        size_t size = 0, old_size = 0;
        uint8_t *old = victim(i % VICTIMS, &old_size);
        uint8_t *bytes = victim(i % VICTIMS, &size);
        bytes = overwrite_field(bytes, size, &random, &size);
        if (size != old_size || memcmp(bytes, old, size) != 0)
            load_both(bytes, size, &counts);
        free(bytes);
        free(old);
    }
    assert_true(counts.models >= 5 && counts.errors > 1500);
}

/* ---- headers made to be costly: `text` stands after the checksum's pair ---- */

static tc_status load_header(const char *text, size_t length, size_t data_size)
{
    tally counts = {0};
    size_t size = TCI_CHECKSUM_END + 1 + length + data_size;
    uint8_t *bytes = calloc(1, size);
    assert_non_null(bytes);
    tci_store_u64(bytes, size - 8 - data_size);
    memcpy(bytes + 8, TCI_CHECKSUM_PREFIX, sizeof TCI_CHECKSUM_PREFIX - 1);
    bytes[TCI_CHECKSUM_END] = '"';
    memcpy(bytes + TCI_CHECKSUM_END + 1, text, length);
    test_reseal(bytes, size);
    tc_status status = load_bytes(bytes, size, &counts);
    free(bytes);
    return status;
}

/* `before`, then `count` times `each` (with a %zu for its number), then `after`. */
static tc_status load_repeated(const char *before, const char *each, size_t count, const char *after)
{
    size_t capacity = strlen(before) + strlen(after) + count * (strlen(each) + 12) + 1, length = strlen(before);
    char *text = malloc(capacity);
    assert_non_null(text);
    memcpy(text, before, length);
    for (size_t i = 0; i < count; i++) {
        if (strchr(each, '%')) {
            const char *at = strchr(each, '%');
            memcpy(text + length, each, (size_t)(at - each));
            length += (size_t)(at - each);
            length += (size_t)snprintf(text + length, 12, "%zu", i);
            memcpy(text + length, at + 3, strlen(at + 3));
            length += strlen(at + 3);
        } else {
            memcpy(text + length, each, strlen(each));
            length += strlen(each);
        }
    }
    memcpy(text + length, after, strlen(after));
    tc_status status = load_header(text, length + strlen(after), 0);
    free(text);
    return status;
}

static void one_endless_text_takes_no_more_than_its_own_size(void **state)
{
    (void)state;
    size_t many = 5 * MEGABYTE; /* just over a power of two, where doubling wastes most */
    assert_int_equal(load_repeated(",\"", "k", many, "\":\"\"}}"), TC_ERROR_LIMIT);
    assert_int_equal(load_repeated("},\"", "k", many, "\":{}}"), TC_ERROR_LIMIT);
    assert_int_equal(load_repeated(",\"textclf.z\":\"", "v", many, "\"}}"), TC_ERROR_FORMAT);
    assert_int_equal(load_repeated(",\"textclf.labels\":\"[\\\"", "v", many, "\\\"]\"}}"), TC_ERROR_FORMAT);
    assert_int_equal(load_repeated(",\"textclf.option.seed\":\"", "1", many, "\"}}"), TC_ERROR_FORMAT);
    assert_int_equal(load_repeated("},\"a\":{\"shape\":[", "0", many, "]}}"), TC_ERROR_FORMAT);
    assert_int_equal(load_repeated("}", " ", many, "}"), TC_ERROR_FORMAT);
}

static void many_small_things_stay_within_the_bound(void **state)
{
    (void)state;
    assert_int_equal(load_repeated(",\"textclf.a\":\"\"", ",\"textclf.a%zu\":\"\"", 200000, "}}"), TC_ERROR_FORMAT);
    assert_int_equal(load_repeated("},\"a\":{\"shape\":[0", ",0", 2000000, "]}}"), TC_ERROR_FORMAT);
    assert_int_equal(load_repeated("},\"a\":", "[", 2000000, "}"), TC_ERROR_FORMAT);
    assert_int_equal(load_repeated(",\"textclf.labels\":\"[\\\"a\\\"", ",\\\"%zu\\\"", 200000, "]\"}}"),
                     TC_ERROR_FORMAT);
    assert_int_equal(load_repeated(",\"textclf.labels\":\"", "[", 2000000, "\"}}"), TC_ERROR_FORMAT);
    assert_int_equal(
        load_repeated("}", ",\"%zu\":{\"dtype\":\"U8\",\"shape\":[1,1,1,0],\"data_offsets\":[0,0]}", 65536, "}"),
        TC_ERROR_FORMAT);
    assert_int_equal(load_repeated("}", ",\"%zu\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}", 65537, "}"),
                     TC_ERROR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_truncation_loads),
        cmocka_unit_test(no_flipped_bit_goes_unseen),
        cmocka_unit_test(no_overwritten_field_does_harm),
        cmocka_unit_test(one_endless_text_takes_no_more_than_its_own_size),
        cmocka_unit_test(many_small_things_stay_within_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
