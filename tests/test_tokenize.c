/* labels: quick
 * Text to tokens: one row per rule of docs/text.md, byte ranges, and what cleaning, folding and normalizing do to
 * them. */
#include "support/testing.h"

#include "text/pipeline.h"

/* Tokens joined by '|', and beside them the ranges "begin-end" joined by spaces. A token too long is "(long)". */
typedef struct listing {
    char tokens[8192];
    char ranges[8192];
    size_t count;
    tc_status answer; /* what each call answers */
} listing;

static tc_status list_token(void *context, const char *token, size_t length, size_t begin, size_t end)
{
    listing *l = context;
    char range[64];
    if (l->count++)
        strcat(l->tokens, "|");
    if (length == 0)
        strcat(l->tokens, "(long)");
    else
        strncat(l->tokens, token, length);
    snprintf(range, sizeof range, "%s%zu-%zu", l->ranges[0] ? " " : "", begin, end);
    strcat(l->ranges, range);
    return l->answer;
}

static const tci_text_options word_options = {.tokenizer = TCI_TOKENIZER_WORD,
                                              .normalize = TCI_NORMALIZE_NFKC,
                                              .lowercase = true,
                                              .clean_controls = true,
                                              .collapse_spaces = true,
                                              .truncate = TCI_TRUNCATE_HEAD};

static listing list_with(tci_text_options options, const char *text, size_t length)
{
    listing l = {.count = 0};
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    assert_ok(tci_tokenize(&options, &memory, text, length, list_token, &l));
    assert_int_equal(atomic_load(&memory.used), 0);
    return l;
}

static listing list_words(const char *text)
{
    return list_with(word_options, text, strlen(text));
}

static listing list_chars(const char *text)
{
    tci_text_options options = word_options;
    options.tokenizer = TCI_TOKENIZER_CHAR;
    return list_with(options, text, strlen(text));
}

/* The table of docs/text.md: text, tokens of `word`, tokens of `char`. */
static const char *const rules[][3] = {
    {"Hello world", "hello|world", "h|e|l|l|o|w|o|r|l|d"},
    {"R2D2 x64", "r2d2|x64", "r|2|d|2|x|6|4"},
    {"don't stop.", "don|'|t|stop|.", "d|o|n|'|t|s|t|o|p|."},
    {"snake_case", "snake|_|case", "s|n|a|k|e|_|c|a|s|e"},
    {"a--b", "a|-|-|b", "a|-|-|b"},
    {"e\xCC\x81t\xC3\xA9", "\xC3\xA9t\xC3\xA9", "\xC3\xA9|t|\xC3\xA9"},
    {"x\xCC\xB1y", "x\xCC\xB1y", "x\xCC\xB1|y"},               /* a mark in a run joins it */
    {"!\xCC\xB1y", "!\xCC\xB1|y", "!\xCC\xB1|y"},              /* a mark after a token joins it */
    {" \xCC\xB1y", "\xCC\xB1y", "\xCC\xB1|y"},                 /* a mark after a space begins a run */
    {"\xE6\x88\x91\xE7\x88\xB1NLP", "\xE6\x88\x91|\xE7\x88\xB1|nlp", "\xE6\x88\x91|\xE7\x88\xB1|n|l|p"},
    {"\xE4\xBA\x8C\xE3\x80\x87", "\xE4\xBA\x8C|\xE3\x80\x87", "\xE4\xBA\x8C|\xE3\x80\x87"}, /* U+3007 */
    {"\xE3\x90\x80\xE4\xB6\xBF", "\xE3\x90\x80|\xE4\xB6\xBF", "\xE3\x90\x80|\xE4\xB6\xBF"}, /* 3400, 4DBF */
    {"\xE4\xB8\x80\xE9\xBF\xBF", "\xE4\xB8\x80|\xE9\xBF\xBF", "\xE4\xB8\x80|\xE9\xBF\xBF"}, /* 4E00, 9FFF */
    {"\xEF\xA8\x8E\xEF\xA8\x8F", "\xEF\xA8\x8E|\xEF\xA8\x8F", "\xEF\xA8\x8E|\xEF\xA8\x8F"}, /* FA0E, FA0F */
    {"\xF0\xA0\x80\x80\xF0\xB0\x80\x80", "\xF0\xA0\x80\x80|\xF0\xB0\x80\x80", "\xF0\xA0\x80\x80|\xF0\xB0\x80\x80"},
    {"\xE3\x81\x8B\xE3\x82\xAB\xE3\x83\xBC", "\xE3\x81\x8B|\xE3\x82\xAB|\xE3\x83\xBC",
     "\xE3\x81\x8B|\xE3\x82\xAB|\xE3\x83\xBC"},                /* kana, U+30FC */
    {"\xE3\x81\x8B\xE3\x82\x99x", "\xE3\x81\x8C|x", "\xE3\x81\x8C|x"}, /* U+3099 composes */
    {"\xE3\x81\x82\xE3\x82\x99x", "\xE3\x81\x82\xE3\x82\x99|x", "\xE3\x81\x82\xE3\x82\x99|x"}, /* or joins */
    {"\xE3\x87\xB0\xE3\x87\xBF", "\xE3\x87\xB0|\xE3\x87\xBF", "\xE3\x87\xB0|\xE3\x87\xBF"}, /* 31F0, 31FF */
    {"\xED\x95\x9C\xEA\xB5\xAD \xEB\xA7\x90", "\xED\x95\x9C\xEA\xB5\xAD|\xEB\xA7\x90",
     "\xED\x95\x9C|\xEA\xB5\xAD|\xEB\xA7\x90"},                /* Hangul goes by spaces */
    {"\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB", "\xED\x95\x9C", "\xED\x95\x9C"}, /* jamo compose */
    {"\xE0\xB8\x81\xE0\xB8\xB4\xE0\xB8\x99", "\xE0\xB8\x81\xE0\xB8\xB4|\xE0\xB8\x99",
     "\xE0\xB8\x81\xE0\xB8\xB4|\xE0\xB8\x99"},                 /* Thai */
    {"\xE0\xBA\x81\xE0\xBA\xB4\xE0\xBA\x99", "\xE0\xBA\x81\xE0\xBA\xB4|\xE0\xBA\x99",
     "\xE0\xBA\x81\xE0\xBA\xB4|\xE0\xBA\x99"},                 /* Lao */
    {"\xE1\x9E\x80\xE1\x9E\xB7\xE1\x9E\x93", "\xE1\x9E\x80\xE1\x9E\xB7|\xE1\x9E\x93",
     "\xE1\x9E\x80\xE1\x9E\xB7|\xE1\x9E\x93"},                 /* Khmer */
    {"\xE1\x80\x80\xE1\x80\xAD\xE1\x80\x94", "\xE1\x80\x80\xE1\x80\xAD|\xE1\x80\x94",
     "\xE1\x80\x80\xE1\x80\xAD|\xE1\x80\x94"},                 /* Burmese */
    {"\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82", "\xD0\xBF\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82",
     "\xD0\xBF|\xD1\x80|\xD0\xB8|\xD0\xB2|\xD0\xB5|\xD1\x82"},
    {"\xF0\x9F\x98\x80\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80|\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80|\xF0\x9F\x98\x80"},
    {"\xE2\x9D\xA4\xEF\xB8\x8F", "\xE2\x9D\xA4\xEF\xB8\x8F", "\xE2\x9D\xA4\xEF\xB8\x8F"}, /* variation selector */
    {"a\xE2\x80\x8C" "b", "a|\xE2\x80\x8C|b", "a|\xE2\x80\x8C|b"},     /* U+200C stays */
    {"a\xE2\x80\x8D" "b", "a|\xE2\x80\x8D|b", "a|\xE2\x80\x8D|b"},     /* U+200D stays */
    {"a\xC2\xAD" "b\xEF\xBB\xBF" "c\xE2\x80\x8B" "d", "abcd", "a|b|c|d"}, /* U+00AD, U+FEFF, U+200B go */
    {"a\x01" "b\x7F" "c\xC2\x80" "d", "abcd", "a|b|c|d"},              /* controls go */
    {"a\tb\nc\rd\x0B" "e\x0C" "f\xC2\x85g", "a|b|c|d|e|f|g", "a|b|c|d|e|f|g"},
    {"a\xC2\xA0" "b\xE1\x9A\x80" "c\xE2\x80\x83" "d\xE2\x80\xA8" "e\xE2\x80\xA9" "f\xE3\x80\x80g", "a|b|c|d|e|f|g",
     "a|b|c|d|e|f|g"},                                         /* every sort of White_Space */
    {"  a   b  ", "a|b", "a|b"},
    {"", "", ""},
    {" \t\n", "", ""},
    {"\xEF\xAC\x81n", "fin", "f|i|n"},                         /* U+FB01 under NFKC */
    {"\xE3\x8E\xAA", "kpa", "k|p|a"},                         /* U+33AA: one segment, some of it folds */
    {"\xEF\xBC\xA1\xEF\xBC\x91", "a1", "a|1"},                 /* full width */
    {"\xEF\xBD\xB6\xEF\xBE\x9E", "\xE3\x82\xAC", "\xE3\x82\xAC"}, /* half-width katakana */
    {"Stra\xC3\x9F" "e", "strasse", "s|t|r|a|s|s|e"},          /* full folding */
    {"\xC4\xB0x", "i\xCC\x87x", "i\xCC\x87|x"},                /* U+0130 */
    {"\xCE\xA3\xCE\xAF\xCF\x83\xCF\x85\xCF\x86\xCE\xBF\xCF\x82",
     "\xCF\x83\xCE\xAF\xCF\x83\xCF\x85\xCF\x86\xCE\xBF\xCF\x83",
     "\xCF\x83|\xCE\xAF|\xCF\x83|\xCF\x85|\xCF\x86|\xCE\xBF|\xCF\x83"}, /* final sigma */
    {"\xE1\xBE\xB3", "\xCE\xB1\xCE\xB9", "\xCE\xB1|\xCE\xB9"}, /* U+1FB3 folds to two letters */
    {"\xE2\x84\xAA", "k", "k"},                                /* Kelvin */
    {"\xFF\xC3(", "\xEF\xBF\xBD|\xEF\xBF\xBD|(", "\xEF\xBF\xBD|\xEF\xBF\xBD|("}, /* ill-formed */
};

static void tokens_are_those_of_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        assert_string_equal(list_words(rules[i][0]).tokens, rules[i][1]);
        assert_string_equal(list_chars(rules[i][0]).tokens, rules[i][2]);
    }
}

static void collapsing_spaces_changes_no_token_of_word_and_char(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        tci_text_options options = word_options;
        options.collapse_spaces = false;
        assert_string_equal(list_with(options, rules[i][0], strlen(rules[i][0])).tokens, rules[i][1]);
    }
}

static void a_token_runs_from_its_first_segment_to_its_last(void **state)
{
    (void)state;
    assert_string_equal(list_words("Hello, w\xC3\xB6rld").ranges, "0-5 5-6 7-13");
    assert_string_equal(list_words("cafe\xCC\x81 x").ranges, "0-6 7-8");
    assert_string_equal(list_words("\xE6\x88\x91\xE7\x88\xB1").ranges, "0-3 3-6");
    assert_string_equal(list_chars("\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB!").ranges, "0-9 9-10");
    assert_string_equal(list_words("a\xFF\xE4\xBD b").ranges, "0-1 1-2 2-4 5-6");
}

static void tokens_of_one_segment_share_its_range(void **state)
{
    (void)state;
    assert_string_equal(list_chars("\xEF\xAC\x81").ranges, "0-3 0-3");
    /* U+FB01 U+0301: one segment of f and i with acute */
    assert_string_equal(list_chars("\xEF\xAC\x81\xCC\x81").tokens, "f|\xC3\xAD");
    assert_string_equal(list_chars("\xEF\xAC\x81\xCC\x81").ranges, "0-5 0-5");
    /* U+FDFA: 18 code points in four words */
    listing l = list_words("\xEF\xB7\xBA");
    assert_int_equal(l.count, 4);
    assert_string_equal(l.ranges, "0-3 0-3 0-3 0-3");
}

static void what_cleaning_drops_lies_inside_a_range_but_not_at_its_ends(void **state)
{
    (void)state;
    tci_text_options options = word_options;
    listing l = list_with(options, "\0ab\0\0c\0 \0", 9);
    assert_string_equal(l.tokens, "abc");
    assert_string_equal(l.ranges, "1-6");
    options.clean_controls = false;
    l = list_with(options, "a\1b", 3);
    assert_string_equal(l.tokens, "a|\1|b");
}

static void a_mark_passes_over_dropped_controls(void **state)
{
    (void)state;
    listing l = list_words("cafe\x01\x02\xC2\xAD\xCC\x81");
    assert_string_equal(l.tokens, "caf\xC3\xA9");
    assert_string_equal(l.ranges, "0-10");
    assert_string_equal(list_words("caf\xC3\xA8\x01\xCC\xA3").tokens, "caf\xE1\xBA\xB9\xCC\x80");
}

static void without_normalization_code_points_stay_as_they_are(void **state)
{
    (void)state;
    tci_text_options options = word_options;
    options.normalize = TCI_NORMALIZE_NONE;
    assert_string_equal(list_with(options, "E\xCC\x81 \xEF\xAC\x81", 7).tokens, "e\xCC\x81|fi");
    options.lowercase = false;
    assert_string_equal(list_with(options, "E\xCC\x81 \xEF\xAC\x81", 7).tokens, "E\xCC\x81|\xEF\xAC\x81");
    options.normalize = TCI_NORMALIZE_NFC;
    assert_string_equal(list_with(options, "E\xCC\x81 \xEF\xAC\x81", 7).tokens, "\xC3\x89|\xEF\xAC\x81");
    options.lowercase = true;
    assert_string_equal(list_with(options, "E\xCC\x81 \xEF\xAC\x81", 7).tokens, "\xC3\xA9|fi");
}

static void without_lowercase_capitals_stay(void **state)
{
    (void)state;
    tci_text_options options = word_options;
    options.lowercase = false;
    assert_string_equal(list_with(options, "The \xC3\x89t\xC3\xA9", 9).tokens, "The|\xC3\x89t\xC3\xA9");
}

static void a_token_of_1024_bytes_is_a_word_and_a_longer_one_is_not(void **state)
{
    (void)state;
    char text[TCI_TOKEN_BYTES + 8];
    memset(text, 'a', sizeof text);
    listing l = list_with(word_options, text, TCI_TOKEN_BYTES);
    assert_int_equal(l.count, 1);
    assert_int_equal(strlen(l.tokens), TCI_TOKEN_BYTES);
    text[TCI_TOKEN_BYTES + 1] = ' ';
    l = list_with(word_options, text, TCI_TOKEN_BYTES + 3);
    assert_string_equal(l.tokens, "(long)|a");
    assert_string_equal(l.ranges, "0-1025 1026-1027");
    memcpy(text + TCI_TOKEN_BYTES - 1, "\xC3\xA9 b", 4); /* the last letter has two bytes */
    l = list_with(word_options, text, TCI_TOKEN_BYTES + 3);
    assert_string_equal(l.tokens, "(long)|b");
}

static void strict_utf8_names_the_first_bad_byte_and_gives_no_token(void **state)
{
    (void)state;
    tci_text_options options = word_options;
    listing l = {.count = 0};
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    options.strict_utf8 = true;
    assert_int_equal(tci_tokenize(&options, &memory, "abc d\xE4\xBD", 7, list_token, &l), TC_ERROR_ENCODING);
    assert_non_null(strstr(tci_error_text(), "byte 5"));
    assert_int_equal(l.count, 0);
    assert_ok(tci_tokenize(&options, &memory, "abc d\xE4\xBD\xA0", 8, list_token, &l));
    assert_string_equal(l.tokens, "abc|d|\xE4\xBD\xA0");
}

static void space_parts_at_white_space_alone(void **state)
{
    (void)state;
    static const char text[] =
        "Don't-stop_NOW, \xE6\x88\x91\xE7\x88\xB1 x\xE3\x80\x80y\xC2\xA0z \xCC\x81q!\x01? \xFF.a";
    tci_text_options options = word_options;
    options.tokenizer = TCI_TOKENIZER_SPACE;
    listing l = list_with(options, text, sizeof text - 1);
    assert_string_equal(l.tokens, "don't-stop_now,|\xE6\x88\x91\xE7\x88\xB1|x|y|z|\xCC\x81q!?|\xEF\xBF\xBD.a");
    assert_string_equal(l.ranges, "0-15 16-22 23-24 27-28 30-31 31-38 39-42");
    options.clean_controls = false;
    options.lowercase = false;
    options.normalize = TCI_NORMALIZE_NONE;
    l = list_with(options, text, sizeof text - 1);
    assert_string_equal(l.tokens, "Don't-stop_NOW,|\xE6\x88\x91\xE7\x88\xB1|x|y|z|\xCC\x81q!\x01?|\xEF\xBF\xBD.a");
    char longer[1100];
    memset(longer, '.', sizeof longer);
    assert_string_equal(list_with(options, longer, sizeof longer).tokens, "(long)");
}

/* Letters and digits are taken eight at a time: each byte of ASCII at each place among them. */
static void every_ascii_byte_at_every_place_of_a_word_is_cut_by_its_kind(void **state)
{
    (void)state;
    enum { LENGTH = 20 };
    tci_text_options options = word_options;
    for (int round = 0; round < 2 * (LENGTH - 2) * 0x80; round++) {
        options.lowercase = round % 2 == 1;
        size_t at = 1 + (size_t)round / 2 % (LENGTH - 2), end = 0;
        int byte = round / 2 / (LENGTH - 2);
        bool upper = byte >= 'A' && byte <= 'Z';
        bool joins = upper || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
        char text[LENGTH], expected[LENGTH + 3], letter = options.lowercase ? 'z' : 'Z';
        if (byte < 0x20 || byte == 0x7f)
            continue; /* controls, which are dropped or spaces */
        for (size_t i = 0; i < LENGTH; i++) {
            text[i] = i == at ? (char)byte : 'Z';
            if (i != at) {
                expected[end++] = letter;
                continue;
            }
            if (!joins)
                expected[end++] = '|';
            if (byte == ' ')
                continue;
            expected[end++] = (char)(upper && options.lowercase ? byte + 32 : byte);
            if (!joins)
                expected[end++] = '|';
        }
        expected[end] = '\0';
        listing l = list_with(options, text, LENGTH);
        assert_string_equal(l.tokens, expected);
    }
}

static void an_answer_other_than_ok_ends_the_text(void **state)
{
    (void)state;
    static const char *const texts[] = {"a b c", "\xE6\x88\x91\xE7\x88\xB1", "\xC3\xA9 \xC3\xA9 ", "\xEF\xB7\xBA"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        listing l = {.answer = TC_ERROR_LIMIT};
        tci_memory memory;
        tci_memory_init(&memory, NULL, 0);
        assert_int_equal(
            tci_tokenize(&word_options, &memory, texts[i], strlen(texts[i]), list_token, &l), TC_ERROR_LIMIT);
        assert_int_equal(l.count, 1);
    }
}

static void no_text_gives_no_token(void **state)
{
    (void)state;
    assert_int_equal(list_with(word_options, NULL, 0).count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_those_of_the_table),
        cmocka_unit_test(collapsing_spaces_changes_no_token_of_word_and_char),
        cmocka_unit_test(a_token_runs_from_its_first_segment_to_its_last),
        cmocka_unit_test(tokens_of_one_segment_share_its_range),
        cmocka_unit_test(what_cleaning_drops_lies_inside_a_range_but_not_at_its_ends),
        cmocka_unit_test(a_mark_passes_over_dropped_controls),
        cmocka_unit_test(without_normalization_code_points_stay_as_they_are),
        cmocka_unit_test(without_lowercase_capitals_stay),
        cmocka_unit_test(a_token_of_1024_bytes_is_a_word_and_a_longer_one_is_not),
        cmocka_unit_test(strict_utf8_names_the_first_bad_byte_and_gives_no_token),
        cmocka_unit_test(every_ascii_byte_at_every_place_of_a_word_is_cut_by_its_kind),
        cmocka_unit_test(space_parts_at_white_space_alone),
        cmocka_unit_test(an_answer_other_than_ok_ends_the_text),
        cmocka_unit_test(no_text_gives_no_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
