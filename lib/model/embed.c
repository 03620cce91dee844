/* embed.c: a text to what the head reads, a word to its row or the mean of its rows. */
#include "model/embed.h"

#include <string.h>

#include "model/bag_network.h"
#include "tensor/narrow.h"

size_t tci_model_embed_dim(const tc_model *model)
{
    const tci_architecture *architecture = model->network->architecture;
    return architecture->embed_dim ? architecture->embed_dim(model->network) : 0;
}

size_t tci_model_word_dim(const tc_model *model)
{
    return tci_model_embed_dim(model) > 0 ? (size_t)model->options.embedding_dim : 0;
}

tc_status tci_model_embed_text(const tc_model *model, tci_scratch *scratch, const char *text, size_t length,
                               float *vector)
{
    const tci_network *network = model->network;
    tci_id_source source;
    if (tci_model_reads_long(model, length)) {
        TCI_RETURN_IF(tci_scratch_long_text(model, scratch, text, length, &source));
        return network->architecture->embed(network, &scratch->workspace, NULL, &source, vector);
    }
    TCI_RETURN_IF(tci_pipeline_encode(model->pipeline, text, length, &scratch->encoded));
    tci_row row = {.ids = scratch->encoded.ids, .length = scratch->encoded.count};
    return network->architecture->embed(network, &scratch->workspace, &row, NULL, vector);
}

/* The rows of a word alone: without those of the end of the text, which stands behind it, and of runs of words. */
static tc_status encode_word(const tc_model *model, const char *word, size_t length, tci_encoded *encoded)
{
    const tci_pipeline *pipeline = model->pipeline;
    tci_text_options options = pipeline->options;
    size_t end_length = strlen(TCI_BAG_END);
    if (!options.ngrams.bag)
        return tci_pipeline_encode(pipeline, word, length, encoded);
    options.ngrams.words = 1;
    options.max_length = 0;
    bool is_end = length == end_length && memcmp(word, TCI_BAG_END, length) == 0;
    TCI_RETURN_IF(tci_bag_encode(&options, pipeline->vocabulary, word, is_end ? 0 : length, encoded));
    if (is_end)
        encoded->tokens = 1;
    else if (tci_vocabulary_lookup(pipeline->vocabulary, TCI_BAG_END, end_length) != TCI_MAP_NONE)
        encoded->count--;
    return TC_OK;
}

tc_status tci_model_word_vector(const tc_model *model, tci_scratch *scratch, const char *word, size_t length,
                                float *vector)
{
    const tci_network *network = model->network;
    tci_encoded *encoded = &scratch->encoded;
    TCI_RETURN_IF(encode_word(model, word, length, encoded));
    size_t before = 0, after = 0;
    if (model->pipeline->subword) {
        (void)tci_subword_before(model->pipeline->subword, &before);
        (void)tci_subword_after(model->pipeline->subword, &after);
    }
    if (encoded->tokens != before + 1 + after)
        return tci_fail(TC_ERROR_ARGUMENT, "a word is one token; this has %zu", encoded->tokens - before - after);
    tci_row row = {.ids = encoded->ids + before, .length = encoded->count};
    if (model->pipeline->options.ngrams.bag)
        (void)tci_bag_average((const tci_bag_network *)network, &row, vector);
    else
        tci_widen_row(&network->parameters, 0, row.ids[0], vector);
    return TC_OK;
}
