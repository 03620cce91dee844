/* fasttext_read.c: a model from a file of fastText's, in the order in which the file stands.
 *
 * Every field is checked against what it can be and every size against the bytes that are left, before anything is
 * allocated; words and labels are used where they stand. */
#include "serialization/fasttext.h"

#include <string.h>

#include "model/bag_network.h"
#include "serialization/elements.h"
#include "serialization/fields.h"

#define VERSION_OLD 11 /* reads no characters, whatever its fields say */
#define VERSION 12
#define LOSS_HS 1
#define LOSS_NS 2
#define LOSS_SOFTMAX 3
#define LOSS_OVA 4
#define MODEL_SUPERVISED 3
#define RUN_MOST 255                         /* of wordNgrams and maxn */
#define ENTRY_BYTES 11                       /* at least */
#define BUCKETS_FREE ((size_t)1 << 24)       /* that a pruned model may have in a file of any size */
#define COUNT_MOST INT64_C(1000000000000000) /* of all labels: fastText's trees have no room for more */

/* Where the parts of a matrix stand in the file. */
typedef struct file_matrix {
    bool quantized, has_norms;
    size_t rows;
    int32_t width;
    const uint8_t *weight, *codes, *codebook, *norms, *norm_values;
} file_matrix;

typedef struct file_reader {
    tci_reader bytes;
    tci_memory *memory;
    tci_options options;
    int32_t version, dim, loss, bucket;
    int32_t words, labels;
    int64_t pruned; /* buckets that have rows; -1: all */
    tci_vocabulary *vocabulary;
    const char **label_names; /* (labels), in the file's bytes */
    uint64_t *label_counts;   /* (labels) */
    tci_index_set set;        /* the buckets that have rows */
    uint32_t *order;          /* (pruned) row in the file, behind the words, of each bucket of the set in turn */
    file_matrix input, output;
} file_reader;

/* ---- header ---- */

bool tci_fasttext_marked(const uint8_t *bytes, size_t size)
{
    static const uint8_t mark[4] = {0xba, 0x16, 0x4f, 0x2f};
    return size >= sizeof mark && memcmp(bytes, mark, sizeof mark) == 0;
}

static tc_status set_number(tci_options *options, const char *key, int64_t value)
{
    char text[24], *at = text + sizeof text;
    *--at = '\0';
    for (uint64_t rest = (uint64_t)value; rest > 0 || !*at; rest /= 10)
        *--at = (char)('0' + rest % 10);
    return tci_options_set(options, key, at);
}

/* Runs of words and characters, and the buckets that they are hashed into. */
static tc_status set_ngrams(file_reader *reader, int32_t words, int32_t least, int32_t most)
{
    tci_options *options = &reader->options;
    if (reader->version == VERSION_OLD || least > most)
        most = 0;
    least = most == 0 ? 0 : least > 0 ? least : 1;
    if (reader->bucket == 0 && (words > 1 || most > 0))
        return tci_fail(TC_ERROR_FORMAT, "bucket is 0, but wordNgrams (%d) and maxn (%d) need buckets", (int)words,
                        (int)most);
    TCI_RETURN_IF(set_number(options, "word_ngrams", words > 0 ? words : 1));
    TCI_RETURN_IF(set_number(options, "min_char_ngram", least));
    TCI_RETURN_IF(set_number(options, "max_char_ngram", most));
    return set_number(options, "buckets", reader->bucket);
}

static tc_status read_kind(file_reader *reader)
{
    int32_t kind = 0;
    TCI_RETURN_IF(tci_field_range(&reader->bytes, "loss", LOSS_HS, LOSS_OVA, "1 to 4", &reader->loss));
    TCI_RETURN_IF(tci_field_range(&reader->bytes, "model", 1, MODEL_SUPERVISED, "1 to 3", &kind));
    if (kind != MODEL_SUPERVISED)
        return tci_fail(TC_ERROR_UNSUPPORTED,
                        "byte %zu: a model of word vectors (%s), which has no labels; supervised models are read",
                        reader->bytes.position - 4, kind == 1 ? "cbow" : "skipgram");
    return TC_OK;
}

static tc_status read_header(file_reader *reader)
{
    static const char any[] = "0 or more", runs[] = "0 to 255";
    int32_t unused = 0, min_count = 0, words = 0, least = 0, most = 0;
    int64_t t = 0;
    TCI_RETURN_IF(tci_field_exact(&reader->bytes, "the mark", TCI_FASTTEXT_MAGIC));
    TCI_RETURN_IF(tci_field_i32(&reader->bytes, "the version", &reader->version));
    if (reader->version != VERSION && reader->version != VERSION_OLD)
        return tci_fail(TC_ERROR_VERSION, "byte 4: a fastText file of version %d; versions 11 and 12 are read",
                        (int)reader->version);
    TCI_RETURN_IF(tci_field_range(&reader->bytes, "dim", 1, 65536, "1 to 65536", &reader->dim));
    TCI_RETURN_IF(tci_field_range(&reader->bytes, "ws", 0, INT32_MAX, any, &unused));
    TCI_RETURN_IF(tci_field_range(&reader->bytes, "epoch", 0, INT32_MAX, any, &unused));
    TCI_RETURN_IF(tci_field_range(&reader->bytes, "minCount", 0, INT32_MAX, any, &min_count));
    TCI_RETURN_IF(tci_field_range(&reader->bytes, "neg", 0, INT32_MAX, any, &unused));
    TCI_RETURN_IF(tci_field_range(&reader->bytes, "wordNgrams", 0, RUN_MOST, runs, &words));
    TCI_RETURN_IF(read_kind(reader));
    TCI_RETURN_IF(
        tci_field_range(&reader->bytes, "bucket", 0, (int32_t)TCI_INDEX_SET_BOUND, "0 to 1073741824", &reader->bucket));
    TCI_RETURN_IF(tci_field_range(&reader->bytes, "minn", 0, RUN_MOST, runs, &least));
    TCI_RETURN_IF(tci_field_range(&reader->bytes, "maxn", 0, RUN_MOST, runs, &most));
    TCI_RETURN_IF(tci_field_range(&reader->bytes, "lrUpdateRate", 0, INT32_MAX, any, &unused));
    TCI_RETURN_IF(tci_field_i64(&reader->bytes, "t", &t));
    if ((uint64_t)t >> 52 >= 0x7ff) /* negative, NaN or infinite */
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: t is no number above 0", reader->bytes.position - 8);
    TCI_RETURN_IF(set_number(&reader->options, "embedding_dim", reader->dim));
    TCI_RETURN_IF(set_number(&reader->options, "min_count", min_count > 0 ? min_count : 1));
    return set_ngrams(reader, words, least, most);
}

/* ---- dictionary ---- */

static tc_status read_sizes(file_reader *reader)
{
    int32_t size = 0;
    int64_t tokens = 0;
    TCI_RETURN_IF(tci_field_range(&reader->bytes, "size", 1, INT32_MAX, "1 or more", &size));
    TCI_RETURN_IF(tci_field_range(&reader->bytes, "nwords", 0, INT32_MAX, "0 or more", &reader->words));
    TCI_RETURN_IF(tci_field_range(&reader->bytes, "nlabels", 1, INT32_MAX, "1 or more", &reader->labels));
    if ((int64_t)reader->words + reader->labels != size)
        return tci_fail(TC_ERROR_FORMAT, "bytes %zu to %zu: %d words and %d labels are not the %d entries",
                        reader->bytes.position - 12, reader->bytes.position, (int)reader->words, (int)reader->labels,
                        (int)size);
    TCI_RETURN_IF(tci_field_i64(&reader->bytes, "ntokens", &tokens));
    if (tokens < 0)
        return tci_field_refuse(&reader->bytes, 8, "ntokens", tokens, "0 or more");
    TCI_RETURN_IF(tci_field_i64(&reader->bytes, "pruneidx_size", &reader->pruned));
    if (reader->pruned < -1 || reader->pruned > reader->bucket)
        return tci_field_refuse(&reader->bytes, 8, "pruneidx_size", reader->pruned,
                                "-1 (not pruned), or 0 to the number of buckets");
    if ((size_t)size > tci_field_left(&reader->bytes) / ENTRY_BYTES)
        return tci_fail(TC_ERROR_FORMAT, "%d entries do not fit the %zu bytes that are left", (int)size,
                        tci_field_left(&reader->bytes));
    if ((uint64_t)reader->words > reader->options.max_vocab)
        return tci_fail(TC_ERROR_LIMIT, "the vocabulary has %d words; max_vocab is %llu", (int)reader->words,
                        (unsigned long long)reader->options.max_vocab);
    return TC_OK;
}

/* One entry: its word, which is followed by NUL, and its count. */
static tc_status read_entry(file_reader *reader, int32_t entry, const char **word, size_t *length, int64_t *count)
{
    size_t at = reader->bytes.position;
    uint8_t type = 0, wanted = entry >= reader->words;
    *word = (const char *)reader->bytes.data + at;
    const char *end = memchr(*word, 0, tci_field_left(&reader->bytes));
    if (!end)
        return tci_field_cut_short(&reader->bytes, "a word");
    *length = (size_t)(end - *word);
    if (!tci_bag_is_word(*word, *length))
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: entry %d is %s", at, (int)entry,
                        *length == 0 ? "an empty word" : "a word with a space or line end in it");
    reader->bytes.position = at + *length + 1;
    TCI_RETURN_IF(tci_field_i64(&reader->bytes, "a count", count));
    if (*count < 0)
        return tci_field_refuse(&reader->bytes, 8, "the count of an entry", *count, "0 or more");
    TCI_RETURN_IF(tci_field_u8(&reader->bytes, "the type of an entry", &type));
    return type == wanted
               ? TC_OK
               : tci_field_refuse(&reader->bytes, 1, "the type of an entry", type, wanted ? "1 (label)" : "0 (word)");
}

/* A prefix that all labels have is fastText's own, not part of their names. */
static void drop_prefix(file_reader *reader)
{
    size_t prefix = strlen(TCI_BAG_LABEL);
    for (int32_t i = 0; i < reader->labels; i++) {
        if (strncmp(reader->label_names[i], TCI_BAG_LABEL, prefix) != 0 || reader->label_names[i][prefix] == '\0')
            return;
    }
    for (int32_t i = 0; i < reader->labels; i++)
        reader->label_names[i] += prefix;
}

static tc_status read_entries(file_reader *reader)
{
    const char *word = NULL;
    size_t length = 0;
    int64_t count = 0, sum = 0;
    TCI_RETURN_IF(tci_vocabulary_create_bare(reader->memory, &reader->vocabulary));
    for (int32_t i = 0; i < reader->words; i++) {
        bool inserted = false;
        size_t at = reader->bytes.position;
        TCI_RETURN_IF(read_entry(reader, i, &word, &length, &count));
        TCI_RETURN_IF(tci_vocabulary_append(reader->vocabulary, word, length, &inserted));
        if (!inserted)
            return tci_fail(TC_ERROR_FORMAT, "byte %zu: the word of entry %d is that of an earlier one too", at,
                            (int)i);
    }
    size_t labels = (size_t)reader->labels;
    TCI_RETURN_IF(tci_alloc(reader->memory, labels, sizeof *reader->label_names, "labels", &reader->label_names));
    TCI_RETURN_IF(tci_alloc(reader->memory, labels, sizeof *reader->label_counts, "labels", &reader->label_counts));
    for (int32_t i = 0; i < reader->labels; i++) {
        size_t at = reader->bytes.position;
        TCI_RETURN_IF(read_entry(reader, reader->words + i, &word, &length, &count));
        if (count >= COUNT_MOST - sum)
            return tci_fail(TC_ERROR_FORMAT, "byte %zu: the counts of the labels up to here pass 10^15", at);
        sum += count;
        reader->label_names[i] = word;
        reader->label_counts[i] = (uint64_t)count;
    }
    drop_prefix(reader);
    return TC_OK;
}

/* Pairs of a bucket and its row behind the words; `order` first has them by bucket, as far as they are known. */
static tc_status read_pruned(file_reader *reader)
{
    tc_status status = TC_OK;
    const uint8_t *pairs = NULL;
    size_t count = reader->pruned > 0 ? (size_t)reader->pruned : 0, begin = reader->bytes.position;
    uint64_t *taken = NULL;
    if (reader->pruned < 0)
        return TC_OK;
    TCI_RETURN_IF(tci_field_block(&reader->bytes, "pruneidx", count, 8, &pairs));
    if ((size_t)reader->bucket > BUCKETS_FREE && (size_t)reader->bucket / 512 > reader->bytes.size)
        return tci_fail(TC_ERROR_LIMIT, "bucket is %d for a pruned model in a file of %zu bytes", (int)reader->bucket,
                        reader->bytes.size);
    TCI_RETURN_IF(tci_index_set_init(&reader->set, reader->memory, (size_t)reader->bucket));
    TCI_RETURN_IF(tci_alloc(reader->memory, count, sizeof *reader->order, "pruned rows", &reader->order));
    TCI_CHECK(tci_alloc_zero(reader->memory, count / 64 + 1, sizeof *taken, "pruned rows", &taken));
    for (size_t i = 0; i < count; i++) {
        uint64_t pair = tci_load_u64(pairs + 8 * i), row = pair >> 32, bucket = pair & UINT32_MAX;
        if (bucket >= (uint64_t)reader->bucket || row >= count)
            status = tci_fail(TC_ERROR_FORMAT, "byte %zu: pruneidx has bucket %d and row %d; there are %d and %zu",
                              begin + 8 * i, (int)(int32_t)bucket, (int)(int32_t)row, (int)reader->bucket, count);
        else if (tci_index_set_has(&reader->set, (uint32_t)bucket) || (taken[row / 64] >> row % 64 & 1) != 0)
            status = tci_fail(TC_ERROR_FORMAT, "byte %zu: pruneidx has bucket %d or row %d twice", begin + 8 * i,
                              (int)bucket, (int)row);
        if (status != TC_OK)
            goto done;
        tci_index_set_put(&reader->set, (uint32_t)bucket);
        taken[row / 64] |= UINT64_C(1) << row % 64;
    }
    TCI_CHECK(tci_index_set_count(&reader->set));
    for (size_t i = 0; i < count; i++) {
        uint64_t pair = tci_load_u64(pairs + 8 * i);
        reader->order[tci_index_set_rank(&reader->set, (uint32_t)pair)] = (uint32_t)(pair >> 32);
    }
done:
    tci_free(reader->memory, taken);
    return status;
}

/* ---- matrices ---- */

static tc_status read_shape(file_reader *reader, const char *name, file_matrix *matrix)
{
    int64_t rows = 0, columns = 0;
    size_t at = reader->bytes.position;
    TCI_RETURN_IF(tci_field_i64(&reader->bytes, name, &rows));
    TCI_RETURN_IF(tci_field_i64(&reader->bytes, name, &columns));
    if (rows != (int64_t)matrix->rows || columns != reader->dim)
        return tci_fail(TC_ERROR_FORMAT,
                        "byte %zu: the %s has shape (%lld, %lld); the fields before it ask for (%zu, %d)", at, name,
                        (long long)rows, (long long)columns, matrix->rows, (int)reader->dim);
    return TC_OK;
}

/* The quantizer of rows of `dim` numbers. */
static tc_status read_quantizer(file_reader *reader, int32_t dim, int32_t *width, const uint8_t **book)
{
    int32_t parts = 0;
    TCI_RETURN_IF(tci_field_exact(&reader->bytes, "dim of a quantizer", dim));
    TCI_RETURN_IF(tci_field_range(&reader->bytes, "nsubq of a quantizer", 1, dim, "1 to its dim", &parts));
    TCI_RETURN_IF(tci_field_range(&reader->bytes, "dsub of a quantizer", 1, 65536, "1 to 65536", width));
    if (parts != (dim - 1) / *width + 1)
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: a quantizer cuts %d numbers in %d parts of %d",
                        reader->bytes.position - 8, (int)dim, (int)parts, (int)*width);
    TCI_RETURN_IF(tci_field_exact(&reader->bytes, "lastdsub of a quantizer", dim - (parts - 1) * *width));
    return tci_field_block(&reader->bytes, "the codebook of a quantizer", (size_t)dim * TCI_BAG_CODES, sizeof(float),
                           book);
}

static tc_status read_quantized(file_reader *reader, const char *name, file_matrix *matrix)
{
    int32_t code_bytes = 0, one = 0;
    size_t parts = 0;
    TCI_RETURN_IF(tci_field_flag(&reader->bytes, "qnorm", &matrix->has_norms));
    TCI_RETURN_IF(read_shape(reader, name, matrix));
    TCI_RETURN_IF(tci_field_range(&reader->bytes, "codesize", 0, INT32_MAX, "0 or more", &code_bytes));
    size_t at = reader->bytes.position - 4;
    TCI_RETURN_IF(tci_field_block(&reader->bytes, "codes", (size_t)code_bytes, 1, &matrix->codes));
    TCI_RETURN_IF(read_quantizer(reader, reader->dim, &matrix->width, &matrix->codebook));
    parts = (size_t)((reader->dim - 1) / matrix->width + 1);
    if ((size_t)code_bytes / parts != matrix->rows || (size_t)code_bytes % parts != 0)
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: codesize is %d; it should be %zu rows of %zu codes", at,
                        (int)code_bytes, matrix->rows, parts);
    if (!matrix->has_norms)
        return TC_OK;
    TCI_RETURN_IF(tci_field_block(&reader->bytes, "codes of norms", matrix->rows, 1, &matrix->norms));
    return read_quantizer(reader, 1, &one, &matrix->norm_values);
}

static tc_status read_matrix(file_reader *reader, const char *name, bool quantized, file_matrix *matrix)
{
    size_t count = 0;
    matrix->quantized = quantized;
    if (quantized)
        return read_quantized(reader, name, matrix);
    TCI_RETURN_IF(read_shape(reader, name, matrix));
    if (!tci_multiply(matrix->rows, (size_t)reader->dim, &count))
        return tci_fail(TC_ERROR_LIMIT, "the %s does not fit the address space", name);
    return tci_field_block(&reader->bytes, name, count, sizeof(float), &matrix->weight);
}

static tc_status read_matrices(file_reader *reader)
{
    bool quantized = false, output = false;
    reader->input.rows = (size_t)reader->words + (size_t)(reader->pruned < 0 ? reader->bucket : reader->pruned);
    reader->output.rows = (size_t)reader->labels;
    TCI_RETURN_IF(tci_field_flag(&reader->bytes, "quant_input", &quantized));
    if (!quantized && reader->pruned >= 0)
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: a pruned dictionary, but weights that are not quantized",
                        reader->bytes.position - 1);
    TCI_RETURN_IF(read_matrix(reader, "input matrix", quantized, &reader->input));
    TCI_RETURN_IF(tci_field_flag(&reader->bytes, "qout", &output));
    if (output && !quantized)
        return tci_field_refuse(&reader->bytes, 1, "qout", 1, "0 where the input matrix is not quantized");
    TCI_RETURN_IF(read_matrix(reader, "output matrix", output, &reader->output));
    if (tci_field_left(&reader->bytes) > 0)
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: %zu bytes behind the end of the model", reader->bytes.position,
                        tci_field_left(&reader->bytes));
    return TC_OK;
}

/* ---- the model ---- */

static bool has_comma(const file_reader *reader)
{
    for (int32_t i = 0; i < reader->labels; i++) {
        if (strchr(reader->label_names[i], ','))
            return true;
    }
    return false;
}

/* One-vs-all models are of texts with any number of labels; where their names do not allow that, of texts with one. */
static tc_status set_options(file_reader *reader)
{
    static const char *const fixed[][2] = {
        {"tokenizer", "space"},      {"normalize", "none"},        {"lowercase", "false"},
        {"clean_controls", "false"}, {"collapse_spaces", "false"}, {"fasttext_scores", "true"},
    };
    static const char *const heads[] = {"tree", "sigmoid", "softmax", "sigmoid"};
    tci_options *options = &reader->options;
    bool several = reader->loss == LOSS_OVA && !has_comma(reader);
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        TCI_RETURN_IF(tci_options_set(options, fixed[i][0], fixed[i][1]));
    TCI_RETURN_IF(tci_options_set(options, "task", several ? "multilabel" : "classify"));
    TCI_RETURN_IF(tci_options_set(options, "head", heads[reader->loss - LOSS_HS]));
    if (reader->input.quantized) {
        TCI_RETURN_IF(tci_options_set(options, "weights", "pq"));
        TCI_RETURN_IF(set_number(options, "pq_width", reader->input.width));
        TCI_RETURN_IF(tci_options_set(options, "pq_norms", reader->input.has_norms ? "true" : "false"));
        TCI_RETURN_IF(set_number(options, "pq_output_width", reader->output.width));
        TCI_RETURN_IF(tci_options_set(options, "pq_output_norms", reader->output.has_norms ? "true" : "false"));
    }
    return tci_options_resolve(options, 0);
}

/* Where a tensor's values stand in the file. */
typedef struct tensor_place {
    size_t index;
    const void *data;
} tensor_place;

static size_t list_places(const file_matrix *from, const tci_bag_matrix *to, tensor_place *places)
{
    if (!from->quantized) {
        places[0] = (tensor_place){to->weight, from->weight};
        return 1;
    }
    places[0] = (tensor_place){to->codes, from->codes};
    places[1] = (tensor_place){to->codebook, from->codebook};
    if (!from->has_norms)
        return 2;
    places[2] = (tensor_place){to->norms, from->norms};
    places[3] = (tensor_place){to->norm_values, from->norm_values};
    return 4;
}

/* Rows behind the words, in the order of their buckets rather than the file's. */
static void put_in_order(const file_reader *reader, const uint8_t *from, size_t bytes, uint8_t *to)
{
    size_t words = (size_t)reader->words;
    for (size_t i = 0; i < reader->set.count; i++)
        memcpy(to + (words + i) * bytes, from + (words + reader->order[i]) * bytes, bytes);
}

static tc_status check_finite(const tci_parameters *parameters, const tensor_place *place)
{
    const tci_tensor_info *tensor = &parameters->tensors[place->index];
    if (tensor->element != TCI_ELEMENT_F32)
        return TC_OK;
    size_t first = tci_elements_check(TCI_DTYPE_F32, place->data, tensor->count, false);
    if (first == tensor->count)
        return TC_OK;
    return tci_fail(TC_ERROR_NUMERIC, "tensor '%s': element %zu is NaN or infinite", tensor->name, first);
}

static tc_status place_parameters(const file_reader *reader, tci_bag_network *network, bool in_place,
                                  bool check_weights)
{
    tci_parameters *parameters = &network->base.parameters;
    tensor_place places[9];
    size_t count = list_places(&reader->input, &network->embedding, places);
    count += list_places(&reader->output, &network->output, places + count);
    if (network->tree)
        places[count++] = (tensor_place){network->label_counts, reader->label_counts};
    for (size_t i = 0; check_weights && i < count; i++)
        TCI_RETURN_IF(check_finite(parameters, &places[i]));
    bool mapped = in_place && reader->pruned <= 0; /* else rows have to be put in order */
    if (!mapped)
        TCI_RETURN_IF(tci_parameters_allocate(parameters));
    if (mapped && network->tree) { /* the counts do not stand together in the file */
        size_t bytes = (size_t)reader->labels * sizeof *network->counts;
        TCI_RETURN_IF(tci_alloc(network->base.memory, bytes, 1, "counts of labels", &network->counts));
        places[count - 1].data = memcpy(network->counts, reader->label_counts, bytes);
    }
    for (size_t i = 0; i < count; i++) {
        tci_tensor_info *tensor = &parameters->tensors[places[i].index];
        if (mapped)
            tensor->mapped = places[i].data;
        else
            memcpy(parameters->values + tensor->offset, places[i].data,
                   tensor->count * tci_element_bytes(tensor->element));
    }
    if (reader->pruned > 0) {
        const tci_bag_matrix *matrix = &network->embedding;
        put_in_order(reader, reader->input.codes, matrix->parts,
                     (uint8_t *)(parameters->values + parameters->tensors[matrix->codes].offset));
        if (matrix->has_norms)
            put_in_order(reader, reader->input.norms, 1,
                         (uint8_t *)(parameters->values + parameters->tensors[matrix->norms].offset));
    }
    return TC_OK;
}

static tc_status make_model(file_reader *reader, const tc_allocator *host, const tci_file_operations *files,
                            bool in_place, bool check_weights, tc_model **model)
{
    tci_pipeline *pipeline = NULL;
    tci_vocabulary *vocabulary = reader->vocabulary;
    tci_text_options text = tci_model_text_options(&reader->options);
    tc_status status =
        tci_labels_check(reader->memory, reader->label_names, (size_t)reader->labels, reader->options.task);
    if (status != TC_OK)
        return status == TC_ERROR_ARGUMENT ? tci_fail_prefix(TC_ERROR_FORMAT, "the labels") : status;
    reader->vocabulary = NULL; /* the pipeline's from here on */
    TCI_RETURN_IF(tci_pipeline_create(host, reader->memory->limit, &text, vocabulary, &pipeline));
    TCI_RETURN_IF(tci_model_declare(host, files, &reader->options, pipeline,
                                    reader->set.bound > 0 ? &reader->set : NULL, reader->label_names,
                                    (size_t)reader->labels, model));
    status = place_parameters(reader, (tci_bag_network *)(*model)->network, in_place, check_weights);
    if (status != TC_OK) {
        tci_model_release(*model);
        *model = NULL;
        return status;
    }
    (*model)->format = TCI_FASTTEXT_FORMAT;
    tci_model_refresh(*model);
    return TC_OK;
}

tc_status tci_fasttext_read(const uint8_t *bytes, size_t size, const tci_options *run, const tc_allocator *host,
                            const tci_file_operations *files, bool in_place, bool check_weights, tc_model **model)
{
    tc_status status = TC_OK;
    tci_memory memory;
    file_reader *reader = NULL;
    *model = NULL;
    if (run->max_file_bytes != 0 && size > run->max_file_bytes)
        return tci_fail(TC_ERROR_LIMIT, "the file has %zu bytes; max_file_bytes is %llu", size,
                        (unsigned long long)run->max_file_bytes);
    tci_memory_init(&memory, host, (size_t)run->max_memory);
    TCI_RETURN_IF(tci_alloc_zero(&memory, 1, sizeof *reader, "file reader", &reader));
    reader->memory = &memory;
    reader->bytes = (tci_reader){bytes, size, 0};
    tci_options_default(&reader->options);
    tci_options_copy_class(&reader->options, run, TCI_CLASS_RUN);
    TCI_CHECK(tci_options_set(&reader->options, "arch", "ngram"));
    TCI_CHECK(read_header(reader));
    TCI_CHECK(read_sizes(reader));
    TCI_CHECK(read_entries(reader));
    TCI_CHECK(read_pruned(reader));
    TCI_CHECK(read_matrices(reader));
    TCI_CHECK(set_options(reader));
    TCI_CHECK(make_model(reader, host, files, in_place, check_weights, model));
done:
    tci_vocabulary_free(reader->vocabulary);
    tci_free(&memory, reader->label_names);
    tci_free(&memory, reader->label_counts);
    tci_free(&memory, reader->order);
    if (reader->set.memory)
        tci_index_set_free(&reader->set);
    tci_free(&memory, reader);
    return status;
}
