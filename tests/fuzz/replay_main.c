/* replay_main.c: runs a fuzz target over given inputs, without libFuzzer: files, or folders of files, as arguments.
 *
 * Every build of the tests runs the whole corpus this way, under any compiler and sanitizer. Each input stands in
 * memory of exactly its size, so that a byte read past its end is seen. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long inputs;

static int complain(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return 1;
}

static int replay_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return complain(path);
    uint8_t *data = malloc(size ? size : 1);
    size_t got = data ? fread(data, 1, size, file) : 0;
    fclose(file);
    if (got != size) {
        free(data);
        return complain(path);
    }
    /* Said before the run: the input that ends the process is the last one named. */
    printf("%s (%zu bytes)\n", path, size);
    fflush(stdout);
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
    inputs++;
    return 0;
}

static int replay(const char *path);

static int replay_folder(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder)
        return complain(path);
    int failed = 0;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (entry->d_name[0] == '.')
            continue;
        char inner[4096];
        if (snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name) < (int)sizeof inner)
            failed |= replay(inner);
    }
    closedir(folder);
    return failed;
}

static int replay(const char *path)
{
    struct stat what;
    if (stat(path, &what) != 0)
        return complain(path);
    return S_ISDIR(what.st_mode) ? replay_folder(path) : replay_file(path, (size_t)what.st_size);
}

int main(int count, char **arguments)
{
    int failed = 0;
    for (int i = 1; i < count; i++)
        failed |= replay(arguments[i]);
    if (inputs == 0) {
        fprintf(stderr, "usage: %s FILE_OR_FOLDER ...   (no input was found)\n", arguments[0]);
        return 2;
    }
    printf("%lu inputs\n", inputs);
    return failed;
}
