/* tokenizer_config.h: tokenizer_config.json, special_tokens_map.json and added_tokens.json beside a vocabulary that is
 * no tokenizer.json, and what all put into the tokenizer.json that says the same. */
#ifndef TCI_SERIALIZATION_TOKENIZER_CONFIG_H
#define TCI_SERIALIZATION_TOKENIZER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/map.h"
#include "serialization/tokenizer_parts.h"

#define TCI_TOKENIZER_CONFIG "tokenizer_config.json"
#define TCI_SPECIAL_TOKENS_MAP "special_tokens_map.json"
#define TCI_ADDED_TOKENS "added_tokens.json"

/* The last two are of older folders, and count where the config has no added_tokens_decoder: special tokens by name,
 * before those of the config, and {token: id}. */
typedef enum tci_config_file { TCI_CONFIG_FILE, TCI_SPECIAL_FILE, TCI_ADDED_FILE, TCI_CONFIG_FILES } tci_config_file;

typedef struct tci_config_files {
    struct {
        const char *bytes; /* NULL: there is none, and it says nothing */
        size_t size;
    } of[TCI_CONFIG_FILES];
} tci_config_files;

typedef enum tci_named_token {
    TCI_NAMED_BEGIN,
    TCI_NAMED_END,
    TCI_NAMED_UNKNOWN,
    TCI_NAMED_SEPARATOR,
    TCI_NAMED_PADDING,
    TCI_NAMED_CLASS,
    TCI_NAMED_MASK,
    TCI_NAMED_TOKENS
} tci_named_token;

typedef struct tci_special_token {
    tci_part_text content;
    bool single_word, lstrip, rstrip, normalized, special;
    uint64_t order; /* the key in added_tokens_decoder */
    uint32_t id;    /* of the named ones, once tci_config_put_added() has written them */
} tci_special_token;

typedef struct tci_tokenizer_config {
    tci_memory *memory;
    const char *where; /* the file at work, for a sentence about what is wrong */
    tci_part_file files[TCI_CONFIG_FILES];
    tci_part parts[TCI_CONFIG_FILES];
    bool is_older; /* special_tokens_map.json and added_tokens.json count */
    tci_map *tokens; /* of the vocabulary */
    uint32_t *ids;   /* (tokens) */
    size_t id_capacity;
    tci_special_token named[TCI_NAMED_TOKENS];
    tci_special_token *added;
    size_t added_count, added_capacity;
} tci_tokenizer_config;

/* To be freed also after a failure. */
tc_status tci_config_init(tci_tokenizer_config *c, tci_memory *memory, const tci_config_files *files, size_t max_vocab);
void tci_config_free(tci_tokenizer_config *c);

/* A token of the vocabulary; of several ids the last one counts. */
tc_status tci_config_add_token(tci_tokenizer_config *c, const char *token, size_t length, uint64_t id);

/* Members of the config; null is as if missing. */
tc_status tci_config_member(tci_tokenizer_config *c, const char *key, tci_part_value *value);
tc_status tci_config_flag(tci_tokenizer_config *c, const char *key, bool *flag);
/* Which of the classes tokenizer_class is ("Fast" may follow); `count` where the config says none. Any other one is
 * TC_ERROR_UNSUPPORTED. */
tc_status tci_config_class(tci_tokenizer_config *c, const char *const *classes, size_t count, size_t *which);
/* All special tokens; `defaults` are the named ones where no file names another ("": none). */
tc_status tci_config_special(tci_tokenizer_config *c, const char *const defaults[TCI_NAMED_TOKENS]);

/* Parts of the tokenizer.json: what it begins with, "added_tokens", "vocab", and single members. */
tc_status tci_config_put_head(tci_json_writer *w);
tc_status tci_config_put_added(tci_json_writer *w, tci_tokenizer_config *c);
tc_status tci_config_put_vocab(tci_json_writer *w, const tci_tokenizer_config *c);
tc_status tci_put_key_text(tci_json_writer *w, const char *key, const char *text, size_t length);
tc_status tci_put_key_bool(tci_json_writer *w, const char *key, bool value);
tc_status tci_put_pair(tci_json_writer *w, const char *key, const tci_special_token *token); /* [content, id] */

#endif
