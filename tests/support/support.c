/* support.c: helpers shared by the test programs: data files, temporary folders, closeness of floats. */
#include "support/testing.h"

#include <dirent.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

const char *test_source_dir(void)
{
    return TEST_SOURCE_DIR;
}

void test_folder_create(test_folder *folder)
{
    snprintf(folder->path, sizeof folder->path, "%s", "/tmp/textclf-test-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
}

const char *test_folder_file(test_folder *folder, const char *name)
{
    int length = snprintf(folder->file, sizeof folder->file, "%s/%s", folder->path, name);
    assert_true(length > 0 && (size_t)length < sizeof folder->file);
    return folder->file;
}

size_t test_folder_count(const test_folder *folder)
{
    DIR *open_folder = opendir(folder->path);
    assert_non_null(open_folder);
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(open_folder)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(open_folder);
    return count;
}

void test_folder_remove(test_folder *folder)
{
    DIR *open_folder = opendir(folder->path);
    assert_non_null(open_folder);
    for (struct dirent *entry; (entry = readdir(open_folder)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlink(test_folder_file(folder, entry->d_name));
    }
    closedir(open_folder);
    assert_int_equal(rmdir(folder->path), 0);
}

void test_write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

char *test_read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *bytes = NULL;
    *size = 0;
    for (size_t got = 1; got != 0; *size += got) {
        bytes = realloc(bytes, *size + 65537);
        assert_non_null(bytes);
        got = fread(bytes + *size, 1, 65536, file);
    }
    bytes[*size] = 0;
    fclose(file);
    return bytes;
}

void test_close(double value, double wanted, double bound, const char *what, const char *file, int line)
{
    double difference = fabs(value - wanted), scale = fabs(wanted) > 1.0 ? fabs(wanted) : 1.0;
    if (difference <= bound * scale) /* false for NaN */
        return;
    print_error("%s: %.9g is not within %.3g of %.9g\n", what, value, bound, wanted);
    _fail(file, line);
}

void test_all_close(const float *values, const float *wanted, size_t count, double bound, const char *what,
                    const char *file, int line)
{
    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)values[i] - (double)wanted[i]);
        double scale = fabs((double)wanted[i]) > 1.0 ? fabs((double)wanted[i]) : 1.0;
        if (!(difference <= bound * scale)) {
            print_error("%s[%zu]: %.9g is not within %.3g of %.9g\n", what, i, (double)values[i], bound,
                        (double)wanted[i]);
            _fail(file, line);
        }
    }
}
