/* subword.h: a whole tokenizer as a tokenizer.json describes it: added tokens -> normalizers -> pre-tokenizers -> model
 * -> template. Read-only once finished; shared by a pipeline and its clones. Ids and ranges are those of the
 * `tokenizers` package, ranges counted in bytes.
 *
 * Made by a builder: create, add_* and set_* in the order in which stages run, finish. All of its memory, that of its
 * stages too, is counted by its own tci_memory. */
#ifndef TCI_TEXT_SUBWORD_H
#define TCI_TEXT_SUBWORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/added_tokens.h"
#include "text/code_sets.h"
#include "text/stage.h"

typedef struct tci_subword tci_subword;

/* ---- building ---- */

tc_status tci_subword_create(const tc_allocator *host, size_t limit, tci_subword **subword);
void tci_subword_free(tci_subword *subword);                            /* NULL is a no-op */
tci_memory *tci_subword_memory(tci_subword *subword);                   /* what stages are allocated from */
const tci_code_sets *tci_subword_code_sets(const tci_subword *subword); /* there as long as it is */

/* Each takes `self`, allocated from tci_subword_memory(), over, also when it fails: it is then freed. */
tc_status tci_subword_add_normalizer(tci_subword *subword, const tci_normalizer_kind *kind, void *self, bool is_local);
tc_status tci_subword_add_pretokenizer(tci_subword *subword, const tci_pretokenizer_kind *kind, void *self,
                                       bool is_local);
bool tci_subword_has_pretokenizer(const tci_subword *subword);
/* Takes the pre-tokenizer added last off where it is of this kind; says whether. */
bool tci_subword_drop_pretokenizer(tci_subword *subword, const tci_pretokenizer_kind *kind);
tc_status tci_subword_set_model(tci_subword *subword, const tci_subword_model_kind *kind, void *self);

/* After the model is set: a token found in the text before the model sees it. Ids are as the package gives them: the
 * model's where it has the token, else the next one; TC_ERROR_UNSUPPORTED for another. */
tc_status tci_subword_add_token(tci_subword *subword, const char *content, size_t length, uint32_t id,
                                unsigned flags); /* TCI_ADDED_... */

/* Ids around the text: what is before goes before what earlier calls put there. */
tc_status tci_subword_add_template(tci_subword *subword, const uint32_t *before, size_t before_count,
                                   const uint32_t *after, size_t after_count);
/* Ranges lose the spaces at their ends (`trim_offsets`), but for one leading space of the first token where a prefix
 * space is added. */
void tci_subword_set_trim(tci_subword *subword, bool add_prefix_space);

/* After all else; keeps a copy of the tokenizer.json that it was read from. */
tc_status tci_subword_finish(tci_subword *subword, const char *json, size_t size);

/* ---- a finished one ---- */

size_t tci_subword_rows(const tci_subword *subword); /* rows that an embedding needs: the largest id + 1 */
uint32_t tci_subword_find(const tci_subword *subword, const char *token, size_t length); /* or TCI_SUBWORD_NONE */
const char *tci_subword_token(const tci_subword *subword, uint32_t id, size_t *length);  /* NULL: a hole */
const char *tci_subword_json(const tci_subword *subword, size_t *size);
const uint32_t *tci_subword_before(const tci_subword *subword, size_t *count);
const uint32_t *tci_subword_after(const tci_subword *subword, size_t *count);

/* Working memory for one text at a time of one tokenizer; reused from text to text, and, warm, without allocating. */
typedef struct tci_subword_scratch tci_subword_scratch;
tc_status tci_subword_scratch_create(tci_memory *memory, tci_subword_scratch **scratch);
void tci_subword_scratch_free(tci_subword_scratch *scratch); /* NULL is a no-op */

/* Called for some tokens of the text at a time, in order, without those of the template: ids (count), and ranges (2 x
 * count: begin, end in bytes of the caller's text). */
typedef tc_status (*tci_subword_function)(void *context, const uint32_t *ids, const uint64_t *ranges, size_t count);

/* Linear time. Ill-formed UTF-8 becomes U+FFFD, each maximal part one. */
tc_status tci_subword_encode(const tci_subword *subword, tci_subword_scratch *scratch, const char *text, size_t length,
                             tci_subword_function function, void *context);

/* The words of a text that the model would be given, one after the other, instead of their tokens. */
typedef tc_status (*tci_subword_word_function)(void *context, const char *word, size_t length);
tc_status tci_subword_words(const tci_subword *subword, tci_subword_scratch *scratch, const char *text, size_t length,
                            tci_subword_word_function function, void *context);

#endif
