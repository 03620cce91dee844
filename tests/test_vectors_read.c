/* labels: quick. vectors_read.c: word vectors in text, as fastText, word2vec and GloVe write them, into rows. */
#include "support/testing.h"

#include <errno.h>

#include "serialization/vectors_read.h"
#include "support/failing.h"
#include "support/failing_files.h"
#include "support/tiny_model.h"

#define LONG_WORD 3000

/* Words of the tiny model: the, good, bad, 好, film; vectors of 3. */
static const char header_text[] = "4 3\nthe 1 2 3 \ngood -0.5 1e-2 +7 \nelse 1 1 1 \n\xE5\xA5\xBD 0.25 0 -0 \n";
static const char plain_text[] = "good -0.5 1e-2 +7\nthe 1 2 3\n\xE5\xA5\xBD 0.25 0 -0\n. . . 5 5 5\nelse 1 1 1\n";
static const char other_text[] = "the\t1\t2\t3\r\ngood -0.5  0.01 7\t\r\nelse 1 1 1\r\n\xE5\xA5\xBD 0.25 0 -0\r\n";
static const float wanted[3][3] = {{1, 2, 3}, {-0.5f, 0.01f, 7}, {0.25f, 0, -0.0f}};

typedef struct fixture {
    test_folder folder;
    tc_model *model;
    float *rows; /* of the embedding */
    float old[18];
} fixture;

static void set_up_with(fixture *f, const tc_allocator *host, const tci_file_operations *files)
{
    test_folder_create(&f->folder);
    assert_ok(test_tiny_create(host, files, NULL, &f->model));
    f->rows = f->model->network->parameters.values + f->model->network->parameters.tensors[0].offset;
    memcpy(f->old, f->rows, sizeof f->old);
}

static void set_up(fixture *f)
{
    set_up_with(f, NULL, NULL);
}

static void tear_down(fixture *f)
{
    tci_model_release(f->model);
    test_folder_remove(&f->folder);
}

static tc_status load(fixture *f, const void *text, size_t size)
{
    const char *path = test_folder_file(&f->folder, "vectors");
    test_write_file(path, text, size);
    return tci_vectors_load(f->model, path, false);
}

/* The rows of `the`, `good` and 好 are the file's, all others as they were. */
static void check_rows(const fixture *f)
{
    assert_memory_equal(f->rows, f->old, 3 * sizeof(float));
    assert_memory_equal(f->rows + 3, wanted[0], sizeof wanted[0]);
    assert_memory_equal(f->rows + 6, wanted[1], sizeof wanted[1]);
    assert_memory_equal(f->rows + 9, f->old + 9, 3 * sizeof(float));
    assert_memory_equal(f->rows + 12, wanted[2], sizeof wanted[2]);
    assert_memory_equal(f->rows + 15, f->old + 15, 3 * sizeof(float));
}

static void every_text_format_fills_the_rows_of_the_words_it_has(void **state)
{
    static const char *const texts[] = {header_text, plain_text, other_text};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        fixture f;
        set_up(&f);
        assert_ok(load(&f, texts[i], strlen(texts[i])));
        check_rows(&f);
        assert_true(f.model->pretrained);
        assert_int_equal(f.model->pretrained_words, 3);
        tear_down(&f);
    }
}

static void how_the_bytes_are_cut_into_pieces_changes_nothing(void **state)
{
    static const char *const texts[] = {header_text, plain_text, other_text};
    (void)state;
    fixture f;
    set_up(&f);
    for (size_t i = 0; i < 3; i++) {
        size_t size = strlen(texts[i]);
        for (size_t piece = 1; piece <= size; piece++) {
            tci_vectors *vectors = NULL;
            memcpy(f.rows, f.old, sizeof f.old);
            assert_ok(tci_vectors_create(&f.model->memory, f.model->pipeline->vocabulary, 1, 3, f.rows, &vectors));
            for (size_t at = 0; at < size; at += piece)
                assert_ok(tci_vectors_feed(vectors, texts[i] + at, size - at < piece ? size - at : piece));
            assert_ok(tci_vectors_finish(vectors));
            check_rows(&f);
            assert_int_equal(tci_vectors_found(vectors), 3);
            assert_true(tci_vectors_has(vectors, 4) && !tci_vectors_has(vectors, 3));
            tci_vectors_free(vectors);
        }
    }
    tear_down(&f);
}

static void of_a_word_that_comes_again_the_first_vector_counts(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    static const char text[] = "good 1 2 3\ngood 4 5 6\nGood 7 8 9\n<unk> 1 1 1\n";
    assert_ok(load(&f, text, sizeof text - 1));
    assert_memory_equal(f.rows + 6, wanted[0], sizeof wanted[0]);
    assert_memory_equal(f.rows, f.old, 3 * sizeof(float)); /* the row of unknown words stays zero */
    assert_int_equal(f.model->pretrained_words, 1);
    tear_down(&f);
}

static void a_word_may_have_spaces_and_be_long(void **state)
{
    (void)state;
    fixture f;
    char text[2 * LONG_WORD];
    set_up(&f);
    static const char spaced[] = "the 1 2 3\ngood at name@example.org 1 2 3\n";
    assert_ok(load(&f, spaced, sizeof spaced - 1));
    assert_memory_equal(f.rows + 6, f.old + 6, 3 * sizeof(float));
    memset(text, 'a', LONG_WORD);
    strcpy(text + LONG_WORD, " 1 2 3\nthe 1 2 3\n");
    assert_ok(load(&f, text, strlen(text)));
    /* a number of many digits: read to the last, which rounds it up; and one of too many */
    memset(text, '0', LONG_WORD);
    memcpy(text, "the 1.00000005960464477539062500", 32);
    strcpy(text + 900, "1 2 3\n");
    assert_ok(load(&f, text, strlen(text)));
    float up = 1.00000012f;
    assert_memory_equal(f.rows + 3, &up, sizeof up);
    memset(text + 32, '0', LONG_WORD);
    strcpy(text + LONG_WORD, " 2 3\n");
    assert_int_equal(load(&f, text, strlen(text)), TC_ERROR_FORMAT);
    assert_contains(tci_error_text(), "line 1, byte 5: '1.0000000596");
    tear_down(&f);
}

static void what_is_wrong_is_said_with_line_and_byte_and_changes_nothing(void **state)
{
    static const struct {
        const char *text;
        tc_status status;
        const char *part;
    } cases[] = {
        {"", TC_ERROR_FORMAT, "the file is empty"},
        {"\n", TC_ERROR_FORMAT, "line 1 is empty"},
        {"good 1 2 3\n\nthe 1 2 3\n", TC_ERROR_FORMAT, "line 2 is empty"},
        {"good 1 2 3\n 1 2 3\n", TC_ERROR_FORMAT, "line 2, byte 1: a word is expected"},
        {"good\n", TC_ERROR_FORMAT, "line 1 is a word without values"},
        {"good 1 2\n", TC_ERROR_MISMATCH,
         "line 1: its vectors have 2 values; option 'embedding_dim' of the model is 3"},
        {"1 300\nx 1\n", TC_ERROR_MISMATCH, "line 1: its vectors have 300 values"},
        {"1 0\n", TC_ERROR_FORMAT, "without values"},
        {"good 1 2 3\nthe 1 2\n", TC_ERROR_FORMAT, "line 2, byte 7: the word has 2 values; it must have 3"},
        {"good 1 2 3\nelse 1 2\n", TC_ERROR_FORMAT, "line 2, byte 8: the word has 2 values; it must have 3"},
        {"good 1 2 3\nthe 1 2 3 4\n", TC_ERROR_FORMAT, "line 2, byte 11: the word has 4 values; it must have 3"},
        {"good 1 2 3\nthe 1 x 3 4\n", TC_ERROR_FORMAT, "line 2, byte 11: the word has 4 values; it must have 3"},
        {"good 1 2 3\nelse 1 2 3 4\n", TC_ERROR_FORMAT, "line 2, byte 12: the word has 4 values; it must have 3"},
        {"good 1 x 3\n", TC_ERROR_FORMAT, "line 1, byte 8: 'x' is no number that a 32-bit float can hold"},
        {"good 1 2 3\nthe nan 2 3\n", TC_ERROR_FORMAT, "line 2, byte 5: 'nan'"},
        {"good 1 2 3\nthe 1 2 -inf\n", TC_ERROR_FORMAT, "line 2, byte 9: '-inf'"},
        {"good 1 2 3\nthe 1 1e39 3\n", TC_ERROR_FORMAT, "line 2, byte 7: '1e39'"},
        {"good 1 2 3\nthe 1 0x1 3\n", TC_ERROR_FORMAT, "'0x1'"},
        {"good 1 2 3\nthe 1,5 2 3\n", TC_ERROR_FORMAT, "'1,5'"},
        {"good 1 2 3\nthe 1 2 3", TC_ERROR_FORMAT, "line 2, byte 9: the last line has no end; the file is cut short"},
        {"good 1 2 3\nel", TC_ERROR_FORMAT, "line 2, byte 2: the last line has no end"},
        {"3 3\ngood 1 2 3\nthe 1 2 3\n", TC_ERROR_FORMAT, "line 1 announces 3 vectors, and there are 2"},
        {"1 3\ngood 1 2 3\nthe 1 2 3\n", TC_ERROR_FORMAT, "line 3 is one more than the 1 vectors"},
        {"18446744073709551616 3\n", TC_ERROR_MISMATCH, "its vectors have 1 values"},
        {"2 18446744073709551615\n", TC_ERROR_MISMATCH, "its vectors have 18446744073709551615 values"},
    };
    (void)state;
    fixture f;
    set_up(&f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(load(&f, cases[i].text, strlen(cases[i].text)), cases[i].status);
        assert_contains(tci_error_text(), cases[i].part);
        assert_contains(tci_error_text(), f.folder.path);
        assert_memory_equal(f.rows, f.old, sizeof f.old);
        assert_false(f.model->pretrained);
    }
    tear_down(&f);
}

static void the_first_line_alone_tells_the_dimension(void **state)
{
    static const struct {
        const char *text;
        size_t dim;
    } cases[] = {{"2000000 300\nrest that is not read", 300}, {"the 1 2 3 4 \nx", 4}, {"5 1\n", 1}};
    (void)state;
    fixture f;
    size_t dim = 0;
    set_up(&f);
    const char *path = test_folder_file(&f.folder, "vectors");
    for (size_t i = 0; i < 3; i++) {
        test_write_file(path, cases[i].text, strlen(cases[i].text));
        assert_ok(tci_vectors_dimension(&tci_system_files, &f.model->memory, path, 0, &dim));
        assert_int_equal(dim, cases[i].dim);
    }
    test_write_file(path, "the 1 2", 7);
    assert_int_equal(tci_vectors_dimension(&tci_system_files, &f.model->memory, path, 0, &dim), TC_ERROR_FORMAT);
    tear_down(&f);
}

static void other_words_of_a_new_model_have_the_size_of_those_found(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    static const char text[] = "good 0.3 0.4 0\nthe 0 -0.3 0.4\n";
    const char *path = test_folder_file(&f.folder, "vectors");
    test_write_file(path, text, sizeof text - 1);
    assert_ok(tci_vectors_load(f.model, path, true));
    for (size_t i = 0; i < 3; i++)
        assert_true(f.rows[i] == 0);
    for (size_t i = 9; i < 18; i++) /* the root mean square of 0.3, 0.4, 0 */
        assert_close(f.rows[i], f.old[i] * 0.28867513, 1e-6);
    tear_down(&f);
}

static void models_without_an_embedding_of_words_are_refused_by_name(void **state)
{
    (void)state;
    tc_model *model = test_tiny_model((const char *const[]){"arch", "ngram", "embedding_dim", "0", NULL});
    assert_int_equal(tci_vectors_load(model, "unused", false), TC_ERROR_UNSUPPORTED);
    assert_contains(tci_error_text(), "arch ngram");
    tci_model_release(model);
}

static void every_failing_allocation_leaves_the_model_as_it_was(void **state)
{
    (void)state;
    fixture f;
    test_allocator allocator;
    test_allocator_init(&allocator, TEST_NEVER, false);
    tc_allocator host = test_allocator_host(&allocator);
    set_up_with(&f, &host, NULL);
    for (long n = 0;; n++) {
        long live = allocator.live_blocks;
        allocator.calls = 0;
        allocator.failed = false;
        allocator.fail_at = n;
        tc_status status = load(&f, plain_text, sizeof plain_text - 1);
        assert_int_equal(allocator.live_blocks, live);
        if (!allocator.failed)
            break;
        assert_int_equal(status, TC_ERROR_MEMORY);
        assert_memory_equal(f.rows, f.old, sizeof f.old);
        assert_true(n < 100);
    }
    check_rows(&f);
    tear_down(&f);
    assert_nothing_held(&allocator);
}

static void every_failing_file_operation_is_an_error_with_the_path(void **state)
{
    (void)state;
    fixture f;
    set_up_with(&f, NULL, &test_failing_files);
    for (long n = 0;; n++) {
        memcpy(f.rows, f.old, sizeof f.old);
        test_files_init(TEST_FILE_ANY, n, EIO);
        test_files_state.most = 7;
        tc_status status = load(&f, header_text, sizeof header_text - 1);
        assert_int_equal(test_files_state.open_files, 0);
        if (status == TC_OK) { /* or the file was closed with an error, which matters to no reader */
            check_rows(&f);
            if (!test_files_state.failed)
                break;
            continue;
        }
        assert_int_equal(status, TC_ERROR_IO);
        assert_contains(tci_error_text(), f.folder.path);
        assert_memory_equal(f.rows, f.old, sizeof f.old);
    }
    for (long n = 0; n < 3; n++) { /* interrupted calls go on */
        test_files_init(TEST_FILE_READ, n, EINTR);
        assert_ok(load(&f, header_text, sizeof header_text - 1));
    }
    tear_down(&f);
}

static void limits_hold(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    f.model->options.max_file_bytes = sizeof plain_text - 1;
    assert_ok(load(&f, plain_text, sizeof plain_text - 1));
    f.model->options.max_file_bytes--;
    assert_int_equal(load(&f, plain_text, sizeof plain_text - 1), TC_ERROR_LIMIT);
    assert_contains(tci_error_text(), "max_file_bytes");
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_text_format_fills_the_rows_of_the_words_it_has),
        cmocka_unit_test(how_the_bytes_are_cut_into_pieces_changes_nothing),
        cmocka_unit_test(of_a_word_that_comes_again_the_first_vector_counts),
        cmocka_unit_test(a_word_may_have_spaces_and_be_long),
        cmocka_unit_test(what_is_wrong_is_said_with_line_and_byte_and_changes_nothing),
        cmocka_unit_test(the_first_line_alone_tells_the_dimension),
        cmocka_unit_test(other_words_of_a_new_model_have_the_size_of_those_found),
        cmocka_unit_test(models_without_an_embedding_of_words_are_refused_by_name),
        cmocka_unit_test(every_failing_allocation_leaves_the_model_as_it_was),
        cmocka_unit_test(every_failing_file_operation_is_an_error_with_the_path),
        cmocka_unit_test(limits_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
