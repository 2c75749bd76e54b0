// Arguments of the command line: read without harm, and printed so that they read back the same.
#include "data.hpp"
#include "interfaces.hpp"
#include "literal.hpp"
#include "utf8.hpp"
#include "words.hpp"

#include <cstdint>
#include <cstdlib>

using namespace velib::cli;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const auto value = parse_literal(text);
        const auto printed = to_python(value);
        static_cast<void>(to_json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
        if (to_python(parse_literal(to_pretty_python(value))) != to_python(parse_literal(printed))) {
            std::abort();
        }
    } catch (const LiteralError&) {
        // The usual answer.
    }
    if (const auto object = parse_introspection(text)) {
        for (const auto& interface : object->interfaces) {
            for (const auto& method : interface.methods) {
                static_cast<void>(describe(method));
            }
        }
        static_cast<void>(find_method(*object, "Get"));
    }
    if (display_width(for_terminal(text, 10, true)) > 10) {
        std::abort();
    }
    return 0;
}
