/* pattern.h: the patterns by which pre-tokenizers split and normalizers replace, as tokenizer.json has them.
 *
 * Literal strings, and regular expressions in the syntax of Oniguruma (its Ruby flavour, which the `tokenizers` package
 * uses). Those of GPT-2, CLIP, cl100k, o200k and their kin are known by their text and run as scanners of our own
 * (pattern_scan.c), in linear time; any other goes to PCRE2, without its compiler to machine code and with limits on
 * matches, depth and memory: one that is reached is an error. What PCRE2 would read differently from Oniguruma is
 * translated or refused. */
#ifndef TCI_TEXT_PATTERN_H
#define TCI_TEXT_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "text/stage.h"

typedef struct tci_pattern tci_pattern;

#define TCI_PATTERN_MAX 65536 /* bytes of a regular expression's text */
#define TCI_LITERAL_MAX 1024  /* bytes of a literal: a search compares that many at each place of a text at worst */
extern const char tci_gpt2_pattern[];

/* TC_ERROR_FORMAT where it is no pattern, TC_ERROR_UNSUPPORTED where it cannot be had here; both say why. */
tc_status tci_pattern_create(tci_memory *memory, const char *text, size_t length, bool is_literal,
                             tci_pattern **pattern);
void tci_pattern_free(tci_memory *memory, tci_pattern *pattern); /* NULL is a no-op */

/* The matches of a text (valid UTF-8) one after the other. */
typedef struct tci_matches {
    const tci_pattern *pattern;
    tci_work *work;
    const char *text;
    size_t length;
    size_t at;       /* where the search goes on */
    size_t last_end; /* of the match before; SIZE_MAX: none */
} tci_matches;

void tci_matches_begin(tci_matches *matches, const tci_pattern *pattern, const char *text, size_t length,
                       tci_work *work);
/* The next match; *found is false behind the last. It may be empty, but not where the one before ends. */
tc_status tci_matches_next(tci_matches *matches, bool *found, size_t *begin, size_t *end);

/* Where the match that begins at `at` < length ends, or `at` where none does: no match is empty. NULL for patterns
 * without a scanner. */
typedef size_t (*tci_scan)(const uint8_t *text, size_t length, size_t at);
tci_scan tci_pattern_scan(const tci_pattern *pattern);
/* The scanner of the pattern with this text, or NULL. */
tci_scan tci_scan_of(const char *text, size_t length);

/* ---- between the files of pattern ---- */

typedef struct tci_regex tci_regex; /* pattern_regex.c */
tc_status tci_regex_create(tci_memory *memory, const char *text, size_t length, tci_regex **regex);
void tci_regex_free(tci_memory *memory, tci_regex *regex);
/* The first match that begins at `from` or behind it. */
tc_status tci_regex_search(const tci_regex *regex, tci_work *work, const char *text, size_t length, size_t from,
                           bool *found, size_t *begin, size_t *end);
/* The same pattern in PCRE2's syntax. */
tc_status tci_regex_translate(const char *text, size_t length, tci_buffer *out);

typedef struct tci_younger_range {
    uint32_t first;
    uint16_t count;
    char category[2];
} tci_younger_range;
#define TCI_YOUNGER_RANGES 126
extern const tci_younger_range tci_younger_ranges[TCI_YOUNGER_RANGES]; /* pattern_younger.c */

#endif
