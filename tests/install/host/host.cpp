// host.cpp: a small C++ program outside the tree: makes, saves, loads and asks a model with the installed library.
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <textclf/textclf.h>

static void check(tc_status status)
{
    if (status != TC_OK)
        throw std::runtime_error(tc_last_error());
}

int main()
try {
    if (std::string(tc_library_version()) != TC_VERSION_STRING)
        throw std::runtime_error("header and library are of two versions");

    tc_config *made_config = nullptr;
    check(tc_config_create(&made_config));
    std::unique_ptr<tc_config, decltype(&tc_config_free)> config(made_config, tc_config_free);
    check(tc_config_set(config.get(), "hidden_dim", "16"));

    tc_vocab_builder *made_words = nullptr;
    check(tc_vocab_builder_create(config.get(), &made_words));
    std::unique_ptr<tc_vocab_builder, decltype(&tc_vocab_builder_free)> words(made_words, tc_vocab_builder_free);
    const std::string text = "see you at noon";
    check(tc_vocab_builder_add(words.get(), text.data(), text.size()));

    const char *labels[] = {"ham", "spam", "none"};
    tc_model *made_model = nullptr;
    check(tc_model_create(config.get(), words.get(), labels, 3, &made_model));
    std::unique_ptr<tc_model, decltype(&tc_model_free)> model(made_model, tc_model_free);

    std::size_t size = 0;
    if (tc_model_save_memory(model.get(), 0, nullptr, &size) != TC_ERROR_CAPACITY)
        throw std::runtime_error("no buffer was enough");
    std::vector<char> file(size);
    check(tc_model_save_memory(model.get(), file.size(), file.data(), &size));
    tc_model *made_again = nullptr;
    check(tc_model_load_memory(file.data(), file.size(), nullptr, &made_again));
    std::unique_ptr<tc_model, decltype(&tc_model_free)> again(made_again, tc_model_free);

    std::vector<float> first(3), second(3);
    std::size_t count = 0;
    check(tc_predict(model.get(), text.data(), text.size(), first.size(), first.data(), &count));
    check(tc_predict(again.get(), text.data(), text.size(), second.size(), second.data(), &count));
    if (first != second)
        throw std::runtime_error("the loaded model predicts otherwise");
    std::cout << "C++ host of libtextclf " << tc_library_version() << ": " << count << " labels\n";
    return 0;
} catch (const std::exception &error) {
    std::cerr << error.what() << "\n";
    return 1;
}
