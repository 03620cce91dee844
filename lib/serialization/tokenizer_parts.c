/* tokenizer_parts.c: what readers of components share: fields by a table, patterns, strings that last. */
#include "serialization/tokenizer_parts.h"

#include "serialization/tokenizer_json.h"
#include "text/decode.h"

static const char *const field_names[] = {"true or false", "a whole number", "a string",
                                          "a value",       "a value",        "a value"};

void tci_part_open(const tci_part *part, const tci_part_value *value, tci_json_reader *reader)
{
    tci_json_init(reader, part->file->memory, part->file->json, value->end);
    reader->position = value->begin;
}

tc_status tci_part_keep(const tci_part *part, const tci_json_reader *reader, tci_part_text *text)
{
    tci_part_block *block = NULL;
    size_t size = 0;
    if (!tci_add(reader->text.size, sizeof *block + 1, &size))
        return tci_fail(TC_ERROR_LIMIT, "a string of %zu bytes", reader->text.size);
    TCI_RETURN_IF(tci_alloc(part->file->memory, size, 1, "a string of tokenizer.json", &block));
    block->next = part->file->blocks;
    part->file->blocks = block;
    if (reader->text.size > 0)
        memcpy(block->bytes, reader->text.data, reader->text.size);
    block->bytes[reader->text.size] = 0;
    *text = (tci_part_text){block->bytes, reader->text.size, true};
    return TC_OK;
}

void tci_part_file_free(tci_part_file *file)
{
    while (file->blocks) {
        tci_part_block *next = file->blocks->next;
        tci_free(file->memory, file->blocks);
        file->blocks = next;
    }
}

/* The value of a key, whose first event was read. */
static tc_status read_field(const tci_part *part, const tci_field *field, tci_json_reader *reader, tci_json_event event)
{
    size_t begin = reader->start;
    if (field->kind == TCI_FIELD_READ)
        return field->read(field->target, part, reader, event);
    if (event == TCI_JSON_NULL)
        return TC_OK;
    if (field->kind == TCI_FIELD_BOOL && (event == TCI_JSON_TRUE || event == TCI_JSON_FALSE)) {
        *(bool *)field->target = event == TCI_JSON_TRUE;
    } else if (field->kind == TCI_FIELD_UNSIGNED && event == TCI_JSON_NUMBER) {
        return tci_json_unsigned(reader, field->key, field->target);
    } else if (field->kind == TCI_FIELD_TEXT && event == TCI_JSON_STRING) {
        return tci_part_keep(part, reader, field->target);
    } else if (field->kind == TCI_FIELD_VALUE || field->kind == TCI_FIELD_PASS) {
        TCI_RETURN_IF(tci_json_skip(reader, event));
        if (field->kind == TCI_FIELD_VALUE)
            *(tci_part_value *)field->target = (tci_part_value){begin, reader->position, event, true};
    } else {
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: \"%s\": wanted %s", begin, field->key, field_names[field->kind]);
    }
    return TC_OK;
}

static tc_status read_key(const tci_part *part, const tci_field *fields, size_t count, tci_json_reader *reader)
{
    const tci_field *field = NULL;
    tci_json_event event;
    for (size_t i = 0; i < count && !field; i++)
        if (tci_json_is(reader, fields[i].key))
            field = &fields[i];
    if (!field && !tci_json_is(reader, "type"))
        return tci_fail(TC_ERROR_UNSUPPORTED, "byte %zu: \"%.*s\" is not supported", reader->start,
                        (int)(reader->text.size < 80 ? reader->text.size : 80), reader->text.data);
    TCI_RETURN_IF(tci_json_next(reader, &event));
    return field ? read_field(part, field, reader, event) : tci_json_skip(reader, event);
}

tc_status tci_part_fields(const tci_part *part, const tci_field *fields, size_t count)
{
    tci_part_value whole = {part->begin, part->end, TCI_JSON_OBJECT_BEGIN, true};
    tci_json_reader reader;
    tci_json_event event;
    tc_status status = TC_OK;
    tci_part_open(part, &whole, &reader);
    TCI_CHECK(tci_json_expect(&reader, TCI_JSON_OBJECT_BEGIN, "a component"));
    for (;;) {
        TCI_CHECK(tci_json_next(&reader, &event));
        if (event == TCI_JSON_OBJECT_END)
            break;
        TCI_CHECK(read_key(part, fields, count, &reader));
    }
    TCI_CHECK(tci_json_next(&reader, &event)); /* nothing behind it */
done:
    tci_json_free(&reader);
    return status;
}

tc_status tci_part_pattern(const tci_part *part, const tci_part_value *value, bool *is_regex, tci_part_text *pattern)
{
    tci_part_text string = {"", 0, false}, regex = {"", 0, false};
    tci_field fields[] = {{"String", TCI_FIELD_TEXT, &string, NULL}, {"Regex", TCI_FIELD_TEXT, &regex, NULL}};
    tci_part object = {part->file, value->begin, value->end};
    if (!value->given)
        return tci_fail(TC_ERROR_FORMAT, "\"pattern\" is missing");
    if (value->first != TCI_JSON_OBJECT_BEGIN)
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: \"pattern\": wanted {\"String\": ...} or {\"Regex\": ...}",
                        value->begin);
    TCI_RETURN_IF(tci_part_fields(&object, fields, 2));
    if (string.given == regex.given)
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: \"pattern\": wanted one of \"String\" and \"Regex\"", value->begin);
    *is_regex = regex.given;
    *pattern = regex.given ? regex : string;
    return TC_OK;
}

tc_status tci_part_character(const tci_part_text *text, const char *key, uint32_t *code)
{
    if (text->length == 0 || tci_decode((const uint8_t *)text->bytes, text->length, code) != text->length)
        return tci_fail(TC_ERROR_FORMAT, "\"%s\": wanted one character, found \"%.*s\"", key,
                        (int)(text->length < 80 ? text->length : 80), text->bytes);
    return TC_OK;
}

tc_status tci_part_behavior(const tci_part_text *text, tci_split_behavior *behavior)
{
    static const char *const names[] = {"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(text->bytes, names[i]) == 0) {
            *behavior = (tci_split_behavior)i;
            return TC_OK;
        }
    return tci_fail(TC_ERROR_UNSUPPORTED,
                    "\"behavior\": wanted Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous, found "
                    "\"%.*s\"",
                    (int)(text->length < 80 ? text->length : 80), text->bytes);
}

tc_status tci_part_member(const tci_part *part, const tci_part_value *object, const tci_part_text *key,
                          tci_part_value *member)
{
    tci_json_reader reader;
    tci_json_event event;
    tc_status status = TC_OK;
    member->given = false;
    if (!object->given)
        return TC_OK;
    tci_part_open(part, object, &reader);
    TCI_CHECK(tci_json_expect(&reader, TCI_JSON_OBJECT_BEGIN, "an object"));
    while (!member->given) {
        TCI_CHECK(tci_json_next(&reader, &event));
        if (event == TCI_JSON_OBJECT_END)
            break;
        bool found = reader.text.size == key->length && memcmp(reader.text.data, key->bytes, key->length) == 0;
        TCI_CHECK(tci_json_next(&reader, &event));
        size_t begin = reader.start;
        TCI_CHECK(tci_json_skip(&reader, event));
        if (found)
            *member = (tci_part_value){begin, reader.position, event, true};
    }
done:
    tci_json_free(&reader);
    return status;
}

tc_status tci_part_objects(const tci_part *part, const tci_part_value *array, tci_part_function function, void *context)
{
    tci_json_reader reader;
    tci_json_event event;
    tc_status status = TC_OK;
    if (!array->given)
        return TC_OK;
    tci_part_open(part, array, &reader);
    TCI_CHECK(tci_json_expect(&reader, TCI_JSON_ARRAY_BEGIN, "a list of objects"));
    for (;;) {
        TCI_CHECK(tci_json_next(&reader, &event));
        if (event == TCI_JSON_ARRAY_END)
            break;
        if (event != TCI_JSON_OBJECT_BEGIN)
            TCI_CHECK(tci_fail(TC_ERROR_FORMAT, "byte %zu: wanted an object", reader.start));
        tci_part item = {part->file, reader.start, 0};
        TCI_CHECK(tci_json_skip(&reader, event));
        item.end = reader.position;
        TCI_CHECK(function(context, &item));
    }
done:
    tci_json_free(&reader);
    return status;
}
