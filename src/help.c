/* help.c: the usage texts and the option table for people, made from the tables in arguments.c and the library. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "messages.h"
#include "output.h"

#define NAME_WIDTH 30

void help_usage(void)
{
    printf("textclf %s: train and run text classifiers\n\n", tc_library_version());
    for (size_t i = 0; i < command_row_count; i++)
        printf("  textclf %-8s %s\n", command_rows[i].name, command_rows[i].summary);
    printf("\n`textclf COMMAND --help` lists the options of a command. A first model:\n\n"
           "  textclf train --input mail.train.tsv --output mail.safetensors\n"
           "  textclf eval --model mail.safetensors --input mail.test.tsv\n"
           "  textclf predict --model mail.safetensors \"you have won a prize\"\n\n"
           "where a line of a .tsv file is: label TAB text. One that begins with a pretrained BERT or GPT-2:\n\n"
           "  textclf train --pretrained all-MiniLM-L6-v2 --input mail.train.tsv --output mail.safetensors\n");
}

static void put_option(const char *name, const char *value, const char *help, const char *range,
                       const char *default_value)
{
    char left[OPTION_NAME + 32];
    int width = snprintf(left, sizeof left, "  --%s%s%s", name, value != NULL ? " " : "", value != NULL ? value : "");
    if (width < NAME_WIDTH)
        printf("%-*s%s", NAME_WIDTH, left, help);
    else
        printf("%s\n%*s%s", left, NAME_WIDTH, "", help);
    if (range != NULL)
        printf("\n%*s%s (%s)", NAME_WIDTH, "", range, default_value);
    printf("\n");
}

static void put_class(const command_row *row, int32_t option_class, const char *title)
{
    bool first = true;
    for (size_t i = 0; i < tc_option_count(); i++) {
        tc_option option = library_option(i);
        if (option.option_class != option_class || !library_option_applies(&option, row->command))
            continue;
        if (first)
            printf("\n%s\n", title);
        first = false;
        char name[OPTION_NAME], value[16];
        size_t length = 0;
        for (; option.type[length] != '\0' && length + 1 < sizeof value; length++)
            value[length] = (char)(option.type[length] - 'a' + 'A');
        value[length] = '\0';
        put_option(option_name(option.key, name), value, option.help, option.range, library_option_default(&option));
        if (output_flush() != CODE_OK) /* a later one would not know why */
            return;
    }
}

void help_command(const command_row *row)
{
    printf("usage: textclf %s %s\n\n%s\n\n", row->name, row->usage, row->summary);
    for (size_t i = 0; i < program_option_count; i++) {
        const program_option *option = &program_options[i];
        if ((option->commands & (unsigned)row->command) != 0 && option->help != NULL)
            put_option(option->name, option->value, option->help, NULL, NULL);
    }
    put_class(row, TC_OPTION_MODEL, "Options of the model, kept in its file: what is accepted (default)");
    put_class(row, TC_OPTION_TRAINING, "Options of training, kept in the file, too:");
    put_class(row, TC_OPTION_RUN, "Options of this run:");
}

void help_table(void)
{
    static const char *const classes[] = {"model", "training", "run"};
    printf("%-18s %-8s %-8s %-34s %-14s %-5s %s\n", "option", "type", "class", "accepted", "default", "for",
           "what it is");
    for (size_t i = 0; i < tc_option_count(); i++) {
        tc_option option = library_option(i);
        char name[OPTION_NAME];
        printf("%-18s %-8s %-8s %-34s %-14s %-5s %s\n", option_name(option.key, name), option.type,
               classes[option.option_class], option.range, library_option_default(&option), option.applies_to,
               option.help);
        if (output_flush() != CODE_OK)
            return;
    }
}

int options(arguments *given)
{
    if (given->man)
        document_man();
    else if (given->bash)
        document_bash();
    else if (given->zsh)
        document_zsh();
    else
        help_table();
    return 0;
}
