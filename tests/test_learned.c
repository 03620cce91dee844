/* labels: quick
 * Vocabularies of pieces of words: merges and their ties, both alphabets, odd words, failing allocations. */
#include "support/testing.h"

#include "support/failing.h"
#include "text/bpe_train.h"
#include "text/byte_level.h"
#include "text/wordpiece_train.h"

typedef struct counted {
    const char *word;
    uint64_t count;
} counted;

typedef tc_status (*trainer)(const tci_word_counts *, tci_memory *, const tci_learn_options *, tci_learned *);

static const char *const special[] = {"<s>", "[UNK]"};
static tci_memory memory;

static int set_up(void **state)
{
    (void)state;
    tci_memory_init(&memory, NULL, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return atomic_load(&memory.used) == 0 ? 0 : -1;
}

static tci_learn_options options_for(size_t vocab_size, uint64_t min_count)
{
    return (tci_learn_options){vocab_size, min_count, special, 2};
}

/* Trains on the words, the last of them first where `backwards`. */
static tc_status train_in(tci_memory *in, trainer train, const counted *words, size_t count, bool backwards,
                          const tci_learn_options *options, tci_learned *learned)
{
    uint64_t counts[64] = {0};
    tci_map *map = NULL;
    uint32_t entry;
    *learned = (tci_learned){0};
    TCI_RETURN_IF(tci_map_create(in, &map));
    tc_status status = TC_OK;
    for (size_t i = 0; i < count && status == TC_OK; i++) {
        const counted *word = &words[backwards ? count - 1 - i : i];
        status = tci_map_insert(map, word->word, strlen(word->word), &entry, NULL);
        if (status == TC_OK)
            counts[entry] += word->count;
    }
    tci_word_counts all = {map, counts};
    if (status == TC_OK)
        status = train(&all, in, options, learned);
    tci_map_free(map);
    return status;
}

/* The tokens from `first` on, each followed by a space. */
static void assert_tokens(const tci_learned *learned, uint32_t first, const char *expected)
{
    char text[512] = "";
    for (uint32_t id = first; id < tci_map_count(learned->tokens); id++) {
        size_t length = 0;
        const char *token = tci_map_key(learned->tokens, id, &length);
        strncat(text, token, length);
        strcat(text, " ");
    }
    assert_string_equal(text, expected);
}

static void assert_learned(trainer train, const counted *words, size_t count, size_t vocab_size, uint64_t min_count,
                           uint32_t first, const char *expected)
{
    tci_learn_options options = options_for(vocab_size, min_count);
    for (int backwards = 0; backwards < 2; backwards++) {
        tci_learned learned;
        assert_ok(train_in(&memory, train, words, count, backwards != 0, &options, &learned));
        assert_tokens(&learned, first, expected);
        tci_learned_free(&learned);
    }
}

#define BPE(words, size, least, expected)                                                                              \
    assert_learned(tci_bpe_train, words, sizeof words / sizeof *words, size, least, 258, expected)
#define WORDPIECE(words, size, least, expected)                                                                        \
    assert_learned(tci_wordpiece_train, words, sizeof words / sizeof *words, size, least, 2, expected)

static void bytes_come_first_in_the_order_of_their_signs(void **state)
{
    (void)state;
    tci_learned learned;
    tci_learn_options options = options_for(400, 1);
    assert_ok(train_in(&memory, tci_bpe_train, NULL, 0, false, &options, &learned));
    assert_int_equal(tci_map_count(learned.tokens), 258);
    uint32_t last = 0;
    bool seen[256] = {false};
    for (uint32_t id = 2; id < 258; id++) {
        size_t length = 0;
        uint8_t byte = (uint8_t)*tci_map_key(learned.tokens, id, &length);
        assert_int_equal(length, 1);
        assert_true(tci_byte_letter(byte) > last);
        last = tci_byte_letter(byte);
        seen[byte] = true;
    }
    for (int byte = 0; byte < 256; byte++)
        assert_true(seen[byte]);
    assert_int_equal(tci_byte_letter(' '), 0x120);
    assert_int_equal(tci_byte_letter('\n'), 0x10A);
    assert_int_equal(tci_byte_letter(0xAD), 0x143);
    tci_learned_free(&learned);
}

static void the_pair_seen_most_often_is_merged_first(void **state)
{
    (void)state;
    const counted words[] = {{"low", 5}, {"lower", 2}, {"newest", 6}, {"widest", 3}};
    BPE(words, 262, 1, "es est lo low ");
    BPE(words, 259, 1, "es ");
}

static void ties_go_to_the_smaller_id_on_the_left_then_on_the_right(void **state)
{
    (void)state;
    const counted left[] = {{"zb", 3}, {"ac", 3}};
    BPE(left, 260, 1, "ac zb ");
    const counted right[] = {{"az", 3}, {"ab", 3}};
    BPE(right, 260, 1, "ab az ");
}

static void pairs_below_min_count_stay_apart(void **state)
{
    (void)state;
    const counted words[] = {{"ab", 3}, {"cd", 2}};
    BPE(words, 300, 3, "ab ");
    BPE(words, 300, 4, "");
}

static void equal_bytes_merge_from_left_to_right(void **state)
{
    (void)state;
    const counted words[] = {{"aaaaa", 1}}; /* aa aa a, then a tie: aa a before aa aa */
    BPE(words, 300, 1, "aa aaa aaaaa ");
    const counted ended[] = {{"aaab", 1}}; /* aa a b; from the right it would be a aa b */
    BPE(ended, 300, 1, "aa ab aaab ");
}

static void longer_tokens_are_made_of_shorter_ones(void **state)
{
    (void)state;
    const counted words[] = {{"ab", 9}, {"abc", 5}, {"bc", 20}, {"xbc", 1}};
    tci_learned learned;
    tci_learn_options options = options_for(300, 1);
    assert_ok(train_in(&memory, tci_bpe_train, words, 4, false, &options, &learned));
    assert_tokens(&learned, 258, "bc ab abc xbc ");
    assert_int_equal(learned.merge_count, 4);
    tci_learned_free(&learned);
}

static void text_does_not_make_a_special_token(void **state)
{
    (void)state;
    const counted words[] = {{"<s>", 9}};
    tci_learned learned;
    tci_learn_options options = options_for(300, 1);
    assert_ok(train_in(&memory, tci_bpe_train, words, 1, false, &options, &learned));
    assert_tokens(&learned, 258, "<s ");
    assert_int_equal(learned.merge_count, 1);
    tci_learned_free(&learned);
}

static void a_vocabulary_without_room_for_all_bytes_is_refused(void **state)
{
    (void)state;
    tci_learned learned;
    tci_learn_options options = options_for(257, 1);
    assert_int_equal(train_in(&memory, tci_bpe_train, NULL, 0, false, &options, &learned), TC_ERROR_OPTION);
    assert_contains(tci_error_text(), "at least 258");
    tci_learned_free(&learned);
    options.vocab_size = 1;
    assert_int_equal(train_in(&memory, tci_wordpiece_train, NULL, 0, false, &options, &learned), TC_ERROR_OPTION);
    tci_learned_free(&learned);
}

static void letters_have_a_form_for_each_place_in_which_they_stand(void **state)
{
    (void)state;
    const counted words[] = {{"ab", 2}, {"ba", 2}, {"c", 1}};
    WORDPIECE(words, 100, 1, "a b c ##a ##b ab ba ");
}

static void no_words_give_the_special_tokens_alone(void **state)
{
    (void)state;
    assert_learned(tci_wordpiece_train, NULL, 0, 100, 1, 0, "<s> [UNK] ");
}

static void half_of_the_room_is_for_letters_and_what_merges_leave(void **state)
{
    (void)state;
    /* room for 8, 4 of them letters: the most frequent; "fe" teaches nothing; rarer letters fill the rest */
    const counted words[] = {{"ab", 9}, {"c", 5}, {"d", 4}, {"e", 3}, {"fe", 1}};
    WORDPIECE(words, 10, 1, "a c d ##b ab e f ##e ");
    WORDPIECE(words, 10, 4, "a c d ##b ab e ##e ");
}

static void words_that_bert_reads_as_unknown_teach_nothing(void **state)
{
    (void)state;
    char hundred[128] = "", more[128] = "";
    for (int i = 0; i < TCI_WORDPIECE_WORD; i++)
        strcat(hundred, "a");
    strcat(strcpy(more, hundred), "a");
    const counted longest[] = {{hundred, 1}}, longer[] = {{more, 1}}, broken[] = {{"a\xFF", 9}, {"\xE4\xB8", 9}};
    WORDPIECE(longest, 6, 1, "a ##a ##aa ##aaaa ");
    WORDPIECE(longer, 6, 1, "");
    WORDPIECE(broken, 100, 1, "");
}

static void chinese_characters_are_letters(void **state)
{
    (void)state;
    const counted words[] = {{"\xE4\xB8\xAD", 5}, {"\xE6\x96\x87", 7}};
    WORDPIECE(words, 100, 1, "\xE4\xB8\xAD \xE6\x96\x87 ");
}

/* A word of one byte over and over, as long as no real one is: merging walks places, not the word. */
static void a_giant_word_takes_time_that_follows_its_length(void **state)
{
    (void)state;
    size_t length = 1u << 20;
    char *word = malloc(length);
    uint64_t count = 1;
    uint32_t entry;
    tci_map *map;
    tci_learned learned;
    assert_non_null(word);
    memset(word, 'a', length);
    assert_ok(tci_map_create(&memory, &map));
    assert_ok(tci_map_insert(map, word, length, &entry, NULL));
    tci_learn_options options = options_for(1000, 1);
    assert_ok(tci_bpe_train(&(tci_word_counts){map, &count}, &memory, &options, &learned));
    assert_int_equal(tci_map_count(learned.tokens), 258 + 20); /* 2, 4, ... 2^20 bytes */
    tci_learned_free(&learned);
    tci_map_free(map);
    free(word);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    const counted words[] = {{"aaaa", 5}, {"lower", 2}, {"newest", 6}, {"\xE4\xB8\xAD", 3}};
    for (int kind = 0; kind < 2; kind++)
        for (long n = 0;; n++) {
            test_allocator allocator;
            test_allocator_init(&allocator, n, false);
            tc_allocator host = test_allocator_host(&allocator);
            tci_memory in;
            tci_learned learned;
            tci_learn_options options = options_for(300, 1);
            tci_memory_init(&in, &host, 0);
            tc_status status =
                train_in(&in, kind ? tci_bpe_train : tci_wordpiece_train, words, 4, false, &options, &learned);
            assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
            tci_learned_free(&learned);
            assert_nothing_held(&allocator);
            if (!allocator.failed)
                break;
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_first_in_the_order_of_their_signs),
        cmocka_unit_test(the_pair_seen_most_often_is_merged_first),
        cmocka_unit_test(ties_go_to_the_smaller_id_on_the_left_then_on_the_right),
        cmocka_unit_test(pairs_below_min_count_stay_apart),
        cmocka_unit_test(equal_bytes_merge_from_left_to_right),
        cmocka_unit_test(longer_tokens_are_made_of_shorter_ones),
        cmocka_unit_test(text_does_not_make_a_special_token),
        cmocka_unit_test(a_vocabulary_without_room_for_all_bytes_is_refused),
        cmocka_unit_test(letters_have_a_form_for_each_place_in_which_they_stand),
        cmocka_unit_test(no_words_give_the_special_tokens_alone),
        cmocka_unit_test(half_of_the_room_is_for_letters_and_what_merges_leave),
        cmocka_unit_test(words_that_bert_reads_as_unknown_teach_nothing),
        cmocka_unit_test(chinese_characters_are_letters),
        cmocka_unit_test(a_giant_word_takes_time_that_follows_its_length),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
