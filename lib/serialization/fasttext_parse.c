/* fasttext_parse.c: a file of fastText's, in the order in which it stands: header, dictionary, matrices.
 *
 * Every field is checked against what it can be and every size against the bytes that are left, before anything is
 * allocated; words and labels are used where they stand. */
#include "serialization/fasttext_file.h"

#include <string.h>

#include "model/bag_network.h"
#include "serialization/fasttext.h"

#define VERSION_OLD 11 /* reads no characters, whatever its fields say */
#define VERSION 12
#define MODEL_SUPERVISED 3
#define RUN_MOST 255                         /* of wordNgrams and maxn */
#define ENTRY_BYTES 11                       /* at least */
#define BUCKETS_FREE ((size_t)1 << 24)       /* that a pruned model may have in a file of any size */
#define COUNT_MOST INT64_C(1000000000000000) /* of all labels: fastText's trees have no room for more */

/* ---- header ---- */

tc_status tci_fasttext_set_number(tci_options *options, const char *key, int64_t value)
{
    char text[24], *at = text + sizeof text;
    *--at = '\0';
    for (uint64_t rest = (uint64_t)value; rest > 0 || !*at; rest /= 10)
        *--at = (char)('0' + rest % 10);
    return tci_options_set(options, key, at);
}

/* Runs of words and characters, and the buckets that they are hashed into. */
static tc_status set_ngrams(tci_fasttext_file *file, int32_t words, int32_t least, int32_t most)
{
    tci_options *options = &file->options;
    if (file->version == VERSION_OLD || least > most)
        most = 0;
    least = most == 0 ? 0 : least > 0 ? least : 1;
    if (file->bucket == 0 && (words > 1 || most > 0))
        return tci_fail(TC_ERROR_FORMAT, "bucket is 0, but wordNgrams (%d) and maxn (%d) need buckets", (int)words,
                        (int)most);
    TCI_RETURN_IF(tci_fasttext_set_number(options, "word_ngrams", words > 0 ? words : 1));
    TCI_RETURN_IF(tci_fasttext_set_number(options, "min_char_ngram", least));
    TCI_RETURN_IF(tci_fasttext_set_number(options, "max_char_ngram", most));
    return tci_fasttext_set_number(options, "buckets", file->bucket);
}

static tc_status read_kind(tci_fasttext_file *file)
{
    int32_t kind = 0;
    TCI_RETURN_IF(tci_field_range(&file->bytes, "loss", TCI_FASTTEXT_HS, TCI_FASTTEXT_OVA, "1 to 4", &file->loss));
    TCI_RETURN_IF(tci_field_range(&file->bytes, "model", 1, MODEL_SUPERVISED, "1 to 3", &kind));
    if (kind != MODEL_SUPERVISED)
        return tci_fail(TC_ERROR_UNSUPPORTED,
                        "byte %zu: a model of word vectors (%s), which has no labels; supervised models are read",
                        file->bytes.position - 4, kind == 1 ? "cbow" : "skipgram");
    return TC_OK;
}

static tc_status read_header(tci_fasttext_file *file)
{
    static const char any[] = "0 or more", runs[] = "0 to 255";
    int32_t unused = 0, min_count = 0, words = 0, least = 0, most = 0;
    int64_t t = 0;
    TCI_RETURN_IF(tci_field_exact(&file->bytes, "the mark", TCI_FASTTEXT_MAGIC));
    TCI_RETURN_IF(tci_field_i32(&file->bytes, "the version", &file->version));
    if (file->version != VERSION && file->version != VERSION_OLD)
        return tci_fail(TC_ERROR_VERSION, "byte 4: a fastText file of version %d; versions 11 and 12 are read",
                        (int)file->version);
    TCI_RETURN_IF(tci_field_range(&file->bytes, "dim", 1, 65536, "1 to 65536", &file->dim));
    TCI_RETURN_IF(tci_field_range(&file->bytes, "ws", 0, INT32_MAX, any, &unused));
    TCI_RETURN_IF(tci_field_range(&file->bytes, "epoch", 0, INT32_MAX, any, &unused));
    TCI_RETURN_IF(tci_field_range(&file->bytes, "minCount", 0, INT32_MAX, any, &min_count));
    TCI_RETURN_IF(tci_field_range(&file->bytes, "neg", 0, INT32_MAX, any, &unused));
    TCI_RETURN_IF(tci_field_range(&file->bytes, "wordNgrams", 0, RUN_MOST, runs, &words));
    TCI_RETURN_IF(read_kind(file));
    TCI_RETURN_IF(
        tci_field_range(&file->bytes, "bucket", 0, (int32_t)TCI_INDEX_SET_BOUND, "0 to 1073741824", &file->bucket));
    TCI_RETURN_IF(tci_field_range(&file->bytes, "minn", 0, RUN_MOST, runs, &least));
    TCI_RETURN_IF(tci_field_range(&file->bytes, "maxn", 0, RUN_MOST, runs, &most));
    TCI_RETURN_IF(tci_field_range(&file->bytes, "lrUpdateRate", 0, INT32_MAX, any, &unused));
    TCI_RETURN_IF(tci_field_i64(&file->bytes, "t", &t));
    if ((uint64_t)t >> 52 >= 0x7ff) /* negative, NaN or infinite */
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: t is no number above 0", file->bytes.position - 8);
    TCI_RETURN_IF(tci_fasttext_set_number(&file->options, "embedding_dim", file->dim));
    TCI_RETURN_IF(tci_fasttext_set_number(&file->options, "min_count", min_count > 0 ? min_count : 1));
    return set_ngrams(file, words, least, most);
}

/* ---- dictionary ---- */

static tc_status read_sizes(tci_fasttext_file *file)
{
    int32_t size = 0;
    int64_t tokens = 0;
    TCI_RETURN_IF(tci_field_range(&file->bytes, "size", 1, INT32_MAX, "1 or more", &size));
    TCI_RETURN_IF(tci_field_range(&file->bytes, "nwords", 0, INT32_MAX, "0 or more", &file->words));
    TCI_RETURN_IF(tci_field_range(&file->bytes, "nlabels", 1, INT32_MAX, "1 or more", &file->labels));
    if ((int64_t)file->words + file->labels != size)
        return tci_fail(TC_ERROR_FORMAT, "bytes %zu to %zu: %d words and %d labels are not the %d entries",
                        file->bytes.position - 12, file->bytes.position, (int)file->words, (int)file->labels,
                        (int)size);
    TCI_RETURN_IF(tci_field_i64(&file->bytes, "ntokens", &tokens));
    if (tokens < 0)
        return tci_field_refuse(&file->bytes, 8, "ntokens", tokens, "0 or more");
    TCI_RETURN_IF(tci_field_i64(&file->bytes, "pruneidx_size", &file->pruned));
    if (file->pruned < -1 || file->pruned > file->bucket)
        return tci_field_refuse(&file->bytes, 8, "pruneidx_size", file->pruned,
                                "-1 (not pruned), or 0 to the number of buckets");
    if ((size_t)size > tci_field_left(&file->bytes) / ENTRY_BYTES)
        return tci_fail(TC_ERROR_FORMAT, "%d entries do not fit the %zu bytes that are left", (int)size,
                        tci_field_left(&file->bytes));
    if ((uint64_t)file->words > file->options.max_vocab)
        return tci_fail(TC_ERROR_LIMIT, "the vocabulary has %d words; max_vocab is %llu", (int)file->words,
                        (unsigned long long)file->options.max_vocab);
    return TC_OK;
}

/* One entry: its word, which is followed by NUL, and its count. */
static tc_status read_entry(tci_fasttext_file *file, int32_t entry, const char **word, size_t *length, int64_t *count)
{
    size_t at = file->bytes.position;
    uint8_t type = 0, wanted = entry >= file->words;
    *word = (const char *)file->bytes.data + at;
    const char *end = memchr(*word, 0, tci_field_left(&file->bytes));
    if (!end)
        return tci_field_cut_short(&file->bytes, "a word");
    *length = (size_t)(end - *word);
    if (!tci_bag_is_word(*word, *length))
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: entry %d is %s", at, (int)entry,
                        *length == 0 ? "an empty word" : "a word with a space or line end in it");
    file->bytes.position = at + *length + 1;
    TCI_RETURN_IF(tci_field_i64(&file->bytes, "a count", count));
    if (*count < 0)
        return tci_field_refuse(&file->bytes, 8, "the count of an entry", *count, "0 or more");
    TCI_RETURN_IF(tci_field_u8(&file->bytes, "the type of an entry", &type));
    return type == wanted
               ? TC_OK
               : tci_field_refuse(&file->bytes, 1, "the type of an entry", type, wanted ? "1 (label)" : "0 (word)");
}

/* A prefix that all labels have is fastText's own, not part of their names. */
static void drop_prefix(tci_fasttext_file *file)
{
    size_t prefix = strlen(TCI_BAG_LABEL);
    for (int32_t i = 0; i < file->labels; i++) {
        if (strncmp(file->label_names[i], TCI_BAG_LABEL, prefix) != 0 || file->label_names[i][prefix] == '\0')
            return;
    }
    for (int32_t i = 0; i < file->labels; i++)
        file->label_names[i] += prefix;
}

static tc_status read_entries(tci_fasttext_file *file)
{
    const char *word = NULL;
    size_t length = 0;
    int64_t count = 0, sum = 0;
    TCI_RETURN_IF(tci_vocabulary_create_bare(file->memory, &file->vocabulary));
    for (int32_t i = 0; i < file->words; i++) {
        bool inserted = false;
        size_t at = file->bytes.position;
        TCI_RETURN_IF(read_entry(file, i, &word, &length, &count));
        TCI_RETURN_IF(tci_vocabulary_append(file->vocabulary, word, length, &inserted));
        if (!inserted)
            return tci_fail(TC_ERROR_FORMAT, "byte %zu: the word of entry %d is that of an earlier one too", at,
                            (int)i);
    }
    size_t labels = (size_t)file->labels;
    TCI_RETURN_IF(tci_alloc(file->memory, labels, sizeof *file->label_names, "labels", &file->label_names));
    TCI_RETURN_IF(tci_alloc(file->memory, labels, sizeof *file->label_counts, "labels", &file->label_counts));
    for (int32_t i = 0; i < file->labels; i++) {
        size_t at = file->bytes.position;
        TCI_RETURN_IF(read_entry(file, file->words + i, &word, &length, &count));
        if (count >= COUNT_MOST - sum)
            return tci_fail(TC_ERROR_FORMAT, "byte %zu: the counts of the labels up to here pass 10^15", at);
        sum += count;
        file->label_names[i] = word;
        file->label_counts[i] = (uint64_t)count;
    }
    drop_prefix(file);
    return TC_OK;
}

/* Pairs of a bucket and its row behind the words; `order` first has them by bucket, as far as they are known. */
static tc_status read_pruned(tci_fasttext_file *file)
{
    tc_status status = TC_OK;
    const uint8_t *pairs = NULL;
    size_t count = file->pruned > 0 ? (size_t)file->pruned : 0, begin = file->bytes.position;
    uint64_t *taken = NULL;
    if (file->pruned < 0)
        return TC_OK;
    TCI_RETURN_IF(tci_field_block(&file->bytes, "pruneidx", count, 8, &pairs));
    if ((size_t)file->bucket > BUCKETS_FREE && (size_t)file->bucket / 512 > file->bytes.size)
        return tci_fail(TC_ERROR_LIMIT, "bucket is %d for a pruned model in a file of %zu bytes", (int)file->bucket,
                        file->bytes.size);
    TCI_RETURN_IF(tci_index_set_init(&file->set, file->memory, (size_t)file->bucket));
    TCI_RETURN_IF(tci_alloc(file->memory, count, sizeof *file->order, "pruned rows", &file->order));
    TCI_CHECK(tci_alloc_zero(file->memory, count / 64 + 1, sizeof *taken, "pruned rows", &taken));
    for (size_t i = 0; i < count; i++) {
        uint64_t pair = tci_load_u64(pairs + 8 * i), row = pair >> 32, bucket = pair & UINT32_MAX;
        if (bucket >= (uint64_t)file->bucket || row >= count)
            status = tci_fail(TC_ERROR_FORMAT, "byte %zu: pruneidx has bucket %d and row %d; there are %d and %zu",
                              begin + 8 * i, (int)(int32_t)bucket, (int)(int32_t)row, (int)file->bucket, count);
        else if (tci_index_set_has(&file->set, (uint32_t)bucket) || (taken[row / 64] >> row % 64 & 1) != 0)
            status = tci_fail(TC_ERROR_FORMAT, "byte %zu: pruneidx has bucket %d or row %d twice", begin + 8 * i,
                              (int)bucket, (int)row);
        if (status != TC_OK)
            goto done;
        tci_index_set_put(&file->set, (uint32_t)bucket);
        taken[row / 64] |= UINT64_C(1) << row % 64;
    }
    TCI_CHECK(tci_index_set_count(&file->set));
    for (size_t i = 0; i < count; i++) {
        uint64_t pair = tci_load_u64(pairs + 8 * i);
        file->order[tci_index_set_rank(&file->set, (uint32_t)pair)] = (uint32_t)(pair >> 32);
    }
done:
    tci_free(file->memory, taken);
    return status;
}

/* ---- matrices ---- */

static tc_status read_shape(tci_fasttext_file *file, const char *name, tci_fasttext_matrix *matrix)
{
    int64_t rows = 0, columns = 0;
    size_t at = file->bytes.position;
    TCI_RETURN_IF(tci_field_i64(&file->bytes, name, &rows));
    TCI_RETURN_IF(tci_field_i64(&file->bytes, name, &columns));
    if (rows != (int64_t)matrix->rows || columns != file->dim)
        return tci_fail(TC_ERROR_FORMAT,
                        "byte %zu: the %s has shape (%lld, %lld); the fields before it ask for (%zu, %d)", at, name,
                        (long long)rows, (long long)columns, matrix->rows, (int)file->dim);
    return TC_OK;
}

/* The quantizer of rows of `dim` numbers. */
static tc_status read_quantizer(tci_fasttext_file *file, int32_t dim, int32_t *width, const uint8_t **book)
{
    int32_t parts = 0;
    TCI_RETURN_IF(tci_field_exact(&file->bytes, "dim of a quantizer", dim));
    TCI_RETURN_IF(tci_field_range(&file->bytes, "nsubq of a quantizer", 1, dim, "1 to its dim", &parts));
    TCI_RETURN_IF(tci_field_range(&file->bytes, "dsub of a quantizer", 1, 65536, "1 to 65536", width));
    if (parts != (dim - 1) / *width + 1)
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: a quantizer cuts %d numbers in %d parts of %d",
                        file->bytes.position - 8, (int)dim, (int)parts, (int)*width);
    TCI_RETURN_IF(tci_field_exact(&file->bytes, "lastdsub of a quantizer", dim - (parts - 1) * *width));
    return tci_field_block(&file->bytes, "the codebook of a quantizer", (size_t)dim * TCI_BAG_CODES, sizeof(float),
                           book);
}

static tc_status read_quantized(tci_fasttext_file *file, const char *name, tci_fasttext_matrix *matrix)
{
    int32_t code_bytes = 0, one = 0;
    size_t parts = 0;
    TCI_RETURN_IF(tci_field_flag(&file->bytes, "qnorm", &matrix->has_norms));
    TCI_RETURN_IF(read_shape(file, name, matrix));
    TCI_RETURN_IF(tci_field_range(&file->bytes, "codesize", 0, INT32_MAX, "0 or more", &code_bytes));
    size_t at = file->bytes.position - 4;
    TCI_RETURN_IF(tci_field_block(&file->bytes, "codes", (size_t)code_bytes, 1, &matrix->codes));
    TCI_RETURN_IF(read_quantizer(file, file->dim, &matrix->width, &matrix->codebook));
    parts = (size_t)((file->dim - 1) / matrix->width + 1);
    if ((size_t)code_bytes / parts != matrix->rows || (size_t)code_bytes % parts != 0)
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: codesize is %d; it should be %zu rows of %zu codes", at,
                        (int)code_bytes, matrix->rows, parts);
    if (!matrix->has_norms)
        return TC_OK;
    TCI_RETURN_IF(tci_field_block(&file->bytes, "codes of norms", matrix->rows, 1, &matrix->norms));
    return read_quantizer(file, 1, &one, &matrix->norm_values);
}

static tc_status read_matrix(tci_fasttext_file *file, const char *name, bool quantized, tci_fasttext_matrix *matrix)
{
    size_t count = 0;
    matrix->quantized = quantized;
    if (quantized)
        return read_quantized(file, name, matrix);
    TCI_RETURN_IF(read_shape(file, name, matrix));
    if (!tci_multiply(matrix->rows, (size_t)file->dim, &count))
        return tci_fail(TC_ERROR_LIMIT, "the %s does not fit the address space", name);
    return tci_field_block(&file->bytes, name, count, sizeof(float), &matrix->weight);
}

static tc_status read_matrices(tci_fasttext_file *file)
{
    bool quantized = false, output = false;
    file->input.rows = (size_t)file->words + (size_t)(file->pruned < 0 ? file->bucket : file->pruned);
    file->output.rows = (size_t)file->labels;
    TCI_RETURN_IF(tci_field_flag(&file->bytes, "quant_input", &quantized));
    if (!quantized && file->pruned >= 0)
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: a pruned dictionary, but weights that are not quantized",
                        file->bytes.position - 1);
    TCI_RETURN_IF(read_matrix(file, "input matrix", quantized, &file->input));
    TCI_RETURN_IF(tci_field_flag(&file->bytes, "qout", &output));
    if (output && !quantized)
        return tci_field_refuse(&file->bytes, 1, "qout", 1, "0 where the input matrix is not quantized");
    TCI_RETURN_IF(read_matrix(file, "output matrix", output, &file->output));
    if (tci_field_left(&file->bytes) > 0)
        return tci_fail(TC_ERROR_FORMAT, "byte %zu: %zu bytes behind the end of the model", file->bytes.position,
                        tci_field_left(&file->bytes));
    return TC_OK;
}

tc_status tci_fasttext_parse(tci_fasttext_file *file)
{
    TCI_RETURN_IF(read_header(file));
    TCI_RETURN_IF(read_sizes(file));
    TCI_RETURN_IF(read_entries(file));
    TCI_RETURN_IF(read_pruned(file));
    return read_matrices(file);
}
