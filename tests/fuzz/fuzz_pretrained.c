/* fuzz_pretrained.c: the reader of Hugging Face folders: all of its files, and a text through what was read.
 *
 * An input is a folder: for each file the number of its name in `names`, the length (3 bytes, little-endian) and the
 * bytes. The files are served from memory by a table of file operations. A folder is refused with a sentence, or gives
 * a model that predicts, alike each time, and that reads back from its own native file. */
#define _XOPEN_SOURCE 700 /* S_IFREG */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "serialization/pretrained.h"
#include "textclf/textclf.h"

#define REQUIRE(condition) ((condition) ? (void)0 : abort())
#define FIRST_FILE 1000 /* number of an open file: this and its name's */

static const char *const names[] = {
    "config.json",  "model.safetensors",   "model.safetensors.index.json", "tokenizer.json",    "tokenizer_config.json",
    "vocab.txt",    "modules.json",        "1_Pooling/config.json",        "a.safetensors",     "b.safetensors",
    "vocab.json",   "merges.txt",          "special_tokens_map.json",      "added_tokens.json", "spiece.model",
    "textclf.json", "adapter_config.json", "adapter_model.safetensors"};
#define ADAPTERS 16 /* the number of their configuration: with it the folder is its own folder of adapters, too */
enum { NAMES = sizeof names / sizeof names[0] };

static struct file {
    const uint8_t *bytes;
    size_t size, at;
} folder[NAMES];

static int number_of(const char *path)
{
    for (int i = 0; i < NAMES; i++) {
        if (strncmp(path, "x/", 2) == 0 && strcmp(path + 2, names[i]) == 0 && folder[i].bytes)
            return i;
    }
    errno = ENOENT;
    return -1;
}

static int open_memory(const char *path, int flags, mode_t mode)
{
    int number = number_of(path);
    (void)flags;
    (void)mode;
    if (number < 0)
        return -1;
    folder[number].at = 0;
    return FIRST_FILE + number;
}

static ssize_t read_memory(int number, void *buffer, size_t count)
{
    struct file *file = &folder[number - FIRST_FILE];
    size_t left = file->size - file->at, some = count < left ? count : left;
    memcpy(buffer, file->bytes + file->at, some);
    file->at += some;
    return (ssize_t)some;
}

static int close_memory(int number)
{
    REQUIRE(number >= FIRST_FILE && number < FIRST_FILE + NAMES);
    return 0;
}

static int fstat_memory(int number, struct stat *state)
{
    memset(state, 0, sizeof *state);
    state->st_mode = S_IFREG;
    state->st_size = (off_t)folder[number - FIRST_FILE].size;
    return 0;
}

static int lstat_memory(const char *path, struct stat *state)
{
    int number = number_of(path);
    return number < 0 ? -1 : fstat_memory(FIRST_FILE + number, state);
}

static const tci_file_operations memory_files = {
    .open = open_memory, .read = read_memory, .close = close_memory, .fstat = fstat_memory, .lstat = lstat_memory};

static void take_files(const uint8_t *data, size_t size)
{
    memset(folder, 0, sizeof folder);
    for (size_t at = 0; size - at >= 4;) {
        size_t length = (size_t)data[at + 1] | (size_t)data[at + 2] << 8 | (size_t)data[at + 3] << 16;
        size_t left = size - at - 4;
        length = length < left ? length : left;
        folder[data[at] % NAMES] = (struct file){data + at + 4, length, 0};
        at += 4 + length;
    }
}

static void predict_twice(const tc_model *model)
{
    static const char text[] = "Hello w\xC3\xB6rld, alone \x80 12";
    size_t count = 0, written = 0;
    float scores[2][64];
    REQUIRE(tc_model_label_count(model, &count) == TC_OK);
    if (count > 64)
        return;
    tc_status status = tc_predict(model, text, sizeof text - 1, 64, scores[0], &written);
    REQUIRE(tc_predict(model, text, sizeof text - 1, 64, scores[1], &written) == status);
    if (status == TC_OK)
        REQUIRE(memcmp(scores[0], scores[1], count * sizeof(float)) == 0);
    else /* not finite, or no token for a word */
        REQUIRE(strlen(tc_last_error()) > 0);
}

static void save_and_load(const tc_model *model)
{
    size_t size = 0;
    tc_model *again = NULL;
    REQUIRE(tc_model_save_memory(model, 0, NULL, &size) == TC_ERROR_CAPACITY);
    uint8_t *bytes = malloc(size);
    REQUIRE(bytes && tc_model_save_memory(model, size, bytes, &size) == TC_OK);
    REQUIRE(tc_model_load_memory(bytes, size, NULL, &again) == TC_OK);
    tc_model_free(again);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const labels[] = {"b", "a"};
    tci_options given;
    tci_options_default(&given);
    given.max_vocab = 4096;
    given.max_memory = 64u << 20;
    take_files(data, size);
    if (folder[ADAPTERS].bytes)
        memcpy(given.adapter, "x", 2);
    for (int create = 0; create < 2; create++) {
        tc_model *model = NULL;
        const tci_pretrained_request request = {.given = &given,
                                                .files = &memory_files,
                                                .create = create,
                                                .labels = create ? labels : NULL,
                                                .label_count = create ? 2 : 0};
        tc_status status = tci_pretrained_read("x", &request, &model);
        REQUIRE((status == TC_OK) == (model != NULL));
        if (status != TC_OK)
            REQUIRE(strncmp(tci_error_text(), "'x': ", 5) == 0 || status == TC_ERROR_MEMORY);
        if (model) {
            predict_twice(model);
            save_and_load(model);
        }
        tc_model_free(model);
    }
    return 0;
}
