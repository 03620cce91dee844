/* Many rows or texts on a team: in their order, more than fit at once, and the one that failed is named. labels: quick */
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
    assert_ok(tci_scratch_create(f->model, &scratch));
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
            assert_ok(tci_predict_texts(f->model, f->pool, f->texts, f->lengths, counts[i], f->logits));
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

static void nothing_is_predicted_of_nothing(void **state)
{
    fixture *f = set_up(NULL, 2);
    (void)state;
    assert_ok(tci_predict_rows(f->model, f->pool, NULL, 0, f->logits));
    assert_ok(tci_predict_texts(f->model, f->pool, NULL, NULL, 0, f->logits));
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
            tc_status status = tci_predict_texts(f->model, f->pool, f->texts, f->lengths, MANY, f->logits);
            assert_int_equal(status, TC_ERROR_ENCODING);
            (void)snprintf(name, sizeof name, "text %zu:", places[i]);
            assert_contains(tci_error_text(), name);
            f->texts[places[i]] = phrases[places[i] * places[i] % PHRASES];
            f->lengths[places[i]] = strlen(f->texts[places[i]]);
        }
        assert_ok(tci_predict_texts(f->model, f->pool, f->texts, f->lengths, MANY, f->logits));
        assert_in_order(f, MANY);
        tear_down(f);
    }
}

static void logits_that_are_not_finite_are_named_by_their_text(void **state)
{
    fixture *f = set_up(NULL, 1);
    (void)state;
    assert_ok(tci_predict_texts(f->model, f->pool, f->texts, f->lengths, 3, f->logits));
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
        cmocka_unit_test(nothing_is_predicted_of_nothing),
        cmocka_unit_test(the_text_that_failed_is_named_from_any_thread),
        cmocka_unit_test(logits_that_are_not_finite_are_named_by_their_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
