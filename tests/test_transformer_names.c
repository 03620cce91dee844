/* Tensors of the transformer families: names and shapes as transformers has them. labels: quick */
#include "support/testing.h"

#include "model/transformer_names.h"

typedef struct expected {
    const char *name;
    size_t rank, rows, columns;
} expected;

/* From state_dict() of models with 1 layer of width 24, 20 positions, 50 words, 4 labels. */
#define ENCODER(p)                                                                                                     \
    {p ".embeddings.word_embeddings.weight", 2, 50, 24}, {p ".embeddings.token_type_embeddings.weight", 2, 2, 24},     \
        {p ".embeddings.LayerNorm.weight", 1, 24, 1}, {p ".embeddings.LayerNorm.bias", 1, 24, 1},                      \
        {p ".encoder.layer.0.attention.self.query.weight", 2, 24, 24},                                                 \
        {p ".encoder.layer.0.attention.self.query.bias", 1, 24, 1},                                                    \
        {p ".encoder.layer.0.attention.self.key.weight", 2, 24, 24},                                                   \
        {p ".encoder.layer.0.attention.self.key.bias", 1, 24, 1},                                                      \
        {p ".encoder.layer.0.attention.self.value.weight", 2, 24, 24},                                                 \
        {p ".encoder.layer.0.attention.self.value.bias", 1, 24, 1},                                                    \
        {p ".encoder.layer.0.attention.output.dense.weight", 2, 24, 24},                                               \
        {p ".encoder.layer.0.attention.output.dense.bias", 1, 24, 1},                                                  \
        {p ".encoder.layer.0.attention.output.LayerNorm.weight", 1, 24, 1},                                            \
        {p ".encoder.layer.0.attention.output.LayerNorm.bias", 1, 24, 1},                                              \
        {p ".encoder.layer.0.intermediate.dense.weight", 2, 96, 24},                                                   \
        {p ".encoder.layer.0.intermediate.dense.bias", 1, 96, 1},                                                      \
        {p ".encoder.layer.0.output.dense.weight", 2, 24, 96}, {p ".encoder.layer.0.output.dense.bias", 1, 24, 1},     \
        {p ".encoder.layer.0.output.LayerNorm.weight", 1, 24, 1},                                                      \
    {                                                                                                                  \
        p ".encoder.layer.0.output.LayerNorm.bias", 1, 24, 1                                                           \
    }

static const expected bert[] = {ENCODER("bert"),
                                {"bert.embeddings.position_embeddings.weight", 2, 20, 24},
                                {"bert.pooler.dense.weight", 2, 24, 24},
                                {"bert.pooler.dense.bias", 1, 24, 1},
                                {"classifier.weight", 2, 4, 24},
                                {"classifier.bias", 1, 4, 1}};
static const expected roberta[] = {ENCODER("roberta"),
                                   {"roberta.embeddings.position_embeddings.weight", 2, 20, 24},
                                   {"classifier.dense.weight", 2, 24, 24},
                                   {"classifier.dense.bias", 1, 24, 1},
                                   {"classifier.out_proj.weight", 2, 4, 24},
                                   {"classifier.out_proj.bias", 1, 4, 1}};
static const expected distilbert[] = {
    {"distilbert.embeddings.word_embeddings.weight", 2, 50, 24},
    {"distilbert.embeddings.position_embeddings.weight", 2, 20, 24},
    {"distilbert.embeddings.LayerNorm.weight", 1, 24, 1},
    {"distilbert.embeddings.LayerNorm.bias", 1, 24, 1},
    {"distilbert.transformer.layer.0.attention.q_lin.weight", 2, 24, 24},
    {"distilbert.transformer.layer.0.attention.q_lin.bias", 1, 24, 1},
    {"distilbert.transformer.layer.0.attention.k_lin.weight", 2, 24, 24},
    {"distilbert.transformer.layer.0.attention.k_lin.bias", 1, 24, 1},
    {"distilbert.transformer.layer.0.attention.v_lin.weight", 2, 24, 24},
    {"distilbert.transformer.layer.0.attention.v_lin.bias", 1, 24, 1},
    {"distilbert.transformer.layer.0.attention.out_lin.weight", 2, 24, 24},
    {"distilbert.transformer.layer.0.attention.out_lin.bias", 1, 24, 1},
    {"distilbert.transformer.layer.0.sa_layer_norm.weight", 1, 24, 1},
    {"distilbert.transformer.layer.0.sa_layer_norm.bias", 1, 24, 1},
    {"distilbert.transformer.layer.0.ffn.lin1.weight", 2, 96, 24},
    {"distilbert.transformer.layer.0.ffn.lin1.bias", 1, 96, 1},
    {"distilbert.transformer.layer.0.ffn.lin2.weight", 2, 24, 96},
    {"distilbert.transformer.layer.0.ffn.lin2.bias", 1, 24, 1},
    {"distilbert.transformer.layer.0.output_layer_norm.weight", 1, 24, 1},
    {"distilbert.transformer.layer.0.output_layer_norm.bias", 1, 24, 1},
    {"pre_classifier.weight", 2, 24, 24},
    {"pre_classifier.bias", 1, 24, 1},
    {"classifier.weight", 2, 4, 24},
    {"classifier.bias", 1, 4, 1},
};
static const expected gpt2[] = {
    {"transformer.wte.weight", 2, 50, 24},
    {"transformer.wpe.weight", 2, 20, 24},
    {"transformer.h.0.ln_1.weight", 1, 24, 1},
    {"transformer.h.0.ln_1.bias", 1, 24, 1},
    {"transformer.h.0.attn.c_attn.weight", 2, 24, 72},
    {"transformer.h.0.attn.c_attn.bias", 1, 72, 1},
    {"transformer.h.0.attn.c_proj.weight", 2, 24, 24},
    {"transformer.h.0.attn.c_proj.bias", 1, 24, 1},
    {"transformer.h.0.ln_2.weight", 1, 24, 1},
    {"transformer.h.0.ln_2.bias", 1, 24, 1},
    {"transformer.h.0.mlp.c_fc.weight", 2, 24, 96},
    {"transformer.h.0.mlp.c_fc.bias", 1, 96, 1},
    {"transformer.h.0.mlp.c_proj.weight", 2, 96, 24},
    {"transformer.h.0.mlp.c_proj.bias", 1, 24, 1},
    {"transformer.ln_f.weight", 1, 24, 1},
    {"transformer.ln_f.bias", 1, 24, 1},
    {"score.weight", 2, 4, 24},
};

static tci_options options_of(int32_t family)
{
    tci_options options;
    tci_options_default(&options);
    options.family = family;
    options.hidden_dim = 24;
    options.num_layers = 1;
    options.intermediate_dim = 96;
    options.positions = 20;
    options.pooler = family == TCI_FAMILY_GPT2 ? TCI_POOLER_NONE : TCI_POOLER_TANH;
    return options;
}

static void declared_tensors_are(const tci_options *options, const expected *tensors, size_t count)
{
    tci_memory memory;
    tci_parameters parameters;
    tci_memory_init(&memory, NULL, 0);
    tci_parameters_init(&parameters, &memory);
    assert_ok(tci_transformer_declare(&parameters, options, 50, 4, NULL));
    assert_int_equal(parameters.tensor_count, count);
    for (size_t i = 0; i < count; i++) {
        const tci_tensor_info *found = tci_parameters_find(&parameters, tensors[i].name);
        if (!found)
            fail_msg("%s is not declared", tensors[i].name);
        assert_int_equal(found->rank, tensors[i].rank);
        assert_int_equal(found->shape[0], tensors[i].rows);
        if (found->rank == 2)
            assert_int_equal(found->shape[1], tensors[i].columns);
    }
    tci_parameters_free(&parameters);
}

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

static void each_family_has_the_tensors_of_its_module(void **state)
{
    (void)state;
    tci_options options = options_of(TCI_FAMILY_BERT);
    declared_tensors_are(&options, bert, LENGTH(bert));
    options = options_of(TCI_FAMILY_ROBERTA);
    options.positions = 18;
    options.position_offset = 2;
    declared_tensors_are(&options, roberta, LENGTH(roberta));
    options.family = TCI_FAMILY_XLM_ROBERTA;
    declared_tensors_are(&options, roberta, LENGTH(roberta));
    options = options_of(TCI_FAMILY_DISTILBERT);
    declared_tensors_are(&options, distilbert, LENGTH(distilbert));
    options = options_of(TCI_FAMILY_GPT2);
    declared_tensors_are(&options, gpt2, LENGTH(gpt2));
}

static void numbers_of_tensors_lead_to_their_names_in_every_layer(void **state)
{
    (void)state;
    for (int32_t family = TCI_FAMILY_BERT; family <= TCI_FAMILY_GPT2; family++) {
        tci_memory memory;
        tci_parameters parameters;
        tci_transformer_tensors tensors;
        tci_options options = options_of(family);
        options.num_layers = 12;
        tci_memory_init(&memory, NULL, 0);
        tci_parameters_init(&parameters, &memory);
        assert_ok(tci_transformer_declare(&parameters, &options, 50, 4, &tensors));
        for (size_t layer = 0; layer < 12; layer++) {
            for (tci_transformer_role role = 0; role < TCI_ROLE_COUNT; role++) {
                char name[TCI_TENSOR_NAME];
                size_t index = tci_transformer_weight(&tensors, role, layer);
                if (!tci_transformer_has(&options, role))
                    continue;
                tci_transformer_name(&options, role, layer, false, name);
                assert_string_equal(parameters.tensors[index].name, name);
                if (!tci_transformer_has_bias(&options, role))
                    continue;
                tci_transformer_name(&options, role, layer, true, name);
                assert_string_equal(parameters.tensors[index + 1].name, name);
            }
        }
        tci_parameters_free(&parameters);
    }
}

static void levels_count_from_the_head_down_and_biases_and_norms_do_not_decay(void **state)
{
    (void)state;
    for (int32_t family = TCI_FAMILY_BERT; family <= TCI_FAMILY_GPT2; family++) {
        tci_memory memory;
        tci_parameters parameters;
        tci_transformer_tensors tensors;
        tci_options options = options_of(family);
        options.num_layers = 3;
        tci_memory_init(&memory, NULL, 0);
        tci_parameters_init(&parameters, &memory);
        assert_ok(tci_transformer_declare(&parameters, &options, 50, 4, &tensors));
        for (tci_transformer_role role = 0; role < TCI_ROLE_COUNT; role++) {
            bool layered = tci_transformer_role_of_layer(role);
            for (size_t layer = 0; layer < 3 && tci_transformer_has(&options, role); layer++) {
                size_t wanted = layered                          ? 3 - layer
                                : role < TCI_ROLE_ATTENTION_NORM ? 4
                                : role == TCI_ROLE_FINAL_NORM    ? 1
                                                                 : 0;
                const tci_tensor_info *tensor = &parameters.tensors[tci_transformer_weight(&tensors, role, layer)];
                assert_int_equal(tensor->level, wanted);
                assert_int_equal(tensor->undecayed, tensor->rank == 1);
                if (tci_transformer_has_bias(&options, role)) {
                    assert_int_equal(tensor[1].level, wanted);
                    assert_true(tensor[1].undecayed);
                }
            }
        }
        tci_parameters_free(&parameters);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_family_has_the_tensors_of_its_module),
        cmocka_unit_test(numbers_of_tensors_lead_to_their_names_in_every_layer),
        cmocka_unit_test(levels_count_from_the_head_down_and_biases_and_norms_do_not_decay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
