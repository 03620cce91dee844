/* tokenizer_vocab.c: reads lines and a config, writes a tokenizer.json as transformers' BertTokenizer makes one.
 *
 * A token that stands on several lines has the id of the last one. */
#include "serialization/tokenizer_vocab.h"

#include "serialization/tokenizer_config.h"

static const char *const named_tokens[TCI_NAMED_TOKENS] = {"", "", "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"};

typedef struct conversion {
    tci_tokenizer_config config;
    bool lowercase, chinese, strips;
    tci_part_value strip_accents;
} conversion;

/* ---- the vocabulary ---- */

static tc_status read_lines(tci_tokenizer_config *c, const char *vocab, size_t size)
{
    uint32_t line = 0;
    for (size_t at = 0; at < size; line++) {
        size_t end = at;
        while (end < size && vocab[end] != '\n' && vocab[end] != '\r')
            end++;
        TCI_RETURN_IF(tci_config_add_token(c, vocab + at, end - at, line));
        at = end + 1 + (end + 1 < size && vocab[end] == '\r' && vocab[end + 1] == '\n');
    }
    return line > 0 ? TC_OK : tci_fail(TC_ERROR_FORMAT, "no token stands in it");
}

/* ---- the config ---- */

static tc_status read_config(conversion *c)
{
    static const char *const classes[] = {"BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer",
                                          "MobileBertTokenizer"};
    size_t which;
    bool basic = true;
    c->lowercase = c->chinese = true;
    TCI_RETURN_IF(tci_config_flag(&c->config, "do_basic_tokenize", &basic));
    if (!basic)
        return tci_fail(TC_ERROR_UNSUPPORTED, "\"do_basic_tokenize\": false is not supported");
    TCI_RETURN_IF(tci_config_class(&c->config, classes, sizeof classes / sizeof *classes, &which));
    TCI_RETURN_IF(tci_config_flag(&c->config, "do_lower_case", &c->lowercase));
    TCI_RETURN_IF(tci_config_flag(&c->config, "tokenize_chinese_chars", &c->chinese));
    TCI_RETURN_IF(tci_config_member(&c->config, "strip_accents", &c->strip_accents));
    TCI_RETURN_IF(tci_config_flag(&c->config, "strip_accents", &c->strips));
    return tci_config_special(&c->config, named_tokens);
}

/* ---- the tokenizer.json ---- */

static tc_status put_stages(tci_json_writer *w, const conversion *c)
{
    TCI_RETURN_IF(tci_json_key(w, "normalizer"));
    TCI_RETURN_IF(tci_json_begin(w, '{'));
    TCI_RETURN_IF(tci_put_key_text(w, "type", "BertNormalizer", 14));
    TCI_RETURN_IF(tci_put_key_bool(w, "clean_text", true));
    TCI_RETURN_IF(tci_put_key_bool(w, "handle_chinese_chars", c->chinese));
    TCI_RETURN_IF(tci_json_key(w, "strip_accents"));
    TCI_RETURN_IF(c->strip_accents.given ? tci_json_bool(w, c->strips) : tci_json_null(w));
    TCI_RETURN_IF(tci_put_key_bool(w, "lowercase", c->lowercase));
    TCI_RETURN_IF(tci_json_end(w, '}'));
    TCI_RETURN_IF(tci_json_key(w, "pre_tokenizer"));
    TCI_RETURN_IF(tci_json_begin(w, '{'));
    TCI_RETURN_IF(tci_put_key_text(w, "type", "BertPreTokenizer", 16));
    TCI_RETURN_IF(tci_json_end(w, '}'));
    TCI_RETURN_IF(tci_json_key(w, "post_processor"));
    TCI_RETURN_IF(tci_json_begin(w, '{'));
    TCI_RETURN_IF(tci_put_key_text(w, "type", "BertProcessing", 14));
    TCI_RETURN_IF(tci_put_pair(w, "sep", &c->config.named[TCI_NAMED_SEPARATOR]));
    TCI_RETURN_IF(tci_put_pair(w, "cls", &c->config.named[TCI_NAMED_CLASS]));
    TCI_RETURN_IF(tci_json_end(w, '}'));
    TCI_RETURN_IF(tci_json_key(w, "decoder"));
    TCI_RETURN_IF(tci_json_begin(w, '{'));
    TCI_RETURN_IF(tci_put_key_text(w, "type", "WordPiece", 9));
    TCI_RETURN_IF(tci_put_key_text(w, "prefix", "##", 2));
    TCI_RETURN_IF(tci_put_key_bool(w, "cleanup", true));
    return tci_json_end(w, '}');
}

static tc_status put_model(tci_json_writer *w, const conversion *c)
{
    const tci_part_text *unknown = &c->config.named[TCI_NAMED_UNKNOWN].content;
    TCI_RETURN_IF(tci_json_key(w, "model"));
    TCI_RETURN_IF(tci_json_begin(w, '{'));
    TCI_RETURN_IF(tci_put_key_text(w, "type", "WordPiece", 9));
    TCI_RETURN_IF(tci_put_key_text(w, "unk_token", unknown->bytes, unknown->length));
    TCI_RETURN_IF(tci_put_key_text(w, "continuing_subword_prefix", "##", 2));
    TCI_RETURN_IF(tci_json_key(w, "max_input_chars_per_word"));
    TCI_RETURN_IF(tci_json_unsigned_value(w, 100));
    TCI_RETURN_IF(tci_config_put_vocab(w, &c->config));
    return tci_json_end(w, '}');
}

static tc_status write_all(conversion *c, tci_buffer *json)
{
    tci_json_writer w;
    tci_json_writer_init(&w, json);
    TCI_RETURN_IF(tci_json_begin(&w, '{'));
    TCI_RETURN_IF(tci_config_put_head(&w));
    TCI_RETURN_IF(tci_config_put_added(&w, &c->config));
    TCI_RETURN_IF(put_stages(&w, c));
    TCI_RETURN_IF(put_model(&w, c));
    return tci_json_end(&w, '}');
}

tc_status tci_tokenizer_from_vocab(tci_memory *memory, const char *vocab, size_t vocab_size,
                                   const tci_config_files *files, size_t max_vocab, tci_buffer *json)
{
    conversion c;
    size_t kept = json->size;
    memset(&c, 0, sizeof c);
    tc_status status = tci_config_init(&c.config, memory, files, max_vocab);
    c.config.where = TCI_VOCAB_TXT;
    if (status == TC_OK)
        status = read_lines(&c.config, vocab, vocab_size);
    if (status == TC_OK)
        status = read_config(&c);
    if (status == TC_OK) {
        c.config.where = TCI_VOCAB_TXT;
        status = write_all(&c, json);
    }
    if (status != TC_OK) {
        status = tci_fail_prefix(status, "%s", c.config.where);
        json->size = kept;
    }
    tci_config_free(&c.config);
    return status;
}
