/* handles.h: what the api's own handles hold, and the checks that every call makes. */
#ifndef TCI_API_HANDLES_H
#define TCI_API_HANDLES_H

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "model/classifier.h"
#include "model/options.h"
#include "text/vocabulary.h"
#include "textclf/textclf.h"

struct tc_config {
    tci_memory memory;
    const tci_file_operations *files; /* tests put failing ones here */
    tci_options options;
};

struct tc_vocab_builder {
    tci_memory memory;
    tci_options options;
    tci_word_counter *counter;
    tci_subword *frame; /* NULL, or what makes words of texts for a tokenizer that is to be trained, ... */
    tci_subword_scratch *scratch; /* ... and its working memory */
    uint64_t bytes; /* of all texts */
};

/* The pipeline of a tokenizer that is trained from the builder's words (tc_vocabulary.c); options->vocab_size becomes
 * the number of its tokens. */
tc_status tci_train_pipeline(const tc_vocab_builder *words, const tc_allocator *host, tci_options *options,
                             tci_pipeline **pipeline);

/* Where a load takes its limits, allocator and file operations from: a config, or the defaults. */
typedef struct tci_load {
    tci_options run;
    const tc_allocator *host;
    const tci_file_operations *files;
    tci_memory memory; /* for the file's bytes */
} tci_load;

void tci_load_context(const tc_config *config, tci_load *load);

/* A pointer argument that may not be NULL. */
#define TCI_REQUIRE(argument)                                                                                      \
    do {                                                                                                           \
        if (!(argument))                                                                                           \
            return tci_fail(TC_ERROR_ARGUMENT, "%s: argument '%s' is NULL", __func__, #argument);                  \
    } while (0)

/* A text argument: NULL only with length 0. */
#define TCI_REQUIRE_TEXT(text, length)                                                                             \
    do {                                                                                                           \
        if (!(text) && (length) > 0)                                                                               \
            return tci_fail(TC_ERROR_ARGUMENT, "%s: argument '%s' is NULL with a length", __func__, #text);        \
    } while (0)

/* A result struct: given, and at least as large as the first released one, which ended behind `last`. */
#define TCI_REQUIRE_STRUCT(argument, type, last)                                                                   \
    do {                                                                                                           \
        TCI_REQUIRE(argument);                                                                                     \
        if ((argument)->struct_size < offsetof(type, last) + sizeof((argument)->last))                             \
            return tci_fail(TC_ERROR_ARGUMENT, "%s: struct_size of '%s' is not set; initialize it with its TC_*_INIT", \
                            __func__, #argument);                                                                  \
    } while (0)

/* Copies text with its NUL into a caller's buffer; *length is set to the text's length in any case. */
tc_status tci_give_text(const char *text, size_t size, size_t capacity, char *buffer, size_t *length);

/* The same for the value of an option; `like` lends its allocator. */
tc_status tci_give_option(const tci_options *options, const tci_memory *like, const char *key, size_t capacity,
                          char *value, size_t *length);

#endif
