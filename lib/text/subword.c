/* subword.c: a tokenizer is put together, checked, looked into and freed. How a text goes through it stands in
 * subword_encode.c; what its stages do, in the stages.
 *
 * Added tokens get ids as the package gives them when it reads a file: those of the model where it knows the token,
 * else the one behind the largest id of an added token or, where that is larger, the number of the model's tokens. */
#include "text/subword_internal.h"

#include "base/hash.h"
#include "text/decode.h"

tc_status tci_subword_create(const tc_allocator *host, size_t limit, tci_subword **subword)
{
    tci_subword *made = NULL;
    tc_status status = TC_OK;
    *subword = NULL;
    TCI_RETURN_IF(tci_object_create(host, limit, sizeof *made, "tokenizer", &made));
    tci_added_init(&made->added, &made->memory);
    made->is_local = true;
    TCI_CHECK(tci_code_sets_create(&made->memory, &made->sets));
    *subword = made;
    return TC_OK;
done:
    tci_subword_free(made);
    return status;
}

static void free_stage(tci_memory *memory, void (*function)(tci_memory *memory, void *self), void *self)
{
    if (function && self)
        function(memory, self);
    else
        tci_free(memory, self);
}

void tci_subword_free(tci_subword *subword)
{
    if (!subword)
        return;
    tci_memory *memory = &subword->memory;
    for (size_t i = 0; i < subword->normalizer_count; i++)
        free_stage(memory, subword->normalizers[i].kind->free, subword->normalizers[i].self);
    for (size_t i = 0; i < subword->pretokenizer_count; i++)
        free_stage(memory, subword->pretokenizers[i].kind->free, subword->pretokenizers[i].self);
    if (subword->model)
        free_stage(memory, subword->model->free, subword->model_self);
    tci_free(memory, subword->normalizers);
    tci_free(memory, subword->pretokenizers);
    tci_added_free(&subword->added);
    tci_code_sets_free(memory, subword->sets);
    tci_free(memory, subword->fresh);
    tci_free(memory, subword->before);
    tci_free(memory, subword->after);
    tci_free(memory, subword->margins);
    tci_free(memory, subword->json);
    tci_object_free(subword);
}

tci_memory *tci_subword_memory(tci_subword *subword)
{
    return &subword->memory;
}

const tci_code_sets *tci_subword_code_sets(const tci_subword *subword)
{
    return subword->sets;
}

/* ---- stages ---- */

#define MAX_STAGES 1024

tc_status tci_subword_add_normalizer(tci_subword *subword, const tci_normalizer_kind *kind, void *self, bool is_local)
{
    tc_status status =
        tci_reserve(&subword->memory, subword->normalizer_count + 1, MAX_STAGES, sizeof *subword->normalizers,
                    "normalizers", &subword->normalizer_capacity, &subword->normalizers);
    if (status != TC_OK) {
        free_stage(&subword->memory, kind->free, self);
        return status;
    }
    subword->normalizers[subword->normalizer_count++] = (tci_subword_normalizer){kind, self};
    subword->is_local &= is_local;
    return TC_OK;
}

tc_status tci_subword_add_pretokenizer(tci_subword *subword, const tci_pretokenizer_kind *kind, void *self,
                                       bool is_local)
{
    tc_status status =
        tci_reserve(&subword->memory, subword->pretokenizer_count + 1, MAX_STAGES, sizeof *subword->pretokenizers,
                    "pre-tokenizers", &subword->pretokenizer_capacity, &subword->pretokenizers);
    if (status != TC_OK) {
        free_stage(&subword->memory, kind->free, self);
        return status;
    }
    if (subword->pretokenizer_count == 0)
        subword->pieces_end_at_cuts = is_local;
    subword->pretokenizers[subword->pretokenizer_count++] = (tci_subword_pretokenizer){kind, self};
    return TC_OK;
}

bool tci_subword_has_pretokenizer(const tci_subword *subword)
{
    return subword->pretokenizer_count > 0;
}

bool tci_subword_drop_pretokenizer(tci_subword *subword, const tci_pretokenizer_kind *kind)
{
    size_t last = subword->pretokenizer_count - 1;
    if (subword->pretokenizer_count == 0 || subword->pretokenizers[last].kind != kind)
        return false;
    free_stage(&subword->memory, kind->free, subword->pretokenizers[last].self);
    subword->pretokenizer_count = last;
    return true;
}

tc_status tci_subword_set_model(tci_subword *subword, const tci_subword_model_kind *kind, void *self)
{
    if (subword->model) {
        free_stage(&subword->memory, kind->free, self);
        return tci_fail(TC_ERROR_INTERNAL, "a tokenizer has one model");
    }
    subword->model = kind;
    subword->model_self = self;
    return TC_OK;
}

/* ids = more + ids, or ids + more */
static tc_status join(tci_memory *memory, uint32_t **ids, size_t *count, const uint32_t *more, size_t more_count,
                      bool in_front)
{
    size_t total = 0;
    if (more_count == 0)
        return TC_OK;
    if (!tci_add(*count, more_count, &total))
        return tci_fail(TC_ERROR_LIMIT, "the ids around a text are too many");
    TCI_RETURN_IF(tci_resize(memory, total, sizeof **ids, "ids around a text", ids));
    if (in_front)
        memmove(*ids + more_count, *ids, *count * sizeof **ids);
    memcpy(in_front ? *ids : *ids + *count, more, more_count * sizeof **ids);
    *count = total;
    return TC_OK;
}

tc_status tci_subword_add_template(tci_subword *subword, const uint32_t *before, size_t before_count,
                                   const uint32_t *after, size_t after_count)
{
    TCI_RETURN_IF(join(&subword->memory, &subword->before, &subword->before_count, before, before_count, true));
    return join(&subword->memory, &subword->after, &subword->after_count, after, after_count, false);
}

void tci_subword_set_trim(tci_subword *subword, bool add_prefix_space)
{
    subword->trims = true;
    subword->trims_prefix = add_prefix_space;
}

/* ---- added tokens ---- */

tc_status tci_subword_add_token(tci_subword *subword, const char *content, size_t length, uint32_t id, unsigned flags)
{
    if (!subword->model)
        return tci_fail(TC_ERROR_INTERNAL, "added tokens come after the model");
    uint32_t known = subword->model->find(subword->model_self, content, length), given = known;
    if (known == TCI_SUBWORD_NONE) {
        size_t count = subword->model->count(subword->model_self);
        given = subword->next_id > count ? subword->next_id : (uint32_t)count;
    }
    if (given != id)
        return tci_fail(TC_ERROR_UNSUPPORTED, "the added token \"%.*s\" has the id %u, where the package gives it %u",
                        (int)(length < 80 ? length : 80), content, id, given);
    TCI_RETURN_IF(tci_added_put(&subword->added, content, length, id, flags));
    if (id >= subword->next_id)
        subword->next_id = id + 1;
    if (known != TCI_SUBWORD_NONE)
        return TC_OK;
    TCI_RETURN_IF(tci_reserve(&subword->memory, subword->fresh_count + 1, UINT32_MAX, sizeof *subword->fresh,
                              "added tokens", &subword->fresh_capacity, &subword->fresh));
    subword->fresh[subword->fresh_count++] = (uint32_t)(subword->added.count - 1);
    return TC_OK;
}

/* What normalized tokens are searched as. */
typedef struct normalized_contents {
    tci_subword *subword;
    tci_aligned between[2];
    tci_work work;
} normalized_contents;

static tc_status raw_content(void *context, uint32_t place, const char **text, size_t *length)
{
    *text = tci_map_key(((normalized_contents *)context)->subword->added.contents, place, length);
    return TC_OK;
}

/* Pieces of a text are cut before a space (stage.h), so that a token may be cut only where it has one, or takes one. */
static tc_status normalized_content(void *context, uint32_t place, const char **text, size_t *length)
{
    normalized_contents *contents = context;
    tci_subword *subword = contents->subword;
    const tci_aligned *result;
    const char *bytes = tci_map_key(subword->added.contents, place, length);
    tci_aligned content = tci_aligned_view(bytes, *length);
    TCI_RETURN_IF(tci_subword_normalize(subword, &content, contents->between, &contents->work, &result));
    *text = result->bytes;
    *length = result->size;
    if (subword->added.tokens[place].flags & TCI_ADDED_RSTRIP || (*length > 0 && memchr(*text, ' ', *length)))
        subword->is_local = false;
    return TC_OK;
}

static tc_status make_finders(tci_subword *subword)
{
    normalized_contents contents = {.subword = subword};
    tci_aligned_init(&contents.between[0], &subword->memory);
    tci_aligned_init(&contents.between[1], &subword->memory);
    tci_work_init(&contents.work, &subword->memory);
    tc_status status = tci_added_make_finder(&subword->added, 0, raw_content, &contents);
    if (status == TC_OK)
        status = tci_added_make_finder(&subword->added, TCI_ADDED_NORMALIZED, normalized_content, &contents);
    tci_aligned_free(&contents.between[0]);
    tci_aligned_free(&contents.between[1]);
    tci_work_free(&contents.work);
    return status;
}

/* ---- the end ---- */

static bool is_margin(const tci_code_sets *sets, uint32_t code)
{
    return code == 0x120 || tci_code_flags(sets, code) & TCI_CODE_SPACE; /* U+0120 stands for a space */
}

tci_token_margin tci_token_margin_of(const tci_code_sets *sets, const char *text, size_t length)
{
    tci_token_margin margin = {0, 0};
    bool leads = true;
    for (size_t at = 0; at < length;) {
        uint32_t code;
        at += tci_decode((const uint8_t *)text + at, length - at, &code);
        bool is = code != TCI_ILL_FORMED && is_margin(sets, code);
        leads &= is;
        margin.before = (uint16_t)(margin.before + (leads && margin.before < UINT16_MAX));
        margin.after = (uint16_t)(is ? margin.after + (margin.after < UINT16_MAX) : 0);
    }
    return margin;
}

static tc_status make_margins(tci_subword *subword)
{
    TCI_RETURN_IF(tci_alloc_zero(&subword->memory, subword->rows, sizeof *subword->margins, "margins of tokens",
                                 &subword->margins));
    for (size_t id = 0; id < subword->rows; id++) {
        size_t length;
        const char *token = tci_subword_token(subword, (uint32_t)id, &length);
        if (token)
            subword->margins[id] = tci_token_margin_of(subword->sets, token, length);
    }
    return TC_OK;
}

static tc_status check_template(const tci_subword *subword, const uint32_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t length;
        if (!tci_subword_token(subword, ids[i], &length))
            return tci_fail(TC_ERROR_FORMAT, "the id %u, put around a text, is no token's", ids[i]);
    }
    return TC_OK;
}

tc_status tci_subword_finish(tci_subword *subword, const char *json, size_t size)
{
    if (!subword->model)
        return tci_fail(TC_ERROR_FORMAT, "a tokenizer without a model");
    subword->rows = subword->model->rows(subword->model_self);
    /* What is behind the first pre-tokenizer sees its pieces, whether the text was cut or not. */
    subword->is_local &= subword->pretokenizer_count > 0 && subword->pieces_end_at_cuts;
    if (subword->next_id > subword->rows)
        subword->rows = subword->next_id;
    TCI_RETURN_IF(check_template(subword, subword->before, subword->before_count));
    TCI_RETURN_IF(check_template(subword, subword->after, subword->after_count));
    TCI_RETURN_IF(make_finders(subword));
    if (subword->trims)
        TCI_RETURN_IF(make_margins(subword));
    TCI_RETURN_IF(tci_alloc(&subword->memory, size, 1, "tokenizer.json", &subword->json));
    memcpy(subword->json, json, size);
    subword->json_size = size;
    subword->stamp = tci_hash(json, size, 0);
    return TC_OK;
}

/* ---- looking into it ---- */

size_t tci_subword_rows(const tci_subword *subword)
{
    return subword->rows;
}

uint32_t tci_subword_find(const tci_subword *subword, const char *token, size_t length)
{
    uint32_t place = tci_added_find(&subword->added, token, length);
    return place != TCI_MAP_NONE ? subword->added.tokens[place].id
                                 : subword->model->find(subword->model_self, token, length);
}

const char *tci_subword_token(const tci_subword *subword, uint32_t id, size_t *length)
{
    const char *token = subword->model->token(subword->model_self, id, length);
    size_t low = 0, high = subword->fresh_count;
    if (token)
        return token;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint32_t place = subword->fresh[middle], found = subword->added.tokens[place].id;
        if (found == id)
            return tci_map_key(subword->added.contents, place, length);
        if (found < id)
            low = middle + 1;
        else
            high = middle;
    }
    *length = 0;
    return NULL;
}

const char *tci_subword_json(const tci_subword *subword, size_t *size)
{
    *size = subword->json_size;
    return subword->json;
}

const uint32_t *tci_subword_before(const tci_subword *subword, size_t *count)
{
    *count = subword->before_count;
    return subword->before;
}

const uint32_t *tci_subword_after(const tci_subword *subword, size_t *count)
{
    *count = subword->after_count;
    return subword->after;
}
