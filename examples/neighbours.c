/* neighbours.c: the sentences of a file that mean most nearly what a question says, by a sentence encoder.
 *
 *     neighbours all-MiniLM-L6-v2 exits.test.tsv "The firm was bought by a rival."
 *
 * (sqrt() is in libm: link with -lm.)
 *
 * tc_embed() gives a vector for each text. Vectors of length 1 are as near as their product is large (cosine). A folder
 * of Hugging Face's is a model like any other; mapped, its weights stay in the file, and processes share them. */
#include <math.h>

#include "support.h"

#define MOST 4096 /* sentences */
#define BEST 5

typedef struct sentence {
    char *text;
    float *vector;
    double nearness;
} sentence;

/* The text's vector, of length 1. */
static float *embed(const tc_model *model, const char *text, size_t dim)
{
    float *vector = malloc(dim * sizeof *vector);
    double squares = 0;
    if (!vector) {
        fprintf(stderr, "no memory for a vector\n");
        exit(1);
    }
    check(tc_embed(model, text, strlen(text), dim, vector, &dim));
    for (size_t i = 0; i < dim; i++)
        squares += (double)vector[i] * (double)vector[i];
    for (size_t i = 0; i < dim && squares > 0; i++)
        vector[i] = (float)(vector[i] / sqrt(squares));
    return vector;
}

static int by_nearness(const void *left, const void *right)
{
    const sentence *a = left, *b = right;
    return (a->nearness < b->nearness) - (a->nearness > b->nearness);
}

int main(int argc, char **argv)
{
    static sentence all[MOST];
    size_t count = 0, dim = 0;
    tc_model *model = NULL;
    tc_config *config = NULL;
    if (argc != 4) {
        fprintf(stderr, "usage: neighbours FOLDER FILE.tsv QUESTION\n");
        return 2;
    }
    check(tc_config_create(&config));
    check(tc_model_create_pretrained(config, argv[1], NULL, 0, TC_LOAD_MAPPED, &model));
    (void)tc_embed(model, "", 0, 0, NULL, &dim); /* asks for the number */

    line row;
    FILE *file = open_lines(argv[2]);
    while (count < MOST && next_line(file, &row)) {
        all[count].text = strdup(row.text);
        all[count++].vector = embed(model, row.text, dim);
    }
    fclose(file);
    float *question = embed(model, argv[3], dim);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < dim; k++)
            all[i].nearness += (double)question[k] * (double)all[i].vector[k];
    }
    qsort(all, count, sizeof *all, by_nearness);
    for (size_t i = 0; i < count && i < BEST; i++)
        printf("%.3f  %s\n", all[i].nearness, all[i].text);
    for (size_t i = 0; i < count; i++) {
        free(all[i].text);
        free(all[i].vector);
    }
    free(question);
    tc_model_free(model);
    tc_config_free(config);
    return 0;
}
