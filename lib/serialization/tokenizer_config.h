/* tokenizer_config.h: tokenizer_config.json beside a vocabulary that is no tokenizer.json, and what both put into the
 * tokenizer.json that says the same. */
#ifndef TCI_SERIALIZATION_TOKENIZER_CONFIG_H
#define TCI_SERIALIZATION_TOKENIZER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/map.h"
#include "serialization/tokenizer_parts.h"

#define TCI_TOKENIZER_CONFIG "tokenizer_config.json"
#define TCI_NAMED_TOKENS 7

typedef struct tci_special_name {
    const char *key, *content; /* of the config; the token where the config says nothing ("": none) */
} tci_special_name;

typedef struct tci_special_token {
    tci_part_text content;
    bool single_word, lstrip, rstrip, normalized, special;
    uint64_t order; /* the key in added_tokens_decoder */
    uint32_t id;    /* of the named ones, once tci_config_put_added() has written them */
} tci_special_token;

typedef struct tci_tokenizer_config {
    tci_memory *memory;
    tci_part_file file;
    tci_part part;
    tci_map *tokens; /* of the vocabulary */
    uint32_t *ids;   /* (tokens) */
    size_t id_capacity;
    tci_special_token named[TCI_NAMED_TOKENS];
    size_t named_count;
    tci_special_token *added;
    size_t added_count, added_capacity;
} tci_tokenizer_config;

/* To be freed also after a failure. `config` NULL: a config that says nothing. */
tc_status tci_config_init(tci_tokenizer_config *c, tci_memory *memory, const char *config, size_t config_size,
                          size_t max_vocab);
void tci_config_free(tci_tokenizer_config *c);

/* A token of the vocabulary; of several ids the last one counts. */
tc_status tci_config_add_token(tci_tokenizer_config *c, const char *token, size_t length, uint64_t id);

/* Members of the config; null is as if missing. */
tc_status tci_config_member(const tci_tokenizer_config *c, const char *key, tci_part_value *value);
tc_status tci_config_flag(const tci_tokenizer_config *c, const char *key, bool *flag);
/* Which of the classes tokenizer_class is ("Fast" may follow); `count` where the config says none. Any other one is
 * TC_ERROR_UNSUPPORTED. */
tc_status tci_config_class(const tci_tokenizer_config *c, const char *const *classes, size_t count, size_t *which);
/* All special tokens: the named ones are these, in this order. */
tc_status tci_config_special(tci_tokenizer_config *c, const tci_special_name *names, size_t count);

/* Parts of the tokenizer.json: what it begins with, "added_tokens", "vocab", and single members. */
tc_status tci_config_put_head(tci_json_writer *w);
tc_status tci_config_put_added(tci_json_writer *w, tci_tokenizer_config *c);
tc_status tci_config_put_vocab(tci_json_writer *w, const tci_tokenizer_config *c);
tc_status tci_put_key_text(tci_json_writer *w, const char *key, const char *text, size_t length);
tc_status tci_put_key_bool(tci_json_writer *w, const char *key, bool value);
tc_status tci_put_pair(tci_json_writer *w, const char *key, const tci_special_token *token); /* [content, id] */

#endif
