/* tokenizer_bert.c: components of BERT's tokenizers in a tokenizer.json, and the model WordLevel, which has the same
 * vocabulary. */
#include "serialization/tokenizer_parts.h"
#include "text/bert_text.h"
#include "text/wordpiece.h"

static tc_status read_normalizer(const tci_part *part, tci_subword *subword)
{
    tci_bert_normalizer options = {tci_subword_code_sets(subword), true, true, false, true}, *self = NULL;
    tci_part_value strip = {0};
    tci_field fields[] = {
        {"clean_text", TCI_FIELD_BOOL, &options.clean_text, NULL},
        {"handle_chinese_chars", TCI_FIELD_BOOL, &options.handle_chinese_chars, NULL},
        {"strip_accents", TCI_FIELD_VALUE, &strip, NULL},
        {"lowercase", TCI_FIELD_BOOL, &options.lowercase, NULL},
    };
    TCI_RETURN_IF(tci_part_fields(part, fields, sizeof fields / sizeof fields[0]));
    if (strip.given && strip.first != TCI_JSON_TRUE && strip.first != TCI_JSON_FALSE)
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: \"strip_accents\": wanted true, false or null", strip.begin);
    options.strip_accents = strip.given ? strip.first == TCI_JSON_TRUE : options.lowercase; /* null: with lower case */
    TCI_RETURN_IF(tci_alloc(tci_subword_memory(subword), 1, sizeof *self, "BertNormalizer", &self));
    *self = options;
    return tci_subword_add_normalizer(subword, &tci_bert_normalizer_kind, self, true);
}

static tc_status read_pretokenizer(const tci_part *part, tci_subword *subword)
{
    tci_bert_pretokenizer *self = NULL;
    TCI_RETURN_IF(tci_part_fields(part, NULL, 0));
    TCI_RETURN_IF(tci_alloc(tci_subword_memory(subword), 1, sizeof *self, "BertPreTokenizer", &self));
    self->sets = tci_subword_code_sets(subword);
    return tci_subword_add_pretokenizer(subword, &tci_bert_pretokenizer_kind, self, true);
}

/* {"token": id, ...} */
static tc_status read_vocabulary(void *target, const tci_part *part, tci_json_reader *reader, tci_json_event event)
{
    tci_token_table *table = target;
    size_t max_rows = part->file->max_vocab < part->file->size ? part->file->max_vocab : part->file->size;
    if (event != TCI_JSON_OBJECT_BEGIN)
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: \"vocab\": wanted an object of tokens and ids", reader->start);
    for (;;) {
        TCI_RETURN_IF(tci_json_next(reader, &event));
        if (event == TCI_JSON_OBJECT_END)
            return TC_OK;
        uint64_t id = 0; /* comes when the reader's text is no more the token */
        TCI_RETURN_IF(tci_token_table_add(table, reader->text.data, reader->text.size, 0, max_rows));
        TCI_RETURN_IF(tci_json_expect(reader, TCI_JSON_NUMBER, "the id of a token"));
        TCI_RETURN_IF(tci_json_unsigned(reader, "the id of a token", &id));
        TCI_RETURN_IF(tci_token_table_set_last(table, id, max_rows));
    }
}

static tc_status read_model(const tci_part *part, tci_subword *subword, const tci_subword_model_kind *kind)
{
    tci_part_text unknown = {"", 0, false}, prefix = {"", 0, false};
    uint64_t max_characters = 100;
    tci_token_table table;
    void *self = NULL;
    tc_status status = TC_OK;
    tci_field fields[] = {
        {"unk_token", TCI_FIELD_TEXT, &unknown, NULL},
        {"vocab", TCI_FIELD_READ, &table, read_vocabulary},
        {"continuing_subword_prefix", TCI_FIELD_TEXT, &prefix, NULL},
        {"max_input_chars_per_word", TCI_FIELD_UNSIGNED, &max_characters, NULL},
    };
    tci_token_table_init(&table, tci_subword_memory(subword));
    TCI_CHECK(tci_part_fields(part, fields, kind == &tci_wordpiece_kind ? 4 : 2));
    TCI_CHECK(tci_token_table_finish(&table));
    if (kind == &tci_wordpiece_kind)
        TCI_CHECK(tci_trie_check_walk(table.trie));
    tci_wordpiece_options options = {prefix.given ? prefix.bytes : "##", prefix.given ? prefix.length : 2,
                                     unknown.given ? unknown.bytes : "[UNK]", unknown.given ? unknown.length : 5,
                                     max_characters};
    TCI_CHECK(tci_wordpiece_create(&table, &options, &self));
    TCI_CHECK(tci_subword_set_model(subword, kind, self));
done:
    tci_token_table_free(&table);
    return status;
}

static tc_status read_wordpiece(const tci_part *part, tci_subword *subword)
{
    return read_model(part, subword, &tci_wordpiece_kind);
}

static tc_status read_word_level(const tci_part *part, tci_subword *subword)
{
    return read_model(part, subword, &tci_word_level_kind);
}

const tci_part_row tci_bert_parts[] = {
    {TCI_PART_NORMALIZER, "BertNormalizer", read_normalizer},
    {TCI_PART_PRETOKENIZER, "BertPreTokenizer", read_pretokenizer},
    {TCI_PART_MODEL, "WordPiece", read_wordpiece},
    {TCI_PART_MODEL, "WordLevel", read_word_level},
    {TCI_PART_MODEL, NULL, NULL},
};
