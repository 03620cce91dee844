/* train_and_predict.c: from labelled sentences to a model file, and from the file to labels.
 *
 *     train_and_predict exits.train.tsv exits.test.tsv exits.safetensors
 *
 * What the sentences are about: how a start-up ends. The steps: gather words, make a model, encode the texts once,
 * train for some epochs (encode_lines() and train_epochs() of support.h), evaluate, save; then load the file as another
 * program would, and ask it. */
#include "support.h"

static const char *const labels[] = {"acquisition", "ipo", "none", "pivot"};
enum { LABELS = 4 };

static tc_model *new_model(const tc_config *config, const char *path)
{
    tc_vocab_builder *words = NULL;
    tc_model *model = NULL;
    FILE *file = open_lines(path);
    line row;
    check(tc_vocab_builder_create(config, &words));
    while (next_line(file, &row))
        check(tc_vocab_builder_add(words, row.text, strlen(row.text)));
    fclose(file);
    check(tc_model_create(config, words, labels, LABELS, &model));
    tc_vocab_builder_free(words);
    return model;
}

static void ask(const tc_model *model, const char *text)
{
    float scores[LABELS];
    size_t count = 0, best = 0;
    check(tc_predict(model, text, strlen(text), LABELS, scores, &count));
    for (size_t i = 1; i < count; i++) {
        if (scores[i] > scores[best])
            best = i;
    }
    printf("%-12s %.2f  %s\n", labels[best], (double)scores[best], text);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: train_and_predict TRAIN.tsv TEST.tsv MODEL\n");
        return 2;
    }
    tc_config *config = NULL;
    check(tc_config_create(&config));
    check(tc_config_set(config, "hidden_dim", "64"));
    check(tc_config_set(config, "bidirectional", "true"));
    check(tc_config_set(config, "pooling", "mean"));
    check(tc_config_set(config, "dropout", "0.5"));
    check(tc_config_set(config, "learning_rate", "0.003"));
    check(tc_config_set(config, "epochs", "8"));
    check(tc_config_set(config, "validation_split", "0.1"));

    tc_model *model = new_model(config, argv[1]);
    tc_examples *training = encode_lines(model, argv[1], labels, LABELS);
    tc_examples *test = encode_lines(model, argv[2], labels, LABELS);
    train_epochs(model, config, training);
    tc_evaluation evaluation = TC_EVALUATION_INIT;
    check(tc_evaluate(model, test, NULL, 0, &evaluation));
    printf("test: %d sentences, accuracy %.3f, macro F1 %.3f\n", (int)evaluation.examples, evaluation.accuracy,
           evaluation.macro_f1);
    check(tc_model_save(model, argv[3]));
    tc_examples_free(training);
    tc_examples_free(test);
    tc_model_free(model);

    check(tc_model_load(argv[3], &model));
    ask(model, "Shares of the robot maker rose a fifth on their first day of trading.");
    ask(model, "这家外卖平台如今归其最大的竞争对手所有。");
    tc_model_free(model);
    tc_config_free(config);
    return 0;
}
