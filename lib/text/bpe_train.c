/* bpe_train.c: the alphabet of bytes, and words as their bytes. */
#include "text/bpe_train.h"

#include "text/byte_level.h"

static tc_status add_alphabet(tci_learned *learned, uint32_t ids[256])
{
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < 256; i++) {
            uint8_t byte = (uint8_t)i;
            if ((tci_byte_letter(byte) < 0x100) == (round == 0))
                TCI_RETURN_IF(tci_map_insert(learned->tokens, &byte, 1, &ids[i], NULL));
        }
    return TC_OK;
}

static tc_status spell(const tci_word_counts *words, const uint32_t ids[256], tci_symbols *symbols)
{
    size_t count = tci_map_count(words->words), length = 0;
    for (uint32_t entry = 0; entry < count; entry++) {
        const char *word = tci_map_key(words->words, entry, &length);
        if (length < 2)
            continue;
        for (size_t i = 0; i < length; i++)
            TCI_RETURN_IF(tci_symbols_add(symbols, ids[(uint8_t)word[i]]));
        TCI_RETURN_IF(tci_symbols_end(symbols, words->counts[entry]));
    }
    return TC_OK;
}

tc_status tci_bpe_train(const tci_word_counts *words, tci_memory *memory, const tci_learn_options *options,
                        tci_learned *learned)
{
    tc_status status;
    uint32_t ids[256];
    tci_symbols symbols;
    *learned = (tci_learned){0};
    if (options->vocab_size < 256 + options->special_count)
        return tci_fail(TC_ERROR_OPTION,
                        "vocab_size %zu: tokenizer bpe takes at least %zu, for 256 bytes and its special "
                        "tokens",
                        options->vocab_size, 256 + options->special_count);
    tci_symbols_init(&symbols, memory);
    TCI_CHECK(tci_learned_begin(learned, memory, options));
    TCI_CHECK(add_alphabet(learned, ids));
    TCI_CHECK(spell(words, ids, &symbols));
    TCI_CHECK(tci_learned_merge(learned, &symbols, 0, options));
done:
    tci_symbols_free(&symbols);
    return status;
}
