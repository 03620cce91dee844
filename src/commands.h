/* commands.h: the subcommands, one file each, and the pages made from the option tables. */
#ifndef PROGRAM_COMMANDS_H
#define PROGRAM_COMMANDS_H

#include "arguments.h"

extern const command_row command_rows[];
extern const size_t command_row_count;

/* Each returns the exit code and has told what went wrong. */
int train(arguments *given);
int eval(arguments *given);
int predict(arguments *given);
int info(arguments *given);
int convert(arguments *given);
int options(arguments *given);

/* Pages on standard output: help.c and documents.c. */
void help_usage(void);
void help_command(const command_row *row);
void help_table(void);
void document_man(void);
void document_bash(void);
void document_zsh(void);

#endif
