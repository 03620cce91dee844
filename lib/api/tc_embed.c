/* tc_embed.c: embed.h: texts and words as vectors. */
#include "api/handles.h"
#include "base/cpu.h"
#include "model/embed.h"

typedef tc_status (*embed_function)(const tc_model *model, tci_scratch *scratch, const char *text, size_t length,
                                    float *vector);

static tc_status check_room(const tc_model *model, size_t wanted, size_t capacity, const float *vector, size_t *dim)
{
    if (wanted == 0)
        return tci_fail(TC_ERROR_UNSUPPORTED,
                        "a model of arch %s with embedding_dim 0 has weights for labels, and no vectors",
                        model->network->architecture->name);
    *dim = wanted;
    if (capacity < wanted || !vector)
        return tci_fail(TC_ERROR_CAPACITY, "%zu floats do not fit a buffer of %zu", wanted, vector ? capacity : 0);
    return TC_OK;
}

static tc_status embed(embed_function function, const tc_model *model, const char *text, size_t length, float *vector)
{
    tci_scratch *scratch = NULL;
    TCI_RETURN_IF(tci_scratch_borrow(model, &scratch));
    tci_float_environment environment = tci_float_enter();
    tc_status status = function(model, scratch, text ? text : "", length, vector);
    tci_float_leave(environment);
    tci_scratch_return(model, scratch);
    return status;
}

tc_status tc_embed(const tc_model *model, const char *text, size_t length, size_t capacity, float *vector, size_t *dim)
{
    TCI_REQUIRE(model);
    TCI_REQUIRE_TEXT(text, length);
    TCI_REQUIRE(dim);
    TCI_RETURN_IF(check_room(model, tci_model_embed_dim(model), capacity, vector, dim));
    return embed(tci_model_embed_text, model, text, length, vector);
}

tc_status tc_word_vector(const tc_model *model, const char *word, size_t length, size_t capacity, float *vector,
                         size_t *dim)
{
    TCI_REQUIRE(model);
    TCI_REQUIRE_TEXT(word, length);
    TCI_REQUIRE(dim);
    TCI_RETURN_IF(check_room(model, tci_model_word_dim(model), capacity, vector, dim));
    return embed(tci_model_word_vector, model, word, length, vector);
}
