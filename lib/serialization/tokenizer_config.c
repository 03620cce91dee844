/* tokenizer_config.c: what tokenizer_config.json and its older companions say of special tokens, and the parts of a
 * tokenizer.json with it.
 *
 * Special tokens that the vocabulary lacks get ids behind it, in the order in which transformers adds them: those of
 * added_tokens_decoder, or else of added_tokens.json, by id, then the named ones, then the additional ones. */
#include "serialization/tokenizer_config.h"

#include <stdio.h>

#include "base/number.h"

static const char *const file_names[TCI_CONFIG_FILES] = {TCI_TOKENIZER_CONFIG, TCI_SPECIAL_TOKENS_MAP,
                                                         TCI_ADDED_TOKENS};
static const char *const token_keys[TCI_NAMED_TOKENS] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                                         "pad_token", "cls_token", "mask_token"};

tc_status tci_config_init(tci_tokenizer_config *c, tci_memory *memory, const tci_config_files *files, size_t max_vocab)
{
    *c = (tci_tokenizer_config){.memory = memory};
    for (int i = 0; i < TCI_CONFIG_FILES; i++) {
        size_t size = files->of[i].bytes ? files->of[i].size : 0;
        c->files[i] = (tci_part_file){.memory = memory, .json = files->of[i].bytes, .size = size};
        c->files[i].max_vocab = max_vocab;
        c->parts[i] = (tci_part){&c->files[i], 0, size};
    }
    return tci_map_create(memory, &c->tokens);
}

void tci_config_free(tci_tokenizer_config *c)
{
    tci_free(c->memory, c->added);
    tci_free(c->memory, c->ids);
    tci_map_free(c->tokens);
    for (int i = 0; i < TCI_CONFIG_FILES; i++)
        tci_part_file_free(&c->files[i]);
}

tc_status tci_config_add_token(tci_tokenizer_config *c, const char *token, size_t length, uint64_t id)
{
    uint32_t entry;
    if (id >= c->files[0].max_vocab || id >= TCI_SUBWORD_NONE - 1)
        return tci_fail(TC_ERROR_LIMIT, "the token \"%.*s\" has the id %llu; max_vocab allows ids below %zu",
                        (int)(length < 80 ? length : 80), token, (unsigned long long)id, c->files[0].max_vocab);
    TCI_RETURN_IF(tci_map_insert(c->tokens, token, length, &entry, NULL));
    TCI_RETURN_IF(tci_reserve(c->memory, (size_t)entry + 1, SIZE_MAX / 4, sizeof *c->ids, "ids of tokens",
                              &c->id_capacity, &c->ids));
    c->ids[entry] = (uint32_t)id;
    return TC_OK;
}

static bool same_text(const tci_part_text *a, const tci_part_text *b)
{
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

static tc_status member_of(tci_tokenizer_config *c, tci_config_file which, const char *key, tci_part_value *value)
{
    const tci_part *part = &c->parts[which];
    tci_part_value whole = {part->begin, part->end, TCI_JSON_OBJECT_BEGIN, part->file->json != NULL};
    tci_part_text name = {key, strlen(key), true};
    c->where = file_names[which];
    TCI_RETURN_IF(tci_part_member(part, &whole, &name, value));
    value->given &= value->first != TCI_JSON_NULL;
    return TC_OK;
}

tc_status tci_config_member(tci_tokenizer_config *c, const char *key, tci_part_value *value)
{
    return member_of(c, TCI_CONFIG_FILE, key, value);
}

tc_status tci_config_flag(tci_tokenizer_config *c, const char *key, bool *flag)
{
    tci_part_value value;
    TCI_RETURN_IF(tci_config_member(c, key, &value));
    if (!value.given)
        return TC_OK;
    if (value.first != TCI_JSON_TRUE && value.first != TCI_JSON_FALSE)
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: \"%s\": wanted true or false", value.begin, key);
    *flag = value.first == TCI_JSON_TRUE;
    return TC_OK;
}

static tc_status read_string(const tci_part *part, const tci_part_value *value, tci_part_text *text)
{
    tci_json_reader reader;
    tci_part_open(part, value, &reader);
    tc_status status = tci_json_expect(&reader, TCI_JSON_STRING, "a token");
    if (status == TC_OK)
        status = tci_part_keep(part, &reader, text);
    tci_json_free(&reader);
    return status;
}

/* A string, or an object with "content" and flags. */
static tc_status read_token(const tci_part *part, const tci_part_value *value, tci_special_token *token)
{
    if (value->first != TCI_JSON_OBJECT_BEGIN)
        return read_string(part, value, &token->content);
    tci_part object = {part->file, value->begin, value->end};
    tci_field fields[] = {
        {"content", TCI_FIELD_TEXT, &token->content, NULL},
        {"single_word", TCI_FIELD_BOOL, &token->single_word, NULL},
        {"lstrip", TCI_FIELD_BOOL, &token->lstrip, NULL},
        {"rstrip", TCI_FIELD_BOOL, &token->rstrip, NULL},
        {"normalized", TCI_FIELD_BOOL, &token->normalized, NULL},
        {"special", TCI_FIELD_BOOL, &token->special, NULL},
        {"__type", TCI_FIELD_PASS, NULL, NULL},
        {"id", TCI_FIELD_PASS, NULL, NULL},
    };
    TCI_RETURN_IF(tci_part_fields(&object, fields, sizeof fields / sizeof fields[0]));
    return token->content.given ? TC_OK
                                : tci_fail(TC_ERROR_FORMAT, "byte %zu: a token without \"content\"", value->begin);
}

/* Behind those with a smaller or the same order. One that is there stays as it is, but for being special; where it is
 * of added_tokens.json and a file has it by name, as `is_named` says, normalized text is not searched for it either. */
static tc_status add(tci_tokenizer_config *c, tci_special_token token, bool is_named)
{
    size_t at = c->added_count;
    if (token.content.length == 0)
        return TC_OK;
    for (size_t i = 0; i < c->added_count; i++) {
        tci_special_token *old = &c->added[i];
        if (!same_text(&old->content, &token.content))
            continue;
        old->special |= token.special;
        if (is_named && c->is_older && old->order != UINT64_MAX)
            old->normalized = false;
        return TC_OK;
    }
    if (c->added_count == 1024)
        return tci_fail(TC_ERROR_LIMIT, "more than 1024 special tokens");
    TCI_RETURN_IF(tci_reserve(c->memory, c->added_count + 1, 1024, sizeof *c->added, "special tokens",
                              &c->added_capacity, &c->added));
    for (; at > 0 && c->added[at - 1].order > token.order; at--)
        c->added[at] = c->added[at - 1];
    c->added[at] = token;
    c->added_count++;
    return TC_OK;
}

/* {"0": {"content": "[PAD]", ...}, ...} */
static tc_status read_decoder(tci_tokenizer_config *c)
{
    tci_part_value decoder, value;
    tci_json_reader reader;
    tci_json_event event;
    tc_status status = TC_OK;
    TCI_RETURN_IF(tci_config_member(c, "added_tokens_decoder", &decoder));
    c->is_older = !decoder.given;
    if (!decoder.given)
        return TC_OK;
    tci_part_open(&c->parts[TCI_CONFIG_FILE], &decoder, &reader);
    TCI_CHECK(tci_json_expect(&reader, TCI_JSON_OBJECT_BEGIN, "added_tokens_decoder"));
    for (;;) {
        tci_special_token token = {.special = false};
        TCI_CHECK(tci_json_next(&reader, &event));
        if (event == TCI_JSON_OBJECT_END)
            break;
        if (!tci_parse_unsigned(reader.text.data, reader.text.size, &token.order) || token.order >= TCI_SUBWORD_NONE)
            TCI_CHECK(
                tci_fail(TC_ERROR_FORMAT, "byte %zu: \"added_tokens_decoder\": wanted ids as keys", reader.start));
        TCI_CHECK(tci_json_next(&reader, &event));
        value = (tci_part_value){reader.start, 0, event, true};
        TCI_CHECK(tci_json_skip(&reader, event));
        value.end = reader.position;
        TCI_CHECK(read_token(&c->parts[TCI_CONFIG_FILE], &value, &token));
        TCI_CHECK(add(c, token, false));
    }
done:
    tci_json_free(&reader);
    return status;
}

/* {"<new>": 30522, ...} */
static tc_status read_added(tci_tokenizer_config *c)
{
    const tci_part *part = &c->parts[TCI_ADDED_FILE];
    const tci_part_value whole = {part->begin, part->end, TCI_JSON_OBJECT_BEGIN, true};
    tci_json_reader reader;
    tci_json_event event;
    tc_status status = TC_OK;
    if (!part->file->json)
        return TC_OK;
    c->where = file_names[TCI_ADDED_FILE];
    tci_part_open(part, &whole, &reader);
    TCI_CHECK(tci_json_expect(&reader, TCI_JSON_OBJECT_BEGIN, "tokens and ids"));
    for (;;) {
        tci_special_token token = {.normalized = true};
        TCI_CHECK(tci_json_next(&reader, &event));
        if (event == TCI_JSON_OBJECT_END)
            break;
        TCI_CHECK(tci_part_keep(part, &reader, &token.content));
        TCI_CHECK(tci_json_expect(&reader, TCI_JSON_NUMBER, "the id of a token"));
        TCI_CHECK(tci_json_unsigned(&reader, "the id of a token", &token.order));
        if (token.order >= TCI_SUBWORD_NONE)
            TCI_CHECK(tci_fail(TC_ERROR_FORMAT, "byte %zu: an id beyond 32 bits", reader.start));
        TCI_CHECK(add(c, token, false));
    }
done:
    tci_json_free(&reader);
    return status;
}

/* A list of strings or objects; *given: there is one. */
static tc_status read_list(tci_tokenizer_config *c, tci_config_file which, const char *key, bool *given)
{
    tci_part_value list, value;
    tci_json_reader reader;
    tci_json_event event;
    tc_status status = TC_OK;
    TCI_RETURN_IF(member_of(c, which, key, &list));
    if (!list.given || list.first == TCI_JSON_OBJECT_BEGIN) /* an object names tokens of other kinds of models */
        return TC_OK;
    *given = true;
    tci_part_open(&c->parts[which], &list, &reader);
    TCI_CHECK(tci_json_expect(&reader, TCI_JSON_ARRAY_BEGIN, key));
    for (;;) {
        tci_special_token token = {.special = true, .order = UINT64_MAX};
        TCI_CHECK(tci_json_next(&reader, &event));
        if (event == TCI_JSON_ARRAY_END)
            break;
        value = (tci_part_value){reader.start, 0, event, true};
        TCI_CHECK(tci_json_skip(&reader, event));
        value.end = reader.position;
        TCI_CHECK(read_token(&c->parts[which], &value, &token));
        token.special = true;
        TCI_CHECK(add(c, token, true));
    }
done:
    tci_json_free(&reader);
    return status;
}

tc_status tci_config_class(tci_tokenizer_config *c, const char *const *classes, size_t count, size_t *which)
{
    tci_part_value value;
    tci_part_text name = {"", 0, false};
    *which = count;
    TCI_RETURN_IF(tci_config_member(c, "tokenizer_class", &value));
    if (!value.given)
        return TC_OK;
    TCI_RETURN_IF(read_string(&c->parts[TCI_CONFIG_FILE], &value, &name));
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(classes[i]);
        *which = i;
        if (strncmp(name.bytes, classes[i], length) == 0 &&
            (name.bytes[length] == 0 || strcmp(name.bytes + length, "Fast") == 0))
            return TC_OK;
    }
    char supported[128] = "";
    for (size_t i = 0, end = 0; i < count && end < sizeof supported; i++)
        end += (size_t)snprintf(supported + end, sizeof supported - end, i == 0 ? "%s" : ", %s", classes[i]);
    return tci_fail(TC_ERROR_UNSUPPORTED,
                    "\"tokenizer_class\": \"%.*s\" without a tokenizer.json is not supported; %s are",
                    (int)(name.length < 80 ? name.length : 80), name.bytes, supported);
}

/* Of special_tokens_map.json, or else of the config. */
static tc_status read_named(tci_tokenizer_config *c, const char *key, tci_special_token *token, bool *given)
{
    tci_part_value value = {.given = false};
    tci_config_file which = TCI_SPECIAL_FILE;
    if (c->is_older)
        TCI_RETURN_IF(member_of(c, which, key, &value));
    if (!value.given)
        TCI_RETURN_IF(member_of(c, which = TCI_CONFIG_FILE, key, &value));
    *given = value.given;
    token->content.given = !value.given;
    return value.given ? read_token(&c->parts[which], &value, token) : TC_OK;
}

tc_status tci_config_special(tci_tokenizer_config *c, const char *const defaults[TCI_NAMED_TOKENS])
{
    bool given = false;
    TCI_RETURN_IF(read_decoder(c));
    if (c->is_older)
        TCI_RETURN_IF(read_added(c));
    for (size_t i = 0; i < TCI_NAMED_TOKENS; i++) {
        tci_special_token *token = &c->named[i];
        *token = (tci_special_token){.content = {defaults[i], strlen(defaults[i]), true}};
        TCI_RETURN_IF(read_named(c, token_keys[i], token, &given));
        token->special = true;
        token->order = UINT64_MAX;
        TCI_RETURN_IF(add(c, *token, given));
    }
    given = false;
    TCI_RETURN_IF(read_list(c, TCI_CONFIG_FILE, "additional_special_tokens", &given));
    TCI_RETURN_IF(read_list(c, TCI_CONFIG_FILE, "extra_special_tokens", &given));
    if (c->is_older)
        TCI_RETURN_IF(read_list(c, TCI_SPECIAL_FILE, "extra_special_tokens", &given));
    return c->is_older && !given ? read_list(c, TCI_SPECIAL_FILE, "additional_special_tokens", &given) : TC_OK;
}

tc_status tci_put_key_text(tci_json_writer *w, const char *key, const char *text, size_t length)
{
    TCI_RETURN_IF(tci_json_key(w, key));
    return tci_json_text(w, text, length);
}

tc_status tci_put_key_bool(tci_json_writer *w, const char *key, bool value)
{
    TCI_RETURN_IF(tci_json_key(w, key));
    return tci_json_bool(w, value);
}

tc_status tci_config_put_head(tci_json_writer *w)
{
    TCI_RETURN_IF(tci_put_key_text(w, "version", "1.0", 3));
    TCI_RETURN_IF(tci_json_key(w, "truncation"));
    TCI_RETURN_IF(tci_json_null(w));
    TCI_RETURN_IF(tci_json_key(w, "padding"));
    return tci_json_null(w);
}

/* The id of a special token; of one that the vocabulary lacks, what *next says. */
static uint32_t id_of(const tci_tokenizer_config *c, const tci_part_text *content, uint32_t *next)
{
    uint32_t entry = tci_map_find(c->tokens, content->bytes, content->length);
    uint32_t id = entry == TCI_MAP_NONE ? *next : c->ids[entry];
    if (id >= *next)
        *next = id + 1;
    return id;
}

tc_status tci_config_put_added(tci_json_writer *w, tci_tokenizer_config *c)
{
    uint32_t next = (uint32_t)tci_map_count(c->tokens);
    TCI_RETURN_IF(tci_json_key(w, "added_tokens"));
    TCI_RETURN_IF(tci_json_begin(w, '['));
    for (size_t i = 0; i < c->added_count; i++) {
        const tci_special_token *token = &c->added[i];
        uint32_t id = id_of(c, &token->content, &next);
        for (size_t k = 0; k < TCI_NAMED_TOKENS; k++)
            if (same_text(&c->named[k].content, &token->content))
                c->named[k].id = id;
        TCI_RETURN_IF(tci_json_begin(w, '{'));
        TCI_RETURN_IF(tci_json_key(w, "id"));
        TCI_RETURN_IF(tci_json_unsigned_value(w, id));
        TCI_RETURN_IF(tci_put_key_text(w, "content", token->content.bytes, token->content.length));
        TCI_RETURN_IF(tci_put_key_bool(w, "single_word", token->single_word));
        TCI_RETURN_IF(tci_put_key_bool(w, "lstrip", token->lstrip));
        TCI_RETURN_IF(tci_put_key_bool(w, "rstrip", token->rstrip));
        TCI_RETURN_IF(tci_put_key_bool(w, "normalized", token->normalized));
        TCI_RETURN_IF(tci_put_key_bool(w, "special", token->special));
        TCI_RETURN_IF(tci_json_end(w, '}'));
    }
    return tci_json_end(w, ']');
}

tc_status tci_config_put_vocab(tci_json_writer *w, const tci_tokenizer_config *c)
{
    TCI_RETURN_IF(tci_json_key(w, "vocab"));
    TCI_RETURN_IF(tci_json_begin(w, '{'));
    for (size_t i = 0; i < tci_map_count(c->tokens); i++) {
        size_t length;
        const char *token = tci_map_key(c->tokens, (uint32_t)i, &length);
        TCI_RETURN_IF(tci_json_key_text(w, token, length));
        TCI_RETURN_IF(tci_json_unsigned_value(w, c->ids[i]));
    }
    return tci_json_end(w, '}');
}

tc_status tci_put_pair(tci_json_writer *w, const char *key, const tci_special_token *token)
{
    TCI_RETURN_IF(tci_json_key(w, key));
    TCI_RETURN_IF(tci_json_begin(w, '['));
    TCI_RETURN_IF(tci_json_text(w, token->content.bytes, token->content.length));
    TCI_RETURN_IF(tci_json_unsigned_value(w, token->id));
    return tci_json_end(w, ']');
}
