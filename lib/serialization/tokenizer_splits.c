/* tokenizer_splits.c: pre-tokenizers of byte-level and sentencepiece's tokenizers in a tokenizer.json, and Split. */
#include "serialization/tokenizer_parts.h"
#include "text/byte_level.h"
#include "text/metaspace.h"
#include "text/pattern_split.h"

/* Bytes first, and behind them their writing as letters, which a model that takes bytes takes off again. */
static tc_status read_byte_level(const tci_part *part, tci_subword *subword)
{
    bool prefix = true, regex = true;
    void *self = NULL;
    tci_field fields[] = {
        {"add_prefix_space", TCI_FIELD_BOOL, &prefix, NULL},
        {"trim_offsets", TCI_FIELD_PASS, NULL, NULL}, /* of the post-processor that shares the type */
        {"use_regex", TCI_FIELD_BOOL, &regex, NULL},
    };
    TCI_RETURN_IF(tci_part_fields(part, fields, 3));
    TCI_RETURN_IF(tci_byte_level_create(tci_subword_memory(subword), prefix, regex, &self));
    TCI_RETURN_IF(tci_subword_add_pretokenizer(subword, &tci_byte_level_kind, self, regex));
    return tci_subword_add_pretokenizer(subword, &tci_byte_letters_kind, NULL, true);
}

static tc_status read_byte_normalizer(const tci_part *part, tci_subword *subword)
{
    TCI_RETURN_IF(tci_part_fields(part, NULL, 0));
    return tci_subword_add_normalizer(subword, &tci_byte_normalizer_kind, NULL, false); /* spaces are none any more */
}

static tc_status read_metaspace(const tci_part *part, tci_subword *subword)
{
    static const char *const names[] = {"always", "first", "never"};
    tci_part_text replacement = {"\xE2\x96\x81", 3, false}, name = {"always", 6, false};
    bool prefix = true, splits = true;
    uint32_t code = 0;
    int prepend = 0;
    void *self = NULL;
    tci_field fields[] = {
        {"replacement", TCI_FIELD_TEXT, &replacement, NULL},
        {"prepend_scheme", TCI_FIELD_TEXT, &name, NULL},
        {"add_prefix_space", TCI_FIELD_BOOL, &prefix, NULL},
        {"split", TCI_FIELD_BOOL, &splits, NULL},
        {"str_rep", TCI_FIELD_PASS, NULL, NULL}, /* the replacement once more */
    };
    TCI_RETURN_IF(tci_part_fields(part, fields, sizeof fields / sizeof fields[0]));
    TCI_RETURN_IF(tci_part_character(&replacement, "replacement", &code));
    while (prepend < 3 && strcmp(names[prepend], name.bytes) != 0)
        prepend++;
    if (prepend == 3)
        return tci_fail(TC_ERROR_UNSUPPORTED, "\"prepend_scheme\": wanted always, first or never, found \"%.*s\"",
                        (int)(name.length < 80 ? name.length : 80), name.bytes);
    if (!prefix && prepend != TCI_PREPEND_NEVER)
        return tci_fail(TC_ERROR_FORMAT, "\"add_prefix_space\": false needs \"prepend_scheme\": \"never\"");
    TCI_RETURN_IF(tci_metaspace_create(tci_subword_memory(subword), code, (tci_prepend)prepend, splits, &self));
    return tci_subword_add_pretokenizer(subword, &tci_metaspace_kind, self, splits);
}

static tc_status read_split(const tci_part *part, tci_subword *subword)
{
    tci_part_value value = {0};
    tci_part_text behavior_name = {"", 0, false}, text = {"", 0, false};
    tci_split_behavior behavior = TCI_SPLIT_REMOVED;
    tci_pattern *pattern = NULL;
    bool invert = false, is_regex = false;
    void *self = NULL;
    tci_field fields[] = {
        {"pattern", TCI_FIELD_VALUE, &value, NULL},
        {"behavior", TCI_FIELD_TEXT, &behavior_name, NULL},
        {"invert", TCI_FIELD_BOOL, &invert, NULL},
    };
    TCI_RETURN_IF(tci_part_fields(part, fields, 3));
    TCI_RETURN_IF(tci_part_pattern(part, &value, &is_regex, &text));
    TCI_RETURN_IF(tci_part_behavior(&behavior_name, &behavior));
    TCI_RETURN_IF(tci_pattern_create(tci_subword_memory(subword), text.bytes, text.length, !is_regex, &pattern));
    TCI_RETURN_IF(tci_pattern_split_create(tci_subword_memory(subword), pattern, behavior, invert, &self));
    return tci_subword_add_pretokenizer(subword, &tci_pattern_split_kind, self, tci_pattern_split_is_local(self));
}

const tci_part_row tci_split_parts[] = {
    {TCI_PART_NORMALIZER, "ByteLevel", read_byte_normalizer},
    {TCI_PART_PRETOKENIZER, "ByteLevel", read_byte_level},
    {TCI_PART_PRETOKENIZER, "Metaspace", read_metaspace},
    {TCI_PART_PRETOKENIZER, "Split", read_split},
    {TCI_PART_MODEL, NULL, NULL},
};
