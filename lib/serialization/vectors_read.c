/* vectors_read.c: the bytes of a vector file, as they come in pieces, to rows.
 *
 * Within a line only the field at hand and the values of the one word are held. A line whose word is not wanted is
 * passed over eight bytes at a time, counting the begins of fields: a byte above the space behind one that is not. */
#include "serialization/vectors_read.h"

#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "base/number.h"

#define PIECE 65536
#define SHOWN 24 /* bytes of a value that an error shows */

struct tci_vectors {
    tci_memory *memory;
    const tci_vocabulary *vocabulary; /* NULL: only the dimension is wanted */
    uint32_t first;                   /* id of its first word */
    size_t dim;                       /* 0 until the first line was read, without a vocabulary */
    float *table;
    float *row;   /* (dim) of the line at hand */
    uint8_t *has; /* one flag a word */
    size_t found;
    uint64_t lines; /* with vectors, that were read */
    bool has_header;
    uint64_t announced; /* lines, by the header */
    /* the line at hand */
    uint64_t line, column; /* from 1; bytes read */
    size_t fields;         /* that have begun */
    bool in_field;
    uint32_t id;         /* of its word; TCI_MAP_NONE: not wanted */
    bool spaced;         /* its second field is no number */
    uint64_t numbers[2]; /* its first two fields */
    bool whole[2];       /* they are whole numbers */
    uint64_t bad_column; /* of the first value that is no number, or 0 */
    char bad[SHOWN + 1];
    char field[TCI_TOKEN_BYTES + 1]; /* a field that is not whole in one piece */
    uint64_t field_column;           /* where it begins */
    size_t field_size;               /* more than TCI_TOKEN_BYTES: too long to be a word or a number */
};

tc_status tci_vectors_create(tci_memory *memory, const tci_vocabulary *vocabulary, uint32_t first, size_t dim,
                             float *table, tci_vectors **result)
{
    tc_status status = TC_OK;
    tci_vectors *vectors = NULL;
    *result = NULL;
    TCI_CHECK(tci_alloc_zero(memory, 1, sizeof *vectors, "reader of word vectors", &vectors));
    vectors->memory = memory;
    vectors->line = 1;
    vectors->id = TCI_MAP_NONE;
    if (vocabulary) {
        vectors->vocabulary = vocabulary;
        vectors->first = first;
        vectors->dim = dim;
        vectors->table = table;
        TCI_CHECK(tci_alloc(memory, dim, sizeof *vectors->row, "a word's vector", &vectors->row));
        TCI_CHECK(tci_alloc_zero(memory, tci_vocabulary_size(vocabulary), 1, "words that were found", &vectors->has));
    }
    *result = vectors;
    vectors = NULL;
done:
    tci_vectors_free(vectors);
    return status;
}

void tci_vectors_free(tci_vectors *vectors)
{
    if (!vectors)
        return;
    tci_free(vectors->memory, vectors->row);
    tci_free(vectors->memory, vectors->has);
    tci_free(vectors->memory, vectors);
}

size_t tci_vectors_dim(const tci_vectors *vectors)
{
    return vectors->dim;
}

size_t tci_vectors_found(const tci_vectors *vectors)
{
    return vectors->found;
}

bool tci_vectors_has(const tci_vectors *vectors, uint32_t id)
{
    return vectors->has[id] != 0;
}

/* ---- fields ---- */

static bool is_space(uint8_t byte)
{
    return byte <= ' ';
}

static void note_bad(tci_vectors *v, const char *field, size_t size, uint64_t column)
{
    size_t shown = size < SHOWN ? size : SHOWN;
    v->bad_column = column;
    memcpy(v->bad, field, shown);
    v->bad[shown] = '\0';
}

/* Field `index` of the line, which begins at byte `column`. Too long a one has the size TCI_TOKEN_BYTES + 1. */
static void take_field(tci_vectors *v, size_t index, const char *field, size_t size, uint64_t column)
{
    float value = 0;
    bool fits = size <= TCI_TOKEN_BYTES;
    if (index < 2)
        v->whole[index] = fits && tci_parse_unsigned(field, size, &v->numbers[index]);
    if (index == 0) {
        v->id = v->vocabulary && fits ? tci_vocabulary_lookup(v->vocabulary, field, size) : TCI_MAP_NONE;
        if (v->id < v->first) /* <unk> */
            v->id = TCI_MAP_NONE;
        return;
    }
    if (index > 1 && (v->id == TCI_MAP_NONE || v->bad_column != 0))
        return;
    if (!fits || !tci_parse_float(field, size, &value)) {
        v->spaced = index == 1;
        note_bad(v, field, size, column);
    } else if (v->id != TCI_MAP_NONE && index <= v->dim) {
        v->row[index - 1] = value;
    }
}

static void end_field(tci_vectors *v)
{
    if (!v->in_field)
        return;
    v->in_field = false;
    take_field(v, v->fields - 1, v->field, v->field_size, v->field_column);
    v->field_size = 0;
}

/* Part of a field that may go on in the next piece. */
static void keep_field(tci_vectors *v, const uint8_t *bytes, size_t size)
{
    if (size > TCI_TOKEN_BYTES + 1 - v->field_size)
        size = TCI_TOKEN_BYTES + 1 - v->field_size;
    memcpy(v->field + v->field_size, bytes, size);
    v->field_size += size;
}

/* Begins of fields in [bytes, end), the byte before it being one of a field or not; *in_field becomes what the last
 * byte is. */
static size_t count_fields(const uint8_t *bytes, const uint8_t *end, bool *in_field)
{
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f), high = UINT64_C(0x8080808080808080);
    size_t count = 0;
    uint64_t before = *in_field ? 0x80 : 0;
    for (; end - bytes >= 8; bytes += 8) {
        uint64_t eight = tci_load_u64(bytes);
        uint64_t inside = (((eight & low) + UINT64_C(0x5f5f5f5f5f5f5f5f)) | eight) & high;
        uint64_t begins = inside & ~(inside << 8 | before);
        count += (size_t)((begins >> 7) * UINT64_C(0x0101010101010101) >> 56);
        before = inside >> 56;
    }
    *in_field = before != 0;
    for (; bytes < end; bytes++) {
        count += !is_space(*bytes) && !*in_field;
        *in_field = !is_space(*bytes);
    }
    return count;
}

/* Whether nothing more of this line is to be read, but its fields to be counted. */
static bool passes_over(const tci_vectors *v)
{
    return v->fields >= 2 && (v->id == TCI_MAP_NONE || v->bad_column != 0);
}

/* A part of the line, without its LF. */
static void take_part(tci_vectors *v, const uint8_t *bytes, const uint8_t *end)
{
    while (bytes < end) {
        const uint8_t *from = bytes;
        if (passes_over(v) && !(v->in_field && v->fields == 2)) {
            v->fields += count_fields(bytes, end, &v->in_field);
            v->field_size = 0;
            v->column += (uint64_t)(end - bytes);
            return;
        }
        if (is_space(*bytes)) {
            end_field(v);
            v->column++;
            bytes++;
            continue;
        }
        while (bytes < end && !is_space(*bytes))
            bytes++;
        v->fields += !v->in_field;
        if (!v->in_field && bytes < end) { /* the whole of it: no copy */
            take_field(v, v->fields - 1, (const char *)from, (size_t)(bytes - from), v->column + 1);
        } else {
            if (!v->in_field)
                v->field_column = v->column + 1;
            v->in_field = true;
            keep_field(v, from, (size_t)(bytes - from));
        }
        v->column += (uint64_t)(bytes - from);
    }
}

/* ---- lines ---- */

static tc_status dimension_error(const tci_vectors *v, size_t dim)
{
    return tci_fail(TC_ERROR_MISMATCH,
                    "line 1: its vectors have %zu values; option 'embedding_dim' of the model is %zu", dim, v->dim);
}

static tc_status check_first_line(tci_vectors *v, bool *is_header)
{
    *is_header = v->fields == 2 && v->whole[0] && v->whole[1];
    size_t dim = *is_header ? (size_t)v->numbers[1] : v->fields - 1;
    if (dim == 0)
        return tci_fail(TC_ERROR_FORMAT, "line 1 is a word without values");
    if (v->vocabulary && v->dim != dim)
        return dimension_error(v, dim);
    v->dim = dim;
    v->has_header = *is_header;
    if (*is_header)
        v->announced = v->numbers[0];
    return TC_OK;
}

static tc_status take_line(tci_vectors *v)
{
    unsigned long long line = v->line;
    if (v->fields == 0)
        return tci_fail(TC_ERROR_FORMAT, "line %llu is empty; each line is a word and its values", line);
    bool is_header = false;
    if (v->line == 1)
        TCI_RETURN_IF(check_first_line(v, &is_header));
    if (is_header)
        return TC_OK;
    if (v->has_header && v->lines == v->announced)
        return tci_fail(TC_ERROR_FORMAT, "line %llu is one more than the %llu vectors that line 1 announces", line,
                        (unsigned long long)v->announced);
    v->lines++;
    if (v->fields - 1 > v->dim && v->spaced)
        return TC_OK; /* a word with spaces */
    if (v->fields - 1 != v->dim)
        return tci_fail(TC_ERROR_FORMAT, "line %llu, byte %llu: the word has %zu values; it must have %zu", line,
                        (unsigned long long)v->column, v->fields - 1, v->dim);
    if (v->bad_column != 0)
        return tci_fail(TC_ERROR_FORMAT, "line %llu, byte %llu: '%s' is no number that a 32-bit float can hold", line,
                        (unsigned long long)v->bad_column, v->bad);
    if (v->id != TCI_MAP_NONE && !v->has[v->id]) {
        memcpy(v->table + v->id * v->dim, v->row, v->dim * sizeof *v->row);
        v->has[v->id] = 1;
        v->found++;
    }
    return TC_OK;
}

static void begin_line(tci_vectors *v)
{
    v->line++;
    v->column = v->bad_column = 0;
    v->fields = v->field_size = 0;
    v->in_field = v->spaced = v->whole[0] = v->whole[1] = false;
    v->id = TCI_MAP_NONE;
}

tc_status tci_vectors_feed(tci_vectors *vectors, const void *data, size_t size)
{
    const uint8_t *bytes = data, *end = bytes + size;
    while (bytes < end) {
        const uint8_t *stop = memchr(bytes, '\n', (size_t)(end - bytes));
        if (vectors->column == 0 && is_space(*bytes) && bytes != stop)
            return tci_fail(TC_ERROR_FORMAT, "line %llu, byte 1: a word is expected, not a space",
                            (unsigned long long)vectors->line);
        take_part(vectors, bytes, stop ? stop : end);
        if (!stop)
            return TC_OK;
        end_field(vectors);
        TCI_RETURN_IF(take_line(vectors));
        begin_line(vectors);
        bytes = stop + 1;
    }
    return TC_OK;
}

tc_status tci_vectors_finish(const tci_vectors *vectors)
{
    if (vectors->column > 0)
        return tci_fail(TC_ERROR_FORMAT, "line %llu, byte %llu: the last line has no end; the file is cut short",
                        (unsigned long long)vectors->line, (unsigned long long)vectors->column);
    if (vectors->has_header && vectors->lines != vectors->announced)
        return tci_fail(TC_ERROR_FORMAT, "line 1 announces %llu vectors, and there are %llu; the file is cut short",
                        (unsigned long long)vectors->announced, (unsigned long long)vectors->lines);
    if (!vectors->has_header && vectors->lines == 0)
        return tci_fail(TC_ERROR_FORMAT, "the file is empty");
    return TC_OK;
}

/* ---- files ---- */

/* Feeds the file, or only its first line. */
static tc_status feed_file(tci_vectors *vectors, tci_file_source *source, char *piece, bool first_line)
{
    size_t size = 0;
    do {
        tc_status status = tci_source_read(source, piece, PIECE, &size);
        if (status != TC_OK)
            return status;
        status = size > 0 ? tci_vectors_feed(vectors, piece, size) : tci_vectors_finish(vectors);
        if (status != TC_OK)
            return tci_fail_prefix(status, "'%s'", source->path);
    } while (size > 0 && !(first_line && vectors->line > 1));
    return TC_OK;
}

static tc_status read_file(tci_vectors *vectors, const tci_file_operations *files, const char *path, uint64_t max_bytes,
                           bool first_line)
{
    tci_file_source source;
    char *piece = NULL;
    TCI_RETURN_IF(tci_alloc(vectors->memory, PIECE, 1, "a piece of the vectors", &piece));
    tc_status status = tci_source_open(files, path, max_bytes, &source);
    if (status == TC_OK)
        status = feed_file(vectors, &source, piece, first_line);
    tci_source_close(&source);
    tci_free(vectors->memory, piece);
    return status;
}

tc_status tci_vectors_dimension(const tci_file_operations *files, tci_memory *memory, const char *path,
                                uint64_t max_bytes, size_t *dim)
{
    tci_vectors *vectors = NULL;
    TCI_RETURN_IF(tci_vectors_create(memory, NULL, 0, 0, NULL, &vectors));
    tc_status status = read_file(vectors, files, path, max_bytes, true);
    *dim = vectors->dim;
    tci_vectors_free(vectors);
    return status;
}

/* Words that the file does not have were drawn from N(0, 1), which is far from where most vectors are. */
static void scale_others(const tci_vectors *vectors, size_t words)
{
    tci_float_environment environment = tci_float_enter();
    double sum = 0;
    size_t dim = vectors->dim;
    for (size_t id = vectors->first; id < words; id++) {
        const float *row = vectors->table + id * dim;
        for (size_t i = 0; vectors->has[id] && i < dim; i++)
            sum += (double)row[i] * (double)row[i];
    }
    double scale = vectors->found > 0 ? sqrt(sum / ((double)vectors->found * (double)dim)) : 1;
    for (size_t id = vectors->first; id < words; id++) {
        float *row = vectors->table + id * dim;
        for (size_t i = 0; !vectors->has[id] && i < dim; i++)
            row[i] = (float)(row[i] * scale);
    }
    tci_float_leave(environment);
}

static void copy_found(const tci_vectors *vectors, size_t words, float *rows)
{
    for (size_t id = vectors->first; id < words; id++) {
        if (vectors->has[id])
            memcpy(rows + id * vectors->dim, vectors->table + id * vectors->dim, vectors->dim * sizeof *rows);
    }
}

tc_status tci_vectors_load(tc_model *model, const char *path, bool fresh)
{
    tc_status status = TC_OK;
    tci_memory memory;
    tci_vectors *vectors = NULL;
    float *staged = NULL;
    const tci_network *network = model->network;
    const tci_vocabulary *vocabulary = model->pipeline->vocabulary;
    size_t words = tci_pipeline_rows(model->pipeline);
    bool bag = model->pipeline->options.ngrams.bag;
    const tci_tensor_info *tensor = network->architecture->words ? network->architecture->words(network) : NULL;
    if (!tensor)
        return tci_fail(TC_ERROR_UNSUPPORTED, "this model of arch %s has no embedding of words to put vectors into",
                        network->architecture->name);
    if (!vocabulary)
        return tci_fail(TC_ERROR_UNSUPPORTED, "word vectors are of whole words; this model's tokenizer has pieces of "
                                              "words");
    float *rows = network->parameters.values + tensor->offset;
    tci_memory_init(&memory, &model->memory.host, model->memory.limit);
    if (!fresh)
        TCI_CHECK(tci_alloc(&memory, words, tensor->shape[1] * sizeof(float), "word vectors", &staged));
    TCI_CHECK(tci_vectors_create(&memory, vocabulary, bag ? 0 : 1, tensor->shape[1], fresh ? rows : staged, &vectors));
    TCI_CHECK(read_file(vectors, model->files, path, model->options.max_file_bytes, false));
    if (fresh && !bag) /* whose rows are small from the start, as fastText's are */
        scale_others(vectors, words);
    else if (!fresh)
        copy_found(vectors, words, rows);
    model->pretrained = true;
    model->pretrained_words = vectors->found;
done:
    tci_vectors_free(vectors);
    tci_free(&memory, staged);
    return status;
}
