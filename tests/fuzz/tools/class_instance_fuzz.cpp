// Class and instance, and presets, from any text; the normal form is stable.
#include "class_instance.hpp"
#include "presets.hpp"

#include <cstdint>
#include <cstdlib>

using namespace velib;
using namespace velib::settings;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto instance = parse_class_instance(text)) {
        if (parse_class_instance(to_string(*instance)) != instance) {
            std::abort();
        }
        const auto next = first_free(*instance, std::vector{*instance});
        if (next && next->number != instance->number + 1) {
            std::abort();
        }
    }
    static_cast<void>(is_class_instance_path(text));

    ItemTree tree;
    Store store(tree);
    for (const auto& request : parse_presets(text).requests) {
        try {
            static_cast<void>(store.add(request));
        } catch (const std::invalid_argument&) {
            continue;
        }
    }
    return 0;
}
