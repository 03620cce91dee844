/* test_optimizer_options.c (labels: quick): options that no optimizer is made from, and allocations that fail. */
#include "support/testing.h"

#include <math.h>

#include "optimizer/optimizer.h"
#include "support/failing.h"

static const tci_optimizer_options adam = {
    .name = "adam", .learning_rate = 0.01, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
static const tci_optimizer_options sgd = {.name = "sgd", .learning_rate = 0.5};

static void refuses(tci_optimizer_options options, const char *reason)
{
    tci_memory memory;
    tci_parameters parameters;
    tci_optimizer *optimizer = (tci_optimizer *)&memory;
    tci_memory_init(&memory, NULL, 0);
    tci_parameters_init(&parameters, &memory);
    assert_int_equal(tci_optimizer_create(&memory, &tci_kernels_scalar, &parameters, &options, &optimizer),
                     TC_ERROR_OPTION);
    assert_null(optimizer);
    assert_contains(tci_error_text(), reason);
    assert_int_equal(memory.used, 0);
}

static void options_outside_their_range_are_refused_by_name(void **state)
{
    (void)state;
    tci_optimizer_options options = adam;
    options.name = "adamax";
    refuses(options, "optimizer 'adamax'");
    options = adam, options.learning_rate = -0.5, refuses(options, "learning_rate is -0.5");
    options = adam, options.learning_rate = NAN, refuses(options, "learning_rate is nan");
    options = adam, options.beta1 = 1, refuses(options, "beta1 is 1;");
    options = adam, options.beta2 = -1, refuses(options, "beta2 is -1;");
    options = adam, options.epsilon = 0, refuses(options, "epsilon is 0;");
    options = adam, options.weight_decay = -1, refuses(options, "weight_decay is -1;");
    options = adam, options.clip_norm = INFINITY, refuses(options, "clip_norm is inf;");
    options = sgd, options.momentum = 1.5, refuses(options, "momentum is 1.5;");
    options = adam, options.name = "adagrad", options.epsilon = 0, refuses(options, "epsilon is 0;");
    options = sgd, options.schedule.kind = TCI_SCHEDULE_LINEAR, refuses(options, "total_steps");
}

static void sparse_embedding_refuses_what_moves_untouched_rows(void **state)
{
    (void)state;
    for (size_t i = 0; tci_optimizer_name(i); i++) {
        tci_optimizer_options options = adam;
        options.name = tci_optimizer_name(i);
        options.sparse_embedding = true;
        options.weight_decay = 0.01;
        refuses(options, "sparse_embedding goes with weight_decay 0 only");
    }
    tci_optimizer_options options = sgd;
    options.sparse_embedding = true;
    options.momentum = 0.9;
    refuses(options, "sparse_embedding goes with momentum 0 only");
}

static void create_with_a_failing_allocation_leaves_nothing(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        test_allocator allocator;
        tci_memory memory;
        tci_parameters parameters;
        tci_optimizer *optimizer = NULL;
        test_allocator_init(&allocator, n + 2, false); /* 0 and 1 are the parameters' */
        tc_allocator host = test_allocator_host(&allocator);
        tci_memory_init(&memory, &host, 0);
        tci_parameters_init(&parameters, &memory);
        assert_ok(tci_parameters_declare(&parameters, "fc.weight", 2, 13, 7, false, NULL));
        assert_ok(tci_parameters_allocate(&parameters));
        tc_status status = tci_optimizer_create(&memory, &tci_kernels_scalar, &parameters, &adam, &optimizer);
        assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
        assert_true((status == TC_OK) == (optimizer != NULL));
        tci_optimizer_free(optimizer);
        tci_parameters_free(&parameters);
        assert_nothing_held(&allocator);
        if (!allocator.failed) {
            assert_true(n >= 5);
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_outside_their_range_are_refused_by_name),
        cmocka_unit_test(sparse_embedding_refuses_what_moves_untouched_rows),
        cmocka_unit_test(create_with_a_failing_allocation_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
