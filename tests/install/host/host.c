/* host.c: a small C program outside the tree: trains a model on four texts with the installed library, and predicts. */
#include <stdio.h>
#include <string.h>

#include <textclf/textclf.h>

#define CHECK(call)                                             \
    do {                                                        \
        if ((call) != TC_OK) {                                  \
            fprintf(stderr, "%s: %s\n", #call, tc_last_error()); \
            return 1;                                           \
        }                                                       \
    } while (0)

int main(void)
{
    static const char *const labels[] = {"ham", "spam"};
    static const char *const texts[] = {"see you at noon", "win a prize now", "noon is fine", "a prize for you now"};
    tc_config *config = NULL;
    tc_vocab_builder *words = NULL;
    tc_model *model = NULL;
    tc_examples *examples = NULL;
    tc_trainer *trainer = NULL;
    tc_step step = TC_STEP_INIT;
    size_t rows[4], count = 0;
    float scores[2];

    if (strcmp(tc_library_version(), TC_VERSION_STRING) != 0) {
        fprintf(stderr, "header %s, library %s\n", TC_VERSION_STRING, tc_library_version());
        return 1;
    }
    CHECK(tc_config_create(&config));
    CHECK(tc_config_set(config, "hidden_dim", "16"));
    CHECK(tc_config_set(config, "learning_rate", "0.02"));
    CHECK(tc_vocab_builder_create(config, &words));
    for (size_t i = 0; i < 4; i++)
        CHECK(tc_vocab_builder_add(words, texts[i], strlen(texts[i])));
    CHECK(tc_model_create(config, words, labels, 2, &model));
    CHECK(tc_examples_create(model, &examples));
    for (size_t i = 0; i < 4; i++) {
        CHECK(tc_examples_add_label(examples, texts[i], strlen(texts[i]), (uint32_t)(i % 2), 1.0f));
        rows[i] = i;
    }
    CHECK(tc_trainer_create(model, config, &trainer));
    for (int i = 0; i < 30; i++)
        CHECK(tc_train_step(trainer, examples, rows, 4, &step));
    CHECK(tc_predict(model, "win a prize", strlen("win a prize"), 2, scores, &count));
    tc_trainer_free(trainer);
    tc_examples_free(examples);
    tc_model_free(model);
    tc_vocab_builder_free(words);
    tc_config_free(config);
    if (count != 2 || !(scores[1] > scores[0])) {
        fprintf(stderr, "%zu scores, %f and %f\n", count, (double)scores[0], (double)scores[1]);
        return 1;
    }
    printf("C host of libtextclf %s: spam %.2f\n", tc_library_version(), (double)scores[1]);
    return 0;
}
