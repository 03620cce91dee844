/* documents.c: the man page and the completions of bash and zsh, made from the option tables at build time
 * (`textclf options --man`, `--bash`, `--zsh`). */
#include <stdio.h>
#include <string.h>

#include "commands.h"

/* Text for troff: dashes stay dashes, backslashes print, a line never begins with a control character. */
static void troff(const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (; *text != '\0'; text++) {
        if (*text == '-')
            fputs("\\-", stdout);
        else if (*text == '\\')
            fputs("\\e", stdout);
        else
            fputc(*text, stdout);
    }
}

static void man_option(const char *name, const char *value)
{
    fputs(".TP\n\\fB\\-\\-", stdout);
    troff(name);
    fputs("\\fR", stdout);
    if (value != NULL) {
        fputs(" \\fI", stdout);
        troff(value);
        fputs("\\fR", stdout);
    }
    fputs("\n", stdout);
}

static void man_class(int32_t option_class)
{
    for (size_t i = 0; i < tc_option_count(); i++) {
        tc_option option = library_option(i);
        char name[OPTION_NAME];
        if (option.option_class != option_class)
            continue;
        man_option(option_name(option.key, name), option.type);
        troff(option.help);
        fputs("; ", stdout);
        troff(option.range);
        fputs(" (default ", stdout);
        troff(library_option_default(&option));
        fputs(").\n", stdout);
    }
}

void document_man(void)
{
    printf(".TH TEXTCLF 1 \"\" \"textclf %s\" \"User Commands\"\n", tc_library_version());
    fputs(".SH NAME\ntextclf \\- train and run text classifiers\n.SH SYNOPSIS\n", stdout);
    for (size_t i = 0; i < command_row_count; i++) {
        printf("%s.B textclf %s\n", i == 0 ? "" : ".br\n", command_rows[i].name);
        if (command_rows[i].usage[0] != '\0') {
            troff(command_rows[i].usage);
            fputs("\n", stdout);
        }
    }
    fputs(
        ".SH DESCRIPTION\n"
        "A line of a .tsv file is a label, a TAB and a text. A .csv file follows RFC 4180. A line of a .jsonl file is\n"
        "an object with \"text\", \"label\" or \"labels\" or \"targets\", and, where wanted, \"weight\". A .txt file "
        "has\n"
        "lines like \"__label__spam you have won\" for training and evaluation, and plain texts for prediction.\n"
        "Each may be compressed with gzip.\n",
        stdout);
    for (size_t i = 0; i < command_row_count; i++) {
        const command_row *row = &command_rows[i];
        printf(".SH \"TEXTCLF %s\"\n", row->name);
        troff(row->summary);
        fputs(".\n", stdout);
        for (size_t j = 0; j < program_option_count; j++) {
            const program_option *option = &program_options[j];
            if ((option->commands & (unsigned)row->command) == 0 || option->help == NULL)
                continue;
            man_option(option->name, option->value);
            troff(option->help);
            fputs(".\n", stdout);
        }
    }
    fputs(".SH \"OPTIONS OF THE MODEL\"\nGiven to \\fBtextclf train\\fR and kept in the model file.\n", stdout);
    man_class(TC_OPTION_MODEL);
    fputs(".SH \"OPTIONS OF TRAINING\"\nGiven to \\fBtextclf train\\fR and kept in the model file.\n", stdout);
    man_class(TC_OPTION_TRAINING);
    fputs(".SH \"OPTIONS OF A RUN\"\nGiven to any command that reads a model or data; never kept.\n", stdout);
    man_class(TC_OPTION_RUN);
    fputs(
        ".SH \"EXIT STATUS\"\n0 done; 1 failed, with one line on standard error; 2 used wrongly; 130 ended by\n"
        "Ctrl\\-C: the first one ends training after the current step and writes the model, the second ends at once.\n",
        stdout);
}

/* The values a completion offers for a library option: those of a choice or boolean, apart by spaces. */
static void put_values(const tc_option *option)
{
    if (strcmp(option->type, "choice") != 0 && strcmp(option->type, "boolean") != 0)
        return;
    for (const char *at = option->range; *at != '\0'; at++)
        fputc(*at == '|' ? ' ' : *at, stdout);
}

static void bash_names(const command_row *row)
{
    for (size_t i = 0; i < program_option_count; i++)
        if ((program_options[i].commands & (unsigned)row->command) != 0 && program_options[i].help != NULL)
            printf(" --%s", program_options[i].name);
    for (size_t i = 0; i < tc_option_count(); i++) {
        tc_option option = library_option(i);
        char name[OPTION_NAME];
        if (library_option_applies(&option, row->command))
            printf(" --%s", option_name(option.key, name));
    }
}

void document_bash(void)
{
    fputs("# bash completion of textclf, made from its option tables\n"
          "_textclf()\n{\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} names=\n"
          "    if ((COMP_CWORD == 1)); then\n"
          "        COMPREPLY=($(compgen -W \"--help --version",
          stdout);
    for (size_t i = 0; i < command_row_count; i++)
        printf(" %s", command_rows[i].name);
    fputs("\" -- \"$word\"))\n        return\n    fi\n    case $before in\n", stdout);
    fputs("    --format) COMPREPLY=($(compgen -W \"tsv csv jsonl txt\" -- \"$word\")); return ;;\n", stdout);
    for (size_t i = 0; i < tc_option_count(); i++) {
        tc_option option = library_option(i);
        char name[OPTION_NAME];
        if (strchr(option.range, '|') == NULL)
            continue;
        printf("    --%s) COMPREPLY=($(compgen -W \"", option_name(option.key, name));
        put_values(&option);
        fputs("\" -- \"$word\")); return ;;\n", stdout);
    }
    fputs("    esac\n    case ${COMP_WORDS[1]} in\n", stdout);
    for (size_t i = 0; i < command_row_count; i++) {
        printf("    %s) names=\"", command_rows[i].name);
        bash_names(&command_rows[i]);
        fputs("\" ;;\n", stdout);
    }
    fputs("    esac\n"
          "    if [[ $word == -* ]]; then\n"
          "        COMPREPLY=($(compgen -W \"$names\" -- \"$word\"))\n"
          "    else\n"
          "        COMPREPLY=($(compgen -f -- \"$word\"))\n"
          "    fi\n"
          "}\n"
          "complete -o filenames -F _textclf textclf\n",
          stdout);
}

/* Text within '...[...]' of zsh's _arguments: brackets and colons are escaped, a quote leaves and enters the string. */
static void zsh_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            fputs("'\\''", stdout);
        else if (strchr("[]:\\", *text) != NULL)
            printf("\\%c", *text);
        else
            fputc(*text, stdout);
    }
}

static void zsh_command(const command_row *row)
{
    printf("    %s) _arguments", row->name);
    for (size_t i = 0; i < program_option_count; i++) {
        const program_option *option = &program_options[i];
        if ((option->commands & (unsigned)row->command) == 0 || option->help == NULL)
            continue;
        printf(" \\\n        '--%s[", option->name);
        zsh_text(option->help);
        fputs("]", stdout);
        if (strcmp(option->name, "format") == 0)
            fputs(":format:(tsv csv jsonl txt)", stdout);
        else if (option->value != NULL)
            printf(":%s:%s", option->value, option->kind == VALUE_FILE ? "_files" : " ");
        fputs("'", stdout);
    }
    for (size_t i = 0; i < tc_option_count(); i++) {
        tc_option option = library_option(i);
        char name[OPTION_NAME];
        if (!library_option_applies(&option, row->command))
            continue;
        printf(" \\\n        '--%s[", option_name(option.key, name));
        zsh_text(option.help);
        printf("]:%s:", option.type);
        if (strchr(option.range, '|') != NULL) {
            fputs("(", stdout);
            put_values(&option);
            fputs(")", stdout);
        } else {
            fputs(" ", stdout);
        }
        fputs("'", stdout);
    }
    fputs(" \\\n        '*:file:_files' ;;\n", stdout);
}

void document_zsh(void)
{
    fputs("#compdef textclf\n# zsh completion of textclf, made from its option tables\n"
          "if (( CURRENT == 2 )); then\n    local -a commands=(",
          stdout);
    for (size_t i = 0; i < command_row_count; i++) {
        printf("\n        '%s:", command_rows[i].name);
        zsh_text(command_rows[i].summary);
        fputs("'", stdout);
    }
    fputs(")\n    _describe command commands\n    return\nfi\nlocal name=$words[2]\nshift words\n(( CURRENT-- ))\n"
          "case $name in\n",
          stdout);
    for (size_t i = 0; i < command_row_count; i++)
        zsh_command(&command_rows[i]);
    fputs("esac\n", stdout);
}
