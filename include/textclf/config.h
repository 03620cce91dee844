/**
 * @file config.h
 * @brief Options of a model, its training and its run, by key and value.
 */
#ifndef TEXTCLF_CONFIG_H
#define TEXTCLF_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "textclf/allocator.h"
#include "textclf/export.h"
#include "textclf/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Options by key. Thread rule: one thread at a time; creating calls copy what they need. */
typedef struct tc_config tc_config;

/** A config of defaults: the seed model, single-threaded. Errors: #TC_ERROR_MEMORY. The caller frees it. */
TC_EXPORT tc_status tc_config_create(tc_config **config);

/**
 * As tc_config_create(), with the host's own memory functions, which everything made from this config inherits.
 *
 * @param allocator copied; all three functions are needed.
 * Errors: #TC_ERROR_ARGUMENT, #TC_ERROR_MEMORY.
 */
TC_EXPORT tc_status tc_config_create_with(const tc_allocator *allocator, tc_config **config);

/** NULL is a no-op. */
TC_EXPORT void tc_config_free(tc_config *config);

/**
 * Sets one option from text, for example ("hidden_dim", "256").
 *
 * Errors: #TC_ERROR_OPTION for an unknown key (the sentence names the nearest known one) or a value outside its range
 * (the sentence names key, value and range); the config is then as before.
 */
TC_EXPORT tc_status tc_config_set(tc_config *config, const char *key, const char *value);

/**
 * The value of an option as NUL-terminated text: what was set, or the default.
 *
 * @param capacity bytes in `value`.
 * @param length   bytes written without the NUL; with #TC_ERROR_CAPACITY the bytes needed without the NUL.
 */
TC_EXPORT tc_status tc_config_get(const tc_config *config, const char *key, size_t capacity, char *value,
                                  size_t *length);

/** What an option belongs to. */
enum {
    TC_OPTION_MODEL = 0,    /**< stored with the model */
    TC_OPTION_TRAINING = 1, /**< stored with the model, used by trainers */
    TC_OPTION_RUN = 2       /**< of this run only, never stored */
};

/** One row of the option table. All texts live as long as the library. */
typedef struct tc_option {
    size_t struct_size;        /**< set by #TC_OPTION_INIT */
    const char *key;           /**< for example "hidden_dim" */
    const char *type;          /**< "choice", "integer", "number", "boolean" or "text" */
    const char *range;         /**< what is accepted, for people */
    const char *default_value; /**< as text */
    int32_t option_class;      /**< #TC_OPTION_MODEL, #TC_OPTION_TRAINING or #TC_OPTION_RUN */
    const char *applies_to;    /**< architectures, comma-separated; "all" */
    const char *help;          /**< one sentence */
} tc_option;

/** Initializer of a ::tc_option. */
#define TC_OPTION_INIT {sizeof(tc_option), NULL, NULL, NULL, NULL, 0, NULL, NULL}

/** Number of options. */
TC_EXPORT size_t tc_option_count(void);

/** The option numbered `index`, in the table's order. Errors: #TC_ERROR_ARGUMENT. Any thread. */
TC_EXPORT tc_status tc_option_at(size_t index, tc_option *option);

#ifdef __cplusplus
}
#endif

#endif
