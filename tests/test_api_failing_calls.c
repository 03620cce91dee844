/* Each allocation of one call fails once: a status, nothing lost or changed, and the next try works. labels: long */
#include "support/testing.h"

#include "support/failing.h"
#include "support/small_host.h"
#include "support/story.h"

#define TEXTS 24
#define NGRAM "arch=ngram buckets=4096 epochs=2 batch_size=6 threads=2 "
#define SETTINGS                                                                                                       \
    "num_layers=2 bidirectional=true dropout=0.1 hidden_dim=6 embedding_dim=5 batch_size=6 epochs=2 threads=2 "        \
    "validation_split=0.3 pooling=max class_weights=balanced "
#define BERT                                                                                                           \
    "arch=bert hidden_dim=16 num_heads=2 num_layers=2 positions=24 epochs=1 batch_size=8 threads=2 "
#define GPT                                                                                                            \
    "arch=gpt hidden_dim=20 num_heads=2 num_layers=2 positions=24 epochs=1 batch_size=8 threads=2 "

typedef struct fixture {
    test_allocator allocator;
    test_folder folder;
    host h;
    char path[512], checkpoint[512];
    tc_vocab_builder *words;
    tc_examples *examples; /* to be added to */
    bool spares;           /* of arch bert: calls may do without some of their memory */
} fixture;

static void set_up(fixture *f, const char *settings)
{
    test_allocator_init(&f->allocator, TEST_NEVER, false);
    const tc_allocator memory = test_allocator_host(&f->allocator);
    f->spares = strstr(settings, "arch=bert") != NULL;
    test_folder_create(&f->folder);
    (void)snprintf(f->path, sizeof f->path, "%s/model", f->folder.path);
    (void)snprintf(f->checkpoint, sizeof f->checkpoint, "%s/checkpoint", f->folder.path);
    assert_ok(host_begin(&f->h, &memory, settings, TEXTS));
    assert_ok(tc_vocab_builder_create(f->h.config, &f->words));
    assert_ok(tc_examples_create(f->h.model, &f->examples));
    assert_ok(tc_model_save(f->h.model, f->path));
    assert_ok(tc_trainer_save(f->h.trainer, f->checkpoint));
}

static void tear_down(fixture *f)
{
    tc_examples_free(f->examples);
    tc_vocab_builder_free(f->words);
    host_end(&f->h);
    assert_nothing_held(&f->allocator);
    test_folder_remove(&f->folder);
}

/* What must not change when a call fails. */
typedef struct snapshot {
    uint8_t *model;
    char *files[3]; /* the model's, the checkpoint's, a checkpoint of now where one can be written */
    size_t model_size, file_sizes[3], examples, words;
} snapshot;

static snapshot look(fixture *f)
{
    snapshot s = {.model = host_bytes(f->h.model, &s.model_size)};
    char now[512];
    (void)snprintf(now, sizeof now, "%s/now", f->folder.path);
    s.files[0] = test_read_file(f->path, &s.file_sizes[0]);
    s.files[1] = test_read_file(f->checkpoint, &s.file_sizes[1]);
    tc_status status = tc_trainer_save(f->h.trainer, now);
    if (status == TC_OK)
        s.files[2] = test_read_file(now, &s.file_sizes[2]);
    else
        assert_int_equal(status, TC_ERROR_STATE);
    (void)remove(now);
    assert_ok(tc_examples_count(f->examples, &s.examples));
    assert_int_equal(test_folder_count(&f->folder), 2);
    return s;
}

static void assert_same(const char *call, const snapshot *a, const snapshot *b)
{
    static const char *const names[] = {"model file", "checkpoint", "state of training"};
    if (a->model_size != b->model_size || memcmp(a->model, b->model, a->model_size) != 0)
        fail_msg("%s failed and changed the model", call);
    for (size_t i = 0; i < 3; i++) {
        if (a->file_sizes[i] != b->file_sizes[i] ||
            (a->files[i] && memcmp(a->files[i], b->files[i], a->file_sizes[i]) != 0))
            fail_msg("%s failed and changed the %s", call, names[i]);
    }
    assert_int_equal(a->examples, b->examples);
}

static void drop(snapshot *s)
{
    free(s->model);
    for (size_t i = 0; i < 3; i++)
        free(s->files[i]);
}

typedef tc_status (*call)(fixture *f);

static tc_status advance(fixture *f)
{
    return host_advance(&f->h);
}

/* Calls until nothing fails any more; each failure must be TC_ERROR_MEMORY and change nothing. Where a call does
 * without what it was refused (packed weights, vectors of a frozen encoder) it has worked. Returns how many failed. */
static long try_until_it_works(fixture *f, const char *name, call function)
{
    snapshot before = look(f);
    for (long n = 0;; n++) {
        f->allocator.failed = false;
        f->allocator.fail_at = f->allocator.calls + n;
        tc_status status = function(f);
        f->allocator.fail_at = TEST_NEVER;
        bool worked = status == TC_OK && (!f->allocator.failed || f->spares);
        if (worked && (!f->allocator.failed || function == advance)) {
            drop(&before);
            return n;
        }
        if (worked)
            continue;
        if (status != TC_ERROR_MEMORY)
            fail_msg("%s: allocation %ld failed: status %d: %s", name, n, (int)status, tc_last_error());
        snapshot after = look(f);
        assert_same(name, &before, &after);
        drop(&after);
    }
}

static tc_status predict(fixture *f)
{
    float scores[STORY_LABELS];
    size_t count = 0;
    const char *text = "a good film with the actors and the music of one long night in the city";
    return tc_predict(f->h.model, text, strlen(text), STORY_LABELS, scores, &count);
}

static tc_status predict_batch(fixture *f)
{
    enum { MANY = 200 };
    const char *texts[MANY];
    size_t lengths[MANY], count = 0;
    float scores[MANY * STORY_LABELS];
    for (size_t i = 0; i < MANY; i++) {
        texts[i] = i % 3 ? "the plot was dull" : "splendid";
        lengths[i] = strlen(texts[i]);
    }
    return tc_predict_batch(f->h.model, texts, lengths, MANY, MANY * STORY_LABELS, scores, &count);
}

static tc_status add_batch(fixture *f)
{
    const char *const texts[3] = {"the plot was dull", "", "a splendid film"};
    return tc_examples_add_batch(f->examples, texts, (const size_t[]){17, 0, 15}, 3, (const uint32_t[]){0, 1, 2}, NULL,
                                 NULL, NULL);
}

static tc_status predict_examples(fixture *f)
{
    float scores[TEXTS * STORY_LABELS];
    size_t count = 0;
    return tc_predict_examples(f->h.model, f->h.examples, NULL, TEXTS, TEXTS * STORY_LABELS, scores, &count);
}

static tc_status evaluate(fixture *f)
{
    tc_evaluation evaluation = TC_EVALUATION_INIT;
    return tc_evaluate(f->h.model, f->h.examples, NULL, TEXTS, &evaluation);
}

static tc_status encode(fixture *f)
{
    uint32_t ids[64];
    uint64_t ranges[128];
    size_t count = 0;
    return tc_encode(f->h.model, "a good film with the actors", 27, 64, ids, ranges, &count);
}

static tc_status add_example(fixture *f)
{
    char text[12 * STORY_WORDS + 1];
    size_t length = story_write_words(7, STORY_WORDS, text, sizeof text);
    return tc_examples_add_label(f->examples, text, length, 1, 1.0f);
}

static tc_status add_words(fixture *f)
{
    char text[12 * STORY_WORDS + 1];
    size_t length = story_write_words(8, STORY_WORDS, text, sizeof text);
    return tc_vocab_builder_add(f->words, text, length);
}

static tc_status save(fixture *f)
{
    return tc_model_save(f->h.model, f->path);
}

static tc_status save_checkpoint(fixture *f)
{
    return tc_trainer_save(f->h.trainer, f->checkpoint);
}

static tc_status save_memory(fixture *f)
{
    static uint8_t bytes[1 << 18];
    size_t size = 0;
    return tc_model_save_memory(f->h.model, sizeof bytes, bytes, &size);
}

static tc_status load_with(fixture *f, const char *path, int32_t flags)
{
    tc_model *model = NULL;
    tc_status status = tc_model_load_with(path, f->h.config, flags, &model);
    assert_true((status == TC_OK) == (model != NULL));
    tc_model_free(model);
    return status;
}

static tc_status load(fixture *f)
{
    return load_with(f, f->path, 0);
}

static tc_status load_mapped(fixture *f)
{
    return load_with(f, f->path, TC_LOAD_MAPPED);
}

static tc_status load_checkpoint(fixture *f)
{
    tc_model *model = NULL;
    tc_trainer *trainer = NULL;
    tc_status status = tc_trainer_load(f->checkpoint, f->h.config, &model, &trainer);
    assert_true((status == TC_OK) == (model != NULL) && (model != NULL) == (trainer != NULL));
    tc_trainer_free(trainer);
    tc_model_free(model);
    return status;
}

static tc_status clone(fixture *f)
{
    tc_model *model = NULL;
    tc_status status = tc_model_clone(f->h.model, &model);
    assert_true((status == TC_OK) == (model != NULL));
    tc_model_free(model);
    return status;
}

/* To one value of an option and back to another. */
static tc_status convert_by(fixture *f, const char *key, const char *there, const char *back)
{
    const char *const values[] = {there, back};
    tc_model *models[2] = {NULL, NULL};
    tc_status status = TC_OK;
    for (size_t i = 0; status == TC_OK && i < 2; i++) {
        tc_config *config = NULL;
        assert_ok(tc_config_create(&config));
        assert_ok(tc_config_set(config, key, values[i]));
        status = tc_model_convert(i == 0 ? f->h.model : models[0], config, &models[i]);
        assert_true((status == TC_OK) == (models[i] != NULL));
        tc_config_free(config);
    }
    tc_model_free(models[1]);
    tc_model_free(models[0]);
    return status;
}

static tc_status convert(fixture *f)
{
    return convert_by(f, "weights", "int8", "f32");
}

static tc_status adapt(fixture *f)
{
    return convert_by(f, "lora_rank", "2", "0");
}

static tc_status embed(fixture *f)
{
    float vector[32];
    size_t dim = 0;
    return tc_embed(f->h.model, "a film with the actors", 22, 32, vector, &dim);
}

static tc_status info(fixture *f)
{
    char text[8192];
    size_t length = 0;
    return tc_model_info(f->h.model, sizeof text, text, &length);
}

static tc_status option(fixture *f)
{
    char text[64];
    size_t length = 0;
    return tc_config_get(f->h.config, "hidden_dim", sizeof text, text, &length);
}

static tc_status scratch(fixture *f)
{
    tc_scratch *made = NULL;
    float scores[STORY_LABELS];
    size_t count = 0;
    tc_status status = tc_scratch_create(f->h.model, &made);
    if (status == TC_OK)
        status = tc_predict_with(f->h.model, made, "a dull film", 11, STORY_LABELS, scores, &count, NULL);
    tc_scratch_free(made);
    return status;
}

static tc_status restore_best(fixture *f)
{
    return tc_batcher_restore_best(f->h.batcher);
}

static tc_status make_batcher(fixture *f)
{
    tc_batcher_free(f->h.batcher);
    return tc_batcher_create(f->h.trainer, f->h.examples, NULL, &f->h.batcher);
}

static void no_call_loses_or_changes_anything_when_an_allocation_fails(void **state)
{
    enum { LSTM = 1, BERT_MODEL = 2, ANY = 3 };
    static const struct {
        const char *name;
        call function;
        bool allocates;
        int of;
    } calls[] = {
        {"predict", predict, true, ANY},
        {"embed", embed, false, ANY}, /* with what predict left: later the scratch may be one that a worker had */
        {"predict_batch", predict_batch, true, ANY},
        {"predict_examples", predict_examples, true, ANY},
        {"evaluate", evaluate, true, ANY},
        {"encode", encode, true, ANY},
        {"examples_add", add_example, true, ANY},
        {"examples_add_batch", add_batch, true, ANY},
        {"vocab_builder_add", add_words, true, ANY},
        {"model_save", save, true, ANY},
        {"model_save_memory", save_memory, true, ANY},
        {"model_load", load, true, ANY},
        {"model_load mapped", load_mapped, true, ANY},
        {"model_clone", clone, true, ANY},
        {"model_convert", convert, true, LSTM},
        {"model_convert with adapters", adapt, true, BERT_MODEL},
        {"model_info", info, true, ANY},
        {"config_get", option, true, ANY},
        {"scratch", scratch, true, ANY},
        {"batcher_create", make_batcher, true, ANY},
        {"train_step", advance, true, ANY},
        {"restore_best", restore_best, false, ANY},
        {"trainer_save", save_checkpoint, true, ANY},
        {"trainer_load", load_checkpoint, true, ANY},
    };
    (void)state;
    for (int of = LSTM; of <= BERT_MODEL; of++) {
        fixture f;
        set_up(&f, of == LSTM ? SETTINGS : BERT "validation_split=0.3 dropout=0.1 pooling=max");
        for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
            if (!(calls[i].of & of))
                continue;
            long failures = try_until_it_works(&f, calls[i].name, calls[i].function);
            if (of == LSTM && (failures > 0) != calls[i].allocates)
                fail_msg("%s allocates %ld times", calls[i].name, failures);
        }
        tear_down(&f);
    }
}

static void a_training_with_failures_in_every_call_ends_in_the_bits_of_one_without(void **state)
{
    static const char *const settings[] = {SETTINGS, SETTINGS "accumulate_steps=2 batch_size=7",
                                           NGRAM "validation_split=0.2",
                                           NGRAM "optimizer=adagrad",
                                           BERT "validation_split=0.3 accumulate_steps=2",
                                           BERT "freeze=encoder epochs=3 head_dropout=0.2",
                                           BERT "lora_rank=2 gradient_checkpointing=true"};
    (void)state;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        fixture f;
        size_t size = 0, wanted_size = 0;
        uint8_t *wanted = host_train(settings[i], TEXTS, &wanted_size);
        set_up(&f, settings[i]);
        while (!f.h.over)
            (void)try_until_it_works(&f, "a step or the end of an epoch", advance);
        assert_ok(tc_batcher_restore_best(f.h.batcher));
        uint8_t *bytes = host_bytes(f.h.model, &size);
        assert_int_equal(size, wanted_size);
        assert_memory_equal(bytes, wanted, size);
        free(bytes);
        free(wanted);
        tear_down(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_call_loses_or_changes_anything_when_an_allocation_fails),
        cmocka_unit_test(a_training_with_failures_in_every_call_ends_in_the_bits_of_one_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
