#include "message.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

namespace velib::message {
namespace {

void append_string(sd_bus_message* out, const char* text) {
    check(sd_bus_message_append_basic(out, SD_BUS_TYPE_STRING, text));
}

template <class Element>
void append_numbers(sd_bus_message* out, char type, const std::vector<Element>& numbers) {
    check(sd_bus_message_append_array(out, type, numbers.data(), numbers.size() * sizeof(Element)));
}

const char* signature_of(const Value::Storage& storage) {
    static constexpr const char* kSignatures[] = {"ai", "b", "i", "u", "x", "d", "s", "ai", "ad", "as", "ay"};
    static_assert(std::variant_size_v<Value::Storage> == std::size(kSignatures));
    return kSignatures[storage.index()];
}

struct Appender {
    sd_bus_message* out;

    void operator()(std::monostate) const { check(sd_bus_message_append_array(out, 'i', nullptr, 0)); }
    void operator()(bool flag) const {
        const int number = flag ? 1 : 0;
        check(sd_bus_message_append_basic(out, SD_BUS_TYPE_BOOLEAN, &number));
    }
    void operator()(std::int32_t number) const { check(sd_bus_message_append_basic(out, 'i', &number)); }
    void operator()(std::uint32_t number) const { check(sd_bus_message_append_basic(out, 'u', &number)); }
    void operator()(std::int64_t number) const { check(sd_bus_message_append_basic(out, 'x', &number)); }
    void operator()(double number) const { check(sd_bus_message_append_basic(out, 'd', &number)); }
    void operator()(const std::string& text) const { append_string(out, text.c_str()); }
    void operator()(const std::vector<std::int32_t>& numbers) const { append_numbers(out, 'i', numbers); }
    void operator()(const std::vector<double>& numbers) const { append_numbers(out, 'd', numbers); }
    void operator()(const std::vector<std::uint8_t>& bytes) const { append_numbers(out, 'y', bytes); }
    void operator()(const std::vector<std::string>& texts) const {
        check(sd_bus_message_open_container(out, SD_BUS_TYPE_ARRAY, "s"));
        for (const auto& text : texts) {
            append_string(out, text.c_str());
        }
        check(sd_bus_message_close_container(out));
    }
};

template <class Number>
std::optional<Value> read_basic(sd_bus_message* in, char type) {
    Number number{};
    if (sd_bus_message_read_basic(in, type, &number) <= 0) {
        return std::nullopt;
    }
    if constexpr (std::is_same_v<Number, std::uint32_t>) {
        return Value::of_unsigned(number);
    } else {
        return Value(number);
    }
}

std::optional<Value> read_string(sd_bus_message* in, char type) {
    const char* text = nullptr;
    if (sd_bus_message_read_basic(in, type, static_cast<void*>(&text)) <= 0 || text == nullptr) {
        return std::nullopt;
    }
    return Value(text);
}

// The elements of an array as one value: all text, all whole numbers, or numbers of both kinds.
std::optional<Value> gather(const std::vector<Value>& elements) {
    if (elements.empty()) {
        return Value();
    }
    const auto all = [&](auto predicate) { return std::ranges::all_of(elements, predicate); };
    if (all([](const Value& v) { return v.text() != nullptr; })) {
        std::vector<std::string> texts;
        std::ranges::transform(elements, std::back_inserter(texts), [](const Value& v) { return *v.text(); });
        return Value(std::move(texts));
    }
    const auto whole = [](const Value& v) {
        const auto number = v.integer();
        return number && !std::holds_alternative<double>(v.storage()) && std::in_range<std::int32_t>(*number);
    };
    if (all(whole)) {
        std::vector<std::int32_t> numbers;
        std::ranges::transform(elements, std::back_inserter(numbers),
                               [](const Value& v) { return static_cast<std::int32_t>(*v.integer()); });
        return Value(std::move(numbers));
    }
    if (all([](const Value& v) { return v.real().has_value(); })) {
        std::vector<double> numbers;
        std::ranges::transform(elements, std::back_inserter(numbers),
                               [](const Value& v) { return *v.real(); });
        return Value(std::move(numbers));
    }
    return std::nullopt;
}

// A message may carry millions, which no item has.
constexpr std::size_t kMostElements = 65536;

std::optional<Value> read_array(sd_bus_message* in, const char* contents) {
    const void* bytes = nullptr;
    std::size_t size = 0;
    if (std::string_view(contents) == "y") {
        if (sd_bus_message_read_array(in, 'y', &bytes, &size) < 0) {
            return std::nullopt;
        }
        const auto* first = static_cast<const std::uint8_t*>(bytes);
        return size == 0 ? Value() : Value(std::vector<std::uint8_t>(first, first + size));
    }
    if (sd_bus_message_enter_container(in, SD_BUS_TYPE_ARRAY, contents) <= 0) {
        return std::nullopt;
    }
    std::vector<Value> elements;
    bool readable = true;
    while (sd_bus_message_at_end(in, 0) == 0) {
        if (!readable || elements.size() == kMostElements) {
            // The rest is skipped, not kept.
            readable = false;
            if (sd_bus_message_skip(in, contents) < 0) {
                return std::nullopt;
            }
            continue;
        }
        auto element = read_value(in);
        readable = element.has_value();
        if (element) {
            elements.push_back(std::move(*element));
        }
    }
    sd_bus_message_exit_container(in);
    return readable ? gather(elements) : std::nullopt;
}

}  // namespace

void check(int result) {
    if (result < 0) {
        throw std::system_error(-result, std::generic_category(), "building a bus message failed");
    }
}

Message reply_to(sd_bus_message* call) {
    sd_bus_message* reply = nullptr;
    check(sd_bus_message_new_method_return(call, &reply));
    return Message(reply);
}

Message signal(sd_bus* bus, const char* path, const char* interface, const char* member) {
    sd_bus_message* message = nullptr;
    check(sd_bus_message_new_signal(bus, &message, path, interface, member));
    return Message(message);
}

Message call(sd_bus* bus, const char* service, const char* path, const char* interface, const char* member) {
    sd_bus_message* message = nullptr;
    check(sd_bus_message_new_method_call(bus, &message, service, path, interface, member));
    return Message(message);
}

void append_variant(sd_bus_message* out, const Value& value) {
    check(sd_bus_message_open_container(out, SD_BUS_TYPE_VARIANT, signature_of(value.storage())));
    std::visit(Appender{out}, value.storage());
    check(sd_bus_message_close_container(out));
}

void append_entry(sd_bus_message* out, const char* key, const Value& value) {
    check(sd_bus_message_open_container(out, SD_BUS_TYPE_DICT_ENTRY, "sv"));
    append_string(out, key);
    append_variant(out, value);
    check(sd_bus_message_close_container(out));
}

void append_value_and_text(sd_bus_message* out, const Item& item, bool with_limits) {
    check(sd_bus_message_open_container(out, SD_BUS_TYPE_ARRAY, "{sv}"));
    append_entry(out, "Value", item.value());

    check(sd_bus_message_open_container(out, SD_BUS_TYPE_DICT_ENTRY, "sv"));
    append_string(out, "Text");
    check(sd_bus_message_open_container(out, SD_BUS_TYPE_VARIANT, "s"));
    TextBuffer text;
    item.append_text(text);
    text.push_back('\0');
    append_string(out, text.data());
    check(sd_bus_message_close_container(out));
    check(sd_bus_message_close_container(out));

    if (with_limits) {
        if (item.min()) {
            append_entry(out, "Min", coerce(Value(*item.min()), item.type()).value_or(Value()));
        }
        if (item.max()) {
            append_entry(out, "Max", coerce(Value(*item.max()), item.type()).value_or(Value()));
        }
        if (item.default_value().valid()) {
            append_entry(out, "Default", item.default_value());
        }
    }
    check(sd_bus_message_close_container(out));
}

std::optional<Value> read_value(sd_bus_message* in) {
    char type = 0;
    const char* contents = nullptr;
    if (sd_bus_message_peek_type(in, &type, &contents) <= 0) {
        return std::nullopt;
    }
    switch (type) {
        case SD_BUS_TYPE_BOOLEAN: {
            int flag = 0;
            return sd_bus_message_read_basic(in, type, &flag) > 0 ? std::optional(Value(flag != 0))
                                                                  : std::nullopt;
        }
        case SD_BUS_TYPE_BYTE:
            return read_basic<std::uint8_t>(in, type);
        case SD_BUS_TYPE_INT16:
            return read_basic<std::int16_t>(in, type);
        case SD_BUS_TYPE_UINT16:
            return read_basic<std::uint16_t>(in, type);
        case SD_BUS_TYPE_INT32:
            return read_basic<std::int32_t>(in, type);
        case SD_BUS_TYPE_UINT32:
            return read_basic<std::uint32_t>(in, type);
        case SD_BUS_TYPE_INT64:
            return read_basic<std::int64_t>(in, type);
        case SD_BUS_TYPE_UINT64: {
            std::uint64_t number = 0;
            if (sd_bus_message_read_basic(in, type, &number) <= 0) {
                return std::nullopt;
            }
            return std::in_range<std::int64_t>(number) ? Value(number) : Value(static_cast<double>(number));
        }
        case SD_BUS_TYPE_DOUBLE:
            return read_basic<double>(in, type);
        case SD_BUS_TYPE_STRING:
        case SD_BUS_TYPE_OBJECT_PATH:
        case SD_BUS_TYPE_SIGNATURE:
            return read_string(in, type);
        case SD_BUS_TYPE_VARIANT: {
            if (sd_bus_message_enter_container(in, type, contents) <= 0) {
                return std::nullopt;
            }
            auto value = read_value(in);
            sd_bus_message_exit_container(in);
            return value;
        }
        case SD_BUS_TYPE_ARRAY: {
            const std::string_view elements(contents);
            if (elements.size() == 1
                && std::string_view("ybnqiuxtdsogv").find(elements) != std::string_view::npos) {
                return read_array(in, contents);
            }
            break;
        }
        default:
            break;
    }
    sd_bus_message_skip(in, nullptr);
    return std::nullopt;
}

}  // namespace velib::message
