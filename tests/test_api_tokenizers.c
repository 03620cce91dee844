/* labels: quick threads
 * Tokenizers that are trained from the texts: options tokenizer=wordpiece and bpe, of every architecture that has
 * them. */
#include "support/testing.h"

#include "support/failing.h"
#include "support/small_host.h"
#include "support/story.h"

static const char *const kinds[] = {"wordpiece", "bpe"};
static const char *const settings[] = {
    "tokenizer=wordpiece vocab_size=200",
    "tokenizer=bpe vocab_size=400 lowercase=false normalize=none",
    "tokenizer=wordpiece vocab_size=200 arch=bert num_heads=2",
    "tokenizer=bpe vocab_size=400 arch=bert num_heads=2 family=roberta",
    "tokenizer=bpe vocab_size=400 arch=gpt num_heads=2",
    "tokenizer=wordpiece vocab_size=200 arch=gpt num_heads=2 clean_controls=false",
};
#define SETTINGS (sizeof settings / sizeof *settings)

static void assert_same_bytes(uint8_t *one, size_t size, uint8_t *other, size_t other_size)
{
    assert_int_equal(size, other_size);
    assert_memory_equal(one, other, size);
    free(one);
    free(other);
}

static void training_gives_the_same_file_at_any_thread_count(void **state)
{
    (void)state;
    for (size_t i = 0; i < SETTINGS; i++) {
        char line[256];
        size_t size = 0, other = 0;
        (void)snprintf(line, sizeof line, "%s epochs=1 threads=1", settings[i]);
        uint8_t *one = host_train(line, 20, &size);
        (void)snprintf(line, sizeof line, "%s epochs=1 threads=3", settings[i]);
        uint8_t *three = host_train(line, 20, &other);
        assert_same_bytes(one, size, three, other);
    }
}

static void a_model_comes_back_with_its_tokenizer(void **state)
{
    static const char text[] = "A v\xC3\xA9ry good film, unheard-of \xE4\xB8\xAD\xE6\x96\x87 \xFF";
    (void)state;
    for (size_t i = 0; i < SETTINGS; i++) {
        tc_config *config = NULL;
        tc_model *model = NULL, *loaded = NULL;
        size_t size = 0, more = 0, count = 0, again = 0;
        uint32_t ids[64], other_ids[64];
        uint64_t ranges[128], other_ranges[128];
        assert_ok(host_config(NULL, settings[i], &config));
        assert_ok(host_model(config, 30, &model));
        uint8_t *bytes = host_bytes(model, &size);
        assert_ok(tc_model_load_memory(bytes, size, NULL, &loaded));
        uint8_t *second = host_bytes(loaded, &more);
        assert_ok(tc_encode(model, text, sizeof text - 1, 64, ids, ranges, &count));
        assert_ok(tc_encode(loaded, text, sizeof text - 1, 64, other_ids, other_ranges, &again));
        assert_int_equal(count, again);
        assert_memory_equal(ids, other_ids, count * sizeof *ids);
        assert_memory_equal(ranges, other_ranges, 2 * count * sizeof *ranges);
        assert_true(count > 6);
        assert_same_bytes(bytes, size, second, more);
        tc_model_free(loaded);
        tc_model_free(model);
        tc_config_free(config);
    }
}

/* The order of texts and what came between them do not matter: pieces follow from counts and bytes. */
static void the_order_of_texts_does_not_matter(void **state)
{
    static const char *const labels[] = {"a", "b"};
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        char line[64];
        uint8_t *bytes[2];
        size_t sizes[2];
        (void)snprintf(line, sizeof line, "tokenizer=%s vocab_size=300", kinds[k]);
        for (size_t way = 0; way < 2; way++) {
            tc_config *config = NULL;
            tc_vocab_builder *words = NULL;
            tc_model *model = NULL;
            assert_ok(host_config(NULL, line, &config));
            assert_ok(tc_vocab_builder_create(config, &words));
            for (size_t i = 0; i < 40; i++) {
                char text[STORY_SIZE];
                size_t length = 0;
                story_write((uint32_t)(way == 0 ? i : 39 - i), text, &length);
                assert_ok(tc_vocab_builder_add(words, text, length));
            }
            assert_ok(tc_model_create(config, words, labels, 2, &model));
            bytes[way] = host_bytes(model, &sizes[way]);
            tc_model_free(model);
            tc_vocab_builder_free(words);
            tc_config_free(config);
        }
        assert_same_bytes(bytes[0], sizes[0], bytes[1], sizes[1]);
    }
}

static void what_cannot_be_is_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *settings, *sentence;
    } cases[] = {
        {"arch=ngram tokenizer=bpe", "option 'tokenizer': arch ngram takes word, char or space"},
        {"arch=ngram embedding_dim=8 tokenizer=wordpiece", "option 'tokenizer': arch ngram takes word, char or space"},
        {"tokenizer=bpe vocab_size=100", "vocab_size 100: tokenizer bpe takes at least 256"},
        {"arch=bert num_heads=2 tokenizer=wordpiece vocab_size=3", "vocab_size 3"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tc_config *config = NULL;
        tc_model *model = NULL;
        assert_ok(host_config(NULL, cases[i].settings, &config));
        assert_int_equal(host_model(config, 20, &model), TC_ERROR_OPTION);
        assert_contains(tc_last_error(), cases[i].sentence);
        assert_null(model);
        tc_config_free(config);
    }
}

/* An empty training set, and one without any word, leave special tokens and the alphabet. */
static void texts_without_words_give_a_tokenizer_of_the_alphabet(void **state)
{
    static const char *const labels[] = {"a", "b"};
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        char line[64];
        tc_config *config = NULL;
        tc_vocab_builder *words = NULL;
        tc_model *model = NULL;
        float scores[2];
        size_t count = 0;
        (void)snprintf(line, sizeof line, "tokenizer=%s", kinds[k]);
        assert_ok(host_config(NULL, line, &config));
        assert_ok(tc_vocab_builder_create(config, &words));
        assert_ok(tc_vocab_builder_add(words, NULL, 0));
        assert_ok(tc_vocab_builder_add(words, "\n  ", 3));
        assert_ok(tc_model_create(config, words, labels, 2, &model));
        assert_ok(tc_predict(model, "some text", 9, 2, scores, &count));
        tc_model_free(model);
        tc_vocab_builder_free(words);
        tc_config_free(config);
    }
}

static void refused_memory_leaves_nothing(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        char line[64];
        (void)snprintf(line, sizeof line, "tokenizer=%s vocab_size=%d", kinds[k], k == 0 ? 60 : 270);
        for (long n = 0;; n += 1 + n / 40) {
            test_allocator allocator;
            tc_config *config = NULL;
            tc_model *model = NULL;
            test_allocator_init(&allocator, n, false);
            tc_allocator given = test_allocator_host(&allocator);
            tc_status status = host_config(&given, line, &config);
            if (status == TC_OK)
                status = host_model(config, 5, &model);
            tc_model_free(model);
            tc_config_free(config);
            assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
            assert_nothing_held(&allocator);
            if (!allocator.failed)
                break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_gives_the_same_file_at_any_thread_count),
        cmocka_unit_test(a_model_comes_back_with_its_tokenizer),
        cmocka_unit_test(the_order_of_texts_does_not_matter),
        cmocka_unit_test(what_cannot_be_is_refused_with_a_sentence),
        cmocka_unit_test(texts_without_words_give_a_tokenizer_of_the_alphabet),
        cmocka_unit_test(refused_memory_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
