/* urgency.c: real values instead of labels: mean squared error, one number per text.
 *
 *     urgency
 *
 * Here the value is made up: how urgent a ticket sounds, from 0 to 10. */
#include "support.h"

typedef struct ticket {
    float urgency;
    const char *text;
} ticket;

static const ticket tickets[] = {
    {9.5f, "production is down and customers cannot log in"},
    {9.0f, "the payment service is down for all customers"},
    {8.5f, "all orders fail since this morning, please help at once"},
    {8.0f, "data loss after the update, we need help now"},
    {7.0f, "search is very slow for all customers since this morning"},
    {6.0f, "some orders fail with an error"},
    {5.5f, "the report is slow and sometimes fails"},
    {4.0f, "one customer sees a wrong date in the report"},
    {3.0f, "the button has the wrong colour on my phone"},
    {2.5f, "could the report have a second page some day"},
    {1.5f, "a typo on the help page"},
    {1.0f, "thank you, everything works, the new page is nice"},
};
enum { TICKETS = sizeof tickets / sizeof tickets[0] };

int main(void)
{
    static const char *const targets[] = {"urgency"};
    tc_config *config = NULL;
    tc_vocab_builder *words = NULL;
    tc_model *model = NULL;
    tc_examples *examples = NULL;
    tc_trainer *trainer = NULL;
    tc_step step = TC_STEP_INIT;
    size_t rows[TICKETS], count = 0;
    float value = 0;

    check(tc_config_create(&config));
    check(tc_config_set(config, "task", "regress"));
    check(tc_config_set(config, "embedding_dim", "16"));
    check(tc_config_set(config, "hidden_dim", "32"));
    check(tc_config_set(config, "pooling", "mean"));
    check(tc_config_set(config, "learning_rate", "0.01"));
    check(tc_vocab_builder_create(config, &words));
    for (size_t i = 0; i < TICKETS; i++)
        check(tc_vocab_builder_add(words, tickets[i].text, strlen(tickets[i].text)));
    check(tc_model_create(config, words, targets, 1, &model));
    check(tc_examples_create(model, &examples));
    for (size_t i = 0; i < TICKETS; i++) {
        rows[i] = i;
        check(
            tc_examples_add_targets(examples, tickets[i].text, strlen(tickets[i].text), &tickets[i].urgency, 1, 1.0f));
    }

    check(tc_trainer_create(model, config, &trainer));
    for (int i = 1; i <= 150; i++) {
        check(tc_train_step(trainer, examples, rows, TICKETS, &step));
        if (i % 50 == 0)
            printf("step %3d  mean squared error %.3f\n", i, step.loss);
    }
    tc_evaluation evaluation = TC_EVALUATION_INIT;
    check(tc_evaluate(model, examples, NULL, TICKETS, &evaluation));
    printf("on the training tickets: mean absolute error %.2f, r2 %.3f\n", evaluation.mean_absolute_error,
           evaluation.r2);

    static const char question[] = "customers cannot pay, all orders fail";
    check(tc_predict(model, question, sizeof question - 1, 1, &value, &count));
    printf("urgency %.1f: %s\n", (double)value, question);

    tc_trainer_free(trainer);
    tc_examples_free(examples);
    tc_model_free(model);
    tc_vocab_builder_free(words);
    tc_config_free(config);
    return evaluation.r2 > 0.9 ? 0 : 1;
}
