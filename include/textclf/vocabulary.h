/**
 * @file vocabulary.h
 * @brief Gathering words from training texts in one streaming pass.
 */
#ifndef TEXTCLF_VOCABULARY_H
#define TEXTCLF_VOCABULARY_H

#include <stddef.h>
#include <stdint.h>

#include "textclf/config.h"
#include "textclf/export.h"
#include "textclf/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Counts the words of texts under a config's text options. Thread rule: one thread at a time. */
typedef struct tc_vocab_builder tc_vocab_builder;

/** Copies the text options of `config`. Errors: #TC_ERROR_ARGUMENT, #TC_ERROR_MEMORY. The caller frees it. */
TC_EXPORT tc_status tc_vocab_builder_create(const tc_config *config, tc_vocab_builder **builder);

/** NULL is a no-op. */
TC_EXPORT void tc_vocab_builder_free(tc_vocab_builder *builder);

/**
 * Counts the words of one text.
 *
 * @param text   UTF-8, `length` bytes, NUL inside allowed; NULL only with length 0.
 * Errors: #TC_ERROR_ENCODING under strict_utf8 (nothing is counted then), #TC_ERROR_LIMIT above max_vocab different
 * words or max_memory, #TC_ERROR_MEMORY; after these two, words of the text that came before the error stay counted.
 */
TC_EXPORT tc_status tc_vocab_builder_add(tc_vocab_builder *builder, const char *text, size_t length);

/** Different words seen so far. */
TC_EXPORT tc_status tc_vocab_builder_count(const tc_vocab_builder *builder, size_t *count);

#ifdef __cplusplus
}
#endif

#endif
