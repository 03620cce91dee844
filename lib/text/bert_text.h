/* bert_text.h: the stages BertNormalizer and BertPreTokenizer: cleaning, ideographs set apart, accents stripped, lower
 * case; words between spaces, with punctuation apart. */
#ifndef TCI_TEXT_BERT_TEXT_H
#define TCI_TEXT_BERT_TEXT_H

#include "text/code_sets.h"
#include "text/stage.h"

extern const tci_normalizer_kind tci_bert_normalizer_kind;     /* self: tci_bert_normalizer */
extern const tci_pretokenizer_kind tci_bert_pretokenizer_kind; /* self: tci_bert_pretokenizer */

typedef struct tci_bert_normalizer {
    const tci_code_sets *sets;
    bool clean_text, handle_chinese_chars, strip_accents, lowercase;
} tci_bert_normalizer;

typedef struct tci_bert_pretokenizer {
    const tci_code_sets *sets;
} tci_bert_pretokenizer;

#endif
