/* tc_vocabulary.c: vocabulary.h: counting words, and tokenizers that are trained from them. */
#include "api/handles.h"
#include "serialization/tokenizer_json.h"
#include "serialization/tokenizer_train.h"
#include "text/bag_features.h"
#include "text/tokenize.h"

static bool is_trained(const tci_options *options)
{
    return options->tokenizer == TCI_CHOICE_WORDPIECE || options->tokenizer == TCI_CHOICE_BPE;
}

static tci_tokenizer_plan plan_of(const tci_options *options)
{
    return (tci_tokenizer_plan){
        .bytes = options->tokenizer == TCI_CHOICE_BPE,
        .normalize = tci_model_text_options(options).normalize,
        .lowercase = options->lowercase,
        .clean_controls = options->clean_controls,
        .specials = options->arch == TCI_ARCH_BERT  ? TCI_PLAN_PAIRS
                    : options->arch == TCI_ARCH_GPT ? TCI_PLAN_CAUSAL
                                                    : TCI_PLAN_PLAIN,
    };
}

tc_status tci_train_pipeline(const tc_vocab_builder *words, const tc_allocator *host, tci_options *options,
                             tci_pipeline **pipeline)
{
    tc_status status = TC_OK;
    tci_memory memory;
    tci_buffer json;
    tci_subword *subword = NULL;
    tci_word_counts counts;
    tci_tokenizer_plan plan = plan_of(options);
    size_t most = (size_t)(options->vocab_size < options->max_vocab ? options->vocab_size : options->max_vocab);
    *pipeline = NULL;
    tci_memory_init(&memory, host, (size_t)options->max_memory);
    tci_buffer_init(&json, &memory, SIZE_MAX / 2, TCI_TOKENIZER_JSON);
    counts.words = tci_word_counter_words(words->counter, &counts.counts);
    TCI_CHECK(tci_tokenizer_train(&memory, &plan, &counts, most, options->min_count, &json));
    TCI_CHECK(tci_tokenizer_json_read(&memory, json.data, json.size, most, &subword));
    options->vocab_size = tci_subword_rows(subword);
    tci_text_options text_options = tci_model_text_options(options);
    TCI_CHECK(tci_pipeline_create_subword(host, memory.limit, &text_options, subword, pipeline));
done:
    tci_buffer_free(&json);
    return status;
}

tc_status tc_vocab_builder_create(const tc_config *config, tc_vocab_builder **result)
{
    tc_status status = TC_OK;
    tc_vocab_builder *builder = NULL;
    TCI_REQUIRE(config);
    TCI_REQUIRE(result);
    *result = NULL;
    if (config->options.tokenizer == TCI_CHOICE_JSON)
        return tci_fail(TC_ERROR_OPTION, "option 'tokenizer': json is of models that come with a tokenizer.json; words "
                                         "are counted for another");
    if (is_trained(&config->options) && config->options.arch == TCI_ARCH_NGRAM)
        return tci_fail(TC_ERROR_OPTION, "option 'tokenizer': arch ngram takes word, char or space; it has character "
                                         "n-grams for pieces of words");
    TCI_RETURN_IF(tci_object_create(&config->memory.host, (size_t)config->options.max_memory, sizeof *builder,
                                    "vocabulary builder", &builder));
    builder->options = config->options;
    TCI_CHECK(tci_word_counter_create(&builder->memory, (size_t)config->options.max_vocab, &builder->counter));
    if (is_trained(&config->options)) {
        tci_tokenizer_plan plan = plan_of(&config->options);
        TCI_CHECK(tci_tokenizer_frame(&builder->memory, &plan, &builder->frame));
        TCI_CHECK(tci_subword_scratch_create(&builder->memory, &builder->scratch));
        tci_word_counter_take_any(builder->counter);
    }
    if (tci_options_embed(&config->options))
        tci_word_counter_make_bare(builder->counter);
    *result = builder;
    builder = NULL;
done:
    tc_vocab_builder_free(builder);
    return status;
}

void tc_vocab_builder_free(tc_vocab_builder *builder)
{
    if (!builder)
        return;
    tci_word_counter_free(builder->counter);
    tci_subword_scratch_free(builder->scratch);
    tci_subword_free(builder->frame);
    tci_object_free(builder);
}

static tc_status count_word(void *context, const char *word, size_t length, size_t begin, size_t end)
{
    (void)begin;
    (void)end;
    return length == 0 ? TC_OK : tci_word_counter_add(context, word, length, 1);
}

static tc_status count_piece(void *context, const char *word, size_t length)
{
    return tci_word_counter_add(context, word, length, 1);
}

static tc_status count_pieces(tc_vocab_builder *builder, const tci_text_options *options, const char *text,
                              size_t length)
{
    TCI_RETURN_IF(tci_text_check(options, text, length));
    return tci_subword_words(builder->frame, builder->scratch, text, length, count_piece, builder->counter);
}

tc_status tc_vocab_builder_add(tc_vocab_builder *builder, const char *text, size_t length)
{
    TCI_REQUIRE(builder);
    TCI_REQUIRE_TEXT(text, length);
    tci_text_options options = tci_model_text_options(&builder->options);
    if (builder->frame)
        TCI_RETURN_IF(count_pieces(builder, &options, text ? text : "", length));
    else if (options.ngrams.bag)
        TCI_RETURN_IF(
            tci_bag_tokens(&options, &builder->memory, text ? text : "", length, count_word, builder->counter));
    else if (builder->options.arch == TCI_ARCH_NGRAM) /* hashes words instead of listing them */
        TCI_RETURN_IF(tci_text_check(&options, text ? text : "", length));
    else
        TCI_RETURN_IF(tci_tokenize(&options, &builder->memory, text ? text : "", length, count_word, builder->counter));
    builder->bytes += length;
    return TC_OK;
}

tc_status tc_vocab_builder_count(const tc_vocab_builder *builder, size_t *count)
{
    TCI_REQUIRE(builder);
    TCI_REQUIRE(count);
    *count = tci_word_counter_size(builder->counter);
    return TC_OK;
}
