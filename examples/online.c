/* online.c: learning from a stream, with a checkpoint to go on from after a stop.
 *
 *     online STREAM.tsv CHECKPOINT
 *
 * The host owns the loop: it feeds rows as they come, in batches of its own, and saves now and then. Run it again with
 * the same checkpoint and it goes on where it was; the bits are those of a run that never stopped. */
#include "support.h"

static const char *const labels[] = {"acquisition", "ipo", "none", "pivot"};
enum { LABELS = 4, BATCH = 16, STEPS_PER_RUN = 20 };

/* Starts anew: words from the stream's first lines; later words that are not among them are unknown. */
static void start(const char *stream, tc_model **model, tc_trainer **trainer)
{
    tc_config *config = NULL;
    tc_vocab_builder *words = NULL;
    FILE *file = open_lines(stream);
    line row;
    check(tc_config_create(&config));
    check(tc_config_set(config, "embedding_dim", "32"));
    check(tc_config_set(config, "hidden_dim", "32"));
    check(tc_config_set(config, "sparse_embedding", "true"));
    check(tc_vocab_builder_create(config, &words));
    for (int i = 0; i < 500 && next_line(file, &row); i++)
        check(tc_vocab_builder_add(words, row.text, strlen(row.text)));
    fclose(file);
    check(tc_model_create(config, words, labels, LABELS, model));
    check(tc_trainer_create(*model, config, trainer));
    tc_vocab_builder_free(words);
    tc_config_free(config);
}

int main(int argc, char **argv)
{
    tc_model *model = NULL;
    tc_trainer *trainer = NULL;
    tc_examples *batch = NULL;
    tc_step step = TC_STEP_INIT;
    size_t rows[BATCH], in_batch = 0;
    line row;
    if (argc != 3) {
        fprintf(stderr, "usage: online STREAM.tsv CHECKPOINT\n");
        return 2;
    }
    if (tc_trainer_load(argv[2], NULL, &model, &trainer) == TC_OK)
        printf("going on from %s\n", argv[2]);
    else
        start(argv[1], &model, &trainer);

    FILE *file = open_lines(argv[1]);
    check(tc_examples_create(model, &batch));
    for (int steps = 0; steps < STEPS_PER_RUN && next_line(file, &row);) {
        rows[in_batch] = in_batch;
        check(tc_examples_add_label(batch, row.text, strlen(row.text), label_index(labels, LABELS, row.label), 1.0f));
        if (++in_batch < BATCH)
            continue;
        check(tc_train_step(trainer, batch, rows, in_batch, &step));
        tc_examples_free(batch); /* a stream keeps nothing */
        check(tc_examples_create(model, &batch));
        in_batch = 0;
        steps++;
    }
    fclose(file);
    printf("step %d: loss of the last batch %.3f\n", (int)step.step, step.loss);
    check(tc_trainer_save(trainer, argv[2]));
    tc_examples_free(batch);
    tc_trainer_free(trainer);
    tc_model_free(model);
    return 0;
}
