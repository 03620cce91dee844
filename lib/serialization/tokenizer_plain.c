/* tokenizer_plain.c: the normalizers and pre-tokenizers of a tokenizer.json that belong to no model family.
 *
 * Splits that look at single code points do not split at spaces, so alone they do not let a long text be cut there; nor
 * do patterns, but for literal ones that no cut can fall into: a cut stands between a letter or digit and a space. */
#include "serialization/tokenizer_parts.h"
#include "text/plain_normalizers.h"
#include "text/plain_splits.h"
#include "text/replace.h"
#include "text/scripts.h"
#include "text/unicode_forms.h"

/* ---- normalizers ---- */

static tc_status read_form(const tci_part *part, tci_subword *subword, bool compatible, bool composes)
{
    void *self = NULL;
    TCI_RETURN_IF(tci_part_fields(part, NULL, 0));
    TCI_RETURN_IF(tci_unicode_form_create(tci_subword_memory(subword), tci_subword_code_sets(subword), compatible,
                                          composes, &self));
    return tci_subword_add_normalizer(subword, &tci_unicode_form_kind, self, true);
}

static tc_status read_nfc(const tci_part *part, tci_subword *subword)
{
    return read_form(part, subword, false, true);
}

static tc_status read_nfd(const tci_part *part, tci_subword *subword)
{
    return read_form(part, subword, false, false);
}

static tc_status read_nfkc(const tci_part *part, tci_subword *subword)
{
    return read_form(part, subword, true, true);
}

static tc_status read_nfkd(const tci_part *part, tci_subword *subword)
{
    return read_form(part, subword, true, false);
}

static tc_status read_with_sets(const tci_part *part, tci_subword *subword, const tci_normalizer_kind *kind)
{
    void *self = NULL;
    TCI_RETURN_IF(tci_part_fields(part, NULL, 0));
    TCI_RETURN_IF(tci_sets_stage_create(tci_subword_memory(subword), tci_subword_code_sets(subword), &self));
    return tci_subword_add_normalizer(subword, kind, self, true);
}

static tc_status read_lowercase(const tci_part *part, tci_subword *subword)
{
    return read_with_sets(part, subword, &tci_lowercase_kind);
}

static tc_status read_strip_accents(const tci_part *part, tci_subword *subword)
{
    return read_with_sets(part, subword, &tci_strip_accents_kind);
}

static tc_status read_nmt(const tci_part *part, tci_subword *subword)
{
    TCI_RETURN_IF(tci_part_fields(part, NULL, 0));
    return tci_subword_add_normalizer(subword, &tci_nmt_kind, NULL, true);
}

static tc_status read_strip(const tci_part *part, tci_subword *subword)
{
    bool left = true, right = true;
    void *self = NULL;
    tci_field fields[] = {{"strip_left", TCI_FIELD_BOOL, &left, NULL}, {"strip_right", TCI_FIELD_BOOL, &right, NULL}};
    TCI_RETURN_IF(tci_part_fields(part, fields, 2));
    TCI_RETURN_IF(tci_strip_create(tci_subword_memory(subword), tci_subword_code_sets(subword), left, right, &self));
    return tci_subword_add_normalizer(subword, &tci_strip_kind, self, false);
}

static tc_status read_prepend(const tci_part *part, tci_subword *subword)
{
    tci_part_text text = {"", 0, false};
    void *self = NULL;
    tci_field fields[] = {{"prepend", TCI_FIELD_TEXT, &text, NULL}};
    TCI_RETURN_IF(tci_part_fields(part, fields, 1));
    if (text.length == 0)
        return tci_fail(TC_ERROR_UNSUPPORTED, "\"prepend\": wanted at least one character");
    TCI_RETURN_IF(tci_prepend_create(tci_subword_memory(subword), text.bytes, text.length, &self));
    return tci_subword_add_normalizer(subword, &tci_prepend_kind, self, false);
}

static bool has_letters_or_spaces(const tci_part_text *text)
{
    for (size_t i = 0; i < text->length; i++) {
        char c = text->bytes[i], letter = (char)(c | 0x20);
        if (c == ' ' || (c >= '0' && c <= '9') || (letter >= 'a' && letter <= 'z'))
            return true;
    }
    return false;
}

static tc_status read_replace(const tci_part *part, tci_subword *subword)
{
    tci_part_text pattern = {"", 0, false}, content = {"", 0, false};
    tci_part_value value = {0};
    bool is_regex = false;
    uint32_t code;
    void *self = NULL;
    tci_field fields[] = {{"pattern", TCI_FIELD_VALUE, &value, NULL}, {"content", TCI_FIELD_TEXT, &content, NULL}};
    TCI_RETURN_IF(tci_part_fields(part, fields, 2));
    TCI_RETURN_IF(tci_part_pattern(part, &value, &is_regex, &pattern));
    bool is_one = !is_regex && tci_part_character(&pattern, "pattern", &code) == TC_OK;
    bool is_apart = !is_regex && !has_letters_or_spaces(&pattern) && !part->file->moves_cuts;
    if (is_regex || has_letters_or_spaces(&pattern))
        part->file->moves_cuts = true;
    /* an empty string matches everywhere, as an empty expression does */
    TCI_RETURN_IF(tci_replace_create(tci_subword_memory(subword), pattern.bytes, pattern.length,
                                     !is_regex && pattern.length > 0, content.bytes, content.length, &self));
    return tci_subword_add_normalizer(subword, &tci_replace_kind, self, is_one || (is_apart && pattern.length > 0));
}

/* ---- pre-tokenizers ---- */

static tc_status add_set_split(tci_subword *subword, unsigned flags, tci_split_behavior behavior)
{
    void *self = NULL;
    TCI_RETURN_IF(
        tci_set_split_create(tci_subword_memory(subword), tci_subword_code_sets(subword), flags, behavior, &self));
    return tci_subword_add_pretokenizer(subword, &tci_set_split_kind, self, flags == TCI_CODE_SPACE);
}

static tc_status read_punctuation(const tci_part *part, tci_subword *subword)
{
    tci_part_text name = {"", 0, false};
    tci_split_behavior behavior = TCI_SPLIT_ISOLATED;
    tci_field fields[] = {{"behavior", TCI_FIELD_TEXT, &name, NULL}};
    TCI_RETURN_IF(tci_part_fields(part, fields, 1));
    if (name.given)
        TCI_RETURN_IF(tci_part_behavior(&name, &behavior));
    return add_set_split(subword, TCI_CODE_PUNCTUATION, behavior);
}

static tc_status read_digits(const tci_part *part, tci_subword *subword)
{
    bool each = false;
    tci_field fields[] = {{"individual_digits", TCI_FIELD_BOOL, &each, NULL}};
    TCI_RETURN_IF(tci_part_fields(part, fields, 1));
    return add_set_split(subword, TCI_CODE_NUMERIC, each ? TCI_SPLIT_ISOLATED : TCI_SPLIT_CONTIGUOUS);
}

static tc_status read_space_split(const tci_part *part, tci_subword *subword)
{
    TCI_RETURN_IF(tci_part_fields(part, NULL, 0));
    return add_set_split(subword, TCI_CODE_SPACE, TCI_SPLIT_REMOVED);
}

static tc_status read_words(const tci_part *part, tci_subword *subword)
{
    void *self = NULL;
    TCI_RETURN_IF(tci_part_fields(part, NULL, 0));
    TCI_RETURN_IF(tci_word_split_create(tci_subword_memory(subword), tci_subword_code_sets(subword), &self));
    return tci_subword_add_pretokenizer(subword, &tci_word_split_kind, self, true);
}

static tc_status read_character(const tci_part *part, tci_subword *subword)
{
    tci_part_text delimiter = {"", 0, false};
    uint32_t code = 0;
    void *self = NULL;
    tci_field fields[] = {{"delimiter", TCI_FIELD_TEXT, &delimiter, NULL}};
    TCI_RETURN_IF(tci_part_fields(part, fields, 1));
    TCI_RETURN_IF(tci_part_character(&delimiter, "delimiter", &code));
    TCI_RETURN_IF(tci_character_split_create(tci_subword_memory(subword), code, &self));
    return tci_subword_add_pretokenizer(subword, &tci_character_split_kind, self, code == ' ');
}

static tc_status read_fixed_length(const tci_part *part, tci_subword *subword)
{
    uint64_t length = 5;
    void *self = NULL;
    tci_field fields[] = {{"length", TCI_FIELD_UNSIGNED, &length, NULL}};
    TCI_RETURN_IF(tci_part_fields(part, fields, 1));
    if (length == 0)
        return tci_fail(TC_ERROR_FORMAT, "\"length\": wanted at least 1, found 0");
    TCI_RETURN_IF(
        tci_fixed_length_create(tci_subword_memory(subword), length < SIZE_MAX ? (size_t)length : SIZE_MAX, &self));
    return tci_subword_add_pretokenizer(subword, &tci_fixed_length_kind, self, false);
}

static tc_status read_scripts(const tci_part *part, tci_subword *subword)
{
    void *self = NULL;
    TCI_RETURN_IF(tci_part_fields(part, NULL, 0));
    TCI_RETURN_IF(tci_scripts_create(tci_subword_memory(subword), &self));
    return tci_subword_add_pretokenizer(subword, &tci_scripts_kind, self, false);
}

const tci_part_row tci_plain_parts[] = {
    {TCI_PART_NORMALIZER, "NFC", read_nfc},
    {TCI_PART_NORMALIZER, "NFD", read_nfd},
    {TCI_PART_NORMALIZER, "NFKC", read_nfkc},
    {TCI_PART_NORMALIZER, "NFKD", read_nfkd},
    {TCI_PART_NORMALIZER, "Lowercase", read_lowercase},
    {TCI_PART_NORMALIZER, "StripAccents", read_strip_accents},
    {TCI_PART_NORMALIZER, "Nmt", read_nmt},
    {TCI_PART_NORMALIZER, "Strip", read_strip},
    {TCI_PART_NORMALIZER, "Prepend", read_prepend},
    {TCI_PART_NORMALIZER, "Replace", read_replace},
    {TCI_PART_PRETOKENIZER, "Punctuation", read_punctuation},
    {TCI_PART_PRETOKENIZER, "Digits", read_digits},
    {TCI_PART_PRETOKENIZER, "WhitespaceSplit", read_space_split},
    {TCI_PART_PRETOKENIZER, "Whitespace", read_words},
    {TCI_PART_PRETOKENIZER, "CharDelimiterSplit", read_character},
    {TCI_PART_PRETOKENIZER, "FixedLength", read_fixed_length},
    {TCI_PART_PRETOKENIZER, "UnicodeScripts", read_scripts},
    {TCI_PART_MODEL, NULL, NULL},
};
