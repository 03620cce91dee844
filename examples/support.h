/* support.h: what the examples share: stopping with the library's reason, reading `label TAB text` lines, and the two
 * steps of every training: texts into examples, and the loop of epochs. */
#ifndef EXAMPLES_SUPPORT_H
#define EXAMPLES_SUPPORT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <textclf/textclf.h>

/* Every call of the library answers a status; an example simply stops with the reason. */
static inline void check(tc_status status)
{
    if (status != TC_OK) {
        fprintf(stderr, "%s\n", tc_last_error());
        exit(1);
    }
}

#define LINE_SIZE 4096

typedef struct line {
    char buffer[LINE_SIZE];
    char *label;
    char *text;
} line;

static inline FILE *open_lines(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        exit(1);
    }
    return file;
}

/* The next line of the file; 0 at its end. */
static inline int next_line(FILE *file, line *row)
{
    if (!fgets(row->buffer, sizeof row->buffer, file))
        return 0;
    row->buffer[strcspn(row->buffer, "\r\n")] = '\0';
    row->label = row->buffer;
    row->text = strchr(row->buffer, '\t');
    if (!row->text) {
        fprintf(stderr, "a line has no tab: %s\n", row->buffer);
        exit(1);
    }
    *row->text++ = '\0';
    return 1;
}

/* Number of a label among `count` names. */
static inline uint32_t label_index(const char *const *labels, size_t count, const char *label)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(labels[i], label) == 0)
            return i;
    }
    return TC_LABEL_UNKNOWN;
}

/* The lines of a file as examples: encoded once, used in every epoch. */
static inline tc_examples *encode_lines(const tc_model *model, const char *path, const char *const *labels,
                                        size_t count)
{
    tc_examples *examples = NULL;
    FILE *file = open_lines(path);
    line row;
    check(tc_examples_create(model, &examples));
    while (next_line(file, &row))
        check(tc_examples_add_label(examples, row.text, strlen(row.text), label_index(labels, count, row.label), 1.0f));
    fclose(file);
    return examples;
}

/* As many epochs as the options say; the model has the weights of the best one afterwards. */
static inline void train_epochs(tc_model *model, const tc_config *config, const tc_examples *examples)
{
    tc_trainer *trainer = NULL;
    tc_batcher *batcher = NULL;
    tc_epoch epoch = TC_EPOCH_INIT;
    check(tc_trainer_create(model, config, &trainer));
    check(tc_batcher_create(trainer, examples, NULL, &batcher));
    while (!epoch.finished) {
        tc_batch batch = TC_BATCH_INIT;
        check(tc_batcher_next(batcher, &batch));
        if (batch.row_count > 0) {
            check(tc_train_step(trainer, examples, batch.rows, batch.row_count, NULL));
            continue;
        }
        check(tc_batcher_finish_epoch(batcher, &epoch));
        printf("epoch %2d  loss %.3f  held-out accuracy %.3f%s\n", (int)epoch.epoch, epoch.loss, epoch.validation_score,
               epoch.improved ? "  (best so far)" : "");
    }
    check(tc_batcher_restore_best(batcher));
    tc_batcher_free(batcher);
    tc_trainer_free(trainer);
}

#endif
