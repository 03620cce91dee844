/* labels: quick. file.c, file_replace.c: reading, mapping, replacing; every system call failing once. */
#include "support/testing.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "support/failing.h"
#include "support/failing_files.h"

static tci_memory memory;
static test_allocator allocator;
static test_folder folder;

static int set_up(void **state)
{
    (void)state;
    test_allocator_init(&allocator, TEST_NEVER, false);
    tc_allocator host = test_allocator_host(&allocator);
    tci_memory_init(&memory, &host, 0);
    test_folder_create(&folder);
    test_files_init(TEST_FILE_ANY, -1, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_folder_remove(&folder);
    assert_nothing_held(&allocator);
    assert_int_equal(test_files_state.open_files, 0);
    return 0;
}

static const tci_file_piece pieces[] = {{"new ", 4}, {NULL, 0}, {"contents\0and more", 17}};
static const char new_contents[] = "new contents\0and more";
#define NEW_SIZE 21

static tc_status replace(const tci_file_operations *files, const char *path)
{
    return tci_file_replace(files, &memory, path, pieces, 3);
}

static bool holds(const char *path, const char *wanted, size_t wanted_size)
{
    size_t size = 0;
    char *bytes = test_read_file(path, &size);
    bool same = size == wanted_size && memcmp(bytes, wanted, size) == 0;
    free(bytes);
    return same;
}

static mode_t mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 07777;
}

static void a_file_is_read_whole(void **state)
{
    (void)state;
    const char *path = test_folder_file(&folder, "input");
    size_t total = 200001, size = 1;
    char *bytes = malloc(total);
    assert_non_null(bytes);
    for (size_t i = 0; i < total; i++)
        bytes[i] = (char)(i * i >> 3);
    uint8_t *data;
    for (size_t length = 0; length <= total; length += total / 3) {
        test_write_file(path, bytes, length);
        for (size_t most = 0; most <= 1000; most += 1000) { /* short reads go on */
            test_files_state.most = most;
            assert_ok(tci_file_read(&test_failing_files, &memory, path, length, &data, &size));
            assert_int_equal(size, length);
            assert_non_null(data);
            assert_memory_equal(data, bytes, length);
            tci_free(&memory, data);
        }
    }
    free(bytes);
}

static void a_file_over_the_limit_is_refused(void **state)
{
    (void)state;
    const char *path = test_folder_file(&folder, "input");
    test_write_file(path, "12345", 5);
    uint8_t *data = NULL;
    size_t size = 1;
    assert_int_equal(tci_file_read(&tci_system_files, &memory, path, 4, &data, &size), TC_ERROR_LIMIT);
    assert_null(data);
    assert_contains(tci_error_text(), "max_file_bytes (4)");
    assert_contains(tci_error_text(), path);
    assert_ok(tci_file_read(&tci_system_files, &memory, path, 0, &data, &size));
    tci_free(&memory, data);
    /* A device has no size to look at beforehand. */
    assert_int_equal(tci_file_read(&tci_system_files, &memory, "/dev/zero", 200000, &data, &size), TC_ERROR_LIMIT);
    assert_contains(tci_error_text(), "max_file_bytes (200000)");
    assert_ok(tci_file_read(&tci_system_files, &memory, "/dev/null", 200000, &data, &size));
    assert_int_equal(size, 0);
    tci_free(&memory, data);
}

static void what_cannot_be_read_is_named_with_the_reason(void **state)
{
    (void)state;
    uint8_t *data;
    size_t size;
    const char *path = test_folder_file(&folder, "missing");
    assert_int_equal(tci_file_read(&tci_system_files, &memory, path, 0, &data, &size), TC_ERROR_IO);
    assert_contains(tci_error_text(), path);
    assert_contains(tci_error_text(), "no such file");
    assert_int_equal(tci_file_read(&tci_system_files, &memory, folder.path, 0, &data, &size), TC_ERROR_IO);
    assert_contains(tci_error_text(), "folder");
}

static void every_failing_call_of_read_is_a_status(void **state)
{
    (void)state;
    const char *path = test_folder_file(&folder, "input");
    test_write_file(path, "12345", 5);
    for (long n = 0;; n++) {
        test_files_init(TEST_FILE_ANY, n, EIO);
        test_files_state.most = 2;
        uint8_t *data;
        size_t size;
        tc_status status = tci_file_read(&test_failing_files, &memory, path, 0, &data, &size);
        bool harmless = !test_files_state.failed || test_files_state.last == TEST_FILE_CLOSE;
        assert_int_equal(status, harmless ? TC_OK : TC_ERROR_IO);
        if (status != TC_OK)
            assert_null(data);
        tci_free(&memory, data);
        assert_nothing_held(&allocator);
        assert_int_equal(test_files_state.open_files, 0);
        if (!test_files_state.failed)
            break;
    }
    for (long n = 0; n < 2; n++) { /* a signal in open and in read */
        test_files_init(n == 0 ? TEST_FILE_OPEN : TEST_FILE_READ, 0, EINTR);
        uint8_t *data;
        size_t size;
        assert_ok(tci_file_read(&test_failing_files, &memory, path, 0, &data, &size));
        assert_memory_equal(data, "12345", 5);
        tci_free(&memory, data);
    }
}

static void a_file_is_mapped(void **state)
{
    (void)state;
    const char *path = test_folder_file(&folder, "input");
    const uint8_t *data;
    size_t size;
    test_write_file(path, "12345", 5);
    assert_ok(tci_file_map(path, 5, &data, &size));
    assert_int_equal(size, 5);
    assert_memory_equal(data, "12345", 5);
    tci_file_unmap(data, size);
    assert_int_equal(tci_file_map(path, 4, &data, &size), TC_ERROR_LIMIT);
    assert_null(data);
    test_write_file(path, "", 0);
    assert_ok(tci_file_map(path, 5, &data, &size));
    assert_non_null(data);
    assert_int_equal(size, 0);
    tci_file_unmap(data, size);
    tci_file_unmap(NULL, 0);
    assert_int_equal(tci_file_map("/dev/null", 0, &data, &size), TC_ERROR_IO);
    assert_int_equal(tci_file_map(folder.path, 0, &data, &size), TC_ERROR_IO);
    assert_int_equal(tci_file_map(test_folder_file(&folder, "missing"), 0, &data, &size), TC_ERROR_IO);
}

/* Not waiting for somebody to write into the pipe. */
static void what_has_to_be_a_regular_file_is_one(void **state)
{
    (void)state;
    const char *path = test_folder_file(&folder, "pipe");
    const uint8_t *map;
    uint8_t *data;
    size_t size;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(tci_file_read_regular(&tci_system_files, &memory, path, 0, &data, &size), TC_ERROR_IO);
    assert_contains(tci_error_text(), "regular file");
    assert_int_equal(tci_file_read_regular(&tci_system_files, &memory, "/dev/zero", 0, &data, &size), TC_ERROR_IO);
    assert_int_equal(tci_file_map(path, 0, &map, &size), TC_ERROR_IO);
    test_write_file(test_folder_file(&folder, "input"), "12345", 5);
    assert_ok(tci_file_read_regular(&tci_system_files, &memory, test_folder_file(&folder, "input"), 5, &data, &size));
    assert_memory_equal(data, "12345", 5);
    tci_free(&memory, data);
}

static void a_new_file_gets_the_mode_of_the_process(void **state)
{
    (void)state;
    const char *path = test_folder_file(&folder, "model");
    mode_t old = umask(027);
    assert_ok(replace(&tci_system_files, path));
    umask(old);
    assert_true(holds(path, new_contents, NEW_SIZE));
    assert_int_equal(mode_of(path), 0640);
    assert_int_equal(test_folder_count(&folder), 1);
}

static void replacing_keeps_the_mode_and_leaves_no_temporary(void **state)
{
    (void)state;
    const char *path = test_folder_file(&folder, "model");
    static const mode_t modes[] = {0600, 0644, 0444, 0755, 0666};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        unlink(path);
        test_write_file(path, "old", 3);
        assert_int_equal(chmod(path, modes[i]), 0);
        assert_ok(replace(&tci_system_files, path));
        assert_true(holds(path, new_contents, NEW_SIZE));
        assert_int_equal(mode_of(path), modes[i]);
        assert_int_equal(test_folder_count(&folder), 1);
    }
}

static void a_bare_name_is_saved_in_the_working_folder(void **state)
{
    (void)state;
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder.path), 0);
    tc_status status = replace(&tci_system_files, "model");
    assert_int_equal(chdir(before), 0);
    assert_ok(status);
    assert_true(holds(test_folder_file(&folder, "model"), new_contents, NEW_SIZE));
}

static void temporaries_that_exist_are_passed_over(void **state)
{
    (void)state;
    char name[64], outside[600];
    snprintf(name, sizeof name, ".model.tmp-%ld-0", (long)getpid());
    test_write_file(test_folder_file(&folder, name), "theirs", 6);
    snprintf(outside, sizeof outside, "%s/outside", folder.path);
    snprintf(name, sizeof name, ".model.tmp-%ld-1", (long)getpid());
    assert_int_equal(symlink(outside, test_folder_file(&folder, name)), 0); /* a trap: must not be followed */
    assert_ok(replace(&tci_system_files, test_folder_file(&folder, "model")));
    assert_true(holds(test_folder_file(&folder, "model"), new_contents, NEW_SIZE));
    snprintf(name, sizeof name, ".model.tmp-%ld-0", (long)getpid());
    assert_true(holds(test_folder_file(&folder, name), "theirs", 6));
    assert_int_not_equal(access(outside, F_OK), 0);
    assert_int_equal(test_folder_count(&folder), 3);
}

static void long_names_fit(void **state)
{
    (void)state;
    char name[256];
    memset(name, 'm', 255);
    name[255] = 0;
    assert_ok(replace(&tci_system_files, test_folder_file(&folder, name)));
    assert_true(holds(folder.file, new_contents, NEW_SIZE));
    assert_int_equal(test_folder_count(&folder), 1);
}

static void a_link_stays_a_link_and_its_target_is_replaced(void **state)
{
    (void)state;
    char link_path[600];
    snprintf(link_path, sizeof link_path, "%s/link", folder.path);
    const char *target = test_folder_file(&folder, "target");
    test_write_file(target, "old", 3);
    assert_int_equal(chmod(target, 0604), 0);
    assert_int_equal(symlink("target", link_path), 0);
    struct stat status, before;
    assert_int_equal(stat(target, &before), 0);
    assert_ok(replace(&tci_system_files, link_path));
    assert_int_equal(stat(target, &status), 0);
    assert_true(status.st_ino != before.st_ino); /* a new file in its place, not the old one overwritten */
    assert_int_equal(lstat(link_path, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_true(holds(target, new_contents, NEW_SIZE));
    assert_int_equal(mode_of(target), 0604);
    assert_int_equal(unlink(target), 0); /* a link to nothing: the target is made */
    assert_ok(replace(&tci_system_files, link_path));
    assert_true(holds(target, new_contents, NEW_SIZE));
    assert_int_equal(test_folder_count(&folder), 2);
}

static void devices_and_pipes_are_written_straight(void **state)
{
    (void)state;
    assert_ok(replace(&tci_system_files, "/dev/null"));
    struct stat status;
    assert_int_equal(stat("/dev/null", &status), 0);
    assert_true(S_ISCHR(status.st_mode));
    const char *path = test_folder_file(&folder, "pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    test_files_state.most = 5;
    assert_ok(replace(&test_failing_files, path));
    char got[64];
    assert_int_equal(read(reader, got, sizeof got), NEW_SIZE);
    assert_memory_equal(got, new_contents, NEW_SIZE);
    close(reader);
    assert_int_equal(test_folder_count(&folder), 1);
    assert_int_equal(replace(&tci_system_files, folder.path), TC_ERROR_IO);
    assert_contains(tci_error_text(), "folder");
    assert_int_equal(replace(&tci_system_files, "/dev/full"), TC_ERROR_IO);
    assert_contains(tci_error_text(), "no space left");
}

/* Every n-th call of every kind fails: a status, the old file as it was, its mode too, and no temporary. Only when
 * nothing but the folder's fsync failed is the new file in place. */
static void every_failing_call_of_replace_leaves_the_old_file(void **state)
{
    (void)state;
    static const int errors[] = {EIO, ENOSPC, EACCES, EDQUOT};
    for (int with_old = 0; with_old < 2; with_old++) {
        for (size_t e = 0; e < sizeof errors / sizeof *errors; e++) {
            for (long n = 0;; n++) {
                const char *path = test_folder_file(&folder, "model");
                if (with_old) {
                    test_write_file(path, "old", 3);
                    assert_int_equal(chmod(path, 0640), 0);
                }
                test_files_init(TEST_FILE_ANY, n, errors[e]);
                test_files_state.most = 7;
                tc_status status = replace(&test_failing_files, path);
                bool failed = test_files_state.failed;
                test_file_call last = test_files_state.last;
                long number = test_files_state.last_number;
                bool folder_synced = last == TEST_FILE_FSYNC && number == 1;
                bool folder_closed = last == TEST_FILE_CLOSE && number == 1;
                bool folder_hidden = last == TEST_FILE_OPEN && number == 0 && errors[e] == EACCES;
                assert_int_equal(test_files_state.open_files, 0);
                assert_nothing_held(&allocator);
                if (!failed || folder_closed || folder_hidden) {
                    assert_ok(status);
                } else {
                    assert_int_equal(status, TC_ERROR_IO);
                    assert_contains(tci_error_text(), path + strlen(folder.path) + 1);
                }
                if (status == TC_OK || folder_synced) {
                    assert_true(holds(path, new_contents, NEW_SIZE));
                    assert_int_equal(test_folder_count(&folder), 1);
                    unlink(path);
                } else {
                    assert_int_equal(test_folder_count(&folder), (size_t)with_old);
                    if (with_old) {
                        assert_true(holds(path, "old", 3));
                        assert_int_equal(mode_of(path), 0640);
                    }
                }
                if (!failed) {
                    assert_true(n > 10);
                    break;
                }
            }
        }
    }
}

static void signals_and_short_writes_are_passed_over(void **state)
{
    (void)state;
    const char *path = test_folder_file(&folder, "model");
    static const test_file_call calls[] = {TEST_FILE_OPEN, TEST_FILE_WRITE, TEST_FILE_FSYNC, TEST_FILE_CLOSE,
                                           TEST_FILE_RENAME};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        for (long n = 0; n < 2; n++) {
            test_write_file(path, "old", 3);
            test_files_init(calls[i], n, EINTR);
            test_files_state.most = 1;
            assert_ok(replace(&test_failing_files, path));
            assert_true(test_files_state.failed || (calls[i] == TEST_FILE_RENAME && n == 1));
            assert_true(holds(path, new_contents, NEW_SIZE));
            assert_int_equal(test_folder_count(&folder), 1);
            assert_int_equal(test_files_state.open_files, 0);
        }
    }
}

static void failing_allocations_change_nothing(void **state)
{
    (void)state;
    const char *path = test_folder_file(&folder, "model");
    test_write_file(path, "old", 3);
    test_allocator_init(&allocator, 0, true);
    uint8_t *data;
    size_t size;
    assert_int_equal(replace(&test_failing_files, path), TC_ERROR_MEMORY);
    assert_int_equal(tci_file_read(&test_failing_files, &memory, path, 0, &data, &size), TC_ERROR_MEMORY);
    assert_null(data);
    assert_true(holds(path, "old", 3));
    assert_int_equal(test_folder_count(&folder), 1);
}

static void a_folder_that_cannot_be_written_is_named(void **state)
{
    (void)state;
    char path[600];
    snprintf(path, sizeof path, "%s/missing/model", folder.path);
    assert_int_equal(replace(&test_failing_files, path), TC_ERROR_IO);
    assert_contains(tci_error_text(), path);
    assert_contains(tci_error_text(), "no such file or folder");
    assert_int_equal(replace(&test_failing_files, ""), TC_ERROR_IO);
    snprintf(path, sizeof path, "%s/model/", folder.path);
    assert_int_equal(replace(&test_failing_files, path), TC_ERROR_IO);
    assert_int_equal(test_folder_count(&folder), 0);
}

static void folders_are_made_and_told_from_files(void **state)
{
    (void)state;
    char *path = NULL, *inner = NULL, *slashed = NULL;
    assert_ok(tci_path_join(&memory, folder.path, "new", &path));
    assert_ok(tci_path_join(&memory, path, "file", &inner));
    assert_ok(tci_path_join(&memory, "a/", "b", &slashed));
    assert_string_equal(slashed, "a/b");
    assert_false(tci_file_exists(&tci_system_files, path));
    assert_false(tci_file_is_folder(&tci_system_files, path));
    test_files_init(TEST_FILE_MKDIR, 0, EACCES);
    assert_int_equal(tci_folder_create(&test_failing_files, path), TC_ERROR_IO);
    assert_non_null(strstr(tci_error_text(), path));
    test_files_init(TEST_FILE_ANY, -1, 0);
    for (int twice = 0; twice < 2; twice++)
        assert_ok(tci_folder_create(&test_failing_files, path));
    assert_true(tci_file_is_folder(&test_failing_files, path));
    assert_ok(replace(&tci_system_files, inner));
    assert_true(tci_file_exists(&tci_system_files, inner));
    assert_false(tci_file_is_folder(&test_failing_files, inner));
    assert_int_equal(tci_folder_create(&test_failing_files, inner), TC_ERROR_IO);
    assert_int_equal(unlink(inner), 0);
    assert_int_equal(rmdir(path), 0);
    tci_free(&memory, path);
    tci_free(&memory, inner);
    tci_free(&memory, slashed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_read_whole),
        TEST(a_file_over_the_limit_is_refused),
        TEST(what_cannot_be_read_is_named_with_the_reason),
        TEST(every_failing_call_of_read_is_a_status),
        TEST(a_file_is_mapped),
        TEST(what_has_to_be_a_regular_file_is_one),
        TEST(a_new_file_gets_the_mode_of_the_process),
        TEST(replacing_keeps_the_mode_and_leaves_no_temporary),
        TEST(a_bare_name_is_saved_in_the_working_folder),
        TEST(temporaries_that_exist_are_passed_over),
        TEST(long_names_fit),
        TEST(a_link_stays_a_link_and_its_target_is_replaced),
        TEST(devices_and_pipes_are_written_straight),
        TEST(every_failing_call_of_replace_leaves_the_old_file),
        TEST(signals_and_short_writes_are_passed_over),
        TEST(failing_allocations_change_nothing),
        TEST(a_folder_that_cannot_be_written_is_named),
        TEST(folders_are_made_and_told_from_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
