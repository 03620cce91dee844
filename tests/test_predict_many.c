/* labels: quick
 * Many rows or texts on a team: in their order, more than fit at once, long ones among them; the one that failed is
 * named. */
#include "support/testing.h"

#include <math.h>

#include "base/cpu.h"
#include "model/predict_many.h"
#include "support/tiny_model.h"

#define MANY 5000 /* of the 2048 texts that are encoded at once */
#define LABELS 2

static const char *const phrases[] = {"the good film",   "", "bad", "good good the film", "\xE5\xA5\xBD",
                                      "film bad the bad"};
#define PHRASES (sizeof phrases / sizeof phrases[0])

typedef struct fixture {
    tc_model *model;
    tci_memory memory;
    tci_pool *pool;
    const char *texts[MANY];
    size_t lengths[MANY];
    float wanted[PHRASES][LABELS], logits[MANY * LABELS];
} fixture;

static fixture *set_up(const char *const *settings, size_t threads)
{
    fixture *f = calloc(1, sizeof *f);
    tci_scratch *scratch = NULL;
    assert_non_null(f);
    f->model = test_tiny_model(settings);
    tci_memory_init(&f->memory, NULL, 0);
    assert_ok(tci_pool_create(&f->memory, threads, &f->pool));
    assert_ok(tci_scratch_create(f->model, 1, &scratch));
    tci_float_environment environment = tci_float_enter();
    for (size_t i = 0; i < PHRASES; i++)
        assert_ok(tci_model_predict_text(f->model, scratch, phrases[i], strlen(phrases[i]), f->wanted[i]));
    tci_float_leave(environment);
    tci_scratch_free(scratch);
    for (size_t i = 0; i < MANY; i++) {
        f->texts[i] = phrases[i * i % PHRASES];
        f->lengths[i] = strlen(f->texts[i]);
    }
    return f;
}

static void tear_down(fixture *f)
{
    tci_pool_free(f->pool);
    tci_model_release(f->model);
    assert_int_equal(atomic_load(&f->memory.used), 0);
    free(f);
}

static tc_status predict(fixture *f, size_t count)
{
    const tci_texts texts = {.pointers = f->texts, .lengths = f->lengths, .count = count};
    return tci_predict_texts(f->model, f->pool, &texts, f->logits);
}

static void assert_in_order(const fixture *f, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_memory_equal(f->logits + i * LABELS, f->wanted[i * i % PHRASES], sizeof f->wanted[0]);
}

static void texts_are_answered_in_their_order(void **state)
{
    static const size_t counts[] = {1, 2, 63, 64, 65, 2047, 2048, 2049, MANY};
    (void)state;
    for (size_t threads = 1; threads <= 3; threads++) {
        fixture *f = set_up(NULL, threads);
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
            memset(f->logits, 0, sizeof f->logits);
            assert_ok(predict(f, counts[i]));
            assert_in_order(f, counts[i]);
            for (size_t k = counts[i] * LABELS; k < MANY * LABELS; k++)
                assert_true(f->logits[k] == 0.0f);
        }
        tear_down(f);
    }
}

static void rows_are_answered_in_their_order(void **state)
{
    static const uint32_t ids[] = {5, 3, 1, 3};
    static const size_t lengths[] = {3, 0, 1, 4};
    fixture *f = set_up(NULL, 3);
    float wanted[4][LABELS];
    tci_row rows[300];
    (void)state;
    for (size_t i = 0; i < 300; i++)
        rows[i] = (tci_row){.ids = ids, .length = lengths[i % 4]};
    for (size_t i = 0; i < 4; i++)
        assert_ok(tci_predict_rows(f->model, NULL, rows + i, 1, wanted[i]));
    assert_ok(tci_predict_rows(f->model, f->pool, rows, 300, f->logits));
    for (size_t i = 0; i < 300; i++)
        assert_memory_equal(f->logits + i * LABELS, wanted[i % 4], sizeof wanted[0]);
    tear_down(f);
}

/* ---- long texts ---- */

#define LONG_BYTES 270000 /* above the 262,144 from which on a text is read piece by piece */

/* Words that the model knows, by chance. */
static char *write_long(uint32_t seed)
{
    static const char *const words[] = {"good ", "bad ", "the ", "film ", "\xE5\xA5\xBD ", "dull "};
    char *text = malloc(LONG_BYTES + 1);
    size_t length = 0;
    assert_non_null(text);
    while (length < LONG_BYTES - 6) {
        const char *word = words[(seed = seed * 1664525u + 1013904223u) % 65521 % 6];
        memcpy(text + length, word, strlen(word));
        length += strlen(word);
    }
    memset(text + length, '!', LONG_BYTES - length);
    return text;
}

/* By encoding it whole. */
static void logits_of_whole(const tc_model *model, const char *text, size_t length, float *logits, size_t *tokens,
                            size_t *used)
{
    tci_encoded encoded;
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    tci_encoded_init(&encoded, &memory, false);
    assert_ok(tci_pipeline_encode(model->pipeline, text, length, &encoded));
    tci_row row = {.ids = encoded.ids, .length = encoded.count};
    assert_ok(tci_predict_rows(model, NULL, &row, 1, logits));
    *tokens = encoded.tokens;
    *used = encoded.count;
    tci_encoded_free(&encoded);
}

static const char *const *const long_settings[] = {
    (const char *const[]){"max_length", "0", NULL},
    (const char *const[]){"max_length", "0", "bidirectional", "true", "pooling", "mean", "tokenizer", "char", NULL},
    (const char *const[]){"max_length", "0", "num_layers", "2", "bidirectional", "true", "pooling", "max", NULL},
    (const char *const[]){"max_length", "65537", "truncate", "both", "bidirectional", "true", "tokenizer", "char",
                          NULL},
    (const char *const[]){"max_length", "70001", "truncate", "tail", "tokenizer", "char", NULL},
    (const char *const[]){"max_length", "70001", "num_layers", "2", "tokenizer", "char", NULL},
};
#define LONG_SETTINGS (sizeof long_settings / sizeof long_settings[0])

static void a_long_text_is_answered_as_if_it_were_encoded_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < LONG_SETTINGS; i += TEST_EVERY(5)) {
        tci_scratch *scratch = NULL;
        float wanted[LABELS], logits[LABELS];
        size_t tokens = 0, used = 0;
        tc_model *model = test_tiny_model(long_settings[i]);
        char *text = write_long((uint32_t)i);
        logits_of_whole(model, text, LONG_BYTES, wanted, &tokens, &used);
        assert_ok(tci_scratch_create(model, 1, &scratch));
        for (size_t again = 0; again < 2; again++) {
            tci_float_environment environment = tci_float_enter();
            tc_status status = tci_model_predict_text(model, scratch, text, LONG_BYTES, logits);
            tci_float_leave(environment);
            assert_ok(status);
            assert_memory_equal(logits, wanted, sizeof wanted);
            assert_int_equal(scratch->tokens, tokens);
            assert_int_equal(scratch->tokens_used, used);
            assert_int_equal(scratch->encoded.capacity, 0);
        }
        tci_scratch_free(scratch);
        tci_model_release(model);
        free(text);
    }
}

static void long_texts_among_others_are_answered_in_their_order(void **state)
{
    static const size_t places[] = {0, 7, 2047, 2048, 2060};
    char *texts[3];
    (void)state;
    for (uint32_t i = 0; i < 3; i++)
        texts[i] = write_long(i);
    for (size_t threads = TEST_EVERY(3); threads <= 3; threads++) {
        float wanted[3][LABELS];
        size_t tokens = 0, used = 0;
        fixture *f = set_up(long_settings[threads - 1], threads);
        for (size_t i = 0; i < 3; i++)
            logits_of_whole(f->model, texts[i], LONG_BYTES - i, wanted[i], &tokens, &used);
        for (size_t i = 0; i < 5; i++) {
            f->texts[places[i]] = texts[i % 3];
            f->lengths[places[i]] = LONG_BYTES - i % 3;
        }
        assert_ok(predict(f, 2061));
        for (size_t i = 0, next = 0; i < 2061; i++) {
            bool is_long = next < 5 && i == places[next];
            const float *expected = is_long ? wanted[next++ % 3] : f->wanted[i * i % PHRASES];
            assert_memory_equal(f->logits + i * LABELS, expected, sizeof wanted[0]);
        }
        assert_ok(predict(f, 1));
        assert_memory_equal(f->logits, wanted[0], sizeof wanted[0]);
        tear_down(f);
    }
    for (size_t i = 0; i < 3; i++)
        free(texts[i]);
}

static void a_long_text_that_failed_is_named_from_any_thread(void **state)
{
    static const char *const strict[] = {"strict_utf8", "true", "max_length", "0", NULL};
    char *good = write_long(1), *bad = write_long(2);
    (void)state;
    bad[LONG_BYTES - 2] = (char)0xC3;
    for (size_t threads = 1; threads <= 3; threads++) {
        fixture *f = set_up(strict, threads);
        f->texts[3] = f->texts[70] = good;
        f->texts[2049] = bad;
        f->lengths[3] = f->lengths[70] = f->lengths[2049] = LONG_BYTES;
        assert_int_equal(predict(f, MANY),
                         TC_ERROR_ENCODING);
        assert_contains(tci_error_text(), "text 2049:");
        f->texts[2049] = good;
        assert_ok(predict(f, MANY));
        assert_memory_equal(f->logits + 3 * LABELS, f->logits + 2049 * LABELS, LABELS * sizeof(float));
        tear_down(f);
    }
    free(good);
    free(bad);
}

static void nothing_is_predicted_of_nothing(void **state)
{
    fixture *f = set_up(NULL, 2);
    (void)state;
    assert_ok(tci_predict_rows(f->model, f->pool, NULL, 0, f->logits));
    assert_ok(predict(f, 0));
    tear_down(f);
}

static void the_text_that_failed_is_named_from_any_thread(void **state)
{
    static const char *const strict[] = {"strict_utf8", "true", NULL};
    static const size_t places[] = {0, 1, 700, 2047, 2048, 3000, MANY - 1};
    (void)state;
    for (size_t threads = 1; threads <= 3; threads++) {
        fixture *f = set_up(strict, threads);
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
            char name[32];
            f->texts[places[i]] = "good \xC3";
            f->lengths[places[i]] = 6;
            tc_status status = predict(f, MANY);
            assert_int_equal(status, TC_ERROR_ENCODING);
            (void)snprintf(name, sizeof name, "text %zu:", places[i]);
            assert_contains(tci_error_text(), name);
            f->texts[places[i]] = phrases[places[i] * places[i] % PHRASES];
            f->lengths[places[i]] = strlen(f->texts[places[i]]);
        }
        assert_ok(predict(f, MANY));
        assert_in_order(f, MANY);
        tear_down(f);
    }
}

static void logits_that_are_not_finite_are_named_by_their_text(void **state)
{
    fixture *f = set_up(NULL, 1);
    (void)state;
    assert_ok(predict(f, 3));
    f->logits[1 * LABELS + 1] = INFINITY;
    assert_int_equal(tci_model_scores(f->model, 3, f->logits), TC_ERROR_NUMERIC);
    assert_contains(tci_error_text(), "text 1:");
    tear_down(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_answered_in_their_order),
        cmocka_unit_test(rows_are_answered_in_their_order),
        cmocka_unit_test(a_long_text_is_answered_as_if_it_were_encoded_whole),
        cmocka_unit_test(long_texts_among_others_are_answered_in_their_order),
        cmocka_unit_test(a_long_text_that_failed_is_named_from_any_thread),
        cmocka_unit_test(nothing_is_predicted_of_nothing),
        cmocka_unit_test(the_text_that_failed_is_named_from_any_thread),
        cmocka_unit_test(logits_that_are_not_finite_are_named_by_their_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
