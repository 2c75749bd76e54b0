#pragma once
// Any D-Bus value, for a program that shows and sends what it has never heard of.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

namespace velib::cli {

struct Data;
struct DictionaryEntry;

struct List {
    std::vector<Data> elements;
};
/// A D-Bus structure, a Python tuple.
struct Tuple {
    std::vector<Data> elements;
};
struct Dictionary {
    std::vector<DictionaryEntry> entries;
};
/// An array of bytes; reads as a list of numbers, as the array of bytes it is on the bus.
struct Bytes {
    std::vector<std::uint8_t> content;
};
/// Python's None; and an empty array in a variant, which is the object model's "no value".
struct NoValue {};

struct Data {
    using Storage = std::variant<NoValue, bool, std::int64_t, std::uint64_t, double, std::string, List, Tuple,
                                 Dictionary, Bytes>;
    Storage storage;
};

struct DictionaryEntry {
    Data key;
    Data value;
};

/// As Python's repr: 'abc', 55.5, True, [1, 2], {'0/Voltage': []}. "No value" is [].
[[nodiscard]] std::string to_python(const Data& data);

/// As Python's pprint with 80 columns, what the `dbus` tool of a GX prints: on one line where it fits, else
/// broken between elements; dictionaries sorted by key.
[[nodiscard]] std::string to_pretty_python(const Data& data);

/// "No value", NaN and infinities are null. Keys of dictionaries become texts.
[[nodiscard]] nlohmann::ordered_json to_json(const Data& data);

}  // namespace velib::cli
