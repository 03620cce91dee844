/* test_schedule.c (labels: quick): the learning rate's factor from step to step. */
#include "support/testing.h"

#include <math.h>

#include "optimizer/schedule.h"

static const double pi = 3.14159265358979323846;

static double factor(tci_schedule_kind kind, uint64_t warmup, uint64_t total, uint64_t step)
{
    tci_schedule schedule = {.kind = kind, .warmup_steps = warmup, .total_steps = total};
    assert_ok(tci_schedule_check(&schedule));
    return tci_schedule_factor(&schedule, step);
}

static void constant_without_warmup_is_one_from_the_first_step(void **state)
{
    (void)state;
    assert_close(factor(TCI_SCHEDULE_CONSTANT, 0, 0, 1), 1.0, 0);
    assert_close(factor(TCI_SCHEDULE_CONSTANT, 0, 0, UINT64_MAX), 1.0, 0);
}

static void constant_does_not_end_at_total_steps(void **state)
{
    (void)state;
    assert_close(factor(TCI_SCHEDULE_CONSTANT, 0, 10, 11), 1.0, 0);
}

static void warmup_rises_linearly_and_its_last_step_has_the_full_rate(void **state)
{
    (void)state;
    for (int kind = TCI_SCHEDULE_CONSTANT; kind <= TCI_SCHEDULE_COSINE; kind++) {
        assert_close(factor((tci_schedule_kind)kind, 4, 10, 1), 0.25, 0);
        assert_close(factor((tci_schedule_kind)kind, 4, 10, 3), 0.75, 0);
        assert_close(factor((tci_schedule_kind)kind, 4, 10, 4), 1.0, 0);
    }
    assert_close(factor(TCI_SCHEDULE_CONSTANT, 4, 0, 5), 1.0, 0);
}

static void linear_falls_evenly_to_zero_at_total_steps_and_stays_there(void **state)
{
    (void)state;
    assert_close(factor(TCI_SCHEDULE_LINEAR, 0, 8, 2), 0.75, 0);
    assert_close(factor(TCI_SCHEDULE_LINEAR, 3, 10, 4), 6.0 / 7.0, 1e-15);
    assert_close(factor(TCI_SCHEDULE_LINEAR, 3, 10, 9), 1.0 / 7.0, 1e-15);
    assert_close(factor(TCI_SCHEDULE_LINEAR, 3, 10, 10), 0.0, 0);
    assert_close(factor(TCI_SCHEDULE_LINEAR, 3, 10, 1000), 0.0, 0);
}

static void cosine_falls_along_half_a_wave_to_zero_at_total_steps(void **state)
{
    (void)state;
    for (uint64_t step = 4; step < 103; step++)
        assert_close(factor(TCI_SCHEDULE_COSINE, 3, 103, step), 0.5 * (1 + cos(pi * (double)(step - 3) / 100)), 1e-14);
    assert_close(factor(TCI_SCHEDULE_COSINE, 3, 103, 53), 0.5, 1e-15);
    assert_close(factor(TCI_SCHEDULE_COSINE, 3, 103, 103), 0.0, 0);
    assert_close(factor(TCI_SCHEDULE_COSINE, 3, 103, 104), 0.0, 0);
}

static void a_schedule_that_is_all_warmup_ends_with_it(void **state)
{
    (void)state;
    assert_close(factor(TCI_SCHEDULE_LINEAR, 5, 5, 5), 1.0, 0);
    assert_close(factor(TCI_SCHEDULE_LINEAR, 5, 5, 6), 0.0, 0);
}

static void falling_schedules_refuse_to_go_without_total_steps(void **state)
{
    (void)state;
    tci_schedule linear = {.kind = TCI_SCHEDULE_LINEAR};
    assert_int_equal(tci_schedule_check(&linear), TC_ERROR_OPTION);
    assert_contains(tci_error_text(), "schedule linear needs total_steps");
    tci_schedule cosine = {.kind = TCI_SCHEDULE_COSINE, .warmup_steps = 3};
    assert_int_equal(tci_schedule_check(&cosine), TC_ERROR_OPTION);
    assert_contains(tci_error_text(), "schedule cosine needs total_steps");
}

static void falling_schedules_refuse_more_warmup_than_total_steps(void **state)
{
    (void)state;
    tci_schedule schedule = {.kind = TCI_SCHEDULE_COSINE, .warmup_steps = 11, .total_steps = 10};
    assert_int_equal(tci_schedule_check(&schedule), TC_ERROR_OPTION);
    assert_contains(tci_error_text(), "warmup_steps 11 is more than total_steps 10");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_without_warmup_is_one_from_the_first_step),
        cmocka_unit_test(constant_does_not_end_at_total_steps),
        cmocka_unit_test(warmup_rises_linearly_and_its_last_step_has_the_full_rate),
        cmocka_unit_test(linear_falls_evenly_to_zero_at_total_steps_and_stays_there),
        cmocka_unit_test(cosine_falls_along_half_a_wave_to_zero_at_total_steps),
        cmocka_unit_test(a_schedule_that_is_all_warmup_ends_with_it),
        cmocka_unit_test(falling_schedules_refuse_to_go_without_total_steps),
        cmocka_unit_test(falling_schedules_refuse_more_warmup_than_total_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
