/* labels: quick. Dropout in transformers: where each family has it, as transformers does, and that no two sequences of
 * a row lose the same values. */
#include "support/testing.h"

#include "model/transformer_training_internal.h"
#include "support/tiny_model.h"
#include "train/trainer.h"

#define WIDTH 32
#define LENGTH 4 /* of a sequence */
#define NONE "dropout", "0", "embedding_dropout", "0", "attention_dropout", "0", "head_dropout", "0"

typedef struct bench {
    tc_model *model;
    tc_trainer *trainer;
    uint32_t ids[2 * LENGTH];
    tci_training *training;
} bench;

/* One row of two sequences that are alike, forwards; `options` are keys and values, ended by NULL. */
static void run(bench *b, const char *const *options)
{
    static const char *const sizes[] = {"num_layers", "2", "hidden_dim",       "32", "num_heads", "4", "positions", "8",
                                        "max_length", "4", "intermediate_dim", "48", NONE};
    const char *list[64] = {NULL};
    size_t count = sizeof sizes / sizeof sizes[0];
    float logits[2];
    memcpy(list, sizes, sizeof sizes);
    for (size_t i = 0; options[i]; i++)
        list[count++] = options[i];
    b->model = test_tiny_model(list);
    for (size_t i = 0; i < 2 * LENGTH; i++)
        b->ids[i] = 2;
    assert_ok(tci_trainer_create(b->model, &b->model->options, &b->trainer));
    b->training = b->trainer->training;
    tci_row row = {.ids = b->ids, .length = 2 * LENGTH};
    assert_ok(b->model->network->architecture->forward(b->training, &(tci_step_context){1, 0}, &row, 1, logits));
    assert_int_equal(b->training->sequence_count, 2);
}

static void finish(bench *b)
{
    tci_trainer_free(b->trainer);
    tci_model_release(b->model);
}

static void sequences_that_are_alike_lose_different_values(void **state)
{
    (void)state;
    static const struct {
        const char *arch, *family, *key;
    } cases[] = {{"bert", "bert", ""},
                 {"bert", "bert", "dropout"},
                 {"bert", "bert", "embedding_dropout"},
                 {"bert", "bert", "attention_dropout"},
                 {"bert", "bert", "head_dropout"},
                 {"gpt", "gpt2", ""},
                 {"gpt", "gpt2", "dropout"},
                 {"gpt", "gpt2", "embedding_dropout"},
                 {"gpt", "gpt2", "attention_dropout"},
                 {"gpt", "gpt2", "head_dropout"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bench b;
        bool none = !cases[i].key[0];
        const char *const options[] = {"arch", cases[i].arch, "family", cases[i].family, none ? NULL : cases[i].key,
                                       "0.5",  NULL};
        run(&b, options);
        const float *pooled = b.training->pooled; /* what the head reads, and has dropped of */
        bool same = memcmp(pooled, pooled + TCI_PADDED(WIDTH), WIDTH * sizeof *pooled) == 0;
        if (same != none)
            fail_msg("arch %s, %s: the same: %d", cases[i].arch, cases[i].key, same);
        finish(&b);
    }
}

/* Values of the first layer that its attention added nothing to: those that were dropped. */
static size_t dropped_after_attention(const bench *b)
{
    const tci_transformer *network = (const tci_transformer *)b->model->network;
    float residual[2 * LENGTH * WIDTH];
    size_t count = 0;
    tci_layer_norm_forward(&network->norms[0], network->base.kernels, (size_t)2 * LENGTH, b->training->stream[0],
                           residual, NULL);
    for (size_t i = 0; i < (size_t)2 * LENGTH * WIDTH; i++)
        count += b->training->kept[0].middle[i] == residual[i];
    return count;
}

static void distilbert_drops_nothing_of_what_attention_adds(void **state)
{
    (void)state;
    bench b;
    run(&b, (const char *const[]){"arch", "bert", "dropout", "0.5", NULL});
    assert_in_range(dropped_after_attention(&b), 100, 156); /* of 256 */
    finish(&b);
    run(&b, (const char *const[]){"arch", "bert", "family", "distilbert", "segments", "0", "dropout", "0.5", NULL});
    assert_in_range(dropped_after_attention(&b), 0, 10);
    finish(&b);
}

static size_t zeros(const float *vectors)
{
    size_t count = 0;
    for (size_t i = 0; i < (size_t)2 * WIDTH; i++)
        count += vectors[i] == 0.0f;
    return count;
}

static void roberta_drops_before_its_pooler_and_behind_it(void **state)
{
    (void)state;
    static const struct {
        const char *family, *offset;
        bool before;
    } cases[] = {{"bert", "0", false}, {"roberta", "2", true}, {"xlm_roberta", "2", true}};
    for (size_t i = 0; i < 3; i++) {
        bench b;
        run(&b, (const char *const[]){"arch", "bert", "family", cases[i].family, "position_offset", cases[i].offset,
                                      "pooler", "tanh", "head_dropout", "0.5", NULL});
        assert_in_range(zeros(b.training->hidden), 16, 48); /* of 64 */
        assert_in_range(zeros(b.training->pooled), cases[i].before ? 16 : 0, cases[i].before ? 48 : 0);
        finish(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_that_are_alike_lose_different_values),
        cmocka_unit_test(distilbert_drops_nothing_of_what_attention_adds),
        cmocka_unit_test(roberta_drops_before_its_pooler_and_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
