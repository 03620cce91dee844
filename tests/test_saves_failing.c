/* Each file operation of a save or load fails once: the old file or the new one, nothing left. labels: long */
#include "support/testing.h"

#include <errno.h>

#include "api/handles.h"
#include "support/failing_files.h"
#include "support/small_host.h"

#define TEXTS 12
#define SETTINGS "hidden_dim=3 embedding_dim=3 batch_size=4 epochs=1"

typedef struct fixture {
    test_folder folder;
    host h;
    char path[512];
    char *old; /* what stands at the path before each try */
    size_t old_size;
} fixture;

static void set_up(fixture *f)
{
    tc_config *config = NULL;
    test_folder_create(&f->folder);
    test_files_init(TEST_FILE_ANY, -1, 0);
    (void)snprintf(f->path, sizeof f->path, "%s/model", f->folder.path);
    memset(&f->h, 0, sizeof f->h);
    assert_ok(host_config(NULL, SETTINGS, &config));
    config->files = &test_failing_files;
    f->h.config = config;
    assert_ok(host_model(config, TEXTS, &f->h.model));
    assert_ok(host_examples(f->h.model, 0, TEXTS, &f->h.examples));
    assert_ok(tc_trainer_create(f->h.model, config, &f->h.trainer));
    assert_ok(tc_model_save(f->h.model, f->path));
    f->old = test_read_file(f->path, &f->old_size);
    assert_ok(tc_train_step(f->h.trainer, f->h.examples, (const size_t[]){0, 1, 2, 3}, 4, NULL));
}

static void tear_down(fixture *f)
{
    host_end(&f->h);
    free(f->old);
    test_folder_remove(&f->folder);
}

typedef tc_status (*save)(const fixture *f);

static tc_status save_model(const fixture *f)
{
    return tc_model_save(f->h.model, f->path);
}

static tc_status save_checkpoint(const fixture *f)
{
    return tc_trainer_save(f->h.trainer, f->path);
}

static bool is_file(const fixture *f, const char *bytes, size_t size)
{
    size_t now_size = 0;
    char *now = test_read_file(f->path, &now_size);
    bool same = now_size == size && memcmp(now, bytes, size) == 0;
    free(now);
    return same;
}

/* The bytes that a save without failures writes; the old file is put back. */
static char *wanted_file(const fixture *f, save function, size_t *size)
{
    test_files_init(TEST_FILE_ANY, -1, 0);
    assert_ok(function(f));
    char *wanted = test_read_file(f->path, size);
    assert_false(is_file(f, f->old, f->old_size));
    test_write_file(f->path, f->old, f->old_size);
    return wanted;
}

/* Every operation of a save fails with `error`, one in each try. With `most` bytes at most in a write. */
static void check_save(const fixture *f, save function, int error, size_t most)
{
    size_t size = 0;
    char *wanted = wanted_file(f, function, &size);
    for (long n = 0;; n++) {
        test_files_init(TEST_FILE_ANY, n, error);
        test_files_state.most = most;
        tc_status status = function(f);
        assert_int_equal(test_files_state.open_files, 0);
        assert_int_equal(test_folder_count(&f->folder), 1);
        if (!test_files_state.failed) {
            assert_ok(status);
            assert_true(n > 5);
            assert_true(is_file(f, wanted, size));
            break;
        }
        if (status == TC_OK) { /* an operation that may fail: closing a folder, say, or one that was tried again */
            assert_true(is_file(f, wanted, size));
        } else {
            assert_int_equal(status, TC_ERROR_IO);
            assert_contains(tc_last_error(), f->folder.path); /* of the file, or of the temporary one beside it */
            bool placed = strstr(tc_last_error(), "the new file is in its place") != NULL;
            assert_true(placed ? is_file(f, wanted, size) : is_file(f, f->old, f->old_size));
        }
        if (error == EINTR)
            assert_ok(status);
        test_write_file(f->path, f->old, f->old_size);
    }
    free(wanted);
}

static void a_save_whose_nth_operation_fails_leaves_the_old_file_or_the_new(void **state)
{
    fixture f;
    (void)state;
    set_up(&f);
    check_save(&f, save_model, EIO, 0);
    check_save(&f, save_checkpoint, EIO, 0);
    check_save(&f, save_model, ENOSPC, 1500);
    check_save(&f, save_checkpoint, ENOSPC, 1500);
    tear_down(&f);
}

static void a_signal_in_any_operation_of_a_save_does_no_harm(void **state)
{
    static const test_file_call calls[] = {TEST_FILE_OPEN, TEST_FILE_WRITE, TEST_FILE_FSYNC, TEST_FILE_CLOSE,
                                           TEST_FILE_RENAME};
    fixture f;
    (void)state;
    set_up(&f);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        size_t size = 0;
        char *wanted = wanted_file(&f, save_checkpoint, &size);
        for (long n = 0;; n++) {
            test_files_init(calls[i], n, EINTR);
            test_files_state.most = 5000;
            assert_ok(save_checkpoint(&f));
            assert_true(is_file(&f, wanted, size));
            assert_int_equal(test_files_state.open_files, 0);
            assert_int_equal(test_folder_count(&f.folder), 1);
            test_write_file(f.path, f.old, f.old_size);
            if (!test_files_state.failed)
                break;
        }
        free(wanted);
    }
    tear_down(&f);
}

/* ---- loading ---- */

static tc_status load_model(const fixture *f)
{
    tc_model *model = NULL;
    tc_status status = tc_model_load_with(f->path, f->h.config, 0, &model);
    assert_true((status == TC_OK) == (model != NULL));
    tc_model_free(model);
    return status;
}

static tc_status load_checkpoint(const fixture *f)
{
    tc_model *model = NULL;
    tc_trainer *trainer = NULL;
    tc_status status = tc_trainer_load(f->path, f->h.config, &model, &trainer);
    assert_true((status == TC_OK) == (model != NULL) && (model != NULL) == (trainer != NULL));
    tc_trainer_free(trainer);
    tc_model_free(model);
    return status;
}

static tc_status load_weights(const fixture *f)
{
    tc_model *model = NULL;
    assert_ok(host_model(f->h.config, TEXTS, &model));
    tc_status status = tc_model_load_weights(model, f->path);
    tc_model_free(model);
    return status;
}

static void check_load(const fixture *f, save function, size_t most)
{
    for (long n = 0;; n++) {
        test_files_init(TEST_FILE_ANY, n, EIO);
        test_files_state.most = most;
        tc_status status = function(f);
        assert_int_equal(test_files_state.open_files, 0);
        if (!test_files_state.failed) {
            assert_ok(status);
            assert_true(n > 2);
            break;
        }
        if (status != TC_OK) {
            assert_int_equal(status, TC_ERROR_IO);
            assert_contains(tc_last_error(), f->path);
        } else if (n > 0) { /* the first asks whether it is a folder; what cannot be told is opened as a file */
            assert_int_equal(test_files_state.last, TEST_FILE_CLOSE); /* everything has been read */
        }
        test_files_init(TEST_FILE_READ, n, EINTR);
        test_files_state.most = most;
        assert_ok(function(f));
    }
}

static void a_load_whose_nth_operation_fails_is_a_status_and_short_reads_are_none(void **state)
{
    fixture f;
    (void)state;
    set_up(&f);
    assert_ok(save_checkpoint(&f));
    check_load(&f, load_model, 0);
    check_load(&f, load_checkpoint, 0);
    check_load(&f, load_weights, 0);
    check_load(&f, load_model, 777);
    check_load(&f, load_checkpoint, 777);
    tear_down(&f);
}

static void a_file_that_grows_or_is_missing_is_named(void **state)
{
    fixture f;
    (void)state;
    set_up(&f);
    (void)snprintf(f.path, sizeof f.path, "%s/missing", f.folder.path);
    assert_int_equal(load_model(&f), TC_ERROR_IO);
    assert_contains(tc_last_error(), "missing");
    assert_contains(tc_last_error(), "no such file");
    (void)snprintf(f.path, sizeof f.path, "%s/missing/model", f.folder.path);
    assert_int_equal(save_model(&f), TC_ERROR_IO);
    assert_contains(tc_last_error(), "missing/model");
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_save_whose_nth_operation_fails_leaves_the_old_file_or_the_new),
        cmocka_unit_test(a_signal_in_any_operation_of_a_save_does_no_harm),
        cmocka_unit_test(a_load_whose_nth_operation_fails_is_a_status_and_short_reads_are_none),
        cmocka_unit_test(a_file_that_grows_or_is_missing_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
