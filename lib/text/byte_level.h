/* byte_level.h: the byte-level stages of GPT-2 and its kin: a prefix space, GPT-2's pattern, and bytes as letters.
 *
 * The package writes each byte as a character of an alphabet (printable Latin-1 stands for itself, the rest is U+0100
 * and up) and lets the model see those. Where a model takes bytes as they are (text/bpe.h), the writing is left out. */
#ifndef TCI_TEXT_BYTE_LEVEL_H
#define TCI_TEXT_BYTE_LEVEL_H

#include "text/stage.h"

/* The pre-tokenizer, without the writing: bytes stay bytes. */
extern const tci_pretokenizer_kind tci_byte_level_kind;
tc_status tci_byte_level_create(tci_memory *memory, bool add_prefix_space, bool use_regex, void **self);

/* The writing, as a pre-tokenizer that comes behind it and as a normalizer; both without options (`self` NULL). */
extern const tci_pretokenizer_kind tci_byte_letters_kind;
extern const tci_normalizer_kind tci_byte_normalizer_kind;

/* The alphabet's character for a byte, and the byte of a character, or -1. */
uint32_t tci_byte_letter(uint8_t byte);
int tci_byte_of_letter(uint32_t code);
/* A byte's character in UTF-8; returns its length, 1 or 2. */
size_t tci_byte_write(uint8_t byte, char letter[2]);

#endif
