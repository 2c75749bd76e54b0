// Whatever bytes a device or a client sends: strings become clean once and stay so, what converts reads back as
// itself, and every value has a text.
#include "velib/text.hpp"
#include "velib/value.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

using namespace velib;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void check_value(const Value& value) {
    static constexpr std::string_view kLabels[] = {"off", "on"};
    for (const auto& format : {format::plain, format::hex, format::firmware, format::dc_volts, format::watts,
                               Format::fixed(9, "x"), Format::enumeration(kLabels)}) {
        require(is_clean_utf8(to_text(value, format)));
    }
    for (const auto type : {Type::integer, Type::unsigned_integer, Type::real, Type::text, Type::integers,
                            Type::reals, Type::texts, Type::bytes, Type::any}) {
        if (const auto converted = coerce(value, type)) {
            require(converted->valid() == value.valid());
            const auto again = coerce(*converted, type);
            require(again && again->same_as(*converted));
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const Value text(bytes);
    require(is_clean_utf8(*text.text()) && sanitize_utf8(*text.text()) == *text.text());
    require(!is_clean_utf8(bytes) || *text.text() == bytes);
    check_value(text);
    if (const auto number = parse_integer(bytes)) {
        require(parse_real(bytes).has_value());
        check_value(Value(*number));
    }
    if (size >= sizeof(double)) {
        double number = 0;
        std::memcpy(&number, data, sizeof number);
        check_value(Value(number));
        std::int64_t integer = 0;
        std::memcpy(&integer, data, sizeof integer);
        check_value(Value(integer));
        require(Value(integer).same_as(Value(integer)));
    }
    check_value(Value(std::vector<std::uint8_t>(data, data + size)));
    return 0;
}
