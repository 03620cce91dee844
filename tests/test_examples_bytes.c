/* labels: quick
 * Examples as bytes: what comes back is what was there; damage, another model's bytes and numbers that
 * do not fit end in an error that says so. */
#include "support/testing.h"

#include <math.h>

#include "base/hash.h"
#include "model/examples.h"
#include "serialization/examples_bytes.h"
#include "support/failing.h"
#include "support/story.h"
#include "support/tiny_model.h"

#define TEXTS 40
#define LABELS 2
#define HEAD 128 /* magic, digest, 12 words */

static const char *const tasks[] = {"classify", "multilabel", "regress"};

/* Of words, of hashed features, of rows as fastText has them. */
enum { WORDS, FEATURES, BAG };

static tc_model *model_of(const char *task, int form)
{
    const char *const settings[] = {
        "task", task, "arch", form == WORDS ? "lstm" : "ngram", "embedding_dim", form == FEATURES ? "0" : "3", NULL};
    return test_tiny_model(settings);
}

static tc_examples *fill(const tc_model *model, size_t count)
{
    tc_examples *examples = NULL;
    char text[STORY_SIZE];
    assert_ok(tci_examples_create(model, &examples));
    for (uint32_t i = 0; i < count; i++) {
        size_t length = 0;
        const uint32_t labels[2] = {i % 2, i % 5 == 0 ? TC_LABEL_UNKNOWN : (i + 1) % 2};
        const float targets[LABELS] = {(float)i, -0.5f};
        (void)story_write(i, text, &length);
        tci_truth truth = {labels, NULL, examples->task == TCI_TASK_MULTILABEL ? i % 3 : 1};
        if (examples->task == TCI_TASK_REGRESS)
            truth = (tci_truth){NULL, targets, LABELS};
        assert_ok(tci_examples_add(examples, text, length, &truth, (float)(i % 4)));
    }
    return examples;
}

static uint8_t *bytes_of(const tc_examples *examples, size_t *size)
{
    assert_int_equal(tci_examples_save_memory(examples, 0, NULL, size), TC_ERROR_CAPACITY);
    uint8_t *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(tci_examples_save_memory(examples, *size - 1, bytes, size), TC_ERROR_CAPACITY);
    assert_ok(tci_examples_save_memory(examples, *size, bytes, size));
    return bytes;
}

static void what_was_saved_comes_back(void **state)
{
    (void)state;
    for (size_t t = 0; t < 9; t++) {
        for (size_t count = 0; count <= TEXTS; count += TEXTS / 2) {
            tc_model *model = model_of(tasks[t % 3], (int)t / 3);
            tc_examples *examples = fill(model, count), *back = NULL;
            size_t size = 0;
            uint8_t *bytes = bytes_of(examples, &size);
            assert_ok(tci_examples_load_memory(bytes, size, model, &back));
            assert_int_equal(back->rows, count);
            assert_true(tci_examples_fingerprint(back, 0) == tci_examples_fingerprint(examples, 0));
            assert_ok(tci_examples_check(back, model, NULL, count));
            tci_examples_release(back);
            tci_examples_release(examples);
            tci_model_release(model);
            free(bytes);
        }
    }
}

static tc_status load(const uint8_t *bytes, size_t size, const tc_model *model)
{
    tc_examples *examples = NULL;
    uint8_t *exact = malloc(size + 1); /* so that a read behind the end shows */
    assert_non_null(exact);
    memcpy(exact + 1, bytes, size);
    tc_status status = tci_examples_load_memory(exact + 1, size, model, &examples);
    assert_true((status == TC_OK) == (examples != NULL));
    tci_examples_release(examples);
    free(exact);
    return status;
}

static void damage_is_seen(void **state)
{
    (void)state;
    for (size_t t = 0; t < 9; t++) {
        tc_model *model = model_of(tasks[t % 3], (int)t / 3);
        tc_examples *examples = fill(model, 5);
        size_t size = 0;
        uint8_t *bytes = bytes_of(examples, &size), *longer = calloc(1, size + 64);
        assert_non_null(longer);
        memcpy(longer, bytes, size);
        for (size_t length = 0; length < size; length += 1 + size / 300)
            assert_int_not_equal(load(bytes, length, model), TC_OK);
        for (size_t more = 1; more <= 64; more += 21)
            assert_int_equal(load(longer, size + more, model), TC_ERROR_CHECKSUM);
        for (size_t bit = 0; bit < 8 * size; bit += 1 + 8 * size / 700) {
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(load(bytes, size, model), bit / 8 < 16 ? TC_ERROR_FORMAT : TC_ERROR_CHECKSUM);
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_int_equal(load(bytes, size, model), TC_OK);
        tci_examples_release(examples);
        tci_model_release(model);
        free(bytes);
        free(longer);
    }
}

static void another_models_examples_are_refused(void **state)
{
    static const char *const other_text[] = {"lowercase", "false", NULL}, *const wider[] = {"hidden_dim", "9", NULL};
    tc_model *model = model_of("classify", WORDS), *ngrams = model_of("classify", FEATURES),
             *several = model_of("multilabel", WORDS), *text = test_tiny_model(other_text),
             *equal = test_tiny_model(wider);
    tc_examples *examples = fill(model, TEXTS);
    size_t size = 0;
    uint8_t *bytes = bytes_of(examples, &size);
    (void)state;
    assert_int_equal(load(bytes, size, ngrams), TC_ERROR_MISMATCH);
    assert_int_equal(load(bytes, size, several), TC_ERROR_MISMATCH);
    assert_contains(tci_error_text(), "task");
    assert_int_equal(load(bytes, size, text), TC_ERROR_MISMATCH);
    assert_contains(tci_error_text(), "text options");
    assert_int_equal(load(bytes, size, equal), TC_OK);
    tci_examples_release(examples);
    tci_model_release(model);
    tci_model_release(ngrams);
    tci_model_release(several);
    tci_model_release(text);
    tci_model_release(equal);
    free(bytes);
}

/* A digest that is right for bytes that are not. */
static void reseal(uint8_t *bytes, size_t size)
{
    tci_hash_stream stream;
    tci_hash_begin(&stream);
    tci_hash_add(&stream, bytes + 32, size - 32);
    tci_hash_end_128(&stream, bytes + 16);
}

static void counts_of_the_head_are_checked_against_the_bytes(void **state)
{
    static const uint64_t values[] = {0, 1, 3, 6, UINT32_MAX, (uint64_t)1 << 61, UINT64_MAX / 4, UINT64_MAX};
    (void)state;
    for (size_t t = 0; t < 18; t++) {
        tc_model *model = model_of(tasks[t % 3], (int)t / 3 % 3);
        tc_examples *examples = fill(model, t < 9 ? 5 : 0); /* of no texts too, where every array is empty */
        size_t size = 0;
        uint8_t *bytes = bytes_of(examples, &size);
        for (size_t word = 0; word < 10; word++) {
            uint8_t old[8];
            memcpy(old, bytes + 32 + 8 * word, 8);
            for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
                memcpy(bytes + 32 + 8 * word, &values[i], 8);
                reseal(bytes, size);
                bool same = memcmp(old, &values[i], 8) == 0;
                assert_true((load(bytes, size, model) == TC_OK) == same);
            }
            memcpy(bytes + 32 + 8 * word, old, 8);
        }
        tci_examples_release(examples);
        tci_model_release(model);
        free(bytes);
    }
}

/* Sets 4 or 8 bytes at `at` of an array that begins at `begin`, and says what loading makes of it. */
static tc_status edited(const uint8_t *bytes, size_t size, const tc_model *model, size_t at, const void *value,
                        size_t value_size)
{
    uint8_t *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    memcpy(copy + at, value, value_size);
    reseal(copy, size);
    tc_status status = load(copy, size, model);
    free(copy);
    return status;
}

static void numbers_that_do_not_fit_are_refused(void **state)
{
    const uint64_t far = UINT64_MAX, none = 0;
    const uint32_t huge = UINT32_MAX - 1;
    const float negative = -1.0f, infinite = INFINITY;
    const uint8_t zero = 0;
    (void)state;
    for (size_t t = 0; t < 9; t++) {
        tc_model *model = model_of(tasks[t % 3], (int)t / 3);
        tc_examples *e = fill(model, 5);
        size_t size = 0, weights = HEAD + 8 * e->rows, ids = weights + 4 * e->rows, truth = ids + 4 * e->id_count;
        uint8_t *bytes = bytes_of(e, &size);
        assert_int_equal(edited(bytes, size, model, HEAD + 8, &far, 8), TC_ERROR_FORMAT);
        assert_int_equal(edited(bytes, size, model, HEAD + 8 * 4, &none, 8), TC_ERROR_FORMAT);
        assert_int_equal(edited(bytes, size, model, weights + 4, &negative, 4), TC_ERROR_FORMAT);
        assert_int_equal(edited(bytes, size, model, weights + 4, &infinite, 4), TC_ERROR_FORMAT);
        assert_int_equal(edited(bytes, size, model, ids + 4, &huge, 4), TC_ERROR_FORMAT);
        if (t / 3 == FEATURES) {
            assert_int_equal(edited(bytes, size, model, ids + 4, bytes + ids, 4), TC_ERROR_FORMAT); /* twice the same */
            assert_int_equal(edited(bytes, size, model, size - 1, &zero, 1), TC_ERROR_FORMAT);
        }
        if (t % 3 == 0)
            assert_int_equal(edited(bytes, size, model, truth, &(uint32_t){2}, 4), TC_ERROR_FORMAT);
        if (t % 3 == 1) {
            size_t list = truth + 8 * e->rows; /* labels of rows 1, 2, 2, 4 */
            assert_int_equal(edited(bytes, size, model, truth + 8, &far, 8), TC_ERROR_FORMAT);
            assert_int_equal(edited(bytes, size, model, list, &(uint32_t){2}, 4), TC_ERROR_FORMAT);
            assert_int_equal(edited(bytes, size, model, list + 4, bytes + list + 8, 4), TC_ERROR_FORMAT);
        }
        if (t % 3 == 2)
            assert_int_equal(edited(bytes, size, model, truth, &infinite, 4), TC_ERROR_FORMAT);
        tci_examples_release(e);
        tci_model_release(model);
        free(bytes);
    }
}

static void a_failed_allocation_is_a_status(void **state)
{
    static const char *const settings[] = {"task", "multilabel", "arch", "ngram", "embedding_dim", "0", NULL};
    bool failed = true;
    (void)state;
    for (long n = 0; failed; n++) {
        test_allocator allocator;
        tc_model *model = NULL;
        tc_examples *back = NULL;
        size_t size = 0;
        test_allocator_init(&allocator, TEST_NEVER, false);
        const tc_allocator memory = test_allocator_host(&allocator);
        assert_ok(test_tiny_create(&memory, NULL, settings, &model));
        tc_examples *examples = fill(model, 9);
        uint8_t *bytes = bytes_of(examples, &size);
        allocator.fail_at = allocator.calls + n;
        tc_status status = tci_examples_load_memory(bytes, size, model, &back);
        failed = allocator.failed;
        assert_int_equal(status, failed ? TC_ERROR_MEMORY : TC_OK);
        assert_true((back != NULL) == !failed);
        tci_examples_release(back);
        tci_examples_release(examples);
        tci_model_release(model);
        assert_nothing_held(&allocator);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_saved_comes_back),
        cmocka_unit_test(damage_is_seen),
        cmocka_unit_test(another_models_examples_are_refused),
        cmocka_unit_test(counts_of_the_head_are_checked_against_the_bytes),
        cmocka_unit_test(numbers_that_do_not_fit_are_refused),
        cmocka_unit_test(a_failed_allocation_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
