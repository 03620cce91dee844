/* tokenizer_models.c: the models BPE and Unigram of a tokenizer.json, and sentencepiece's normalizer Precompiled, which
 * is base64 of a table. Merges are written "left right" in old files, ["left", "right"] in new ones. */
#include "base/number.h"
#include "serialization/tokenizer_parts.h"
#include "text/bpe.h"
#include "text/byte_level.h"
#include "text/charsmap.h"
#include "text/unigram.h"

/* The most ids: no more than the file has bytes, whatever it says. */
static size_t most_rows(const tci_part *part)
{
    return part->file->max_vocab < part->file->size ? part->file->max_vocab : part->file->size;
}

/* ---- BPE ---- */

/* {"token": id, ...} */
static tc_status read_vocabulary(void *target, const tci_part *part, tci_json_reader *reader, tci_json_event event)
{
    tci_token_map *table = target;
    tci_buffer token; /* the id comes when the reader's text is no more the token */
    tc_status status = TC_OK;
    if (event != TCI_JSON_OBJECT_BEGIN)
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: \"vocab\": wanted an object of tokens and ids", reader->start);
    tci_buffer_init(&token, part->file->memory, part->file->size + 1, "a token");
    for (;;) {
        uint64_t id = 0;
        TCI_CHECK(tci_json_next(reader, &event));
        if (event == TCI_JSON_OBJECT_END)
            break;
        token.size = 0;
        TCI_CHECK(tci_buffer_append(&token, reader->text.data, reader->text.size + 1)); /* never empty */
        TCI_CHECK(tci_json_expect(reader, TCI_JSON_NUMBER, "the id of a token"));
        TCI_CHECK(tci_json_unsigned(reader, "the id of a token", &id));
        TCI_CHECK(tci_token_map_add(table, token.data, token.size - 1, id, most_rows(part)));
    }
done:
    tci_buffer_free(&token);
    return status;
}

/* "left right" */
static tc_status add_line(tci_bpe *bpe, const char *line, size_t length)
{
    const char *space = length > 0 ? memchr(line, ' ', length) : NULL;
    size_t left = space ? (size_t)(space - line) : 0;
    if (!space || memchr(space + 1, ' ', length - left - 1))
        return tci_fail(TC_ERROR_FORMAT, "\"merges\": wanted two tokens with a space between them, found \"%.*s\"",
                        (int)(length < 80 ? length : 80), line);
    return tci_bpe_add_merge(bpe, line, left, space + 1, length - left - 1);
}

/* ["left", "right"], whose bracket was read */
static tc_status add_pair(tci_bpe *bpe, tci_json_reader *reader, tci_buffer *left)
{
    left->size = 0;
    TCI_RETURN_IF(tci_json_expect(reader, TCI_JSON_STRING, "a merge"));
    TCI_RETURN_IF(tci_buffer_append(left, reader->text.data, reader->text.size + 1));
    TCI_RETURN_IF(tci_json_expect(reader, TCI_JSON_STRING, "a merge"));
    TCI_RETURN_IF(tci_bpe_add_merge(bpe, left->data, left->size - 1, reader->text.data, reader->text.size));
    return tci_json_expect(reader, TCI_JSON_ARRAY_END, "a merge of two tokens");
}

static tc_status read_merges(const tci_part *part, const tci_part_value *merges, tci_bpe *bpe)
{
    tci_json_reader reader;
    tci_json_event event;
    tci_buffer left;
    tc_status status = TC_OK;
    if (!merges->given)
        return tci_fail(TC_ERROR_FORMAT, "\"merges\" is missing");
    tci_part_open(part, merges, &reader);
    tci_buffer_init(&left, part->file->memory, part->file->size + 1, "a token");
    TCI_CHECK(tci_json_expect(&reader, TCI_JSON_ARRAY_BEGIN, "\"merges\""));
    for (;;) {
        TCI_CHECK(tci_json_next(&reader, &event));
        if (event == TCI_JSON_ARRAY_END)
            break;
        if (event == TCI_JSON_ARRAY_BEGIN)
            TCI_CHECK(add_pair(bpe, &reader, &left));
        else if (event == TCI_JSON_STRING)
            TCI_CHECK(add_line(bpe, reader.text.data, reader.text.size));
        else
            TCI_CHECK(tci_fail(TC_ERROR_FORMAT, "byte %zu: \"merges\": wanted two tokens", reader.start));
    }
done:
    tci_buffer_free(&left);
    tci_json_free(&reader);
    return status;
}

static tc_status check_dropout(const tci_part *part, const tci_part_value *dropout)
{
    tci_json_reader reader;
    double value = 1;
    if (!dropout->given)
        return TC_OK;
    tci_part_open(part, dropout, &reader);
    tc_status status = tci_json_expect(&reader, TCI_JSON_NUMBER, "\"dropout\"");
    if (status == TC_OK)
        status = tci_json_double(&reader, "\"dropout\"", &value);
    tci_json_free(&reader);
    if (status == TC_OK && value != 0)
        return tci_fail(TC_ERROR_UNSUPPORTED, "\"dropout\" is not supported: ids would be random");
    return status;
}

/* The model's stages before it: bytes need not be written as letters where the model takes bytes; and a text that
 * nothing splits is split where no merge reaches across. */
static tc_status fit_stages(tci_subword *subword, tci_bpe *bpe)
{
    bool splits = tci_subword_has_pretokenizer(subword);
    if (tci_subword_drop_pretokenizer(subword, &tci_byte_letters_kind) && !tci_bpe_take_bytes(bpe))
        TCI_RETURN_IF(tci_subword_add_pretokenizer(subword, &tci_byte_letters_kind, NULL, true));
    if (splits || !tci_bpe_has_borders(bpe))
        return TC_OK;
    /* Spaces may have become U+2581. */
    bool is_local = tci_bpe_has_border_before(bpe, ' ') && tci_bpe_has_border_before(bpe, 0x2581);
    return tci_subword_add_pretokenizer(subword, &tci_bpe_borders_kind, bpe, is_local);
}

static tc_status read_bpe(const tci_part *part, tci_subword *subword)
{
    tci_bpe_options options = {0};
    tci_part_text unknown = {"", 0, false}, prefix = {"", 0, false}, suffix = {"", 0, false};
    tci_part_value merges = {0}, dropout = {0};
    tci_token_map *table = NULL;
    tci_bpe *bpe = NULL;
    tc_status status = TC_OK;
    TCI_RETURN_IF(tci_token_map_create(tci_subword_memory(subword), &table));
    tci_field fields[] = {
        {"dropout", TCI_FIELD_VALUE, &dropout, NULL},
        {"unk_token", TCI_FIELD_TEXT, &unknown, NULL},
        {"continuing_subword_prefix", TCI_FIELD_TEXT, &prefix, NULL},
        {"end_of_word_suffix", TCI_FIELD_TEXT, &suffix, NULL},
        {"fuse_unk", TCI_FIELD_BOOL, &options.fuse_unk, NULL},
        {"byte_fallback", TCI_FIELD_BOOL, &options.byte_fallback, NULL},
        {"ignore_merges", TCI_FIELD_BOOL, &options.ignore_merges, NULL},
        {"vocab", TCI_FIELD_READ, table, read_vocabulary},
        {"merges", TCI_FIELD_VALUE, &merges, NULL},
    };
    TCI_CHECK(tci_part_fields(part, fields, sizeof fields / sizeof fields[0]));
    TCI_CHECK(check_dropout(part, &dropout));
    options.unk_token = unknown.given ? unknown.bytes : NULL;
    options.unk_length = unknown.length;
    options.prefix = prefix.bytes;
    options.prefix_length = prefix.length;
    options.suffix = suffix.bytes;
    options.suffix_length = suffix.length;
    status = tci_bpe_create(tci_subword_memory(subword), &options, table, &bpe);
    table = NULL;
    TCI_CHECK(status);
    TCI_CHECK(read_merges(part, &merges, bpe));
    TCI_CHECK(tci_bpe_finish(bpe));
    TCI_CHECK(tci_subword_set_model(subword, &tci_bpe_kind, bpe));
    return fit_stages(subword, bpe);
done:
    tci_token_map_free(table);
    tci_bpe_free(tci_subword_memory(subword), bpe);
    return status;
}

/* ---- Unigram ---- */

#define POWERS 309

typedef struct unigram_vocabulary {
    tci_token_map *table;
    double *scores;
    size_t count, capacity;
    double powers[POWERS]; /* of ten */
} unigram_vocabulary;

static void fill_powers(double powers[POWERS])
{
    for (unsigned i = 0; i < POWERS; i++) {
        char text[5] = {'1', 'e', (char)('0' + i / 100), (char)('0' + i / 10 % 10), (char)('0' + i % 10)};
        tci_parse_double(text, sizeof text, &powers[i]);
    }
}

/* A number as the package reads it, which is not always the nearest double: as many digits as 64 bits hold, the rest
 * left out, then one product or quotient with a power of ten. Two ways through a word may differ by no more than that.
 * `text` is a number of JSON; false where it overflows. */
static bool parse_score(const unigram_vocabulary *v, const char *text, size_t length, double *score)
{
    bool is_negative = text[0] == '-', in_fraction = false, is_full = false;
    uint64_t digits = 0;
    long exponent = 0, written = 0;
    size_t at = is_negative ? 1 : 0;
    for (; at < length && text[at] != 'e' && text[at] != 'E'; at++) {
        if (text[at] == '.') {
            in_fraction = true;
            is_full = false;
            continue;
        }
        unsigned digit = (unsigned)(text[at] - '0');
        is_full = is_full || digits > UINT64_MAX / 10 || (digits == UINT64_MAX / 10 && digit > UINT64_MAX % 10);
        if (!is_full)
            digits = digits * 10 + digit;
        exponent += (is_full && !in_fraction) - (!is_full && in_fraction);
    }
    bool down = at + 1 < length && text[at + 1] == '-', up = at + 1 < length && text[at + 1] == '+';
    for (at += down || up ? 2 : 1; at < length; at++)
        written = written < 100000 ? written * 10 + (text[at] - '0') : written;
    exponent += down ? -written : written;
    double value = (double)digits;
    for (; exponent < -(POWERS - 1) && value != 0; exponent += POWERS - 1)
        value /= v->powers[POWERS - 1];
    if (value != 0 && exponent >= POWERS)
        return false;
    if (value != 0)
        value = exponent < 0 ? value / v->powers[-exponent] : value * v->powers[exponent];
    *score = is_negative ? -value : value;
    return value - value == 0;
}

/* [["token", score], ...] */
static tc_status read_scores(void *target, const tci_part *part, tci_json_reader *reader, tci_json_event event)
{
    unigram_vocabulary *v = target;
    if (event != TCI_JSON_ARRAY_BEGIN)
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: \"vocab\": wanted a list of tokens and scores", reader->start);
    for (;;) {
        TCI_RETURN_IF(tci_json_next(reader, &event));
        if (event == TCI_JSON_ARRAY_END)
            return TC_OK;
        if (event != TCI_JSON_ARRAY_BEGIN)
            return tci_fail(TC_ERROR_FORMAT, "byte %zu: \"vocab\": wanted [token, score]", reader->start);
        TCI_RETURN_IF(tci_json_expect(reader, TCI_JSON_STRING, "a token"));
        TCI_RETURN_IF(tci_token_map_add(v->table, reader->text.data, reader->text.size, v->count, most_rows(part)));
        TCI_RETURN_IF(tci_reserve(part->file->memory, v->count + 1, SIZE_MAX / 16, sizeof *v->scores, "scores",
                                  &v->capacity, &v->scores));
        TCI_RETURN_IF(tci_json_expect(reader, TCI_JSON_NUMBER, "the score of a token"));
        if (!parse_score(v, reader->text.data, reader->text.size, &v->scores[v->count++]))
            return tci_fail(TC_ERROR_FORMAT, "byte %zu: a score that overflows", reader->start);
        TCI_RETURN_IF(tci_json_expect(reader, TCI_JSON_ARRAY_END, "a token and its score"));
    }
}

static tc_status read_unigram(const tci_part *part, tci_subword *subword)
{
    unigram_vocabulary v = {0};
    uint64_t unk_id = TCI_SUBWORD_NONE;
    bool byte_fallback = false;
    tci_unigram *unigram = NULL;
    tc_status status = TC_OK;
    TCI_RETURN_IF(tci_token_map_create(tci_subword_memory(subword), &v.table));
    fill_powers(v.powers);
    tci_field fields[] = {
        {"unk_id", TCI_FIELD_UNSIGNED, &unk_id, NULL},
        {"vocab", TCI_FIELD_READ, &v, read_scores},
        {"byte_fallback", TCI_FIELD_BOOL, &byte_fallback, NULL},
    };
    TCI_CHECK(tci_part_fields(part, fields, sizeof fields / sizeof fields[0]));
    if (unk_id > TCI_SUBWORD_NONE)
        TCI_CHECK(tci_fail(TC_ERROR_FORMAT, "\"unk_id\" is above 2^32 - 1"));
    status = tci_unigram_create(tci_subword_memory(subword), v.table, v.scores, v.count, (uint32_t)unk_id,
                                byte_fallback, &unigram);
    v.table = NULL;
    TCI_CHECK(status);
    TCI_CHECK(tci_subword_set_model(subword, &tci_unigram_kind, unigram));
done:
    tci_token_map_free(v.table);
    tci_free(part->file->memory, v.scores);
    return status;
}

/* ---- Precompiled ---- */

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* In place; *length becomes that of the bytes. False for what is no base64 with its padding. */
static bool decode_base64(char *text, size_t *length)
{
    size_t count = *length, written = 0, padding = 0;
    if (count % 4 != 0)
        return false;
    while (padding < 2 && padding < count && text[count - 1 - padding] == '=')
        padding++;
    for (size_t at = 0; at < count; at += 4) {
        uint32_t bits = 0;
        size_t left = at + 4 == count ? 4 - padding : 4;
        for (size_t i = 0; i < 4; i++) {
            int value = i < left ? base64_value(text[at + i]) : 0;
            if (value < 0)
                return false;
            bits = bits << 6 | (uint32_t)value;
        }
        for (size_t i = 0; i + 1 < left; i++)
            text[written++] = (char)(bits >> (16 - 8 * i));
    }
    *length = written;
    return true;
}

static tc_status read_charsmap(const tci_part *part, tci_subword *subword)
{
    tci_part_text text = {"", 0, false};
    char *bytes = NULL;
    void *self = NULL;
    tc_status status = TC_OK;
    tci_field fields[] = {{"precompiled_charsmap", TCI_FIELD_TEXT, &text, NULL}};
    TCI_RETURN_IF(tci_part_fields(part, fields, 1));
    size_t length = text.length;
    TCI_RETURN_IF(tci_alloc(part->file->memory, length, 1, "precompiled_charsmap", &bytes));
    memcpy(bytes, text.bytes, length);
    if (!decode_base64(bytes, &length))
        TCI_CHECK(tci_fail(TC_ERROR_FORMAT, "\"precompiled_charsmap\": wanted base64"));
    TCI_CHECK(tci_charsmap_create(tci_subword_memory(subword), bytes, length, &self));
    TCI_CHECK(tci_subword_add_normalizer(subword, &tci_charsmap_kind, self, false));
done:
    tci_free(part->file->memory, bytes);
    return status;
}

const tci_part_row tci_model_parts[] = {
    {TCI_PART_NORMALIZER, "Precompiled", read_charsmap},
    {TCI_PART_MODEL, "BPE", read_bpe},
    {TCI_PART_MODEL, "Unigram", read_unigram},
    {TCI_PART_MODEL, NULL, NULL},
};
