/* tokenizer_processors.c: post-processors of a tokenizer.json: the ids around a text, and trimmed ranges. */
#include "serialization/tokenizer_parts.h"

/* ["[SEP]", 102] */
static tc_status read_pair(const tci_part *part, const tci_part_value *value, const char *key, uint32_t *id)
{
    tci_json_reader reader;
    tci_json_event event;
    uint64_t number = 0;
    tc_status status = TC_OK;
    if (!value->given)
        return tci_fail(TC_ERROR_FORMAT, "\"%s\" is missing", key);
    tci_part_open(part, value, &reader);
    TCI_CHECK(tci_json_expect(&reader, TCI_JSON_ARRAY_BEGIN, key));
    TCI_CHECK(tci_json_expect(&reader, TCI_JSON_STRING, key));
    TCI_CHECK(tci_json_expect(&reader, TCI_JSON_NUMBER, key));
    TCI_CHECK(tci_json_unsigned(&reader, key, &number));
    TCI_CHECK(tci_json_expect(&reader, TCI_JSON_ARRAY_END, key));
    TCI_CHECK(tci_json_next(&reader, &event));
    if (number >= TCI_SUBWORD_NONE)
        status = tci_fail(TC_ERROR_FORMAT, "byte %zu: \"%s\": an id above 2^32 - 2", value->begin, key);
    *id = (uint32_t)number;
done:
    tci_json_free(&reader);
    return status;
}

static tc_status read_bert(const tci_part *part, tci_subword *subword)
{
    tci_part_value sep = {0}, cls = {0};
    uint32_t before = 0, after = 0;
    tci_field fields[] = {{"sep", TCI_FIELD_VALUE, &sep, NULL}, {"cls", TCI_FIELD_VALUE, &cls, NULL}};
    TCI_RETURN_IF(tci_part_fields(part, fields, 2));
    TCI_RETURN_IF(read_pair(part, &sep, "sep", &after));
    TCI_RETURN_IF(read_pair(part, &cls, "cls", &before));
    return tci_subword_add_template(subword, &before, 1, &after, 1);
}

static tc_status read_roberta(const tci_part *part, tci_subword *subword)
{
    tci_part_value sep = {0}, cls = {0};
    uint32_t before = 0, after = 0;
    bool trims = true, prefix = true;
    tci_field fields[] = {
        {"sep", TCI_FIELD_VALUE, &sep, NULL},
        {"cls", TCI_FIELD_VALUE, &cls, NULL},
        {"trim_offsets", TCI_FIELD_BOOL, &trims, NULL},
        {"add_prefix_space", TCI_FIELD_BOOL, &prefix, NULL},
    };
    TCI_RETURN_IF(tci_part_fields(part, fields, 4));
    TCI_RETURN_IF(read_pair(part, &sep, "sep", &after));
    TCI_RETURN_IF(read_pair(part, &cls, "cls", &before));
    if (trims)
        tci_subword_set_trim(subword, prefix);
    return tci_subword_add_template(subword, &before, 1, &after, 1);
}

static tc_status read_byte_level(const tci_part *part, tci_subword *subword)
{
    bool trims = true, prefix = true;
    tci_field fields[] = {
        {"add_prefix_space", TCI_FIELD_BOOL, &prefix, NULL},
        {"trim_offsets", TCI_FIELD_BOOL, &trims, NULL},
        {"use_regex", TCI_FIELD_PASS, NULL, NULL}, /* of the pre-tokenizer that shares the type */
    };
    TCI_RETURN_IF(tci_part_fields(part, fields, 3));
    if (trims)
        tci_subword_set_trim(subword, prefix);
    return TC_OK;
}

/* ---- TemplateProcessing ---- */

#define TEMPLATE_IDS 256
#define TEMPLATE_PIECES (2 * TEMPLATE_IDS) /* each is looked for among all special tokens */

typedef struct template_ids {
    const tci_part *part;
    tci_part_value special_tokens;
    uint32_t ids[2][TEMPLATE_IDS]; /* before the text, after it */
    size_t counts[2];
    size_t pieces;
    bool text_seen;
} template_ids;

/* "ids" of a special token, whose object is {"id", "ids", "tokens"}. */
static tc_status take_ids(void *target, const tci_part *part, tci_json_reader *reader, tci_json_event event)
{
    template_ids *template = target;
    size_t side = template->text_seen;
    (void)part;
    if (event != TCI_JSON_ARRAY_BEGIN)
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: \"ids\": wanted a list", reader->start);
    for (;;) {
        uint64_t id = 0;
        TCI_RETURN_IF(tci_json_next(reader, &event));
        if (event == TCI_JSON_ARRAY_END)
            return TC_OK;
        if (event != TCI_JSON_NUMBER)
            return tci_fail(TC_ERROR_FORMAT, "byte %zu: \"ids\": wanted an id", reader->start);
        TCI_RETURN_IF(tci_json_unsigned(reader, "an id", &id));
        if (id >= TCI_SUBWORD_NONE || template->counts[side] == TEMPLATE_IDS)
            return tci_fail(TC_ERROR_LIMIT, "byte %zu: at most %d ids below 2^32 - 1 go before and after a text",
                            reader->start, TEMPLATE_IDS);
        template->ids[side][template->counts[side]++] = (uint32_t)id;
    }
}

/* Of the object of special tokens the one with this key. */
static tc_status add_special(template_ids *template, const tci_part_text *name)
{
    const tci_part *part = template->part;
    tci_part_value value = {0};
    tci_field fields[] = {{"id", TCI_FIELD_PASS, NULL, NULL},
                          {"ids", TCI_FIELD_READ, template, take_ids},
                          {"tokens", TCI_FIELD_PASS, NULL, NULL}};
    TCI_RETURN_IF(tci_part_member(part, &template->special_tokens, name, &value));
    if (!value.given)
        return tci_fail(TC_ERROR_FORMAT, "the special token \"%.*s\" is not in \"special_tokens\"",
                        (int)(name->length < 80 ? name->length : 80), name->bytes);
    tci_part object = {part->file, value.begin, value.end};
    return tci_part_fields(&object, fields, 3);
}

/* {"SpecialToken": {"id": "[CLS]", "type_id": 0}} or {"Sequence": {"id": "A", "type_id": 0}} */
static tc_status read_piece(void *context, const tci_part *object)
{
    template_ids *template = context;
    tci_part_value special = {0}, sequence = {0};
    tci_part_text name = {"", 0, false};
    uint64_t type = 0;
    tci_field kinds[] = {{"SpecialToken", TCI_FIELD_VALUE, &special, NULL},
                         {"Sequence", TCI_FIELD_VALUE, &sequence, NULL}};
    tci_field fields[] = {{"id", TCI_FIELD_TEXT, &name, NULL}, {"type_id", TCI_FIELD_UNSIGNED, &type, NULL}};
    if (template->pieces++ == TEMPLATE_PIECES)
        return tci_fail(TC_ERROR_LIMIT, "byte %zu: \"single\" of more than %d pieces", object->begin, TEMPLATE_PIECES);
    TCI_RETURN_IF(tci_part_fields(object, kinds, 2));
    if (special.given == sequence.given)
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: wanted \"SpecialToken\" or \"Sequence\"", object->begin);
    const tci_part_value *value = special.given ? &special : &sequence;
    tci_part inner = {object->file, value->begin, value->end};
    TCI_RETURN_IF(tci_part_fields(&inner, fields, 2));
    if (type != 0)
        return tci_fail(TC_ERROR_UNSUPPORTED, "byte %zu: a \"type_id\" other than 0 in \"single\"", value->begin);
    if (special.given)
        return add_special(template, &name);
    if (template->text_seen || strcmp(name.bytes, "A") != 0)
        return tci_fail(TC_ERROR_UNSUPPORTED, "byte %zu: \"single\" with another text than A, once", value->begin);
    template->text_seen = true;
    return TC_OK;
}

static tc_status read_template(const tci_part *part, tci_subword *subword)
{
    template_ids *template = NULL;
    tci_part_value single = {0};
    TCI_RETURN_IF(tci_alloc_zero(part->file->memory, 1, sizeof *template, "a template", &template));
    template->part = part;
    tci_field fields[] = {
        {"single", TCI_FIELD_VALUE, &single, NULL},
        {"pair", TCI_FIELD_PASS, NULL, NULL}, /* a classifier's text is never one of a pair */
        {"special_tokens", TCI_FIELD_VALUE, &template->special_tokens, NULL},
    };
    tc_status status = tci_part_fields(part, fields, 3);
    if (status == TC_OK)
        status = tci_part_objects(part, &single, read_piece, template);
    if (status == TC_OK && !template->text_seen)
        status = tci_fail(TC_ERROR_UNSUPPORTED, "\"single\" without the text");
    if (status == TC_OK)
        status = tci_subword_add_template(subword, template->ids[0], template->counts[0], template->ids[1],
                                          template->counts[1]);
    tci_free(part->file->memory, template);
    return status;
}

const tci_part_row tci_processor_parts[] = {
    {TCI_PART_POSTPROCESSOR, "BertProcessing", read_bert},
    {TCI_PART_POSTPROCESSOR, "RobertaProcessing", read_roberta},
    {TCI_PART_POSTPROCESSOR, "ByteLevel", read_byte_level},
    {TCI_PART_POSTPROCESSOR, "TemplateProcessing", read_template},
    {TCI_PART_POSTPROCESSOR, NULL, NULL},
};
