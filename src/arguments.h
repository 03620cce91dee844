/* arguments.h: the command line as data: the program's own options in one table, the library's from tc_option_at(), and
 * what a command line gave for them. Parsing, help, man page and completion all read these. */
#ifndef PROGRAM_ARGUMENTS_H
#define PROGRAM_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <textclf/textclf.h>

typedef enum command {
    COMMAND_TRAIN = 1,
    COMMAND_EVAL = 2,
    COMMAND_PREDICT = 4,
    COMMAND_INFO = 8,
    COMMAND_OPTIONS = 16,
    COMMAND_CONVERT = 32
} command;

typedef struct arguments {
    command command;
    const char *input;
    const char *validation;
    const char *output;
    const char *model;
    const char *checkpoint;
    const char *cache;
    const char *resume;
    const char *pretrained;
    const char *format;
    const char *text_column;
    const char *label_column;
    uint64_t checkpoint_every; /* 0: each epoch */
    uint64_t top;              /* 0: not given */
    bool header;
    bool skip_bad_lines;
    bool adapters_only;
    bool json;
    bool help;
    bool man; /* hidden: textclf options --man, --bash, --zsh */
    bool bash;
    bool zsh;
    const char **operands;
    size_t operand_count;
    tc_config *config; /* the library's options that were given */
    bool *given;       /* per library option */
} arguments;

typedef enum value_kind { VALUE_NONE, VALUE_TEXT, VALUE_FILE, VALUE_COUNT } value_kind;

typedef struct program_option {
    const char *name; /* without the dashes */
    const char *value; /* what stands for the value in help; NULL for a flag */
    value_kind kind;
    size_t offset; /* in arguments */
    unsigned commands;
    const char *help; /* NULL: hidden */
} program_option;

/* One row per subcommand. */
typedef struct command_row {
    const char *name;
    command command;
    const char *usage; /* behind "textclf NAME " */
    const char *summary;
    int (*run)(arguments *given);
} command_row;

extern const program_option program_options[];
extern const size_t program_option_count;

/* The library's option `index` without the chance of failing. */
tc_option library_option(size_t index);
/* Whether a library option is one of the command's. */
bool library_option_applies(const tc_option *option, unsigned commands);
/* Its default in this program: the library's, but for `threads`. */
const char *library_option_default(const tc_option *option);
/* "hidden_dim" as "hidden-dim"; `text` has room for OPTION_NAME bytes. */
#define OPTION_NAME 64
const char *option_name(const char *key, char text[OPTION_NAME]);

/* Reads the arguments behind the subcommand. Returns an exit code, told. arguments_free() also after a failure. */
int arguments_parse(const command_row *row, int count, char **words, arguments *given);
void arguments_free(arguments *given);

/* Whether the library option `key` was given. */
bool arguments_gave(const arguments *given, const char *key);

/* Sets `threads` to the processors at hand, at most `most` (0: no bound), unless it was given. */
int arguments_default_threads(arguments *given, size_t most);

#endif
