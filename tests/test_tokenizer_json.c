/* labels: quick. tokenizer_json.c and its readers of components: what a tokenizer.json says is read, and nothing of it
 * is passed over. */
#include "support/testing.h"

#include "support/failing.h"
#include "support/tokens.h"

#define VOCAB                                                                                                          \
    "{\"[PAD]\":0,\"[UNK]\":1,\"[CLS]\":2,\"[SEP]\":3,\"[MASK]\":4,\"good\":5,\"##ness\":6,\"a\":7,\"caf\":8,"         \
    "\"##e\":9,\"\\u4e2d\":10,\".\":11,\"film\":12,\"##s\":13,\"Good\":14}"
#define ADDED(id, content, flags) "{\"id\":" id ",\"content\":\"" content "\"" flags "}"
#define SPECIAL ",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":true"
#define ADDED_TOKENS                                                                                                   \
    "[" ADDED("0", "[PAD]", SPECIAL) "," ADDED("1", "[UNK]", SPECIAL) "," ADDED("2", "[CLS]", SPECIAL) "," ADDED(      \
        "3", "[SEP]", SPECIAL) "," ADDED("4", "[MASK]", ",\"lstrip\":true,\"special\":true") "]"
#define NORMALIZER                                                                                                     \
    "{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,\"strip_accents\":null,"           \
    "\"lowercase\":true}"
#define TEMPLATE                                                                                                       \
    "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"[CLS]\",\"type_id\":0}},"                \
    "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},{\"SpecialToken\":{\"id\":\"[SEP]\",\"type_id\":0}}],"                \
    "\"pair\":[],\"special_tokens\":{\"[SEP]\":{\"id\":\"[SEP]\",\"ids\":[3],\"tokens\":[\"[SEP]\"]},"                 \
    "\"[CLS]\":{\"id\":\"[CLS]\",\"ids\":[2],\"tokens\":[\"[CLS]\"]}}}"
#define MODEL                                                                                                          \
    "{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":\"##\","                            \
    "\"max_input_chars_per_word\":10,\"vocab\":" VOCAB "}"
#define FILE_OF(added, normalizer, pre, post, model)                                                                   \
    "{\"version\":\"1.0\",\"truncation\":{\"max_length\":3},\"padding\":null,\"added_tokens\":" added                  \
    ",\"normalizer\":" normalizer ",\"pre_tokenizer\":" pre ",\"post_processor\":" post ",\"decoder\":null,"           \
    "\"model\":" model "}"
#define BERT_PRE "{\"type\":\"BertPreTokenizer\"}"
static const char bert[] = FILE_OF(ADDED_TOKENS, NORMALIZER, BERT_PRE, TEMPLATE, MODEL);

static tc_status read_text(const char *json, tci_subword **subword)
{
    return read_tokens(NULL, json, strlen(json), subword);
}

typedef struct found {
    uint32_t ids[64];
    uint64_t ranges[128];
    size_t count;
} found;

static tc_status take(void *context, const uint32_t *ids, const uint64_t *ranges, size_t count)
{
    found *out = context;
    assert_true(out->count + count <= 64);
    memcpy(out->ids + out->count, ids, count * sizeof *ids);
    memcpy(out->ranges + 2 * out->count, ranges, 2 * count * sizeof *ranges);
    out->count += count;
    return TC_OK;
}

/* A part that comes again and again. */
struct many {
    found part;
    size_t seen, size;
};

static tc_status check_part(void *context, const uint32_t *ids, const uint64_t *ranges, size_t count)
{
    struct many *many = context;
    for (size_t i = 0; i < count; i++, many->seen++) {
        size_t at = many->seen % many->part.count, base = many->seen / many->part.count * many->size;
        assert_int_equal(ids[i], many->part.ids[at]);
        assert_int_equal(ranges[2 * i], many->part.ranges[2 * at] + base);
        assert_int_equal(ranges[2 * i + 1], many->part.ranges[2 * at + 1] + base);
    }
    return TC_OK;
}

static void bert_gives_the_package_s_ids_and_ranges(void **state)
{
    (void)state;
    tci_subword *subword;
    size_t count;
    assert_ok(read_text(bert, &subword));
    assert_int_equal(tci_subword_rows(subword), 15);
    assert_int_equal(tci_subword_before(subword, &count)[0], 2);
    assert_int_equal(count, 1);
    assert_int_equal(tci_subword_after(subword, &count)[0], 3);
    assert_int_equal(count, 1);
    assert_tokens(subword, "", "");
    assert_tokens(subword, "Goodness.", "5 0 4, 6 4 8, 11 8 9");
    assert_tokens(subword,
                   " a  CAFE\xCC\x81\xE4\xB8\xAD"
                   "a",
                   "7 1 2, 8 4 7, 9 7 8, 10 10 13, 7 13 14");
    assert_tokens(subword, "a caf\xC3\xA9", "7 0 1, 8 2 5, 9 5 7");
    assert_tokens(subword, "goodly", "1 0 6"); /* no reading */
    assert_tokens(subword, "goodnessss", "5 0 4, 6 4 8, 13 8 9, 13 9 10");
    assert_tokens(subword, "assssss", "7 0 1, 13 1 2, 13 2 3, 13 3 4, 13 4 5, 13 5 6, 13 6 7");
    assert_tokens(subword, "goodnesssss", "1 0 11"); /* more than max_input_chars_per_word */
    tci_subword_free(subword);
}

static void ill_formed_bytes_are_one_replacement_each(void **state)
{
    (void)state;
    tci_subword *subword;
    assert_ok(read_text(bert, &subword));
    assert_tokens(subword,
                   "a\xC0\xFF"
                   "a",
                   "1 0 4"); /* dropped by cleaning: "aa" */
    assert_tokens(subword,
                   "\xFF"
                   "a \xE4\xB8 film",
                   "7 1 2, 12 6 10");
    tci_subword_free(subword);
}

static void added_tokens_are_found_first(void **state)
{
    (void)state;
    static const char json[] = FILE_OF(
        "[" ADDED("2", "[CLS]", SPECIAL) "," ADDED("15", "Good film", ",\"normalized\":true") "," ADDED(
            "16", "alone",
            ",\"single_word\":true") "," ADDED("17", "wide",
                                               ",\"lstrip\":true,\"rstrip\":true") "," ADDED("18", "wider",
                                                                                             "") "," ADDED("19", "GOOD",
                                                                                                           ",\"normaliz"
                                                                                                           "ed\":true,"
                                                                                                           "\"special\""
                                                                                                           ":true") "]",
        NORMALIZER, BERT_PRE, "null", MODEL);
    tci_subword *subword;
    size_t length;
    assert_ok(read_text(json, &subword));
    assert_int_equal(tci_subword_rows(subword), 20);
    assert_int_equal(tci_subword_find(subword, "alone", 5), 16);
    assert_memory_equal(tci_subword_token(subword, 17, &length), "wide", 4);
    assert_int_equal(length, 4);
    assert_null(tci_subword_token(subword, 20, &length));
    assert_tokens(subword, "a[CLS]a [cls]", "7 0 1, 2 1 6, 7 6 7, 1 8 9, 1 9 12, 1 12 13");
    assert_tokens(subword, "a GOOD FILM a", "7 0 1, 15 2 11, 7 12 13"); /* in the normalized text; the longest */
    assert_tokens(subword, "a GOOD a", "7 0 1, 19 2 6, 7 7 8");
    assert_tokens(subword, "alone alonea", "16 0 5, 1 6 12");
    assert_tokens(subword, "a  wide  a wider", "7 0 1, 17 1 9, 7 9 10, 18 11 16");
    tci_subword_free(subword);
}

static void added_tokens_that_are_searched_alike_or_as_nothing(void **state)
{
    (void)state;
    static const char json[] =
        FILE_OF("[" ADDED("15", "Wide", ",\"normalized\":true") "," ADDED("5", "good", "") "," ADDED(
                    "16", "WIDE", ",\"normalized\":true,\"special\":true") "]",
                NORMALIZER, BERT_PRE, "null", MODEL);
    tci_subword *subword;
    size_t length;
    assert_ok(read_text(json, &subword));
    assert_tokens(subword, "wide", "16 0 4"); /* the special one */
    assert_memory_equal(tci_subword_token(subword, 15, &length), "Wide", 4);
    assert_memory_equal(tci_subword_token(subword, 16, &length), "WIDE", 4);
    tci_subword_free(subword);
    assert_json_refused(
        FILE_OF("[" ADDED("15", "\\u0001", ",\"normalized\":true") "]", NORMALIZER, BERT_PRE, "null", MODEL),
        TC_ERROR_UNSUPPORTED, "normalization leaves nothing");
}

static void post_processors_put_ids_around(void **state)
{
    (void)state;
    static const char *const posts[] = {
        "{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\",3],\"cls\":[\"[CLS]\",2]}",
        "{\"type\":\"RobertaProcessing\",\"sep\":[\"[SEP]\",3],\"cls\":[\"[CLS]\",2],\"trim_offsets\":true,"
        "\"add_prefix_space\":true}",
        "{\"type\":\"Sequence\",\"processors\":[{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":"
        "false,\"use_regex\":true}," TEMPLATE "]}",
    };
    for (size_t i = 0; i < 3; i++) {
        char json[8192];
        tci_subword *subword;
        size_t count;
        snprintf(json, sizeof json, FILE_OF(ADDED_TOKENS, NORMALIZER, BERT_PRE, "%s", MODEL), posts[i]);
        assert_ok(read_text(json, &subword));
        assert_int_equal(tci_subword_before(subword, &count)[0], 2);
        assert_int_equal(count, 1);
        assert_int_equal(tci_subword_after(subword, &count)[0], 3);
        assert_int_equal(count, 1);
        tci_subword_free(subword);
    }
}

static void what_is_not_supported_is_named(void **state)
{
    (void)state;
    assert_json_refused(FILE_OF("[]", "{\"type\":\"Magic\"}", "null", "null", MODEL), TC_ERROR_UNSUPPORTED,
                   "the normalizer \"Magic\" is not supported");
    assert_json_refused(FILE_OF("[]", "null",
                                "{\"type\":\"Sequence\",\"pretokenizers\":[" BERT_PRE ",{\"type\":\"Cut\"}]}", "null",
                                MODEL),
                        TC_ERROR_UNSUPPORTED,
                        "the pre_tokenizer \"Cut\" is not supported; BertPreTokenizer, Punctuation,");
    assert_json_refused(FILE_OF("[]", "null", "{\"type\":\"BertPreTokenizer\",\"loud\":true}", "null", MODEL),
                   TC_ERROR_UNSUPPORTED, "pre_tokenizer BertPreTokenizer: byte 141: \"loud\" is not supported");
    assert_json_refused("{\"model\":{\"type\":\"Giant\"}}", TC_ERROR_UNSUPPORTED, "the model \"Giant\"");
    assert_json_refused("{\"model\":" MODEL ",\"extra\":1}", TC_ERROR_UNSUPPORTED, "\"extra\" is not supported");
    assert_json_refused(FILE_OF("[" ADDED("7", "new", "") "]", "null", "null", "null", MODEL), TC_ERROR_UNSUPPORTED,
                   "\"new\" has the id 7, where the package gives it 15");
    assert_json_refused(FILE_OF("[]", "null", "null",
                           "{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{\"id\":\"A\",\"type_id\":1}}],"
                           "\"special_tokens\":{}}",
                           MODEL),
                   TC_ERROR_UNSUPPORTED, "\"type_id\" other than 0");
}

static void what_is_wrong_is_refused_with_its_place(void **state)
{
    (void)state;
    assert_json_refused("{}", TC_ERROR_FORMAT, "\"model\" is missing");
    assert_json_refused("[]", TC_ERROR_FORMAT, "byte 0");
    assert_json_refused("", TC_ERROR_FORMAT, "byte 0");
    assert_json_refused("{\"model\":" MODEL "}x", TC_ERROR_FORMAT, "nothing behind the value");
    assert_json_refused("{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":0,\"b\":0}}}", TC_ERROR_FORMAT,
                   "two tokens have the id 0");
    assert_json_refused("{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":0,\"a\":1}}}", TC_ERROR_FORMAT, "twice");
    assert_json_refused("{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":4294967295}}}", TC_ERROR_LIMIT,
                   "has the id 4294967295");
    assert_json_refused("{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":-1}}}", TC_ERROR_FORMAT, "id of a token");
    assert_json_refused("{\"model\":{\"type\":\"WordPiece\",\"vocab\":[]}}", TC_ERROR_FORMAT, "an object of tokens");
    assert_json_refused(
        FILE_OF("[" ADDED("5", "good", "") "," ADDED("5", "good", "") "]", "null", "null", "null", MODEL),
        TC_ERROR_FORMAT, "comes twice");
    assert_json_refused(FILE_OF("[]", "null", "null",
                           "{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\",99],\"cls\":[\"[CLS]\",2]}", MODEL),
                   TC_ERROR_FORMAT, "the id 99, put around a text, is no token's");
    assert_json_refused(FILE_OF("[]", "{\"kind\":1}", "null", "null", MODEL), TC_ERROR_FORMAT, "\"type\" is missing");
    assert_json_refused(FILE_OF("[]", "{\"type\":\"BertNormalizer\",\"lowercase\":1}", "null", "null", MODEL),
                   TC_ERROR_FORMAT, "\"lowercase\": wanted true or false");
}

static void an_unknown_word_without_its_token_is_an_error(void **state)
{
    (void)state;
    tci_subword *subword;
    test_tokens out = {NULL, 0, 0, 0, 0};
    assert_ok(read_text("{\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"?\",\"vocab\":{\"a\":0}}}", &subword));
    assert_tokens(subword, "a", "0 0 1");
    assert_int_equal(encode_tokens(NULL, subword, "b", 1, &out), TC_ERROR_FORMAT);
    tci_subword_free(subword);
}

/* What a text of many parts gives, against what one gives; `most` bytes of working memory. */
static void assert_repeats(const char *json, const char *part, size_t most)
{
    enum { REPEATS = 20000 };
    size_t size = strlen(part);
    char *text = malloc(REPEATS * size);
    assert_non_null(text);
    for (size_t i = 0; i < REPEATS; i++)
        memcpy(text + i * size, part, size);
    tci_subword *subword;
    tci_subword_scratch *scratch;
    tci_memory memory;
    struct many many = {.size = size};
    assert_ok(read_text(json, &subword));
    tci_memory_init(&memory, NULL, 0);
    assert_ok(tci_subword_scratch_create(&memory, &scratch));
    assert_ok(tci_subword_encode(subword, scratch, part, size, take, &many.part));
    assert_ok(tci_subword_encode(subword, scratch, text, REPEATS * size, check_part, &many));
    assert_int_equal(many.seen, REPEATS * many.part.count);
    size_t used = memory.used;
    assert_true(used < most);
    many.seen = 0;
    assert_ok(tci_subword_encode(subword, scratch, text, REPEATS * size, check_part, &many));
    assert_int_equal(memory.used, used);
    tci_subword_scratch_free(scratch);
    tci_subword_free(subword);
    free(text);
}

static void a_long_text_gives_what_its_parts_give(void **state)
{
    (void)state;
    assert_repeats(bert, "Goodness a caf\xC3\xA9. films, ", 2000000); /* not of the text's size */
    /* a token that takes a space that the text might be cut before */
    assert_repeats(FILE_OF("[" ADDED("15", "wide", ",\"normalized\":true,\"rstrip\":true") "]", NORMALIZER, BERT_PRE,
                           "null", MODEL),
                   "wide a ", SIZE_MAX);
}

static void splits_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *pre, *text, *wanted;
    } cases[] = {
        {"{\"type\":\"Metaspace\",\"replacement\":\".\",\"prepend_scheme\":\"first\",\"split\":true}", "a a",
         "1 0 1, 1 1 3"},
        {"{\"type\":\"Metaspace\",\"replacement\":\".\",\"prepend_scheme\":\"never\",\"add_prefix_space\":false}",
         "a a", "7 0 1, 1 1 3"},
        {"{\"type\":\"Split\",\"pattern\":{\"String\":\" \"},\"behavior\":\"Removed\",\"invert\":false}", "a a film",
         "7 0 1, 7 2 3, 12 4 8"},
        {"{\"type\":\"Split\",\"pattern\":{\"String\":\".\"},\"behavior\":\"Isolated\",\"invert\":false}", "a.a",
         "7 0 1, 11 1 2, 7 2 3"},
        {"{\"type\":\"Split\",\"pattern\":{\"String\":\"a\"},\"behavior\":\"Removed\",\"invert\":true}", "a.a",
         "7 0 1, 7 2 3"},
        {"{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":true}", "a.a",
         "7 0 1, 11 1 2, 7 2 3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char json[8192];
        tci_subword *subword;
        snprintf(json, sizeof json, FILE_OF("[]", "null", "%s", "null", MODEL), cases[i].pre);
        assert_ok(read_text(json, &subword));
        assert_tokens(subword, cases[i].text, cases[i].wanted);
        tci_subword_free(subword);
    }
    assert_json_refused(FILE_OF("[]", "null", "{\"type\":\"Metaspace\",\"replacement\":\"ab\"}", "null", MODEL),
                   TC_ERROR_FORMAT, "\"replacement\": wanted one character");
    assert_json_refused(FILE_OF("[]", "null", "{\"type\":\"Split\",\"pattern\":{\"Glob\":\"*\"}}", "null", MODEL),
                   TC_ERROR_UNSUPPORTED, "pre_tokenizer Split: byte 141: \"Glob\" is not supported");
    assert_json_refused(FILE_OF("[]", "null",
                                "{\"type\":\"Split\",\"pattern\":{\"String\":\" \"},\"behavior\":\"Thrown\"}", "null",
                                MODEL),
                        TC_ERROR_UNSUPPORTED, "found \"Thrown\"");
}

/* A stage that reads across the places where long texts are cut must see them whole. */
static void a_long_text_without_splits_is_one_word(void **state)
{
    (void)state;
    size_t length = 100000;
    char *text = malloc(length);
    tci_subword *subword;
    tci_subword_scratch *scratch;
    tci_memory memory;
    found out = {.count = 0};
    assert_non_null(text);
    for (size_t i = 0; i < length; i++)
        text[i] = i % 2 ? 'a' : ' ';
    assert_ok(
        read_text("{\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"?\",\"vocab\":{\"?\":0,\"b\":1}}}", &subword));
    tci_memory_init(&memory, NULL, 0);
    assert_ok(tci_subword_scratch_create(&memory, &scratch));
    assert_ok(tci_subword_encode(subword, scratch, text, length, take, &out));
    assert_int_equal(out.count, 1);
    assert_int_equal(out.ranges[1], length);
    tci_subword_scratch_free(scratch);
    tci_subword_free(subword);
    free(text);
}

#define BPE_VOCAB "{\"<unk>\":0,\"a\":1,\"b\":2,\"c\":3,\"ab\":4,\"abc\":5,\"\\u0120\":6,\"\\u0120a\":7,\"<0x41>\":8}"
#define BPE_MERGES "[[\"a\",\"b\"],[\"ab\",\"c\"],[\"\\u0120\",\"a\"]]"
static const char bpe[] = FILE_OF(
    "[]", "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{\"type\":\"Lowercase\"}]}",
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":true}",
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true}",
    "{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":\"<unk>\",\"vocab\":" BPE_VOCAB ",\"merges\":" BPE_MERGES "}");
#define UNIGRAM_VOCAB                                                                                                  \
    "[[\"<unk>\",0.0],[\"a\",-1.5],[\"b\",-2.0],[\"ab\",-3.0],[\"\\u2581\",-1.0],[\"\\u2581a\",-1.25]]"
static const char unigram[] = FILE_OF(
    "[]", "{\"type\":\"NFKC\"}", "{\"type\":\"Metaspace\",\"replacement\":\"\\u2581\",\"prepend_scheme\":\"always\"}",
    "null", "{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":" UNIGRAM_VOCAB ",\"byte_fallback\":false}");

static void bpe_merges_by_rank_and_trims_ranges(void **state)
{
    (void)state;
    tci_subword *subword;
    assert_ok(read_text(bpe, &subword));
    assert_tokens(subword, "abc ab a", "5 0 3, 6 4 4, 4 4 6, 7 7 8");
    assert_tokens(subword, "ca xAB", "3 0 1, 1 1 2, 6 3 3, 0 3 4, 4 4 6");
    tci_subword_free(subword);
    assert_ok(read_text("{\"model\":{\"merges\":[\"a b\"],\"vocab\":{\"a\":0,\"b\":1,\"ab\":2}}}",
                        &subword)); /* an old file */
    assert_tokens(subword, "abba", "2 0 2, 1 2 3, 0 3 4");
    tci_subword_free(subword);
}

/* Of a space that was put before the text nothing is taken off; of the text's own it is. */
static void ranges_keep_the_prefix_space_of_the_first_token_alone(void **state)
{
    (void)state;
    tci_subword *subword;
    assert_ok(read_text(FILE_OF("[]", "null", "{\"type\":\"ByteLevel\",\"add_prefix_space\":true}",
                                "{\"type\":\"ByteLevel\",\"add_prefix_space\":true}",
                                "{\"type\":\"BPE\",\"vocab\":" BPE_VOCAB ",\"merges\":" BPE_MERGES "}"),
                        &subword));
    assert_tokens(subword, "a a", "7 0 1, 7 2 3");
    tci_subword_free(subword);
}

static void unigram_takes_the_best_path(void **state)
{
    (void)state;
    tci_subword *subword;
    assert_ok(read_text(unigram, &subword));
    assert_tokens(subword, "ab a", "5 0 1, 2 1 2, 5 2 4");
    assert_tokens(subword, "bb xy", "4 0 1, 2 0 1, 2 1 2, 4 2 3, 0 3 5");
    tci_subword_free(subword);
}

/* The package reads numbers with an error that decides here: exactly read, both ways are equal, and the first wins. */
static void scores_are_read_as_the_package_reads_them(void **state)
{
    (void)state;
    tci_subword *subword;
    assert_ok(read_text("{\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"?\",0],"
                   "[\"m\",-6.503739356994629],[\"e\",-5.860233306884766],[\"ee\",-9.253814697265625]"
                   "]}}", &subword));
    assert_tokens(subword, "meeeee", "1 0 1, 3 1 3, 3 3 5, 2 5 6");
    tci_subword_free(subword);
}

static void models_that_cannot_be_are_refused(void **state)
{
    (void)state;
    assert_json_refused("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[[\"a\",\"b\"]]}}",
                        TC_ERROR_FORMAT, "model BPE");
    assert_json_refused("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a\"]}}", TC_ERROR_FORMAT,
                   "wanted two tokens with a space");
    assert_json_refused("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[[\"a\"]]}}", TC_ERROR_FORMAT,
                   "a merge");
    assert_json_refused("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0}}}", TC_ERROR_FORMAT, "\"merges\" is missing");
    assert_json_refused("{\"model\":{\"type\":\"BPE\",\"dropout\":0.1,\"vocab\":{\"a\":0},\"merges\":[]}}",
                   TC_ERROR_UNSUPPORTED, "\"dropout\" is not supported");
    assert_json_refused("{\"model\":{\"type\":\"Unigram\",\"unk_id\":7,\"vocab\":[[\"a\",-1]]}}", TC_ERROR_FORMAT,
                        "unk_id");
    assert_json_refused("{\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"a\",1e999]]}}", TC_ERROR_FORMAT,
                   "score");
    assert_json_refused("{\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"a\"]]}}", TC_ERROR_FORMAT,
                        "score");
    assert_json_refused(
        FILE_OF("[]", "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"A\"}", "null", "null", MODEL),
        TC_ERROR_FORMAT, "wanted base64");
    assert_json_refused(
        FILE_OF("[]", "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"////\"}", "null", "null", MODEL),
        TC_ERROR_FORMAT, "normalizer Precompiled");
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    static const char text[] = "Good [MASK] e\xCC\x81\xFF films abababababababababababababababababababab";
    fail_each_allocation(bert, strlen(bert), text);
    fail_each_allocation(bpe, strlen(bpe), text);
    fail_each_allocation(unigram, strlen(unigram), text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bert_gives_the_package_s_ids_and_ranges),
        cmocka_unit_test(ill_formed_bytes_are_one_replacement_each),
        cmocka_unit_test(added_tokens_are_found_first),
        cmocka_unit_test(added_tokens_that_are_searched_alike_or_as_nothing),
        cmocka_unit_test(post_processors_put_ids_around),
        cmocka_unit_test(what_is_not_supported_is_named),
        cmocka_unit_test(what_is_wrong_is_refused_with_its_place),
        cmocka_unit_test(an_unknown_word_without_its_token_is_an_error),
        cmocka_unit_test(a_long_text_gives_what_its_parts_give),
        cmocka_unit_test(splits_are_read),
        cmocka_unit_test(a_long_text_without_splits_is_one_word),
        cmocka_unit_test(bpe_merges_by_rank_and_trims_ranges),
        cmocka_unit_test(ranges_keep_the_prefix_space_of_the_first_token_alone),
        cmocka_unit_test(unigram_takes_the_best_path),
        cmocka_unit_test(scores_are_read_as_the_package_reads_them),
        cmocka_unit_test(models_that_cannot_be_are_refused),
        cmocka_unit_test(any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
