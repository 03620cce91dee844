/* target.c: see target.h. A folder that is not there yet is made in one that is, and one that is there keeps its other
 * files: the names that are written are config.json, model.safetensors and the tokenizer's. */
#include "target.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data.h"
#include "messages.h"

#define PATH_BYTES 4096

bool target_is_folder(const char *path)
{
    size_t length = strlen(path);
    return length > 0 && path[length - 1] == '/';
}

/* The folder of a path, whose slashes at its end do not count. */
static bool folder_of(const char *path, char folder[PATH_BYTES])
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    if (length >= PATH_BYTES)
        return false;
    memcpy(folder, length > 0 ? path : ".", length > 0 ? length : 1);
    folder[length > 0 ? length : 1] = '\0';
    return true;
}

int target_check(const char *option, const char *path)
{
    struct stat status;
    bool wants_folder = target_is_folder(path), there = stat(path, &status) == 0;
    if (there && !wants_folder && S_ISDIR(status.st_mode))
        return fail("cannot write %s (%s): it is a folder; name a file in it%s", path, option,
                    strcmp(option, "--output") == 0 ? ", or put a / behind it for a folder of Hugging Face's" : "");
    if (there && !wants_folder && !S_ISREG(status.st_mode))
        return CODE_OK;
    if (!there && wants_folder && errno == ENOTDIR)
        return fail("cannot write %s (%s): there is a file of that name", path, option);
    char folder[PATH_BYTES];
    if (!folder_of(path, folder))
        return fail("cannot write %s (%s): the path is too long", path, option);
    const char *written = there && wants_folder ? path : folder;
    if (access(written, W_OK | X_OK) != 0)
        return fail("cannot write %s (%s): folder %s: %s", path, option, written, strerror(errno));
    return CODE_OK;
}

int target_check_folder(const char *path, bool adapters_only)
{
    char file[PATH_BYTES];
    struct stat status;
    const char *other = adapters_only ? "config.json" : "adapter_config.json";
    if (!target_is_folder(path))
        return adapters_only ? misuse("--adapters-only writes a folder; put a / behind %s", path) : CODE_OK;
    int length = snprintf(file, sizeof file, "%s%s", path, other);
    if (length >= 0 && (size_t)length < sizeof file && stat(file, &status) == 0)
        return fail("cannot write %s: it has %s, and a model and adapters alone do not share a folder; name another",
                    path, other);
    return CODE_OK;
}

static int check_adapters(const char *path, const tc_model *model)
{
    char rank[32];
    int code = data_model_option(model, "lora_rank", rank, sizeof rank);
    if (code == CODE_OK && strcmp(rank, "0") == 0)
        return fail("cannot write %s: the model has no adapters; --lora-rank trains some", path);
    return code;
}

int target_check_model(const char *path, bool adapters_only, const tc_model *model, const char *weights)
{
    static const char *const own[] = {"word", "char", "space"};
    char arch[32], tokenizer[32];
    int code = data_model_option(model, "arch", arch, sizeof arch);
    if (code == CODE_OK)
        code = data_model_option(model, "tokenizer", tokenizer, sizeof tokenizer);
    if (code != CODE_OK)
        return code;
    bool transformer = strcmp(arch, "bert") == 0 || strcmp(arch, "gpt") == 0;
    if (transformer && strcmp(weights, "f32") != 0)
        return fail("--weights %s: models of arch %s have f32 weights", weights, arch);
    if (target_is_folder(path) && !transformer)
        return fail("cannot write %s: a folder of Hugging Face's has no place for arch %s; name a file, without / at "
                    "its end",
                    path, arch);
    for (size_t i = 0; target_is_folder(path) && i < sizeof own / sizeof own[0]; i++)
        if (strcmp(tokenizer, own[i]) == 0)
            return fail("cannot write %s: a folder of Hugging Face's has no place for tokenizer %s; name a file, "
                        "without / at its end",
                        path, tokenizer);
    return adapters_only ? check_adapters(path, model) : CODE_OK;
}

tc_status target_write(const char *path, bool adapters_only, const tc_model *model)
{
    if (adapters_only)
        return tc_model_export(model, path, TC_FORMAT_PEFT);
    return target_is_folder(path) ? tc_model_export(model, path, TC_FORMAT_HUGGING_FACE) : tc_model_save(model, path);
}

uint64_t target_size(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return 0;
    if (!S_ISDIR(status.st_mode))
        return status.st_size > 0 ? (uint64_t)status.st_size : 0;
    DIR *folder = opendir(path);
    uint64_t total = 0;
    for (struct dirent *entry = NULL; folder != NULL && (entry = readdir(folder)) != NULL;) {
        char file[PATH_BYTES];
        int length = snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        if (length > 0 && (size_t)length < sizeof file && stat(file, &status) == 0 && S_ISREG(status.st_mode))
            total += (uint64_t)status.st_size;
    }
    if (folder != NULL)
        closedir(folder);
    return total;
}
