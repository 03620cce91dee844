/* Checkpoints that were tampered with, checksum and all: a status, or a training that goes on safely. labels: long */
#include "support/testing.h"

#include <math.h>

#include "base/bytes.h"
#include "serialization/checksum.h"
#include "support/small_host.h"
#include "support/story.h"
#include "support/tiny_model.h"
#include "train/trainer.h"

#define TEXTS 24
#define SETTINGS                                                                                                       \
    "hidden_dim=3 embedding_dim=3 batch_size=4 epochs=3 validation_split=0.3 patience=2 num_layers=2 dropout=0.1 "     \
    "bidirectional=true"

static uint32_t draw(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* A checkpoint in the middle of the second epoch, with best weights; in a block of exactly its size. */
static uint8_t *write_checkpoint_of(const char *settings, const char *path, size_t *size)
{
    host h;
    assert_ok(host_begin(&h, NULL, settings, TEXTS));
    while (h.epoch.epoch < 1)
        assert_ok(host_advance(&h));
    assert_ok(host_advance(&h));
    assert_ok(tc_trainer_save(h.trainer, path));
    host_end(&h);
    return (uint8_t *)test_read_file(path, size);
}

static uint8_t *write_checkpoint(const char *path, size_t *size)
{
    return write_checkpoint_of(SETTINGS, path, size);
}

/* Where the trainer's progress stands in the file: U64, so ahead of all others. */
static size_t progress_at(const uint8_t *bytes)
{
    return 8 + (size_t)tci_load_u64(bytes);
}

/* Goes on with whatever was loaded; every call may refuse. Returns whether it was loaded. */
static bool go_on(const char *path)
{
    host h;
    float scores[STORY_LABELS];
    size_t count = 0;
    if (host_resume(&h, NULL, NULL, path, TEXTS) != TC_OK) {
        assert_true(strlen(tc_last_error()) > 10);
        return false;
    }
    for (int i = 0; i < 12 && !h.over; i++) {
        if (host_advance(&h) != TC_OK)
            break;
    }
    (void)tc_batcher_restore_best(h.batcher);
    if (tc_predict(h.model, "a good film", 11, STORY_LABELS, scores, &count) == TC_OK) {
        for (size_t i = 0; i < STORY_LABELS; i++)
            assert_true(isfinite(scores[i]));
    }
    host_end(&h);
    return true;
}

static void an_honest_checkpoint_goes_on(void **state)
{
    test_folder folder;
    size_t size = 0;
    (void)state;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "checkpoint");
    uint8_t *bytes = write_checkpoint(path, &size);
    uint64_t words[TCI_PROGRESS_WORDS];
    memcpy(words, bytes + progress_at(bytes), sizeof words);
    assert_int_equal(words[1], 2); /* the epoch: what is tampered with below is the progress */
    assert_true(go_on(path));
    free(bytes);
    test_folder_remove(&folder);
}

/* Numbers for any word of a checkpoint. */
static const uint64_t numbers[] = {0,
                                       1,
                                       2,
                                       3,
                                       1000,
                                       UINT64_C(1) << 32,
                                       UINT64_C(1) << 53,
                                       (UINT64_C(1) << 53) + 1,
                                       UINT64_MAX,
                                       UINT64_MAX / 4 + 1,
                                       UINT64_C(0x7FF0000000000000),  /* infinity */
                                       UINT64_C(0x7FF8000000000000),  /* NaN */
                                       UINT64_C(0xBFF0000000000000),  /* -1 */
                                       UINT64_C(0x7FE0000000000000)}; /* near the greatest */
enum { NUMBERS = sizeof numbers / sizeof numbers[0] };

static void progress_of_any_numbers_is_refused_or_safe(void **state)
{
    test_folder folder;
    size_t size = 0, loaded = 0;
    (void)state;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "checkpoint");
    uint8_t *bytes = write_checkpoint(path, &size);
    for (size_t i = 0; i < TCI_PROGRESS_WORDS * NUMBERS; i++) {
        size_t at = progress_at(bytes) + i / NUMBERS * 8;
        uint64_t old = tci_load_u64(bytes + at);
        tci_store_u64(bytes + at, numbers[i % NUMBERS]);
        test_reseal(bytes, size);
        test_write_file(path, bytes, size);
        loaded += go_on(path);
        tci_store_u64(bytes + at, old);
    }
    assert_true(loaded > 20 && loaded < TCI_PROGRESS_WORDS * NUMBERS);
    free(bytes);
    test_folder_remove(&folder);
}

#define DUAL "arch=ngram buckets=512 word_ngrams=2 max_char_ngram=0 min_char_ngram=0 batch_size=4 epochs=3 "
#define DUAL_U64 (2 + TCI_DUAL_WORDS) /* one set's rows and fingerprint, then the words: all ahead of the progress */

static void words_of_dual_variables_are_refused_or_safe(void **state)
{
    test_folder folder;
    size_t size = 0, loaded = 0;
    (void)state;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "checkpoint");
    uint8_t *bytes = write_checkpoint_of(DUAL "validation_split=0.2", path, &size);
    assert_true(go_on(path));
    assert_int_equal(tci_load_u64(bytes + progress_at(bytes)), TEXTS);
    assert_int_equal(tci_load_u64(bytes + progress_at(bytes) + 16), 1);
    for (size_t i = 0; i < DUAL_U64 * NUMBERS; i++) {
        size_t at = progress_at(bytes) + i / NUMBERS * 8;
        uint64_t old = tci_load_u64(bytes + at);
        tci_store_u64(bytes + at, numbers[i % NUMBERS]);
        test_reseal(bytes, size);
        test_write_file(path, bytes, size);
        loaded += go_on(path);
        tci_store_u64(bytes + at, old);
    }
    assert_true(loaded > 10 && loaded < DUAL_U64 * NUMBERS / 2);
    free(bytes);
    test_folder_remove(&folder);
}

static void bytes_of_dual_variables_are_refused_or_safe(void **state)
{
    static const char *const settings[] = {DUAL, DUAL "task=regress", DUAL "task=multilabel validation_split=0.2"};
    test_folder folder;
    uint32_t random = 3;
    (void)state;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "checkpoint");
    for (size_t k = 0; k < sizeof settings / sizeof settings[0]; k++) {
        size_t size = 0;
        uint8_t *bytes = write_checkpoint_of(settings[k], path, &size);
        size_t first = progress_at(bytes);
        for (size_t i = 0; i < 120; i++) {
            uint8_t *at = bytes + first + draw(&random) % (size - first), old = *at;
            *at = (uint8_t)(i % 3 == 0 ? 0xff : draw(&random));
            test_reseal(bytes, size);
            test_write_file(path, bytes, size);
            (void)go_on(path);
            *at = old;
        }
        free(bytes);
    }
    test_folder_remove(&folder);
}

static void a_checkpoint_without_its_duals_is_refused_by_name(void **state)
{
    static const char *const names[] = {"alpha",      "met",           "sample_margin", "sample_met", "sample_own",
                                        "sample_target", "scale", "sets",          "words"};
    test_folder folder;
    size_t size = 0;
    (void)state;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "checkpoint");
    uint8_t *bytes = write_checkpoint_of(DUAL, path, &size);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char name[64], other[64];
        size_t edited_size = 0;
        tc_model *model = NULL;
        tc_trainer *trainer = NULL;
        (void)snprintf(name, sizeof name, "optim.dual.%s", names[i]);
        (void)snprintf(other, sizeof other, "optim.duax.%s", names[i]);
        uint8_t *edited = test_edit_header(bytes, size, name, other, &edited_size);
        test_write_file(path, edited, edited_size);
        free(edited);
        assert_int_equal(tc_trainer_load(path, NULL, &model, &trainer), TC_ERROR_FORMAT);
        assert_contains(tc_last_error(), name);
        assert_null(model);
        assert_null(trainer);
    }
    free(bytes);
    test_folder_remove(&folder);
}

#define AT(member) offsetof(tci_progress, member)

static void counters_and_figures_that_no_training_has_are_refused(void **state)
{
    static const size_t counters[] = {AT(steps), AT(epoch), AT(position), AT(best_epoch), AT(since_best), AT(tokens)};
    static const size_t figures[] = {AT(loss_sum), AT(loss_weight), AT(best_score), AT(best_loss)};
    static const uint64_t odd[] = {UINT64_C(0x7FF0000000000000), UINT64_C(0xFFF0000000000000),
                                   UINT64_C(0x7FF8000000000000)};
    test_folder folder;
    size_t size = 0;
    (void)state;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "checkpoint");
    uint8_t *bytes = write_checkpoint(path, &size);
    for (size_t i = 0; i < 6 + 4 * 3; i++) {
        uint8_t *at = bytes + progress_at(bytes) + (i < 6 ? counters[i] : figures[(i - 6) / 3]);
        uint64_t old = tci_load_u64(at);
        tc_model *model = NULL;
        tc_trainer *trainer = NULL;
        tci_store_u64(at, i < 6 ? (UINT64_C(1) << 53) + 1 : odd[(i - 6) % 3]);
        test_reseal(bytes, size);
        test_write_file(path, bytes, size);
        tc_status status = tc_trainer_load(path, NULL, &model, &trainer);
        assert_int_equal(status, i < 6 ? TC_ERROR_FORMAT : TC_ERROR_NUMERIC);
        assert_null(model);
        assert_null(trainer);
        tci_store_u64(at, old);
    }
    free(bytes);
    test_folder_remove(&folder);
}

static void bits_flipped_anywhere_are_refused_or_safe(void **state)
{
    test_folder folder;
    size_t size = 0, loaded = 0;
    uint32_t random = 1;
    (void)state;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "checkpoint");
    uint8_t *bytes = write_checkpoint(path, &size);
    for (size_t i = 0; i < 2000; i++) {
        size_t header = progress_at(bytes),
               at = i % 3 == 0 ? draw(&random) % header : header + draw(&random) % (size - header);
        uint8_t bit = (uint8_t)(1u << draw(&random) % 8);
        if (at >= TCI_CHECKSUM_AT && at < TCI_CHECKSUM_END)
            continue;
        bytes[at] ^= bit;
        test_reseal(bytes, size);
        test_write_file(path, bytes, size);
        loaded += go_on(path);
        bytes[at] ^= bit;
    }
    assert_true(loaded > 100);
    free(bytes);
    test_folder_remove(&folder);
}

static void a_checkpoint_cut_short_is_refused(void **state)
{
    test_folder folder;
    size_t size = 0;
    (void)state;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "checkpoint");
    uint8_t *bytes = write_checkpoint(path, &size);
    for (size_t cut = 0; cut < size; cut += size / 150 + 1) {
        test_write_file(path, bytes, cut);
        assert_false(go_on(path));
    }
    free(bytes);
    test_folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_checkpoint_goes_on),
        cmocka_unit_test(progress_of_any_numbers_is_refused_or_safe),
        cmocka_unit_test(words_of_dual_variables_are_refused_or_safe),
        cmocka_unit_test(bytes_of_dual_variables_are_refused_or_safe),
        cmocka_unit_test(a_checkpoint_without_its_duals_is_refused_by_name),
        cmocka_unit_test(counters_and_figures_that_no_training_has_are_refused),
        cmocka_unit_test(bits_flipped_anywhere_are_refused_or_safe),
        cmocka_unit_test(a_checkpoint_cut_short_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
