/* architecture.c: the table of architectures. A new one is one row here and files of its own. */
#include "model/bag_network.h"
#include "model/lstm_network.h"
#include "model/network.h"
#include "model/ngram_network.h"
#include "model/transformer_network.h"

const tci_architecture *tci_architecture_find(const tci_options *options)
{
    static const tci_architecture *const table[] = {
        [TCI_ARCH_LSTM] = &tci_lstm_architecture,
        [TCI_ARCH_NGRAM] = &tci_ngram_architecture,
        [TCI_ARCH_BERT] = &tci_bert_architecture,
        [TCI_ARCH_GPT] = &tci_gpt_architecture,
    };
    return tci_options_embed(options) ? &tci_bag_architecture : table[options->arch];
}

size_t tci_architecture_inputs(const tci_architecture *architecture, const tci_options *options, size_t words,
                               const tci_index_set *features)
{
    if (architecture->inputs)
        return architecture->inputs(options, words, features);
    if (!architecture->features)
        return words;
    return features ? features->count : 0;
}
