/* The whole public header from C++17: every type and initializer, and a host's way through them. labels: quick */
#include "textclf/textclf.h"

#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

extern "C" {
#include <cmocka.h>
}

namespace
{

template <typename Handle, void (*release)(Handle *)>
struct Release {
    void operator()(Handle *handle) const
    {
        release(handle);
    }
};
template <typename Handle, void (*release)(Handle *)>
using Owned = std::unique_ptr<Handle, Release<Handle, release>>;

/* Takes the handle that a call writes. */
template <typename Owner, typename Call>
Owner make(Call call)
{
    typename Owner::pointer handle = nullptr;
    assert_int_equal(call(&handle), TC_OK);
    return Owner(handle);
}

using Config = Owned<tc_config, tc_config_free>;
using Words = Owned<tc_vocab_builder, tc_vocab_builder_free>;
using Model = Owned<tc_model, tc_model_free>;
using Examples = Owned<tc_examples, tc_examples_free>;
using Trainer = Owned<tc_trainer, tc_trainer_free>;
using Batcher = Owned<tc_batcher, tc_batcher_free>;
using Scratch = Owned<tc_scratch, tc_scratch_free>;

/* A host's allocator over operator new. */
struct Heap {
    long blocks = 0;
    static void *alloc(void *heap, std::size_t size)
    {
        ++static_cast<Heap *>(heap)->blocks;
        return ::operator new(size, std::nothrow);
    }
    static void *realloc(void *heap, void *pointer, std::size_t old_size, std::size_t new_size)
    {
        void *moved = ::operator new(new_size, std::nothrow);
        if (moved) {
            std::memcpy(moved, pointer, old_size < new_size ? old_size : new_size);
            ::operator delete(pointer);
        }
        (void)heap;
        return moved;
    }
    static void free(void *heap, void *pointer)
    {
        --static_cast<Heap *>(heap)->blocks;
        ::operator delete(pointer);
    }
};

Model make_model(const tc_config *config, const std::vector<std::string> &texts)
{
    auto words = make<Words>([&](tc_vocab_builder **out) { return tc_vocab_builder_create(config, out); });
    for (const auto &text : texts)
        assert_int_equal(tc_vocab_builder_add(words.get(), text.data(), text.size()), TC_OK);
    std::size_t count = 0;
    assert_int_equal(tc_vocab_builder_count(words.get(), &count), TC_OK);
    assert_int_equal(count, 5);
    const char *const labels[] = {"no", "yes"};
    return make<Model>([&](tc_model **out) { return tc_model_create(config, words.get(), labels, 2, out); });
}

double train(tc_model *model, const tc_config *config, const tc_examples *examples)
{
    auto trainer = make<Trainer>([&](tc_trainer **out) { return tc_trainer_create(model, config, out); });
    auto batcher =
        make<Batcher>([&](tc_batcher **out) { return tc_batcher_create(trainer.get(), examples, nullptr, out); });
    tc_epoch epoch = TC_EPOCH_INIT;
    while (!epoch.finished) {
        tc_batch batch = TC_BATCH_INIT;
        tc_step step = TC_STEP_INIT;
        assert_int_equal(tc_batcher_next(batcher.get(), &batch), TC_OK);
        if (batch.row_count > 0)
            assert_int_equal(tc_train_step(trainer.get(), examples, batch.rows, batch.row_count, &step), TC_OK);
        else
            assert_int_equal(tc_batcher_finish_epoch(batcher.get(), &epoch), TC_OK);
    }
    return epoch.loss;
}

void a_cpp_host_trains_saves_loads_and_predicts(void **)
{
    Heap heap;
    const tc_allocator allocator = {Heap::alloc, Heap::realloc, Heap::free, &heap};
    {
        auto config = make<Config>([&](tc_config **out) { return tc_config_create_with(&allocator, out); });
        for (auto [key, value] : {std::pair{"embedding_dim", "8"}, std::pair{"hidden_dim", "8"},
                                  std::pair{"epochs", "30"}, std::pair{"learning_rate", "0.05"}})
            assert_int_equal(tc_config_set(config.get(), key, value), TC_OK);
        const std::vector<std::string> texts = {"good film", "bad film", "good 好 story", "bad story"};
        auto model = make_model(config.get(), texts);
        auto examples = make<Examples>([&](tc_examples **out) { return tc_examples_create(model.get(), out); });
        for (const auto &text : texts)
            assert_int_equal(tc_examples_add_label(examples.get(), text.data(), text.size(), text[0] == 'g', 1.0f),
                             TC_OK);
        assert_true(train(model.get(), config.get(), examples.get()) < 0.5);

        std::size_t size = 0, count = 0;
        assert_int_equal(tc_model_save_memory(model.get(), 0, nullptr, &size), TC_ERROR_CAPACITY);
        std::vector<unsigned char> file(size);
        assert_int_equal(tc_model_save_memory(model.get(), file.size(), file.data(), &size), TC_OK);
        auto loaded = make<Model>(
            [&](tc_model **out) { return tc_model_load_memory(file.data(), file.size(), config.get(), out); });
        auto scratch = make<Scratch>([&](tc_scratch **out) { return tc_scratch_create(loaded.get(), out); });
        std::vector<float> scores(2), logits(2);
        tc_prediction prediction = TC_PREDICTION_INIT;
        prediction.logits = logits.data();
        prediction.logits_capacity = logits.size();
        assert_int_equal(tc_predict_with(loaded.get(), scratch.get(), "good film", 9, scores.size(), scores.data(),
                                         &count, &prediction),
                         TC_OK);
        assert_true(scores[1] > 0.5f && logits[1] > logits[0]);
        tc_evaluation evaluation = TC_EVALUATION_INIT;
        assert_int_equal(tc_evaluate(loaded.get(), examples.get(), nullptr, texts.size(), &evaluation), TC_OK);
        assert_true(evaluation.accuracy == 1.0);
        assert_true(heap.blocks > 0);
    }
    assert_int_equal(heap.blocks, 0);
}

void handles_are_types_of_their_own_and_structs_say_their_size(void **)
{
    static_assert(!std::is_convertible_v<tc_model *, tc_trainer *>, "handles must not mix");
    static_assert(!std::is_convertible_v<tc_config *, tc_model *>, "handles must not mix");
    static_assert(std::is_same_v<tc_status, std::int32_t>, "a status has one size everywhere");
    static_assert(std::is_standard_layout_v<tc_step> && std::is_trivially_copyable_v<tc_step>, "structs are plain");
    tc_step step = TC_STEP_INIT;
    tc_batch batch = TC_BATCH_INIT;
    tc_epoch epoch = TC_EPOCH_INIT;
    tc_option option = TC_OPTION_INIT;
    tc_prediction prediction = TC_PREDICTION_INIT;
    tc_evaluation evaluation = TC_EVALUATION_INIT;
    assert_int_equal(step.struct_size, sizeof(tc_step));
    assert_int_equal(batch.struct_size, sizeof(tc_batch));
    assert_int_equal(epoch.struct_size, sizeof(tc_epoch));
    assert_int_equal(option.struct_size, sizeof(tc_option));
    assert_int_equal(prediction.struct_size, sizeof(tc_prediction));
    assert_int_equal(evaluation.struct_size, sizeof(tc_evaluation));
}

void errors_come_as_text_and_exceptions_of_the_host_can_carry_them(void **)
{
    auto config = make<Config>([](tc_config **out) { return tc_config_create(out); });
    std::string caught;
    try {
        if (tc_config_set(config.get(), "hiden_dim", "3") != TC_OK)
            throw std::string(tc_last_error());
    } catch (const std::string &sentence) {
        caught = sentence;
    }
    assert_true(caught.find("hidden_dim") != std::string::npos);
    assert_string_equal(tc_status_text(TC_OK), "success");
    assert_string_equal(tc_library_version(), TC_VERSION_STRING);
}

} // namespace

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cpp_host_trains_saves_loads_and_predicts),
        cmocka_unit_test(handles_are_types_of_their_own_and_structs_say_their_size),
        cmocka_unit_test(errors_come_as_text_and_exceptions_of_the_host_can_carry_them),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
