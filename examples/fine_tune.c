/* fine_tune.c: from a pretrained BERT or GPT-2 in a folder of Hugging Face's to a classifier of one's own labels.
 *
 *     fine_tune all-MiniLM-L6-v2 exits.train.tsv exits.test.tsv OUTPUT [OPTION=VALUE ...]
 *
 * The folder holds config.json, model.safetensors and tokenizer.json. All of the model learns; freeze=encoder trains
 * the new output layer alone, in seconds, lora_rank=8 small additions to the layers. OUTPUT.safetensors is then the
 * library's own file, and OUTPUT a folder that Python's transformers loads. */
#include "support.h"

static const char *const labels[] = {"acquisition", "ipo", "none", "pivot"};
enum { LABELS = 4 };

static tc_config *options(int count, char **given)
{
    tc_config *config = NULL;
    check(tc_config_create(&config));
    check(tc_config_set(config, "threads", "2"));
    check(tc_config_set(config, "validation_split", "0.1"));
    for (int i = 0; i < count; i++) {
        char *value = strchr(given[i], '=');
        if (value)
            *value++ = '\0';
        check(tc_config_set(config, given[i], value ? value : ""));
    }
    return config;
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: fine_tune FOLDER TRAIN.tsv TEST.tsv OUTPUT [OPTION=VALUE ...]\n");
        return 2;
    }
    tc_config *config = options(argc - 5, argv + 5);
    tc_model *model = NULL;
    check(tc_model_create_pretrained(config, argv[1], labels, LABELS, 0, &model));

    tc_examples *training = encode_lines(model, argv[2], labels, LABELS);
    tc_examples *test = encode_lines(model, argv[3], labels, LABELS);
    train_epochs(model, config, training);
    tc_evaluation evaluation = TC_EVALUATION_INIT;
    check(tc_evaluate(model, test, NULL, 0, &evaluation));
    printf("test: %d sentences, accuracy %.3f, macro F1 %.3f\n", (int)evaluation.examples, evaluation.accuracy,
           evaluation.macro_f1);

    char file[4096];
    if (snprintf(file, sizeof file, "%s.safetensors", argv[4]) >= (int)sizeof file) {
        fprintf(stderr, "the name of the output is too long\n");
        return 1;
    }
    check(tc_model_save(model, file));
    check(tc_model_export(model, argv[4], TC_FORMAT_HUGGING_FACE));
    tc_examples_free(training);
    tc_examples_free(test);
    tc_model_free(model);
    tc_config_free(config);
    return 0;
}
