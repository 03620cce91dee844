/* story.h: texts that read like something, each made from its number: two languages, uneven lengths, some of them
 * empty, words by falling frequency, and a label that can mostly be told from the words. */
#ifndef TEST_SUPPORT_STORY_H
#define TEST_SUPPORT_STORY_H

#include <stddef.h>
#include <stdint.h>

#define STORY_LABELS 3
#define STORY_SIZE 2048 /* enough for any story of at most STORY_WORDS words */
#define STORY_WORDS 100

extern const char *const story_labels[STORY_LABELS];

/* Writes story `number` with its NUL and gives its label; *length (may be NULL) is what strlen would say. */
uint32_t story_write(uint32_t number, char text[STORY_SIZE], size_t *length);

/* A story of exactly `words` tokens for the tokenizer `word`; capacity at least 12 · words + 1. */
size_t story_write_words(uint32_t number, size_t words, char *text, size_t capacity);

#endif
