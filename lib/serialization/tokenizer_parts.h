/* tokenizer_parts.h: how the components of a tokenizer.json ("type": "BertNormalizer", ...) are read: one row of a
 * table per type, whose function reads the component's object and adds stages to the tokenizer being built.
 *
 * A file of components exports one table (tokenizer_bert.c: tci_bert_parts), which tokenizer_json.c lists. A function
 * reads its fields by tci_part_fields(), makes its stage from tci_subword_memory() and adds it. It says in its own
 * sentence what is wrong with a field; the caller puts the component's kind and type before it. */
#ifndef TCI_SERIALIZATION_TOKENIZER_PARTS_H
#define TCI_SERIALIZATION_TOKENIZER_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "text/subword.h"

/* What one reading shares. */
typedef struct tci_part_block {
    struct tci_part_block *next;
    char bytes[];
} tci_part_block;

typedef struct tci_part_file {
    tci_memory *memory; /* of the reading; stages take theirs from the subword's */
    const char *json;
    size_t size;
    size_t max_vocab;       /* the most tokens of a model: TC_ERROR_LIMIT above */
    tci_part_block *blocks; /* strings that were kept */
    bool moves_cuts;        /* some normalizer before rewrites letters, digits or spaces (text/stage.h, cuts) */
} tci_part_file;

/* A component: its object is the bytes [begin, end) of the file, which is well-formed JSON there. */
typedef struct tci_part {
    tci_part_file *file;
    size_t begin, end;
} tci_part;

typedef enum tci_part_kind {
    TCI_PART_NORMALIZER,
    TCI_PART_PRETOKENIZER,
    TCI_PART_MODEL,
    TCI_PART_POSTPROCESSOR
} tci_part_kind;

typedef struct tci_part_row {
    tci_part_kind kind;
    const char *type; /* as the file writes it; NULL ends a table */
    tc_status (*read)(const tci_part *part, tci_subword *subword);
} tci_part_row;

/* A string of the file, unescaped, NUL-terminated; lasts until the file is read. */
typedef struct tci_part_text {
    const char *bytes; /* "" when not given */
    size_t length;
    bool given; /* false where the key is missing or null */
} tci_part_text;

/* A value that is read later, by tci_part_open(). */
typedef struct tci_part_value {
    size_t begin, end;
    tci_json_event first; /* what tci_json_next() gives first */
    bool given;           /* false where the key is missing or null */
} tci_part_value;

typedef enum tci_field_kind {
    TCI_FIELD_BOOL,     /* bool */
    TCI_FIELD_UNSIGNED, /* uint64_t */
    TCI_FIELD_TEXT,     /* tci_part_text */
    TCI_FIELD_VALUE,    /* tci_part_value */
    TCI_FIELD_READ,     /* any; `read` takes at once what is large */
    TCI_FIELD_PASS      /* of no meaning to ids and ranges: passed over */
} tci_field_kind;

/* For TCI_FIELD_READ: `first` was read, the value is to be read to its end. */
typedef tc_status (*tci_field_function)(void *target, const tci_part *part, tci_json_reader *reader,
                                        tci_json_event first);

typedef struct tci_field {
    const char *key;
    tci_field_kind kind;
    void *target; /* keeps what it holds (the default) where the key is missing or null */
    tci_field_function read;
} tci_field;

/* Reads the object's keys; "type" is passed over. TC_ERROR_UNSUPPORTED for a key that no field names, TC_ERROR_FORMAT
 * for a value of another kind. */
tc_status tci_part_fields(const tci_part *part, const tci_field *fields, size_t count);

/* A reader that stands before the value; to be freed by tci_json_free() also after a failure. */
void tci_part_open(const tci_part *part, const tci_part_value *value, tci_json_reader *reader);

/* Keeps the reader's text (of a key, a string) until the file is read. */
tc_status tci_part_keep(const tci_part *part, const tci_json_reader *reader, tci_part_text *text);

/* A pattern, {"String": "..."} or {"Regex": "..."}. */
tc_status tci_part_pattern(const tci_part *part, const tci_part_value *value, bool *is_regex, tci_part_text *pattern);

/* A string that is one code point. */
tc_status tci_part_character(const tci_part_text *text, const char *key, uint32_t *code);

/* `behavior` of Split and Punctuation. */
tc_status tci_part_behavior(const tci_part_text *text, tci_split_behavior *behavior);

/* The member of an object with this key; not given where there is none, or where the object is not given. */
tc_status tci_part_member(const tci_part *part, const tci_part_value *object, const tci_part_text *key,
                          tci_part_value *member);

/* Each object of an array in turn; the array may be missing. */
typedef tc_status (*tci_part_function)(void *context, const tci_part *object);
tc_status tci_part_objects(const tci_part *part, const tci_part_value *array, tci_part_function function,
                           void *context);

void tci_part_file_free(tci_part_file *file);

/* The component's own `type` decides who reads it (tokenizer_json.c). */
tc_status tci_part_read(const tci_part *part, tci_part_kind kind, tci_subword *subword);

/* The tables; each is in the file of its name. */
extern const tci_part_row tci_bert_parts[];      /* tokenizer_bert.c: BERT's own, WordPiece, WordLevel */
extern const tci_part_row tci_model_parts[];     /* tokenizer_models.c: BPE, Unigram, Precompiled */
extern const tci_part_row tci_plain_parts[];     /* tokenizer_plain.c: normal forms, splits by kinds of code points */
extern const tci_part_row tci_processor_parts[]; /* tokenizer_processors.c: post-processors */
extern const tci_part_row tci_split_parts[];     /* tokenizer_splits.c: ByteLevel, Metaspace, Split */

#endif
