// predict.cpp: the library from C++: handles in std::unique_ptr, statuses as exceptions.
//
//     predict_cpp MODEL TEXT...
#include <cstddef>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <vector>

#include <textclf/textclf.h>

namespace {

struct ModelDeleter {
    void operator()(tc_model *model) const noexcept { tc_model_free(model); }
};
using Model = std::unique_ptr<tc_model, ModelDeleter>;

void check(tc_status status)
{
    if (status != TC_OK)
        throw std::runtime_error(tc_last_error());
}

Model load(const char *path)
{
    tc_model *model = nullptr;
    check(tc_model_load(path, &model));
    return Model(model);
}

std::vector<float> predict(const tc_model *model, std::string_view text)
{
    std::size_t count = 0;
    check(tc_model_label_count(model, &count));
    std::vector<float> scores(count);
    check(tc_predict(model, text.data(), text.size(), scores.size(), scores.data(), &count));
    return scores;
}

} // namespace

int main(int argc, char **argv)
try {
    if (argc < 3) {
        std::cerr << "usage: predict_cpp MODEL TEXT...\n";
        return 2;
    }
    Model model = load(argv[1]);
    for (int i = 2; i < argc; i++) {
        std::vector<float> scores = predict(model.get(), argv[i]);
        for (std::size_t label = 0; label < scores.size(); label++) {
            const char *name = nullptr;
            check(tc_model_label(model.get(), label, &name));
            std::cout << (label > 0 ? "  " : "") << name << ' ' << scores[label];
        }
        std::cout << "\n  " << argv[i] << '\n';
    }
    return 0;
} catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return 1;
}
