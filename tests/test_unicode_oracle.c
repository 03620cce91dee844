/* labels: long
 * Normalization and case folding against Python's unicodedata: every code point and many sequences.
 *
 * Without arguments this starts unicode_oracle.py, which starts this program again as a filter: under FORM (none, nfc,
 * nfkc) and FOLD (0, 1) it answers each line of standard input with its tokens of `char`, one after the other: the
 * normalized line without its spaces; under `assigned` it lists the code points that utf8proc knows. */
#include "support/testing.h"

#include <unistd.h>
#include <utf8proc.h>

#include "text/pipeline.h"
#include "text/point.h"

static tc_status print_token(void *context, const char *token, size_t length, size_t begin, size_t end)
{
    (void)context;
    (void)begin;
    (void)end;
    fwrite(token, 1, length, stdout);
    return TC_OK;
}

static int filter(const char *form, const char *fold)
{
    tci_text_options options = {.tokenizer = TCI_TOKENIZER_CHAR};
    tci_memory memory;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    options.normalize = strcmp(form, "none") == 0  ? TCI_NORMALIZE_NONE
                        : strcmp(form, "nfc") == 0 ? TCI_NORMALIZE_NFC
                                                   : TCI_NORMALIZE_NFKC;
    options.lowercase = strcmp(fold, "1") == 0;
    tci_memory_init(&memory, NULL, 0);
    while ((length = getline(&line, &capacity, stdin)) > 0) {
        size_t size = (size_t)length - (line[length - 1] == '\n');
        if (tci_tokenize(&options, &memory, line, size, print_token, NULL) != TC_OK)
            return 1;
        putchar('\n');
    }
    free(line);
    return 0;
}

static int list_assigned(void)
{
    for (utf8proc_int32_t code = 0; code < 0x110000; code++)
        if (utf8proc_category(code) != UTF8PROC_CATEGORY_CN)
            printf("%d\n", (int)code);
    return 0;
}

int main(int count, char **arguments)
{
    if (count == 3)
        return filter(arguments[1], arguments[2]);
    if (count == 2)
        return list_assigned();
    execlp("python3", "python3", TEST_SOURCE_DIR "/unicode_oracle.py", arguments[0], tci_unicode_version(),
           (char *)NULL);
    perror("python3");
    return 1;
}
