/* The option class_weights: what it reads, what it balances, and that the one reads the other back. labels: quick */
#include "support/testing.h"

#include "support/tiny_model.h"
#include "train/class_weights.h"

static const char *const labels[] = {"a", "b=c", "d,e", "f\\g", "ab"};
#define COUNT (sizeof labels / sizeof labels[0])

static tc_status parse(const char *text, float weights[COUNT])
{
    bool balanced = true, none = true;
    tc_status status = tci_class_weights_parse(text, labels, COUNT, weights, &balanced, &none);
    assert_int_equal(none, strcmp(text, "none") == 0);
    assert_int_equal(balanced, strcmp(text, "balanced") == 0);
    return status;
}

static void assert_weights(const char *text, const float wanted[COUNT])
{
    float weights[COUNT];
    assert_ok(parse(text, weights));
    assert_memory_equal(weights, wanted, sizeof weights);
}

static void labels_that_are_not_named_weigh_1(void **state)
{
    (void)state;
    assert_weights("none", (const float[COUNT]){1, 1, 1, 1, 1});
    assert_weights("balanced", (const float[COUNT]){1, 1, 1, 1, 1});
    assert_weights("a=2", (const float[COUNT]){2, 1, 1, 1, 1});
    assert_weights("ab=0.5,a=0", (const float[COUNT]){0, 1, 1, 1, 0.5f});
}

static void signs_of_the_list_are_escaped_in_labels(void **state)
{
    (void)state;
    assert_weights("b\\=c=3,d\\,e=4,f\\\\g=5", (const float[COUNT]){1, 3, 4, 5, 1});
}

static void what_is_no_list_of_weights_is_refused_by_name(void **state)
{
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"", "label=weight"}, {"a", "label=weight"}, {"a=1,", "label=weight"}, {"x=1", "'x'"},
        {"a=1,x=2", "'x'"},   {"a=-1", "'a'"},       {"a=nan", "'a'"},         {"a=inf", "'a'"},
        {"a=", "'a'"},        {"a=1 ", "'a'"},       {"b=c=1", "'b'"},         {"a =1", "'a '"},
        {"=1", "''"},         {"None", "label="},    {"a=1e99", "'a'"},
    };
    float weights[COUNT];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (parse(bad[i].text, weights) != TC_ERROR_OPTION)
            fail_msg("'%s' is accepted", bad[i].text);
        assert_contains(tci_error_text(), "class_weights");
        assert_contains(tci_error_text(), bad[i].part);
    }
}

static tc_examples *make_examples(tc_model *model, const uint32_t *classes, size_t count)
{
    tc_examples *examples = NULL;
    assert_ok(tci_examples_create(model, &examples));
    for (size_t i = 0; i < count; i++)
        assert_ok(tci_examples_add(examples, "good", 4, &(tci_truth){.labels = &classes[i], .count = 1}, 1.0f));
    return examples;
}

static void balanced_weights_are_those_of_scikit_learn_and_read_back(void **state)
{
    static const char *const names[] = {"x", "y=,\\"};
    const uint32_t classes[] = {0, 1, 0, 0, 0, 1, 0};
    float weights[2], again[2];
    char text[64];
    bool balanced = false, none = false;
    tc_model *model = test_tiny_model(NULL);
    tc_examples *examples = make_examples(model, classes, 7);
    (void)state;
    assert_ok(tci_class_weights_balance(examples, names, weights, text, sizeof text));
    assert_true(weights[0] == 7.0f / 10.0f);
    assert_true(weights[1] == 7.0f / 4.0f);
    assert_string_equal(text, "x=0.7,y\\=\\,\\\\=1.75");
    assert_ok(tci_class_weights_parse(text, names, 2, again, &balanced, &none));
    assert_memory_equal(weights, again, sizeof weights);
    assert_false(balanced || none);
    tci_examples_release(examples);
    tci_model_release(model);
}

static void a_label_without_rows_weighs_1(void **state)
{
    static const char *const names[] = {"x", "y"};
    const uint32_t classes[] = {1, 1, TC_LABEL_UNKNOWN};
    float weights[2];
    char text[64];
    tc_model *model = test_tiny_model(NULL);
    tc_examples *examples = make_examples(model, classes, 3);
    (void)state;
    assert_ok(tci_class_weights_balance(examples, names, weights, text, sizeof text));
    assert_true(weights[0] == 1.0f);
    tci_examples_release(examples);
    tci_model_release(model);
}

static void weights_that_do_not_fit_the_option_are_refused(void **state)
{
    static const char *const names[] = {"label", "another"};
    const uint32_t classes[] = {1, 0};
    tc_model *model = test_tiny_model(NULL);
    tc_examples *examples = make_examples(model, classes, 2);
    (void)state;
    size_t needed = strlen("label=1,another=1") + 1;
    for (size_t capacity = 1; capacity <= needed; capacity++) {
        float weights[2];
        char *text = malloc(capacity); /* of exactly this size, for the address sanitizer */
        assert_non_null(text);
        tc_status status = tci_class_weights_balance(examples, names, weights, text, capacity);
        assert_int_equal(status, capacity < needed ? TC_ERROR_LIMIT : TC_OK);
        free(text);
    }
    tci_examples_release(examples);
    tci_model_release(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_that_are_not_named_weigh_1),
        cmocka_unit_test(signs_of_the_list_are_escaped_in_labels),
        cmocka_unit_test(what_is_no_list_of_weights_is_refused_by_name),
        cmocka_unit_test(balanced_weights_are_those_of_scikit_learn_and_read_back),
        cmocka_unit_test(a_label_without_rows_weighs_1),
        cmocka_unit_test(weights_that_do_not_fit_the_option_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
