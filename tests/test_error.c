/* labels: quick. error.c: the per-thread sentence and the statuses. */
#include "support/testing.h"

#include <pthread.h>

#include "base/error.h"

static void the_sentence_of_the_last_failure_stays(void **state)
{
    (void)state;
    assert_int_equal(tci_fail(TC_ERROR_FORMAT, "byte %d: wanted %s", 17, "a value"), TC_ERROR_FORMAT);
    assert_string_equal(tci_error_text(), "byte 17: wanted a value");
    assert_int_equal(tci_fail(TC_ERROR_IO, "second"), TC_ERROR_IO);
    assert_string_equal(tci_error_text(), "second");
}

static void a_prefix_names_the_outer_thing(void **state)
{
    (void)state;
    tci_fail(TC_ERROR_FORMAT, "byte 17");
    assert_int_equal(tci_fail_prefix(TC_ERROR_FORMAT, "%s", "spam.model"), TC_ERROR_FORMAT);
    assert_string_equal(tci_error_text(), "spam.model: byte 17");
    tci_fail_prefix(TC_ERROR_FORMAT, "loading");
    assert_string_equal(tci_error_text(), "loading: spam.model: byte 17");
}

static void long_sentences_are_cut(void **state)
{
    (void)state;
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    tci_fail(TC_ERROR_IO, "%s", text);
    size_t length = strlen(tci_error_text());
    assert_true(length >= 500 && length < sizeof text - 1);
    tci_fail_prefix(TC_ERROR_IO, "outer");
    assert_int_equal(strlen(tci_error_text()), length);
    assert_memory_equal(tci_error_text(), "outer: xxx", 10);
    tci_fail(TC_ERROR_IO, "inner");
    tci_fail_prefix(TC_ERROR_IO, "%s", text);
    assert_int_equal(strlen(tci_error_text()), length);
}

/* Foreign names have anything in them, and are cut at a byte. */
static void sentences_are_one_line_of_utf8(void **state)
{
    (void)state;
    tci_fail(TC_ERROR_IO, "%.4s|\n\x1B\x7F|\xFF\xC3|\xE4\xB8\xAD", "ab\xE4\xB8\xAD");
    assert_string_equal(tci_error_text(), "ab??|???|??|\xE4\xB8\xAD");
    tci_fail_prefix(TC_ERROR_IO, "%.1s", "\xC3\xA9");
    assert_string_equal(tci_error_text(), "?: ab??|???|??|\xE4\xB8\xAD");
}

static void *other_thread(void *argument)
{
    char *first = argument;
    strcpy(first, tci_error_text());
    tci_fail(TC_ERROR_IO, "the other thread's");
    return NULL;
}

static void each_thread_has_its_own_sentence(void **state)
{
    (void)state;
    char first[2000] = "unset";
    tci_fail(TC_ERROR_IO, "this thread's");
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, other_thread, first), 0);
    pthread_join(thread, NULL);
    assert_string_equal(first, "");
    assert_string_equal(tci_error_text(), "this thread's");
}

static void statuses_have_texts_and_their_fixed_values(void **state)
{
    (void)state;
    assert_int_equal(TC_OK, 0);
    assert_int_equal(TC_ERROR_ARGUMENT, 1);
    assert_int_equal(TC_ERROR_CHECKSUM, 8);
    assert_int_equal(TC_ERROR_INTERNAL, 16);
    for (tc_status status = TC_OK; status <= TC_ERROR_INTERNAL; status++) {
        assert_true(strlen(tci_status_text(status)) > 3);
        assert_string_not_equal(tci_status_text(status), "unknown status");
    }
    assert_string_equal(tci_status_text(-1), "unknown status");
    assert_string_equal(tci_status_text(17), "unknown status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sentence_of_the_last_failure_stays),
        cmocka_unit_test(a_prefix_names_the_outer_thing),
        cmocka_unit_test(long_sentences_are_cut),
        cmocka_unit_test(sentences_are_one_line_of_utf8),
        cmocka_unit_test(each_thread_has_its_own_sentence),
        cmocka_unit_test(statuses_have_texts_and_their_fixed_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
