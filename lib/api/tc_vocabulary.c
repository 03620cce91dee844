/* tc_vocabulary.c: vocabulary.h: counting words. */
#include "api/handles.h"
#include "text/bag_features.h"
#include "text/tokenize.h"

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
    TCI_RETURN_IF(tci_object_create(&config->memory.host, (size_t)config->options.max_memory, sizeof *builder,
                                    "vocabulary builder", &builder));
    builder->options = config->options;
    TCI_CHECK(tci_word_counter_create(&builder->memory, (size_t)config->options.max_vocab, &builder->counter));
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
    tci_object_free(builder);
}

static tc_status count_word(void *context, const char *word, size_t length, size_t begin, size_t end)
{
    (void)begin;
    (void)end;
    return length == 0 ? TC_OK : tci_word_counter_add(context, word, length, 1);
}

tc_status tc_vocab_builder_add(tc_vocab_builder *builder, const char *text, size_t length)
{
    TCI_REQUIRE(builder);
    TCI_REQUIRE_TEXT(text, length);
    tci_text_options options = tci_model_text_options(&builder->options);
    if (options.ngrams.bag)
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
