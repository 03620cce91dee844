/* arguments.c: see arguments.h. `--name value` and `--name=value` are read alike, `_` in a name counts as `-`, and `--`
 * ends the options. Where an option is not known, the nearest one of the subcommand is named. */
#include "arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messages.h"
#include "processors.h"

#define AT(member) offsetof(arguments, member)
#define DATA (COMMAND_TRAIN | COMMAND_EVAL | COMMAND_PREDICT)

const program_option program_options[] = {
    {"input", "FILE", VALUE_FILE, AT(input), COMMAND_TRAIN | COMMAND_EVAL,
     "labelled texts: .tsv, .csv, .jsonl, .txt, or one of these with .gz; - is standard input"},
    {"input", "FILE", VALUE_FILE, AT(input), COMMAND_PREDICT,
     "texts: .txt (one a line), .tsv, .csv, .jsonl, or one of these with .gz; - is standard input"},
    {"validation", "FILE", VALUE_FILE, AT(validation), COMMAND_TRAIN,
     "labelled texts on which the best epoch is chosen"},
    {"output", "MODEL", VALUE_FILE, AT(output), COMMAND_TRAIN,
     "the model file to write; a name that ends in / is a folder as Hugging Face's transformers reads them"},
    {"pretrained", "FOLDER", VALUE_FILE, AT(pretrained), COMMAND_TRAIN,
     "begin with this model: a folder of Hugging Face's with config.json, model.safetensors and tokenizer.json"},
    {"model", "MODEL", VALUE_FILE, AT(model), COMMAND_EVAL | COMMAND_PREDICT,
     "the model to use: a file, or a folder of Hugging Face's"},
    {"format", "FORMAT", VALUE_TEXT, AT(format), DATA,
     "tsv, csv, jsonl or txt, where the file's extension does not say"},
    {"text-column", "COLUMN", VALUE_TEXT, AT(text_column), DATA, "of a .csv: name or number (from 1); default text"},
    {"label-column", "COLUMN", VALUE_TEXT, AT(label_column), COMMAND_TRAIN | COMMAND_EVAL,
     "of a .csv: name or number (from 1); default label"},
    {"header", NULL, VALUE_NONE, AT(header), DATA,
     "the first row of a .csv is a header although columns are given by number"},
    {"skip-bad-lines", NULL, VALUE_NONE, AT(skip_bad_lines), DATA, "count lines that cannot be read, and go on"},
    {"top", "K", VALUE_COUNT, AT(top), COMMAND_PREDICT, "print the K labels of highest score; default 1"},
    {"checkpoint", "FILE", VALUE_FILE, AT(checkpoint), COMMAND_TRAIN,
     "save the state of training here after each epoch"},
    {"checkpoint-every", "STEPS", VALUE_COUNT, AT(checkpoint_every), COMMAND_TRAIN,
     "save it after so many steps instead"},
    {"cache", "FILE", VALUE_FILE, AT(cache), COMMAND_TRAIN,
     "keep encoded texts here, a chunk in memory at a time; one that is there and of the same data is used again"},
    {"resume", "FILE", VALUE_FILE, AT(resume), COMMAND_TRAIN, "go on from a checkpoint; its options are taken over"},
    {"adapters-only", NULL, VALUE_NONE, AT(adapters_only), COMMAND_TRAIN | COMMAND_CONVERT,
     "write a folder of the adapters (lora_rank) and the head alone, as Hugging Face's PEFT reads them"},
    {"json", NULL, VALUE_NONE, AT(json), DATA | COMMAND_INFO, "print one JSON object on one line"},
    {"help", NULL, VALUE_NONE, AT(help), DATA | COMMAND_INFO | COMMAND_CONVERT | COMMAND_OPTIONS, "print this help"},
    {"man", NULL, VALUE_NONE, AT(man), COMMAND_OPTIONS, NULL},
    {"bash", NULL, VALUE_NONE, AT(bash), COMMAND_OPTIONS, NULL},
    {"zsh", NULL, VALUE_NONE, AT(zsh), COMMAND_OPTIONS, NULL},
};
const size_t program_option_count = sizeof program_options / sizeof program_options[0];

tc_option library_option(size_t index)
{
    tc_option option = TC_OPTION_INIT;
    (void)tc_option_at(index, &option);
    return option;
}

bool library_option_applies(const tc_option *option, unsigned commands)
{
    if ((commands & COMMAND_TRAIN) != 0)
        return true;
    if ((commands & COMMAND_CONVERT) != 0 && 
        (strcmp(option->key, "weights") == 0 || strcmp(option->key, "max_features") == 0))
        return true;
    return (commands & (COMMAND_EVAL | COMMAND_PREDICT | COMMAND_INFO | COMMAND_CONVERT)) != 0 &&
           option->option_class == TC_OPTION_RUN;
}

const char *library_option_default(const tc_option *option)
{
    return strcmp(option->key, "threads") == 0 ? "all processors" : option->default_value;
}

const char *option_name(const char *key, char text[OPTION_NAME])
{
    size_t i = 0;
    for (; key[i] != '\0' && i + 1 < OPTION_NAME; i++)
        text[i] = (char)(key[i] == '_' ? '-' : key[i]);
    text[i] = '\0';
    return text;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edit distance of Wagner and Fischer; both are shorter than OPTION_NAME. */
static size_t distance(const char *a, const char *b)
{
    size_t row[OPTION_NAME + 1];
    size_t width = strlen(b);
    for (size_t j = 0; j <= width; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= width; j++) {
            size_t above = row[j];
            row[j] = smaller(diagonal + (a[i - 1] != b[j - 1]), smaller(above, row[j - 1]) + 1);
            diagonal = above;
        }
    }
    return row[width];
}

static void consider(const char *name, const char *candidate, size_t *best, char nearest[OPTION_NAME])
{
    size_t found = distance(name, candidate);
    if (found < *best) {
        *best = found;
        option_name(candidate, nearest);
    }
}

static int unknown_option(const command_row *row, const char *name)
{
    char nearest[OPTION_NAME] = "";
    char other[OPTION_NAME];
    size_t best = strlen(name) / 3 + 2;
    for (size_t i = 0; i < tc_option_count(); i++) {
        tc_option option = library_option(i);
        option_name(option.key, other);
        if (library_option_applies(&option, row->command))
            consider(name, other, &best, nearest);
        else if (strcmp(name, other) == 0 && row->command != COMMAND_OPTIONS)
            return misuse(
                "%s: --%s is an option of `textclf train`; a model keeps the value it was trained with",
                row->name, name);
    }
    for (size_t i = 0; i < program_option_count; i++)
        if ((program_options[i].commands & (unsigned)row->command) != 0 && program_options[i].help != NULL)
            consider(name, program_options[i].name, &best, nearest);
    if (nearest[0] != '\0')
        return misuse("%s: --%s is not an option; did you mean --%s?", row->name, name, nearest);
    return misuse("%s: --%s is not an option; `textclf %s --help` lists them all", row->name, name, row->name);
}

static int store(const command_row *row, const program_option *option, const char *value, arguments *given)
{
    char *member = (char *)given + option->offset;
    if (option->kind == VALUE_NONE) {
        *(bool *)(void *)member = true;
        return CODE_OK;
    }
    if (option->kind != VALUE_COUNT) {
        if (value[0] == '\0')
            return misuse("%s: --%s is empty; it takes a %s", row->name, option->name, option->value);
        memcpy(member, &value, sizeof value);
        return CODE_OK;
    }
    uint64_t number = 0;
    bool good = value[0] != '\0';
    for (size_t i = 0; good && value[i] != '\0'; i++) {
        good = value[i] >= '0' && value[i] <= '9' && i < 18;
        number = number * 10 + (uint64_t)(value[i] - '0');
    }
    if (!good || number == 0)
        return misuse("%s: --%s %s is not accepted; it takes a whole number of at least 1", row->name,
                      option->name, value);
    memcpy(member, &number, sizeof number);
    return CODE_OK;
}

/* One option at words[*at]; moves *at behind it and its value. */
static int take_option(const command_row *row, int count, char **words, int *at, arguments *given)
{
    const char *word = words[(*at)++] + 2;
    size_t length = strcspn(word, "=");
    const char *value = word[length] == '=' ? word + length + 1 : NULL;
    if (length + 1 >= OPTION_NAME)
        return misuse("%s: --%.100s is not an option; `textclf %s --help` lists them all", row->name, word,
                      row->name);
    char name[OPTION_NAME];
    memcpy(name, word, length);
    name[length] = '\0';
    option_name(name, name);
    const program_option *own = NULL;
    for (size_t i = 0; i < program_option_count && own == NULL; i++)
        if ((program_options[i].commands & (unsigned)row->command) != 0 && strcmp(program_options[i].name, name) == 0)
            own = &program_options[i];
    if (own != NULL && own->kind == VALUE_NONE && value != NULL)
        return misuse("%s: --%s takes no value", row->name, name);
    tc_option option = TC_OPTION_INIT;
    size_t index = 0;
    bool known = own != NULL;
    for (; !known && index < tc_option_count(); index++) {
        char other[OPTION_NAME];
        option = library_option(index);
        known = library_option_applies(&option, row->command) && strcmp(option_name(option.key, other), name) == 0;
        if (known)
            break;
    }
    if (!known)
        return unknown_option(row, name);
    if (value == NULL && !(own != NULL && own->kind == VALUE_NONE)) {
        if (*at >= count)
            return misuse("%s: --%s needs a value: %s", row->name, name,
                          own != NULL ? own->value : option.range);
        value = words[(*at)++];
    }
    if (own != NULL)
        return store(row, own, value, given);
    if (tc_config_set(given->config, option.key, value) != TC_OK)
        return misuse("%s: --%s %s is not accepted; it takes %s", row->name, name, value, option.range);
    given->given[index] = true;
    return CODE_OK;
}

int arguments_parse(const command_row *row, int count, char **words, arguments *given)
{
    *given = (arguments){.command = row->command};
    given->operands = calloc((size_t)count + 1, sizeof *given->operands);
    given->given = calloc(tc_option_count() + 1, sizeof *given->given);
    if (given->operands == NULL || given->given == NULL)
        return fail_memory("the command line");
    if (tc_config_create(&given->config) != TC_OK)
        return fail_library(NULL);
    bool options = true;
    for (int at = 0; at < count;) {
        const char *word = words[at];
        if (options && strcmp(word, "--") == 0) {
            options = false;
            at++;
        } else if (options && strcmp(word, "-h") == 0) {
            given->help = true;
            at++;
        } else if (options && word[0] == '-' && word[1] == '-') {
            int code = take_option(row, count, words, &at, given);
            if (code != CODE_OK)
                return code;
        } else if (options && word[0] == '-' && word[1] != '\0') {
            return misuse("%s: %s is not an option; options begin with two dashes%s", row->name, word,
                          row->command == COMMAND_PREDICT ? ", and a text that begins with a dash follows --" : "");
        } else {
            given->operands[given->operand_count++] = word;
            at++;
        }
    }
    return CODE_OK;
}

void arguments_free(arguments *given)
{
    tc_config_free(given->config);
    free(given->operands);
    free(given->given);
}

bool arguments_gave(const arguments *given, const char *key)
{
    for (size_t i = 0; i < tc_option_count(); i++)
        if (strcmp(library_option(i).key, key) == 0)
            return given->given[i];
    return false;
}

int arguments_default_threads(arguments *given, size_t most)
{
    if (arguments_gave(given, "threads"))
        return CODE_OK;
    size_t threads = processors_available();
    if (most != 0 && threads > most)
        threads = most;
    if (threads > 256)
        threads = 256;
    char text[24];
    snprintf(text, sizeof text, "%zu", threads);
    return tc_config_set(given->config, "threads", text) == TC_OK ? CODE_OK : fail_library(NULL);
}
