/* main.c: the `textclf` command: which subcommand, and its exit code: 0 done, 1 failed, 2 used wrongly, 130 Ctrl-C.
 *
 * The program is a host like any other: it uses the public headers and the built library only. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "messages.h"
#include "output.h"

const command_row command_rows[] = {
    {"train", COMMAND_TRAIN,
     "--input FILE [--validation FILE] [--pretrained FOLDER] --output MODEL [--OPTION VALUE ...]",
     "learn a model from labelled texts", train},
    {"eval", COMMAND_EVAL, "--model MODEL --input FILE", "measure a model on labelled texts", eval},
    {"predict", COMMAND_PREDICT, "--model MODEL [--input FILE | TEXT ...]",
     "print the labels of texts; reads standard input when neither file nor text is given", predict},
    {"info", COMMAND_INFO, "MODEL", "show a model's options, labels and tensors", info},
    {"convert", COMMAND_CONVERT, "INPUT OUTPUT [--weights f32|bf16|int8] [--max-features N]",
     "write a model file anew: smaller, with weights of another kind, or a checkpoint's model alone", convert},
    {"options", COMMAND_OPTIONS, "", "list the options of models, training and runs", options},
};
const size_t command_row_count = sizeof command_rows / sizeof command_rows[0];

static const command_row *find_command(const char *name)
{
    for (size_t i = 0; i < command_row_count; i++)
        if (strcmp(command_rows[i].name, name) == 0)
            return &command_rows[i];
    return NULL;
}

static int run(const command_row *row, int count, char **words)
{
    arguments given;
    int code = arguments_parse(row, count, words, &given);
    if (code == CODE_OK && given.help)
        help_command(row);
    else if (code == CODE_OK)
        code = row->run(&given);
    arguments_free(&given);
    return code;
}

int main(int count, char **words)
{
    output_protect();
    int code = CODE_OK;
    const char *name = count > 1 ? words[1] : "";
    const command_row *row = find_command(name);
    bool helping = strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0;
    if (row != NULL) {
        code = run(row, count - 2, words + 2);
    } else if (helping && count > 2 && find_command(words[2]) != NULL) {
        help_command(find_command(words[2]));
    } else if (helping) {
        help_usage();
    } else if (strcmp(name, "--version") == 0) {
        printf("textclf %s\n", tc_library_version());
    } else if (count > 1) {
        code = misuse("%s is not a command; it is one of train, eval, predict, info, convert, options"
                      " (`textclf --help`)", name);
    } else {
        code = misuse("say what to do: train, eval, predict, info, convert or options (`textclf --help` tells more)");
    }
    int flushed = output_flush();
    return code != CODE_OK ? code : flushed;
}
