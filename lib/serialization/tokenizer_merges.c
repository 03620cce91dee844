/* tokenizer_merges.c: reads ids and merges, writes a tokenizer.json as transformers' GPT2Tokenizer and RobertaTokenizer
 * make one: byte-level BPE, and special tokens around the text where the config or RoBERTa has them. */
#include "serialization/tokenizer_merges.h"

static const char *const gpt2_tokens[TCI_NAMED_TOKENS] = {
    "<|endoftext|>", "<|endoftext|>", "<|endoftext|>", "", "", "", ""};
static const char *const roberta_tokens[TCI_NAMED_TOKENS] = {"<s>",   "</s>", "<unk>", "</s>",
                                                             "<pad>", "<s>",  "<mask>"};

typedef struct conversion {
    const tci_merges_files *files;
    tci_tokenizer_config config;
    bool is_roberta, prefix_space, trims, begins, ends;
} conversion;

/* {"token": id, ...} */
static tc_status read_ids(conversion *c)
{
    tci_json_reader reader;
    tci_json_event event;
    tci_buffer token;
    uint64_t id;
    tc_status status = TC_OK;
    tci_json_init(&reader, c->config.memory, c->files->vocab, c->files->vocab_size);
    tci_buffer_init(&token, c->config.memory, c->files->vocab_size + 1, "a token");
    TCI_CHECK(tci_json_expect(&reader, TCI_JSON_OBJECT_BEGIN, "tokens and ids"));
    for (;;) {
        TCI_CHECK(tci_json_next(&reader, &event));
        if (event == TCI_JSON_OBJECT_END)
            break;
        token.size = 0;
        TCI_CHECK(tci_buffer_append(&token, reader.text.data, reader.text.size));
        TCI_CHECK(tci_json_expect(&reader, TCI_JSON_NUMBER, "the id of a token"));
        TCI_CHECK(tci_json_unsigned(&reader, "the id of a token", &id));
        TCI_CHECK(tci_config_add_token(&c->config, token.data ? token.data : "", token.size, id));
    }
    TCI_CHECK(tci_json_expect(&reader, TCI_JSON_END, "the end of the file"));
done:
    tci_buffer_free(&token);
    tci_json_free(&reader);
    return status;
}

static tc_status read_config(conversion *c)
{
    static const char *const classes[] = {"GPT2Tokenizer", "RobertaTokenizer"};
    size_t which;
    TCI_RETURN_IF(tci_config_class(&c->config, classes, 2, &which));
    c->is_roberta = which == 2 ? c->files->is_roberta : which == 1;
    c->trims = true;
    TCI_RETURN_IF(tci_config_flag(&c->config, "add_prefix_space", &c->prefix_space));
    TCI_RETURN_IF(tci_config_flag(&c->config, "trim_offsets", &c->trims));
    if (!c->is_roberta) {
        TCI_RETURN_IF(tci_config_flag(&c->config, "add_bos_token", &c->begins));
        TCI_RETURN_IF(tci_config_flag(&c->config, "add_eos_token", &c->ends));
    }
    return tci_config_special(&c->config, c->is_roberta ? roberta_tokens : gpt2_tokens);
}

/* "single": [special token, the text, special token], as objects; "special_tokens" says the ids. */
static tc_status put_special(tci_json_writer *w, const tci_special_token *token, uint64_t type)
{
    TCI_RETURN_IF(tci_json_begin(w, '{'));
    TCI_RETURN_IF(tci_json_key(w, "SpecialToken"));
    TCI_RETURN_IF(tci_json_begin(w, '{'));
    TCI_RETURN_IF(tci_put_key_text(w, "id", token->content.bytes, token->content.length));
    TCI_RETURN_IF(tci_json_key(w, "type_id"));
    TCI_RETURN_IF(tci_json_unsigned_value(w, type));
    TCI_RETURN_IF(tci_json_end(w, '}'));
    return tci_json_end(w, '}');
}

static tc_status put_sequence(tci_json_writer *w, const char *name, uint64_t type)
{
    TCI_RETURN_IF(tci_json_begin(w, '{'));
    TCI_RETURN_IF(tci_json_key(w, "Sequence"));
    TCI_RETURN_IF(tci_json_begin(w, '{'));
    TCI_RETURN_IF(tci_put_key_text(w, "id", name, 1));
    TCI_RETURN_IF(tci_json_key(w, "type_id"));
    TCI_RETURN_IF(tci_json_unsigned_value(w, type));
    TCI_RETURN_IF(tci_json_end(w, '}'));
    return tci_json_end(w, '}');
}

static tc_status put_special_id(tci_json_writer *w, const tci_special_token *token)
{
    TCI_RETURN_IF(tci_json_key_text(w, token->content.bytes, token->content.length));
    TCI_RETURN_IF(tci_json_begin(w, '{'));
    TCI_RETURN_IF(tci_put_key_text(w, "id", token->content.bytes, token->content.length));
    TCI_RETURN_IF(tci_json_key(w, "ids"));
    TCI_RETURN_IF(tci_json_begin(w, '['));
    TCI_RETURN_IF(tci_json_unsigned_value(w, token->id));
    TCI_RETURN_IF(tci_json_end(w, ']'));
    TCI_RETURN_IF(tci_json_key(w, "tokens"));
    TCI_RETURN_IF(tci_json_begin(w, '['));
    TCI_RETURN_IF(tci_json_text(w, token->content.bytes, token->content.length));
    TCI_RETURN_IF(tci_json_end(w, ']'));
    return tci_json_end(w, '}');
}

static tc_status put_template(tci_json_writer *w, const conversion *c)
{
    const tci_special_token *begin = &c->config.named[TCI_NAMED_BEGIN], *end = &c->config.named[TCI_NAMED_END];
    bool same = begin->id == end->id;
    TCI_RETURN_IF(tci_put_key_text(w, "type", "TemplateProcessing", 18));
    for (int pair = 0; pair < 2; pair++) {
        TCI_RETURN_IF(tci_json_key(w, pair ? "pair" : "single"));
        TCI_RETURN_IF(tci_json_begin(w, '['));
        for (int i = 0; i <= pair; i++) {
            if (c->begins)
                TCI_RETURN_IF(put_special(w, begin, (uint64_t)i));
            TCI_RETURN_IF(put_sequence(w, i ? "B" : "A", (uint64_t)i));
            if (c->ends)
                TCI_RETURN_IF(put_special(w, end, (uint64_t)i));
        }
        TCI_RETURN_IF(tci_json_end(w, ']'));
    }
    TCI_RETURN_IF(tci_json_key(w, "special_tokens"));
    TCI_RETURN_IF(tci_json_begin(w, '{'));
    if (c->begins)
        TCI_RETURN_IF(put_special_id(w, begin));
    if (c->ends && !(c->begins && same))
        TCI_RETURN_IF(put_special_id(w, end));
    return tci_json_end(w, '}');
}

static tc_status put_byte_level(tci_json_writer *w, const char *key, bool prefix_space)
{
    TCI_RETURN_IF(tci_json_key(w, key));
    TCI_RETURN_IF(tci_json_begin(w, '{'));
    TCI_RETURN_IF(tci_put_key_text(w, "type", "ByteLevel", 9));
    TCI_RETURN_IF(tci_put_key_bool(w, "add_prefix_space", prefix_space));
    TCI_RETURN_IF(tci_put_key_bool(w, "trim_offsets", true));
    TCI_RETURN_IF(tci_put_key_bool(w, "use_regex", true));
    return tci_json_end(w, '}');
}

static tc_status put_stages(tci_json_writer *w, const conversion *c)
{
    TCI_RETURN_IF(tci_json_key(w, "normalizer"));
    TCI_RETURN_IF(tci_json_null(w));
    TCI_RETURN_IF(put_byte_level(w, "pre_tokenizer", c->prefix_space));
    TCI_RETURN_IF(tci_json_key(w, "post_processor"));
    TCI_RETURN_IF(tci_json_begin(w, '{'));
    if (c->is_roberta) {
        TCI_RETURN_IF(tci_put_key_text(w, "type", "RobertaProcessing", 17));
        TCI_RETURN_IF(tci_put_pair(w, "sep", &c->config.named[TCI_NAMED_SEPARATOR]));
        TCI_RETURN_IF(tci_put_pair(w, "cls", &c->config.named[TCI_NAMED_CLASS]));
        TCI_RETURN_IF(tci_put_key_bool(w, "trim_offsets", c->trims));
        TCI_RETURN_IF(tci_put_key_bool(w, "add_prefix_space", c->prefix_space));
    } else {
        TCI_RETURN_IF(put_template(w, c));
    }
    TCI_RETURN_IF(tci_json_end(w, '}'));
    return put_byte_level(w, "decoder", true);
}

/* Lines "left right"; one that begins with #version is none. */
static tc_status put_merges(tci_json_writer *w, const char *merges, size_t size)
{
    size_t line = 0;
    TCI_RETURN_IF(tci_json_key(w, "merges"));
    TCI_RETURN_IF(tci_json_begin(w, '['));
    for (size_t at = 0, end; at < size; at = end + 1) {
        const char *newline = memchr(merges + at, '\n', size - at);
        end = newline ? (size_t)(newline - merges) : size;
        size_t length = end - at;
        line++;
        while (length > 0 && merges[at + length - 1] == '\r')
            length--;
        if (length == 0 || (length >= 8 && memcmp(merges + at, "#version", 8) == 0))
            continue;
        const char *space = memchr(merges + at, ' ', length);
        size_t left = space ? (size_t)(space - merges) - at : 0;
        if (left == 0 || left + 1 == length || memchr(space + 1, ' ', length - left - 1))
            return tci_fail(TC_ERROR_FORMAT, "line %zu: wanted two tokens with a space between", line);
        TCI_RETURN_IF(tci_json_begin(w, '['));
        TCI_RETURN_IF(tci_json_text(w, merges + at, left));
        TCI_RETURN_IF(tci_json_text(w, space + 1, length - left - 1));
        TCI_RETURN_IF(tci_json_end(w, ']'));
    }
    return tci_json_end(w, ']');
}

static tc_status write_all(conversion *c, tci_buffer *json)
{
    tci_json_writer w;
    tci_json_writer_init(&w, json);
    TCI_RETURN_IF(tci_json_begin(&w, '{'));
    TCI_RETURN_IF(tci_config_put_head(&w));
    TCI_RETURN_IF(tci_config_put_added(&w, &c->config));
    TCI_RETURN_IF(put_stages(&w, c));
    TCI_RETURN_IF(tci_json_key(&w, "model"));
    TCI_RETURN_IF(tci_json_begin(&w, '{'));
    TCI_RETURN_IF(tci_put_key_text(&w, "type", "BPE", 3));
    TCI_RETURN_IF(tci_json_key(&w, "dropout"));
    TCI_RETURN_IF(tci_json_null(&w));
    TCI_RETURN_IF(tci_json_key(&w, "unk_token"));
    TCI_RETURN_IF(tci_json_null(&w));
    TCI_RETURN_IF(tci_put_key_text(&w, "continuing_subword_prefix", "", 0));
    TCI_RETURN_IF(tci_put_key_text(&w, "end_of_word_suffix", "", 0));
    TCI_RETURN_IF(tci_put_key_bool(&w, "fuse_unk", false));
    TCI_RETURN_IF(tci_put_key_bool(&w, "byte_fallback", false));
    TCI_RETURN_IF(tci_put_key_bool(&w, "ignore_merges", false));
    TCI_RETURN_IF(tci_config_put_vocab(&w, &c->config));
    TCI_RETURN_IF(put_merges(&w, c->files->merges, c->files->merges_size));
    TCI_RETURN_IF(tci_json_end(&w, '}'));
    return tci_json_end(&w, '}');
}

tc_status tci_tokenizer_from_merges(tci_memory *memory, const tci_merges_files *files, size_t max_vocab,
                                    tci_buffer *json)
{
    conversion c;
    size_t kept = json->size;
    memset(&c, 0, sizeof c);
    c.files = files;
    tc_status status = tci_config_init(&c.config, memory, &files->config, max_vocab);
    c.config.where = TCI_VOCAB_JSON;
    if (status == TC_OK)
        status = read_ids(&c);
    if (status == TC_OK)
        status = read_config(&c);
    if (status == TC_OK) {
        c.config.where = TCI_MERGES_TXT;
        status = write_all(&c, json);
    }
    if (status != TC_OK) {
        status = tci_fail_prefix(status, "%s", c.config.where);
        json->size = kept;
    }
    tci_config_free(&c.config);
    return status;
}
