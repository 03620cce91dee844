/* labels: quick. bpe.c, bpe_merge.c, bpe_borders.c: words become the package's ids and ranges, in time linear but for a
 * logarithm. Wanted values are the package's. */
#include "support/testing.h"

#include "support/failing.h"
#include "support/tokens.h"

#define VOCAB "\"a\":0,\"b\":1,\"c\":2,\"d\":3,\"\\u00e9\":4,\"ab\":5,\"abc\":6,\"bc\":7,\"cd\":8,\"bcd\":9"
#define MERGES "\"merges\":[\"b c\",[\"a\",\"b\"],\"a bc\",\"c d\",\"bc d\"]"
#define BPE(more, options) "\"vocab\":{" VOCAB more "}," MERGES options

static void check(const char *model, const char *const (*cases)[2], size_t count)
{
    tci_subword *subword = model_tokens("BPE", model);
    for (size_t i = 0; i < count; i++)
        assert_tokens(subword, cases[i][0], cases[i][1]);
    tci_subword_free(subword);
}
#define CHECK(model, ...)                                                                                              \
    do {                                                                                                               \
        static const char *const cases[][2] = {__VA_ARGS__};                                                           \
        check(model, cases, sizeof cases / sizeof *cases);                                                             \
    } while (0)

static void merges_go_by_rank_then_from_the_left(void **state)
{
    (void)state;
    CHECK(BPE("", ""), {"abcd", "6 0 3, 3 3 4"}, {"abab", "5 0 2, 5 2 4"}, {"", ""});
}

static void without_unk_token_unknown_characters_vanish(void **state)
{
    (void)state;
    CHECK(BPE("", ""), {"xab\xC3\xA9", "5 0 2, 4 2 5"}, {"x", ""}); /* lengths add up without them */
}

static void unknown_characters_are_the_unk_token_fused_or_not(void **state)
{
    (void)state;
    CHECK(BPE(",\"<u>\":10", ",\"unk_token\":\"<u>\""), {"axxb", "0 0 1, 10 1 2, 10 2 3, 1 3 4"});
    CHECK(BPE(",\"<u>\":10", ",\"unk_token\":\"<u>\",\"ignore_merges\":true"),
          {"axxb", "0 0 1, 10 1 2, 10 2 3, 1 3 4"});
    CHECK(BPE(",\"<u>\":10", ",\"unk_token\":\"<u>\",\"fuse_unk\":true"), {"axxb", "0 0 1, 10 1 3, 1 3 4"},
          {"xx", "10 0 2"});
}

static void unknown_characters_are_bytes_where_all_of_them_are_tokens(void **state)
{
    (void)state;
    CHECK(BPE(",\"<u>\":10,\"<0xC3>\":11,\"<0x89>\":12,\"<0x78>\":13", ",\"unk_token\":\"<u>\",\"byte_fallback\":true"),
          {"a\xC3\x89x", "0 0 1, 11 1 3, 12 1 3, 13 3 4"});
}

static void prefix_and_suffix_belong_to_characters(void **state)
{
    (void)state;
    CHECK("\"vocab\":{\"a\":0,\"##a\":1,\"a</w>\":2,\"##a</w>\":3,\"b\":4,\"##b\":5,\"b</w>\":6,\"##b</w>\":7,"
          "\"ab\":8,\"##ab</w>\":9,\"aab</w>\":10},\"merges\":[\"a ##b\",\"##a ##b</w>\",\"a ##ab</w>\"],"
          "\"continuing_subword_prefix\":\"##\",\"end_of_word_suffix\":\"</w>\"",
          {"a", "2 0 1"}, {"ab", "0 0 1, 7 1 2"}, {"aab", "10 0 3"}, {"abab", "8 0 2, 9 2 4"}, {"ba", "4 0 1, 3 1 2"});
}

static void a_word_that_is_a_token_needs_no_merges(void **state)
{
    (void)state;
    CHECK("\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"aba\":3},\"merges\":[\"a b\"],\"ignore_merges\":true",
          {"aba", "3 0 3"}, {"abab", "2 0 2, 2 2 4"});
    CHECK("\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"aba\":3},\"merges\":[\"a "
          "b\"],\"ignore_merges\":true,\"unk_token\":\"b\"",
          {"aba", "3 0 3"}); /* and is not split before */
}

static void unknown_characters_merge_as_the_token_they_become(void **state)
{
    (void)state;
    CHECK("\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"],\"unk_token\":\"b\"", {"ax", "2 0 2"},
          {"xx", "1 0 1, 1 1 2"});
}

static void what_cannot_be_is_refused_by_name(void **state)
{
    (void)state;
    assert_model_refused("BPE", "\"vocab\":{\"a\":0},\"merges\":[\"a b\"]", TC_ERROR_FORMAT, "merge 0 has b");
    assert_model_refused("BPE", "\"vocab\":{\"a\":0,\"b\":1},\"merges\":[\"a b\"]", TC_ERROR_FORMAT, "merge 0 has ab");
    assert_model_refused("BPE", "\"vocab\":{\"a\":0,\"b\":1},\"merges\":[\"ab\"]", TC_ERROR_FORMAT, "merge");
    assert_model_refused(
        "BPE", "\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"],\"continuing_subword_prefix\":\"##\"",
        TC_ERROR_FORMAT, "merge 0 is shorter than continuing_subword_prefix");
    assert_model_refused("BPE", "\"vocab\":{\"a\":0},\"merges\":[],\"dropout\":0.1", TC_ERROR_UNSUPPORTED, "dropout");
    assert_model_refused("BPE", "\"vocab\":{\"a\":0},\"merges\":[],\"byte_fallback\":true,\"end_of_word_suffix\":\"$\"",
                         TC_ERROR_UNSUPPORTED, "byte_fallback");
    assert_model_refused("BPE", "\"vocab\":{\"a\":99999},\"merges\":[]", TC_ERROR_LIMIT, "has id 99999");
    assert_model_refused("BPE", "\"vocab\":{\"a\":1000000},\"merges\":[]", TC_ERROR_LIMIT, "max_vocab");
}

/* a^(2^k) are tokens: a word of n times a is its binary digits, whatever way it is merged. */
#define POWERS                                                                                                         \
    "\"vocab\":{\"a\":0,\"aa\":1,\"aaaa\":2,\"aaaaaaaa\":3,\"b\":4,\"ba\":5},"                                         \
    "\"merges\":[\"a a\",\"aa aa\",\"aaaa aaaa\",\"b a\"]"

static void long_words_become_what_short_ones_do(void **state)
{
    (void)state;
    char text[64];
    tci_subword *subword = model_tokens("BPE", POWERS);
    memset(text, 'a', sizeof text);
    text[37] = 0;
    assert_tokens(subword, text, "3 0 8, 3 8 16, 3 16 24, 3 24 32, 2 32 36, 0 36 37");
    text[37] = 'a';
    text[47] = 0;
    assert_tokens(subword, text, "3 0 8, 3 8 16, 3 16 24, 3 24 32, 3 32 40, 2 40 44, 1 44 46, 0 46 47");
    tci_subword_free(subword);
}

/* Tokens by random merges of random tokens, and what merging one pair after the other makes of a word. */
enum { LETTERS = 4, MERGES_MADE = 60, TOKENS = LETTERS + MERGES_MADE, TOKEN_BYTES = 12 };
typedef struct random_bpe {
    char tokens[TOKENS][TOKEN_BYTES + 1];
    size_t count, merge_count;
    struct {
        size_t left, right, merged;
    } merges[MERGES_MADE];
    uint64_t random;
} random_bpe;

static size_t below(random_bpe *bpe, size_t bound)
{
    bpe->random = bpe->random * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(bpe->random >> 33) % bound;
}

static void make_random(random_bpe *bpe, char *model, size_t capacity)
{
    memset(bpe, 0, sizeof *bpe);
    for (; bpe->count < LETTERS; bpe->count++)
        bpe->tokens[bpe->count][0] = (char)('a' + bpe->count);
    while (bpe->merge_count < MERGES_MADE) {
        size_t left = below(bpe, bpe->count), right = below(bpe, bpe->count), merged = 0;
        char joined[2 * TOKEN_BYTES + 1];
        snprintf(joined, sizeof joined, "%s%s", bpe->tokens[left], bpe->tokens[right]);
        while (merged < bpe->count && strcmp(bpe->tokens[merged], joined) != 0)
            merged++;
        if (strlen(joined) > TOKEN_BYTES || merged < bpe->count)
            continue;
        memcpy(bpe->tokens[bpe->count++], joined, strlen(joined) + 1);
        bpe->merges[bpe->merge_count].left = left;
        bpe->merges[bpe->merge_count].right = right;
        bpe->merges[bpe->merge_count++].merged = merged;
    }
    size_t end = (size_t)snprintf(model, capacity, "\"unk_token\":\"a\",\"vocab\":{");
    for (size_t i = 0; i < bpe->count; i++)
        end += (size_t)snprintf(model + end, capacity - end, "%s\"%s\":%zu", i == 0 ? "" : ",", bpe->tokens[i], i);
    end += (size_t)snprintf(model + end, capacity - end, "},\"merges\":[");
    for (size_t i = 0; i < bpe->merge_count; i++)
        end += (size_t)snprintf(model + end, capacity - end, "%s\"%s %s\"", i == 0 ? "" : ",",
                                bpe->tokens[bpe->merges[i].left], bpe->tokens[bpe->merges[i].right]);
    snprintf(model + end, capacity - end, "]");
}

static void show_merged(const random_bpe *bpe, const char *word, char *shown, size_t capacity)
{
    size_t ids[512], count = strlen(word), end = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        ids[i] = (size_t)(word[i] - 'a');
    for (size_t rank = 0; rank < bpe->merge_count;) {
        size_t i = 0;
        while (i + 1 < count && (ids[i] != bpe->merges[rank].left || ids[i + 1] != bpe->merges[rank].right))
            i++;
        if (i + 1 >= count) {
            rank++;
            continue;
        }
        ids[i] = bpe->merges[rank].merged;
        memmove(ids + i + 1, ids + i + 2, (count-- - i - 2) * sizeof *ids);
        rank = 0; /* what came of it may come before */
    }
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(bpe->tokens[ids[i]]);
        end +=
            (size_t)snprintf(shown + end, capacity - end, "%s%zu %zu %zu", i == 0 ? "" : ", ", ids[i], at, at + length);
        at += length;
    }
}

static void words_of_any_length_become_what_one_merge_after_the_other_makes(void **state)
{
    (void)state;
    static const char *const splits[] = {"", ",\"ignore_merges\":true"}; /* where no merge reaches; nowhere */
    random_bpe bpe;
    char model[4096], with_splits[4200], word[121], shown[4096];
    make_random(&bpe, model, sizeof model);
    for (size_t k = 0; k < 2; k++) {
        snprintf(with_splits, sizeof with_splits, "%s%s", model, splits[k]);
        tci_subword *subword = model_tokens("BPE", with_splits);
        for (size_t round = 0; round < 400; round++) {
            size_t length = TOKEN_BYTES + 1 + below(&bpe, sizeof word - TOKEN_BYTES - 1);
            for (size_t i = 0; i < length; i++)
                word[i] = (char)('a' + below(&bpe, LETTERS));
            word[length] = 0;
            show_merged(&bpe, word, shown, sizeof shown);
            assert_tokens(subword, word, shown);
        }
        tci_subword_free(subword);
    }
}

static void a_word_of_a_million_characters_takes_no_time(void **state)
{
    (void)state;
    enum { LENGTH = 1000003 };
    char *text = malloc(LENGTH);
    tci_subword *subword = model_tokens("BPE", POWERS);
    test_tokens out = {NULL, 0, 0, 0, 0};
    memset(text, 'a', LENGTH);
    assert_ok(encode_tokens(NULL, subword, text, LENGTH, &out));
    assert_int_equal(out.count, 125000 + 2); /* 8 each, then aa and a */
    assert_int_equal(out.last_end, LENGTH);
    free(text);
    tci_subword_free(subword);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    static const char json[] =
        "{\"version\":\"1.0\",\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true,"
        "\"trim_offsets\":true,\"use_regex\":true},\"model\":{\"type\":\"BPE\",\"vocab\":{"
        "\"a\":0,\"b\":1,\"\\u0120\":2,\"ab\":3,\"\\u00c3\":4,\"\\u00a9\":5},"
        "\"merges\":[\"a b\"],\"ignore_merges\":true}}";
    fail_each_allocation(json, sizeof json - 1, "ab aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab \xC3\xA9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_go_by_rank_then_from_the_left),
        cmocka_unit_test(without_unk_token_unknown_characters_vanish),
        cmocka_unit_test(unknown_characters_are_the_unk_token_fused_or_not),
        cmocka_unit_test(unknown_characters_are_bytes_where_all_of_them_are_tokens),
        cmocka_unit_test(prefix_and_suffix_belong_to_characters),
        cmocka_unit_test(a_word_that_is_a_token_needs_no_merges),
        cmocka_unit_test(what_cannot_be_is_refused_by_name),
        cmocka_unit_test(long_words_become_what_short_ones_do),
        cmocka_unit_test(words_of_any_length_become_what_one_merge_after_the_other_makes),
        cmocka_unit_test(unknown_characters_merge_as_the_token_they_become),
        cmocka_unit_test(a_word_of_a_million_characters_takes_no_time),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
