/* tokenizer_train.c: the text of the tokenizer.json. It loads in the `tokenizers` package, too.
 *
 * Cleaning and lower case are BertNormalizer's, which handles both and lets long texts be cut; spaces in a row are
 * nothing to WordPiece, and tokens of their own to BPE. The frame is the same file around a model of one word. */
#include "serialization/tokenizer_train.h"

#include "base/json.h"
#include "serialization/tokenizer_json.h"
#include "text/bpe_train.h"
#include "text/byte_level.h"
#include "text/wordpiece_train.h"

#define MAX_SPECIALS 5

typedef struct special_tokens {
    const char *text[MAX_SPECIALS];
    size_t count;
    const char *begin, *end; /* around a text; NULL: none */
    unsigned begin_id, end_id;
} special_tokens;

static const special_tokens bert_tokens = {{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}, 5, "[CLS]", "[SEP]", 2, 3};
static const special_tokens roberta_tokens = {{"<s>", "<pad>", "</s>", "<unk>", "<mask>"}, 5, "<s>", "</s>", 0, 2};
static const special_tokens unknown_token = {{"[UNK]"}, 1, NULL, NULL, 0, 0};
static const special_tokens end_token = {{"<|endoftext|>"}, 1, NULL, NULL, 0, 0};
static const special_tokens unknown_and_end = {{"[UNK]", "<|endoftext|>"}, 2, NULL, NULL, 0, 0};
static const special_tokens no_tokens = {{NULL}, 0, NULL, NULL, 0, 0};

static const special_tokens *specials_of(const tci_tokenizer_plan *plan)
{
    switch (plan->specials) {
    case TCI_PLAN_PAIRS:
        return plan->bytes ? &roberta_tokens : &bert_tokens;
    case TCI_PLAN_CAUSAL:
        return plan->bytes ? &end_token : &unknown_and_end;
    default:
        return plan->bytes ? &no_tokens : &unknown_token;
    }
}

static tc_status write_added(const special_tokens *specials, tci_buffer *json)
{
    TCI_RETURN_IF(tci_buffer_text(json, "\"added_tokens\":["));
    for (size_t i = 0; i < specials->count; i++) {
        TCI_RETURN_IF(tci_buffer_text(json, i == 0 ? "{\"id\":" : ",{\"id\":"));
        TCI_RETURN_IF(tci_buffer_unsigned(json, i));
        TCI_RETURN_IF(tci_buffer_text(json, ",\"content\":\""));
        TCI_RETURN_IF(tci_buffer_text(json, specials->text[i]));
        TCI_RETURN_IF(tci_buffer_text(json, "\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
                                            "\"normalized\":false,\"special\":true}"));
    }
    return tci_buffer_text(json, "]");
}

static tc_status write_normalizer(const tci_tokenizer_plan *plan, tci_buffer *json)
{
    static const char *const forms[] = {"", "{\"type\":\"NFC\"},", "{\"type\":\"NFKC\"},"};
    TCI_RETURN_IF(tci_buffer_text(json, ",\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":["));
    TCI_RETURN_IF(tci_buffer_text(json, forms[plan->normalize]));
    TCI_RETURN_IF(tci_buffer_text(json, "{\"type\":\"BertNormalizer\",\"clean_text\":"));
    TCI_RETURN_IF(tci_buffer_text(json, plan->clean_controls ? "true" : "false"));
    TCI_RETURN_IF(tci_buffer_text(json, ",\"handle_chinese_chars\":"));
    TCI_RETURN_IF(tci_buffer_text(json, plan->bytes ? "false" : "true"));
    TCI_RETURN_IF(tci_buffer_text(json, ",\"strip_accents\":false,\"lowercase\":"));
    return tci_buffer_text(json, plan->lowercase ? "true}]}" : "false}]}");
}

/* One of the two ends of a text in a template. */
static tc_status write_end(const char *token, tci_buffer *json)
{
    TCI_RETURN_IF(tci_buffer_text(json, "{\"SpecialToken\":{\"id\":\""));
    TCI_RETURN_IF(tci_buffer_text(json, token));
    return tci_buffer_text(json, "\",\"type_id\":0}}");
}

static tc_status write_template(const special_tokens *specials, tci_buffer *json)
{
    const char *ends[] = {specials->begin, specials->end};
    unsigned ids[] = {specials->begin_id, specials->end_id};
    TCI_RETURN_IF(tci_buffer_text(json, "{\"type\":\"TemplateProcessing\",\"single\":["));
    TCI_RETURN_IF(write_end(ends[0], json));
    TCI_RETURN_IF(tci_buffer_text(json, ",{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},"));
    TCI_RETURN_IF(write_end(ends[1], json));
    TCI_RETURN_IF(tci_buffer_text(json, "],\"pair\":["));
    TCI_RETURN_IF(write_end(ends[0], json));
    TCI_RETURN_IF(tci_buffer_text(json, ",{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},"));
    TCI_RETURN_IF(write_end(ends[1], json));
    TCI_RETURN_IF(tci_buffer_text(json, ",{\"Sequence\":{\"id\":\"B\",\"type_id\":1}},"));
    TCI_RETURN_IF(write_end(ends[1], json));
    TCI_RETURN_IF(tci_buffer_text(json, "],\"special_tokens\":{"));
    for (size_t i = 0; i < 2; i++) {
        TCI_RETURN_IF(tci_buffer_text(json, i == 0 ? "\"" : ",\""));
        TCI_RETURN_IF(tci_buffer_text(json, ends[i]));
        TCI_RETURN_IF(tci_buffer_text(json, "\":{\"id\":\""));
        TCI_RETURN_IF(tci_buffer_text(json, ends[i]));
        TCI_RETURN_IF(tci_buffer_text(json, "\",\"ids\":["));
        TCI_RETURN_IF(tci_buffer_unsigned(json, ids[i]));
        TCI_RETURN_IF(tci_buffer_text(json, "],\"tokens\":[\""));
        TCI_RETURN_IF(tci_buffer_text(json, ends[i]));
        TCI_RETURN_IF(tci_buffer_text(json, "\"]}"));
    }
    return tci_buffer_text(json, "}}");
}

/* All but the model, which is to follow, and the last bracket. */
static tc_status write_frame(const tci_tokenizer_plan *plan, const special_tokens *specials, tci_buffer *json)
{
    static const char byte_level[] =
        "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true,\"use_regex\":true}";
    TCI_RETURN_IF(tci_buffer_text(json, "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,"));
    TCI_RETURN_IF(write_added(specials, json));
    TCI_RETURN_IF(write_normalizer(plan, json));
    TCI_RETURN_IF(tci_buffer_text(json, ",\"pre_tokenizer\":"));
    TCI_RETURN_IF(tci_buffer_text(json, plan->bytes ? byte_level : "{\"type\":\"BertPreTokenizer\"}"));
    TCI_RETURN_IF(tci_buffer_text(json, ",\"post_processor\":"));
    if (plan->bytes && specials->begin) {
        TCI_RETURN_IF(tci_buffer_text(json, "{\"type\":\"Sequence\",\"processors\":["));
        TCI_RETURN_IF(tci_buffer_text(json, byte_level));
        TCI_RETURN_IF(tci_buffer_text(json, ","));
    }
    if (specials->begin)
        TCI_RETURN_IF(write_template(specials, json));
    else
        TCI_RETURN_IF(tci_buffer_text(json, plan->bytes ? byte_level : "null"));
    if (plan->bytes && specials->begin)
        TCI_RETURN_IF(tci_buffer_text(json, "]}"));
    TCI_RETURN_IF(tci_buffer_text(json, ",\"decoder\":"));
    TCI_RETURN_IF(tci_buffer_text(json, plan->bytes ? byte_level
                                                    : "{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true}"));
    return tci_buffer_text(json, ",\"model\":");
}

/* A token as the file writes it: bytes as letters, but for special ones. */
static tc_status spell(const tci_tokenizer_plan *plan, const tci_learned *learned, uint32_t id, tci_buffer *spelled)
{
    size_t length;
    const char *token = tci_map_key(learned->tokens, id, &length);
    spelled->size = 0;
    if (!plan->bytes || id < learned->special_count)
        return tci_buffer_append(spelled, token, length);
    for (size_t i = 0; i < length; i++) {
        char letter[2];
        TCI_RETURN_IF(tci_buffer_append(spelled, letter, tci_byte_write((uint8_t)token[i], letter)));
    }
    return TC_OK;
}

static tc_status write_vocabulary(const tci_tokenizer_plan *plan, const tci_learned *learned, tci_buffer *spelled,
                                  tci_buffer *json)
{
    tci_json_writer writer;
    tci_json_writer_init(&writer, json);
    TCI_RETURN_IF(tci_json_begin(&writer, '{'));
    for (uint32_t id = 0; id < tci_map_count(learned->tokens); id++) {
        TCI_RETURN_IF(spell(plan, learned, id, spelled));
        TCI_RETURN_IF(tci_json_key_text(&writer, spelled->data, spelled->size));
        TCI_RETURN_IF(tci_json_unsigned_value(&writer, id));
    }
    return tci_json_end(&writer, '}');
}

static tc_status write_merges(const tci_tokenizer_plan *plan, const tci_learned *learned, tci_buffer *spelled,
                              tci_buffer *json)
{
    tci_json_writer writer;
    tci_json_writer_init(&writer, json);
    TCI_RETURN_IF(tci_json_begin(&writer, '['));
    for (size_t i = 0; i < learned->merge_count; i++) {
        const uint32_t sides[] = {learned->merges[i].left, learned->merges[i].right};
        TCI_RETURN_IF(tci_json_begin(&writer, '['));
        for (size_t k = 0; k < 2; k++) {
            TCI_RETURN_IF(spell(plan, learned, sides[k], spelled));
            TCI_RETURN_IF(tci_json_text(&writer, spelled->data, spelled->size));
        }
        TCI_RETURN_IF(tci_json_end(&writer, ']'));
    }
    return tci_json_end(&writer, ']');
}

static tc_status write_model(const tci_tokenizer_plan *plan, const tci_learned *learned, tci_buffer *spelled,
                             tci_buffer *json)
{
    if (plan->bytes)
        TCI_RETURN_IF(tci_buffer_text(json, "{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":null,"
                                            "\"continuing_subword_prefix\":null,\"end_of_word_suffix\":null,"
                                            "\"fuse_unk\":false,\"byte_fallback\":false,\"ignore_merges\":false,"
                                            "\"vocab\":"));
    else
        TCI_RETURN_IF(tci_buffer_text(json, "{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\","
                                            "\"continuing_subword_prefix\":\"##\","
                                            "\"max_input_chars_per_word\":100,\"vocab\":"));
    TCI_RETURN_IF(write_vocabulary(plan, learned, spelled, json));
    if (plan->bytes) {
        TCI_RETURN_IF(tci_buffer_text(json, ",\"merges\":"));
        TCI_RETURN_IF(write_merges(plan, learned, spelled, json));
    }
    return tci_buffer_text(json, "}}");
}

tc_status tci_tokenizer_frame(tci_memory *memory, const tci_tokenizer_plan *plan, tci_subword **frame)
{
    tc_status status = TC_OK;
    tci_buffer json;
    *frame = NULL;
    tci_buffer_init(&json, memory, SIZE_MAX, TCI_TOKENIZER_JSON);
    TCI_CHECK(write_frame(plan, &no_tokens, &json));
    TCI_CHECK(tci_buffer_text(&json, "{\"type\":\"WordLevel\",\"unk_token\":\"[UNK]\",\"vocab\":{\"[UNK]\":0}}}"));
    TCI_CHECK(tci_tokenizer_json_read(memory, json.data, json.size, 1, frame));
    tci_subword_drop_pretokenizer(*frame, &tci_byte_letters_kind); /* words to learn from are of bytes */
done:
    tci_buffer_free(&json);
    return status;
}

tc_status tci_tokenizer_train(tci_memory *memory, const tci_tokenizer_plan *plan, const tci_word_counts *words,
                              size_t vocab_size, uint64_t min_count, tci_buffer *json)
{
    tc_status status = TC_OK;
    const special_tokens *specials = specials_of(plan);
    tci_learn_options options = {vocab_size, min_count, specials->text, specials->count};
    tci_learned learned = {0};
    tci_buffer spelled;
    tci_buffer_init(&spelled, memory, SIZE_MAX, "token");
    TCI_CHECK(plan->bytes ? tci_bpe_train(words, memory, &options, &learned)
                          : tci_wordpiece_train(words, memory, &options, &learned));
    TCI_CHECK(write_frame(plan, specials, json));
    TCI_CHECK(write_model(plan, &learned, &spelled, json));
done:
    tci_buffer_free(&spelled);
    tci_learned_free(&learned);
    return status;
}
