/* tokenizer_vocab.c: reads lines and a config, writes a tokenizer.json as transformers' BertTokenizer makes one.
 *
 * A token that stands on several lines has the id of the last one. Special tokens that the vocabulary lacks get ids
 * behind it, in the order in which transformers adds them: those of added_tokens_decoder by id, then the named ones,
 * then the additional ones. */
#include "serialization/tokenizer_vocab.h"

#include "base/json.h"
#include "base/map.h"
#include "base/number.h"
#include "serialization/tokenizer_parts.h"

enum { UNKNOWN, SEPARATOR, PADDING, CLASS, MASK, NAMED };

static const struct named_token {
    const char *key, *content;
} named_tokens[NAMED] = {{"unk_token", "[UNK]"},
                         {"sep_token", "[SEP]"},
                         {"pad_token", "[PAD]"},
                         {"cls_token", "[CLS]"},
                         {"mask_token", "[MASK]"}};

typedef struct special_token {
    tci_part_text content;
    bool single_word, lstrip, rstrip, normalized, special;
    uint64_t order; /* the key in added_tokens_decoder */
} special_token;

typedef struct conversion {
    tci_memory *memory;
    tci_part_file file; /* the config */
    tci_part part;
    tci_map *tokens; /* of the vocabulary */
    uint32_t *ids;   /* (tokens) */
    size_t id_capacity;
    bool lowercase, chinese;
    tci_part_value strip_accents;
    special_token named[NAMED];
    special_token *added;
    size_t added_count, added_capacity;
} conversion;

/* ---- the vocabulary ---- */

static tc_status read_lines(conversion *c, const char *vocab, size_t size, size_t max_vocab)
{
    uint32_t line = 0;
    for (size_t at = 0; at < size; line++) {
        size_t end = at;
        uint32_t entry;
        while (end < size && vocab[end] != '\n' && vocab[end] != '\r')
            end++;
        if (line >= max_vocab || line >= TCI_SUBWORD_NONE - 1)
            return tci_fail(TC_ERROR_LIMIT, "more than %zu lines", max_vocab);
        TCI_RETURN_IF(tci_map_insert(c->tokens, vocab + at, end - at, &entry, NULL));
        TCI_RETURN_IF(tci_reserve(c->memory, (size_t)entry + 1, SIZE_MAX / 4, sizeof *c->ids, "ids of tokens",
                                  &c->id_capacity, &c->ids));
        c->ids[entry] = line;
        at = end + 1 + (end + 1 < size && vocab[end] == '\r' && vocab[end + 1] == '\n');
    }
    return line > 0 ? TC_OK : tci_fail(TC_ERROR_FORMAT, "no token stands in it");
}

/* ---- the config ---- */

static tc_status member(const conversion *c, const char *key, tci_part_value *value)
{
    tci_part_value whole = {c->part.begin, c->part.end, TCI_JSON_OBJECT_BEGIN, c->file.json != NULL};
    tci_part_text name = {key, strlen(key), true};
    TCI_RETURN_IF(tci_part_member(&c->part, &whole, &name, value));
    value->given &= value->first != TCI_JSON_NULL;
    return TC_OK;
}

static tc_status read_flag(const conversion *c, const char *key, bool *flag)
{
    tci_part_value value;
    TCI_RETURN_IF(member(c, key, &value));
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
static tc_status read_token(const tci_part *part, const tci_part_value *value, special_token *token)
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

static bool is_added(const conversion *c, const tci_part_text *content)
{
    for (size_t i = 0; i < c->added_count; i++)
        if (c->added[i].content.length == content->length &&
            memcmp(c->added[i].content.bytes, content->bytes, content->length) == 0)
            return true;
    return false;
}

/* Behind those with a smaller or the same order. */
static tc_status add(conversion *c, special_token token)
{
    size_t at = c->added_count;
    if (token.content.length == 0 || is_added(c, &token.content))
        return TC_OK;
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
static tc_status read_decoder(conversion *c)
{
    tci_part_value decoder, value;
    tci_json_reader reader;
    tci_json_event event;
    tc_status status = TC_OK;
    TCI_RETURN_IF(member(c, "added_tokens_decoder", &decoder));
    if (!decoder.given)
        return TC_OK;
    tci_part_open(&c->part, &decoder, &reader);
    TCI_CHECK(tci_json_expect(&reader, TCI_JSON_OBJECT_BEGIN, "added_tokens_decoder"));
    for (;;) {
        special_token token = {.special = false};
        TCI_CHECK(tci_json_next(&reader, &event));
        if (event == TCI_JSON_OBJECT_END)
            break;
        if (!tci_parse_unsigned(reader.text.data, reader.text.size, &token.order) || token.order >= TCI_SUBWORD_NONE)
            TCI_CHECK(tci_fail(TC_ERROR_FORMAT, "byte %zu: wanted an id as key", reader.start));
        TCI_CHECK(tci_json_next(&reader, &event));
        value = (tci_part_value){reader.start, 0, event, true};
        TCI_CHECK(tci_json_skip(&reader, event));
        value.end = reader.position;
        TCI_CHECK(read_token(&c->part, &value, &token));
        TCI_CHECK(add(c, token));
    }
done:
    tci_json_free(&reader);
    return status;
}

/* A list of strings or objects. */
static tc_status read_list(conversion *c, const char *key)
{
    tci_part_value list, value;
    tci_json_reader reader;
    tci_json_event event;
    tc_status status = TC_OK;
    TCI_RETURN_IF(member(c, key, &list));
    if (!list.given || list.first == TCI_JSON_OBJECT_BEGIN) /* an object names tokens of other kinds of models */
        return TC_OK;
    tci_part_open(&c->part, &list, &reader);
    TCI_CHECK(tci_json_expect(&reader, TCI_JSON_ARRAY_BEGIN, key));
    for (;;) {
        special_token token = {.special = true, .order = UINT64_MAX};
        TCI_CHECK(tci_json_next(&reader, &event));
        if (event == TCI_JSON_ARRAY_END)
            break;
        value = (tci_part_value){reader.start, 0, event, true};
        TCI_CHECK(tci_json_skip(&reader, event));
        value.end = reader.position;
        TCI_CHECK(read_token(&c->part, &value, &token));
        token.special = true;
        TCI_CHECK(add(c, token));
    }
done:
    tci_json_free(&reader);
    return status;
}

/* The classes whose tokenizers are BERT's. */
static tc_status check_class(const conversion *c)
{
    static const char *const classes[] = {"BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer",
                                          "MobileBertTokenizer"};
    tci_part_value value;
    tci_part_text name = {"", 0, false};
    bool basic = true;
    TCI_RETURN_IF(read_flag(c, "do_basic_tokenize", &basic));
    if (!basic)
        return tci_fail(TC_ERROR_UNSUPPORTED, "\"do_basic_tokenize\": false is not supported");
    TCI_RETURN_IF(member(c, "tokenizer_class", &value));
    if (!value.given)
        return TC_OK;
    TCI_RETURN_IF(read_string(&c->part, &value, &name));
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        size_t length = strlen(classes[i]);
        if (strncmp(name.bytes, classes[i], length) == 0 &&
            (name.bytes[length] == 0 || strcmp(name.bytes + length, "Fast") == 0))
            return TC_OK;
    }
    return tci_fail(TC_ERROR_UNSUPPORTED,
                    "\"tokenizer_class\": \"%.*s\" with a vocab.txt is not supported; BertTokenizer, "
                    "DistilBertTokenizer, ElectraTokenizer and MobileBertTokenizer are",
                    (int)(name.length < 80 ? name.length : 80), name.bytes);
}

static tc_status read_config(conversion *c)
{
    tci_part_value value;
    c->lowercase = c->chinese = true;
    TCI_RETURN_IF(check_class(c));
    TCI_RETURN_IF(read_flag(c, "do_lower_case", &c->lowercase));
    TCI_RETURN_IF(read_flag(c, "tokenize_chinese_chars", &c->chinese));
    TCI_RETURN_IF(member(c, "strip_accents", &c->strip_accents));
    TCI_RETURN_IF(read_decoder(c));
    for (size_t i = 0; i < NAMED; i++) {
        special_token *token = &c->named[i];
        *token = (special_token){.content = {named_tokens[i].content, strlen(named_tokens[i].content), true}};
        TCI_RETURN_IF(member(c, named_tokens[i].key, &value));
        if (value.given)
            TCI_RETURN_IF(read_token(&c->part, &value, token));
        token->special = true;
        token->order = UINT64_MAX;
        TCI_RETURN_IF(add(c, *token));
    }
    TCI_RETURN_IF(read_list(c, "additional_special_tokens"));
    return read_list(c, "extra_special_tokens");
}

/* ---- the tokenizer.json ---- */

static tc_status put_key_text(tci_json_writer *w, const char *key, const char *text, size_t length)
{
    TCI_RETURN_IF(tci_json_key(w, key));
    return tci_json_text(w, text, length);
}

static tc_status put_key_bool(tci_json_writer *w, const char *key, bool value)
{
    TCI_RETURN_IF(tci_json_key(w, key));
    return tci_json_bool(w, value);
}

/* The id of a special token; of one that the vocabulary lacks, what *next says. */
static uint32_t id_of(const conversion *c, const tci_part_text *content, uint32_t *next)
{
    uint32_t entry = tci_map_find(c->tokens, content->bytes, content->length);
    uint32_t id = entry == TCI_MAP_NONE ? *next : c->ids[entry];
    if (id >= *next)
        *next = id + 1;
    return id;
}

static tc_status put_added(tci_json_writer *w, const conversion *c, uint32_t ids[NAMED])
{
    uint32_t next = (uint32_t)tci_map_count(c->tokens);
    TCI_RETURN_IF(tci_json_key(w, "added_tokens"));
    TCI_RETURN_IF(tci_json_begin(w, '['));
    for (size_t i = 0; i < c->added_count; i++) {
        const special_token *token = &c->added[i];
        uint32_t id = id_of(c, &token->content, &next);
        for (size_t k = 0; k < NAMED; k++)
            if (c->named[k].content.length == token->content.length &&
                memcmp(c->named[k].content.bytes, token->content.bytes, token->content.length) == 0)
                ids[k] = id;
        TCI_RETURN_IF(tci_json_begin(w, '{'));
        TCI_RETURN_IF(tci_json_key(w, "id"));
        TCI_RETURN_IF(tci_json_unsigned_value(w, id));
        TCI_RETURN_IF(put_key_text(w, "content", token->content.bytes, token->content.length));
        TCI_RETURN_IF(put_key_bool(w, "single_word", token->single_word));
        TCI_RETURN_IF(put_key_bool(w, "lstrip", token->lstrip));
        TCI_RETURN_IF(put_key_bool(w, "rstrip", token->rstrip));
        TCI_RETURN_IF(put_key_bool(w, "normalized", token->normalized));
        TCI_RETURN_IF(put_key_bool(w, "special", token->special));
        TCI_RETURN_IF(tci_json_end(w, '}'));
    }
    return tci_json_end(w, ']');
}

static tc_status put_pair(tci_json_writer *w, const char *key, const tci_part_text *content, uint32_t id)
{
    TCI_RETURN_IF(tci_json_key(w, key));
    TCI_RETURN_IF(tci_json_begin(w, '['));
    TCI_RETURN_IF(tci_json_text(w, content->bytes, content->length));
    TCI_RETURN_IF(tci_json_unsigned_value(w, id));
    return tci_json_end(w, ']');
}

static tc_status put_stages(tci_json_writer *w, const conversion *c, const uint32_t ids[NAMED])
{
    TCI_RETURN_IF(tci_json_key(w, "normalizer"));
    TCI_RETURN_IF(tci_json_begin(w, '{'));
    TCI_RETURN_IF(put_key_text(w, "type", "BertNormalizer", 14));
    TCI_RETURN_IF(put_key_bool(w, "clean_text", true));
    TCI_RETURN_IF(put_key_bool(w, "handle_chinese_chars", c->chinese));
    TCI_RETURN_IF(tci_json_key(w, "strip_accents"));
    TCI_RETURN_IF(c->strip_accents.given ? tci_json_bool(w, c->strip_accents.first == TCI_JSON_TRUE)
                                         : tci_json_null(w));
    TCI_RETURN_IF(put_key_bool(w, "lowercase", c->lowercase));
    TCI_RETURN_IF(tci_json_end(w, '}'));
    TCI_RETURN_IF(tci_json_key(w, "pre_tokenizer"));
    TCI_RETURN_IF(tci_json_begin(w, '{'));
    TCI_RETURN_IF(put_key_text(w, "type", "BertPreTokenizer", 16));
    TCI_RETURN_IF(tci_json_end(w, '}'));
    TCI_RETURN_IF(tci_json_key(w, "post_processor"));
    TCI_RETURN_IF(tci_json_begin(w, '{'));
    TCI_RETURN_IF(put_key_text(w, "type", "BertProcessing", 14));
    TCI_RETURN_IF(put_pair(w, "sep", &c->named[SEPARATOR].content, ids[SEPARATOR]));
    TCI_RETURN_IF(put_pair(w, "cls", &c->named[CLASS].content, ids[CLASS]));
    TCI_RETURN_IF(tci_json_end(w, '}'));
    TCI_RETURN_IF(tci_json_key(w, "decoder"));
    TCI_RETURN_IF(tci_json_begin(w, '{'));
    TCI_RETURN_IF(put_key_text(w, "type", "WordPiece", 9));
    TCI_RETURN_IF(put_key_text(w, "prefix", "##", 2));
    TCI_RETURN_IF(put_key_bool(w, "cleanup", true));
    return tci_json_end(w, '}');
}

static tc_status put_model(tci_json_writer *w, const conversion *c)
{
    TCI_RETURN_IF(tci_json_key(w, "model"));
    TCI_RETURN_IF(tci_json_begin(w, '{'));
    TCI_RETURN_IF(put_key_text(w, "type", "WordPiece", 9));
    TCI_RETURN_IF(put_key_text(w, "unk_token", c->named[UNKNOWN].content.bytes, c->named[UNKNOWN].content.length));
    TCI_RETURN_IF(put_key_text(w, "continuing_subword_prefix", "##", 2));
    TCI_RETURN_IF(tci_json_key(w, "max_input_chars_per_word"));
    TCI_RETURN_IF(tci_json_unsigned_value(w, 100));
    TCI_RETURN_IF(tci_json_key(w, "vocab"));
    TCI_RETURN_IF(tci_json_begin(w, '{'));
    for (size_t i = 0; i < tci_map_count(c->tokens); i++) {
        size_t length;
        const char *token = tci_map_key(c->tokens, (uint32_t)i, &length);
        TCI_RETURN_IF(tci_json_key_text(w, token, length));
        TCI_RETURN_IF(tci_json_unsigned_value(w, c->ids[i]));
    }
    TCI_RETURN_IF(tci_json_end(w, '}'));
    return tci_json_end(w, '}');
}

static tc_status write_all(const conversion *c, tci_buffer *json)
{
    uint32_t ids[NAMED] = {0};
    tci_json_writer w;
    tci_json_writer_init(&w, json);
    TCI_RETURN_IF(tci_json_begin(&w, '{'));
    TCI_RETURN_IF(put_key_text(&w, "version", "1.0", 3));
    TCI_RETURN_IF(tci_json_key(&w, "truncation"));
    TCI_RETURN_IF(tci_json_null(&w));
    TCI_RETURN_IF(tci_json_key(&w, "padding"));
    TCI_RETURN_IF(tci_json_null(&w));
    TCI_RETURN_IF(put_added(&w, c, ids));
    TCI_RETURN_IF(put_stages(&w, c, ids));
    TCI_RETURN_IF(put_model(&w, c));
    return tci_json_end(&w, '}');
}

tc_status tci_tokenizer_from_vocab(tci_memory *memory, const char *vocab, size_t vocab_size, const char *config,
                                   size_t config_size, size_t max_vocab, tci_buffer *json)
{
    conversion c = {.memory = memory, .file = {memory, config, config ? config_size : 0, max_vocab, NULL}};
    size_t kept = json->size;
    c.part = (tci_part){&c.file, 0, c.file.size};
    tc_status status = tci_map_create(memory, &c.tokens);
    if (status == TC_OK) {
        status = read_lines(&c, vocab, vocab_size, max_vocab);
        if (status != TC_OK)
            status = tci_fail_prefix(status, TCI_VOCAB_TXT);
    }
    if (status == TC_OK) {
        status = read_config(&c);
        if (status != TC_OK)
            status = tci_fail_prefix(status, TCI_TOKENIZER_CONFIG);
    }
    if (status == TC_OK) {
        status = write_all(&c, json);
        if (status != TC_OK)
            status = tci_fail_prefix(status, TCI_VOCAB_TXT);
    }
    if (status != TC_OK)
        json->size = kept;
    tci_free(memory, c.added);
    tci_free(memory, c.ids);
    tci_map_free(c.tokens);
    tci_part_file_free(&c.file);
    return status;
}
