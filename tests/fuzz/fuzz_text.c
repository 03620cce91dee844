/* fuzz_text.c: text to tokens to ids, under the options that the first three bytes choose. What must hold for any
 * bytes: tokens are non-empty valid UTF-8 without line breaks, ranges rise and lie inside the text, truncation keeps
 * the first and last tokens of the whole, ids read a range at a time are those of the whole, and nothing stays
 * allocated. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "text/decode.h"
#include "text/long_text.h"
#include "text/ngrams.h"
#include "text/pipeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
    if (!holds)
        abort();
}

typedef struct check {
    size_t length;
    size_t begin, end; /* of the token before */
    tci_word_counter *words;
} check;

static tc_status check_token(void *context, const char *token, size_t length, size_t begin, size_t end)
{
    check *c = context;
    require(length <= TCI_TOKEN_BYTES);
    require(tci_utf8_prefix(token, length) == length);
    require(length == 0 || !memchr(token, '\n', length));
    require(begin < end && end <= c->length);
    require(begin >= c->begin && end >= c->end);
    c->begin = begin;
    c->end = end;
    return tci_word_counter_add(c->words, token, length, 1);
}

/* Ranges of `step` ids, backwards, then a longer one; from segments of at least `step` tokens. */
static void check_ranges(tci_memory *memory, const tci_pipeline *pipeline, const char *text, size_t length, size_t step,
                         const tci_encoded *whole)
{
    uint32_t ids[256];
    size_t tokens = 0, count = 0;
    tci_long_text *long_text = NULL;
    require(tci_long_text_create(memory, &long_text) == TC_OK);
    require(tci_long_text_begin(long_text, pipeline, text, length, step, &tokens, &count) == TC_OK);
    require(tokens == whole->tokens && count == whole->count);
    for (size_t end = count, first; end > 0; end = first) {
        first = end > step ? end - step : 0;
        require(tci_long_text_read(long_text, first, end - first, ids) == TC_OK);
        require(memcmp(ids, whole->ids + first, (end - first) * sizeof *ids) == 0);
    }
    size_t most = count - count / 3 < 256 ? count - count / 3 : 256;
    require(tci_long_text_read(long_text, count / 3, most, ids) == TC_OK);
    require(most == 0 || memcmp(ids, whole->ids + count / 3, most * sizeof *ids) == 0);
    tci_long_text_free(long_text);
}

/* The ids of the text, whole and cut, agree. `step` is below 256. */
static void check_ids(tci_memory *memory, const tci_text_options *options, const tci_word_counter *words,
                      const char *text, size_t length, size_t step)
{
    tci_encoded whole, cut;
    tci_vocabulary *vocabularies[2] = {NULL, NULL};
    tci_pipeline *pipelines[2] = {NULL, NULL};
    tci_text_options all = *options;
    all.max_length = 0;
    tci_encoded_init(&whole, memory, true);
    tci_encoded_init(&cut, memory, true);
    for (size_t i = 0; i < 2; i++) {
        require(tci_vocabulary_build(memory, words, 50, 1, &vocabularies[i]) == TC_OK);
        require(tci_pipeline_create(NULL, 0, i ? options : &all, vocabularies[i], &pipelines[i]) == TC_OK);
        require(tci_pipeline_encode(pipelines[i], text, length, i ? &cut : &whole) == TC_OK);
    }
    size_t kept = options->max_length != 0 && options->max_length < whole.count ? options->max_length : whole.count;
    size_t head = options->truncate == TCI_TRUNCATE_HEAD   ? kept
                  : options->truncate == TCI_TRUNCATE_TAIL ? 0
                                                           : kept - kept / 2;
    require(whole.count == whole.tokens && cut.tokens == whole.tokens && cut.count == kept);
    for (size_t i = 0; i < kept; i++) {
        size_t from = i < head ? i : whole.count - kept + i;
        require(cut.ids[i] == whole.ids[from] && cut.ids[i] < tci_vocabulary_size(vocabularies[1]));
        require(cut.ranges[2 * i] == whole.ranges[2 * from] && cut.ranges[2 * i + 1] == whole.ranges[2 * from + 1]);
    }
    check_ranges(memory, pipelines[0], text, length, step, &whole);
    check_ranges(memory, pipelines[1], text, length, step, &cut);
    tci_encoded_free(&whole);
    tci_encoded_free(&cut);
    tci_pipeline_release(pipelines[0]);
    tci_pipeline_release(pipelines[1]);
}

/* The text as a bag: features rise, and occur as often as they are listed with their ranges, which lie in the text. */
static void check_features(tci_memory *memory, const tci_text_options *text_options, const char *text, size_t length,
                           uint8_t choice)
{
    tci_encoded bag, list;
    tci_text_options options = *text_options;
    options.ngrams = (tci_ngram_options){.buckets = choice & 1 ? 1000 : 1 << 22,
                                         .words = 1 + (choice >> 1 & 7),
                                         .skips = choice >> 4 & 1,
                                         .chars_min = choice & 32 ? 1 + (choice >> 1 & 3) : 0,
                                         .chars_max = choice & 32 ? 4 + (choice >> 1 & 3) : 0,
                                         .across = choice >> 6 & 1};
    tci_encoded_init(&bag, memory, false);
    tci_encoded_init(&list, memory, true);
    require(tci_ngrams_encode(&options, text, length, &bag) == TC_OK);
    require(tci_ngrams_encode(&options, text, length, &list) == TC_OK);
    size_t occurrences = 0;
    bool full = false;
    for (size_t i = 0; i < bag.count; i++) {
        require(i == 0 || bag.ids[i - 1] < bag.ids[i]);
        require(bag.counts[i] > 0 && TCI_FEATURE_BUCKET(bag.ids[i]) < options.ngrams.buckets);
        occurrences += bag.counts[i];
        full = full || bag.counts[i] == TCI_FEATURE_COUNT;
    }
    require(bag.tokens == list.tokens && (full ? occurrences <= list.count : occurrences == list.count));
    for (size_t i = 0; i < list.count; i++)
        require(list.ranges[2 * i] <= list.ranges[2 * i + 1] && list.ranges[2 * i + 1] <= length);
    tci_encoded_free(&bag);
    tci_encoded_free(&list);
}

/* What is written is read back the same. */
static void check_vocabulary(tci_memory *memory, const tci_word_counter *words)
{
    tci_vocabulary *built = NULL, *parsed = NULL;
    tci_buffer first, second;
    tci_buffer_init(&first, memory, SIZE_MAX / 2, "vocabulary");
    tci_buffer_init(&second, memory, SIZE_MAX / 2, "vocabulary");
    require(tci_vocabulary_build(memory, words, 0, 1, &built) == TC_OK);
    require(tci_vocabulary_write(built, &first) == TC_OK);
    require(tci_vocabulary_parse(memory, first.data, first.size, UINT32_MAX, &parsed) == TC_OK);
    require(tci_vocabulary_write(parsed, &second) == TC_OK);
    require(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
    tci_buffer_free(&first);
    tci_buffer_free(&second);
    tci_vocabulary_free(built);
    tci_vocabulary_free(parsed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    tci_text_options options = {
        .tokenizer = data[0] & 1 ? TCI_TOKENIZER_CHAR : TCI_TOKENIZER_WORD,
        .normalize = (tci_normalize)((data[0] >> 1 & 3) % 3),
        .lowercase = data[0] >> 3 & 1,
        .strict_utf8 = data[0] >> 4 & 1,
        .clean_controls = data[0] >> 5 & 1,
        .collapse_spaces = data[0] >> 6 & 1,
        .max_length = data[1],
        .truncate = (tci_truncate)(data[2] % 3),
    };
    const char *text = (const char *)data + 3;
    size_t length = size - 3;
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    check c = {.length = length};
    require(tci_word_counter_create(&memory, UINT32_MAX, &c.words) == TC_OK);
    tc_status status = tci_tokenize(&options, &memory, text, length, check_token, &c);
    if (options.strict_utf8 && tci_utf8_prefix(text, length) != length) {
        require(status == TC_ERROR_ENCODING && tci_word_counter_size(c.words) == 0);
    } else {
        require(status == TC_OK);
        check_ids(&memory, &options, c.words, text, length, 1 + data[2] / 3);
        check_features(&memory, &options, text, length, data[2]);
        check_vocabulary(&memory, c.words);
    }
    tci_word_counter_free(c.words);
    require(atomic_load(&memory.used) == 0);
    return 0;
}
