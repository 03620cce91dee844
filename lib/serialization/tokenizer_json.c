/* tokenizer_json.c: the frame of the file, who reads which component, and added tokens. */
#include "serialization/tokenizer_json.h"

#include <stdio.h>

#include "serialization/tokenizer_parts.h"

/* Every table of components. */
static const tci_part_row *const tables[] = {tci_bert_parts, tci_model_parts, tci_plain_parts, tci_processor_parts,
                                             tci_split_parts};

static const char *const kind_names[] = {"normalizer", "pre_tokenizer", "model", "post_processor"};
static const char *const list_names[] = {"normalizers", "pretokenizers", NULL, "processors"};

/* What the object says it is: its "type", or, of the models of old files, what its keys say. */
typedef struct component_type {
    char name[64];
    bool known;
    bool has_merges, has_length, has_list; /* keys of models */
} component_type;

static tc_status read_type_key(tci_json_reader *reader, component_type *type)
{
    tci_json_event event;
    bool is_type = tci_json_is(reader, "type"), is_vocab = tci_json_is(reader, "vocab");
    type->has_merges |= tci_json_is(reader, "merges");
    type->has_length |= tci_json_is(reader, "max_input_chars_per_word");
    TCI_RETURN_IF(tci_json_next(reader, &event));
    if (is_vocab)
        type->has_list = event == TCI_JSON_ARRAY_BEGIN;
    if (!is_type)
        return tci_json_skip(reader, event);
    if (event != TCI_JSON_STRING || reader->text.size >= sizeof type->name)
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: \"type\": wanted a name of at most %zu bytes", reader->start,
                        sizeof type->name - 1);
    memcpy(type->name, reader->text.data, reader->text.size + 1);
    type->known = true;
    return TC_OK;
}

static tc_status read_type(const tci_part *part, tci_part_kind kind, component_type *type)
{
    tci_part_value whole = {part->begin, part->end, TCI_JSON_OBJECT_BEGIN, true};
    tci_json_reader reader;
    tci_json_event event;
    tc_status status = TC_OK;
    *type = (component_type){.known = false};
    tci_part_open(part, &whole, &reader);
    TCI_CHECK(tci_json_expect(&reader, TCI_JSON_OBJECT_BEGIN, kind_names[kind]));
    while (!type->known) {
        TCI_CHECK(tci_json_next(&reader, &event));
        if (event == TCI_JSON_OBJECT_END)
            break;
        TCI_CHECK(read_type_key(&reader, type));
    }
    if (!type->known && kind != TCI_PART_MODEL)
        status = tci_fail(TC_ERROR_FORMAT, "byte %zu: \"type\" is missing", part->begin);
    if (status == TC_OK && !type->known) {
        const char *name = type->has_merges ? "BPE" : type->has_list ? "Unigram" : "WordLevel";
        if (type->has_length && !type->has_merges && !type->has_list)
            name = "WordPiece";
        memcpy(type->name, name, strlen(name) + 1);
    }
done:
    tci_json_free(&reader);
    return status;
}

/* Of a Sequence. */
typedef struct component_list {
    tci_part_kind kind;
    tci_subword *subword;
} component_list;

static tc_status read_item(void *context, const tci_part *object)
{
    const component_list *list = context;
    return tci_part_read(object, list->kind, list->subword);
}

static tc_status read_sequence(const tci_part *part, tci_part_kind kind, tci_subword *subword)
{
    tci_part_value items = {0};
    tci_field fields[] = {{list_names[kind], TCI_FIELD_VALUE, &items, NULL}};
    component_list list = {kind, subword};
    TCI_RETURN_IF(tci_part_fields(part, fields, 1));
    if (!items.given)
        return tci_fail(TC_ERROR_FORMAT, "\"%s\" is missing", list_names[kind]);
    return tci_part_objects(part, &items, read_item, &list);
}

static tc_status refuse_type(tci_part_kind kind, const char *name)
{
    char supported[320] = "";
    size_t end = 0;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        for (const tci_part_row *row = tables[i]; row->type; row++)
            if (row->kind == kind && end < sizeof supported)
                end +=
                    (size_t)snprintf(supported + end, sizeof supported - end, "%s%s", end == 0 ? "" : ", ", row->type);
    return tci_fail(TC_ERROR_UNSUPPORTED, "the %s \"%s\" is not supported; %s are", kind_names[kind], name, supported);
}

tc_status tci_part_read(const tci_part *part, tci_part_kind kind, tci_subword *subword)
{
    component_type type;
    tc_status status = read_type(part, kind, &type);
    if (status != TC_OK)
        return tci_fail_prefix(status, "%s", kind_names[kind]);
    if (kind != TCI_PART_MODEL && strcmp(type.name, "Sequence") == 0)
        return read_sequence(part, kind, subword);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        for (const tci_part_row *row = tables[i]; row->type; row++)
            if (row->kind == kind && strcmp(row->type, type.name) == 0) {
                status = row->read(part, subword);
                return status == TC_OK ? TC_OK : tci_fail_prefix(status, "%s %s", kind_names[kind], type.name);
            }
    return refuse_type(kind, type.name);
}

/* ---- added tokens ---- */

static tc_status read_added(void *context, const tci_part *object)
{
    tci_part_text content = {"", 0, false};
    uint64_t id = UINT64_MAX;
    bool single_word = false, lstrip = false, rstrip = false, normalized = false, special = false;
    tci_field fields[] = {
        {"id", TCI_FIELD_UNSIGNED, &id, NULL},
        {"content", TCI_FIELD_TEXT, &content, NULL},
        {"single_word", TCI_FIELD_BOOL, &single_word, NULL},
        {"lstrip", TCI_FIELD_BOOL, &lstrip, NULL},
        {"rstrip", TCI_FIELD_BOOL, &rstrip, NULL},
        {"normalized", TCI_FIELD_BOOL, &normalized, NULL},
        {"special", TCI_FIELD_BOOL, &special, NULL},
    };
    TCI_RETURN_IF(tci_part_fields(object, fields, sizeof fields / sizeof fields[0]));
    if (!content.given || id >= TCI_SUBWORD_NONE)
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: \"content\" or \"id\" is missing, or an id above 2^32 - 2",
                        object->begin);
    unsigned flags = (special ? TCI_ADDED_SPECIAL : 0u) | (lstrip ? TCI_ADDED_LSTRIP : 0u) |
                     (rstrip ? TCI_ADDED_RSTRIP : 0u) | (single_word ? TCI_ADDED_SINGLE_WORD : 0u) |
                     (normalized ? TCI_ADDED_NORMALIZED : 0u);
    return tci_subword_add_token(context, content.bytes, content.length, (uint32_t)id, flags);
}

/* ---- the frame ---- */

static tc_status read_component(const tci_part *file, const tci_part_value *value, tci_part_kind kind,
                                tci_subword *subword)
{
    tci_part part = {file->file, value->begin, value->end};
    return value->given ? tci_part_read(&part, kind, subword) : TC_OK;
}

static tc_status read_file(const tci_part *file, tci_subword *subword)
{
    tci_part_value parts[4] = {{0}}, added = {0};
    tci_field fields[] = {
        {"version", TCI_FIELD_PASS, NULL, NULL},
        {"truncation", TCI_FIELD_PASS, NULL, NULL},
        {"padding", TCI_FIELD_PASS, NULL, NULL},
        {"decoder", TCI_FIELD_PASS, NULL, NULL},
        {"added_tokens", TCI_FIELD_VALUE, &added, NULL},
        {"normalizer", TCI_FIELD_VALUE, &parts[TCI_PART_NORMALIZER], NULL},
        {"pre_tokenizer", TCI_FIELD_VALUE, &parts[TCI_PART_PRETOKENIZER], NULL},
        {"post_processor", TCI_FIELD_VALUE, &parts[TCI_PART_POSTPROCESSOR], NULL},
        {"model", TCI_FIELD_VALUE, &parts[TCI_PART_MODEL], NULL},
    };
    TCI_RETURN_IF(tci_part_fields(file, fields, sizeof fields / sizeof fields[0]));
    if (!parts[TCI_PART_MODEL].given)
        return tci_fail(TC_ERROR_FORMAT, "\"model\" is missing");
    for (size_t i = 0; i < 4; i++)
        TCI_RETURN_IF(read_component(file, &parts[i], (tci_part_kind)i, subword));
    tc_status status = tci_part_objects(file, &added, read_added, subword);
    return status == TC_OK ? TC_OK : tci_fail_prefix(status, "added_tokens");
}

tc_status tci_tokenizer_json_read(tci_memory *memory, const char *json, size_t size, size_t max_vocab,
                                  tci_subword **subword)
{
    tci_part_file shared = {memory, json, size, max_vocab, NULL, false};
    tci_part file = {&shared, 0, size};
    tci_subword *made = NULL;
    tc_status status = TC_OK;
    *subword = NULL;
    TCI_CHECK(tci_subword_create(&memory->host, memory->limit, &made));
    TCI_CHECK(read_file(&file, made));
    TCI_CHECK(tci_subword_finish(made, json, size));
    *subword = made;
    made = NULL;
done:
    tci_part_file_free(&shared);
    tci_subword_free(made);
    return status == TC_OK ? TC_OK : tci_fail_prefix(status, TCI_TOKENIZER_JSON);
}
