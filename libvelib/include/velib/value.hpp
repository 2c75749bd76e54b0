#pragma once
// What an item of com.victronenergy holds: nothing ("invalid"), or a number, a string or an array.
// Facts: docs/object-model.md, "Values".

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace velib {

/// A value of the object model. Default-constructed it is invalid, which travels as an empty array of int32.
/// NaN and infinities become invalid; strings are made valid UTF-8 without NUL, whatever a device sent.
class Value {
  public:
    using Storage = std::variant<std::monostate, bool, std::int32_t, std::uint32_t, std::int64_t, double,
                                 std::string, std::vector<std::int32_t>, std::vector<double>,
                                 std::vector<std::string>, std::vector<std::uint8_t>>;

    Value() = default;
    Value(bool flag) : storage_(flag) {}
    template <std::integral Integer>
    requires(!std::same_as<Integer, bool>) Value(Integer number) { assign_integer(number); }
    template <class Enum>
    requires std::is_enum_v<Enum> Value(Enum enumerator)
        : Value(static_cast<std::underlying_type_t<Enum>>(enumerator)) {}
    Value(double number);
    Value(std::string_view text);
    Value(const char* text) : Value(std::string_view{text}) {}
    Value(const std::string& text) : Value(std::string_view{text}) {}
    Value(std::vector<std::int32_t> numbers) : storage_(std::move(numbers)) {}
    Value(std::vector<double> numbers) : storage_(std::move(numbers)) {}
    Value(std::vector<std::string> texts);
    Value(std::vector<std::uint8_t> bytes) : storage_(std::move(bytes)) {}
    /// Travels as uint32 (plain integers travel as int32).
    [[nodiscard]] static Value of_unsigned(std::uint32_t number);
    template <class T>
    Value(const std::optional<T>& maybe) : Value(maybe ? Value(*maybe) : Value()) {}

    /// An empty array counts as invalid, because every reader of the bus takes it so.
    [[nodiscard]] bool valid() const;

    /// The number, whatever its width; a bool counts as 0 or 1; nothing for text, arrays and invalid.
    [[nodiscard]] std::optional<double> real() const;
    /// The number truncated toward zero; nothing when it does not fit into 64 bits or is no number.
    [[nodiscard]] std::optional<std::int64_t> integer() const;
    /// The string; nothing for everything else.
    [[nodiscard]] const std::string* text() const { return std::get_if<std::string>(&storage_); }

    [[nodiscard]] const Storage& storage() const { return storage_; }

    /// Equal as a client sees it: numbers compare by magnitude, so 5, 5.0 and true are 5, 5.0 and 1.
    [[nodiscard]] bool same_as(const Value& other) const;
    /// Equal in kind and content.
    friend bool operator==(const Value&, const Value&) = default;

  private:
    template <class Integer>
    void assign_integer(Integer number) {
        if (std::in_range<std::int32_t>(number)) {
            storage_ = static_cast<std::int32_t>(number);
        } else if (std::in_range<std::int64_t>(number)) {
            storage_ = static_cast<std::int64_t>(number);
        }
    }

    Storage storage_;
};

/// The type an item keeps for its whole life on the bus.
enum class Type : std::uint8_t {
    integer,           ///< int32, or int64 when the number needs it: modes, states, counts, flags
    unsigned_integer,  ///< uint32
    real,              ///< double: every measured quantity, also when it is whole
    text,              ///< string
    integers,          ///< array of int32
    reals,             ///< array of double
    texts,             ///< array of strings
    bytes,             ///< array of bytes
    any                ///< whatever is written, as settings services of old did
};

/// `value` as `type`, by the rules clients rely on: "12" and 12.9 become 12 for an integer, true becomes 1,
/// "4.5" becomes 4.5 for a real. Invalid stays invalid. Nothing when it does not convert.
[[nodiscard]] std::optional<Value> coerce(const Value& value, Type type);

/// The number a whole string spells in the C locale (decimal point, no comma); blanks around it are allowed.
[[nodiscard]] std::optional<double> parse_real(std::string_view text);
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);

/// `text` with every byte that is not part of valid UTF-8 replaced by U+FFFD, ended before the first NUL.
[[nodiscard]] std::string sanitize_utf8(std::string_view text);
/// Whether sanitize_utf8 would leave it as it is.
[[nodiscard]] bool is_clean_utf8(std::string_view text);

}  // namespace velib
