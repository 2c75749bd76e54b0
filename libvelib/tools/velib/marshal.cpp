#include "marshal.hpp"

#include "introspection.hpp"
#include "message.hpp"
#include "velib/value.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace velib::cli {
namespace {

using message::check;

template <class Number>
Number read_number(sd_bus_message* in, char type) {
    Number number{};
    check(sd_bus_message_read_basic(in, type, &number));
    return number;
}

Data read_basic(sd_bus_message* in, char type) {
    switch (type) {
        case SD_BUS_TYPE_BOOLEAN:
            return {read_number<int>(in, type) != 0};
        case SD_BUS_TYPE_BYTE:
            return {std::int64_t{read_number<std::uint8_t>(in, type)}};
        case SD_BUS_TYPE_INT16:
            return {std::int64_t{read_number<std::int16_t>(in, type)}};
        case SD_BUS_TYPE_UINT16:
            return {std::int64_t{read_number<std::uint16_t>(in, type)}};
        case SD_BUS_TYPE_INT32:
            return {std::int64_t{read_number<std::int32_t>(in, type)}};
        case SD_BUS_TYPE_UINT32:
            return {std::int64_t{read_number<std::uint32_t>(in, type)}};
        case SD_BUS_TYPE_INT64:
            return {read_number<std::int64_t>(in, type)};
        case SD_BUS_TYPE_UINT64:
            return {read_number<std::uint64_t>(in, type)};
        case SD_BUS_TYPE_DOUBLE:
            return {read_number<double>(in, type)};
        case SD_BUS_TYPE_UNIX_FD:
            return {std::int64_t{read_number<int>(in, type)}};
        default: {
            const char* text = nullptr;
            check(sd_bus_message_read_basic(in, type, static_cast<void*>(&text)));
            return {std::string(text)};
        }
    }
}

Data read_data(sd_bus_message* in);

std::vector<Data> read_elements(sd_bus_message* in, char type, const char* contents) {
    std::vector<Data> elements;
    check(sd_bus_message_enter_container(in, type, contents));
    while (sd_bus_message_at_end(in, 0) == 0) {
        elements.push_back(read_data(in));
    }
    check(sd_bus_message_exit_container(in));
    return elements;
}

Data read_array(sd_bus_message* in, const std::string& contents) {
    if (contents == "y") {
        const void* first = nullptr;
        std::size_t size = 0;
        check(sd_bus_message_read_array(in, 'y', &first, &size));
        const auto* bytes = static_cast<const std::uint8_t*>(first);
        return {Bytes{std::vector<std::uint8_t>(bytes, bytes + size)}};
    }
    if (!contents.starts_with('{')) {
        return {List{read_elements(in, SD_BUS_TYPE_ARRAY, contents.c_str())}};
    }
    Dictionary dictionary;
    const auto entry = contents.substr(1, contents.size() - 2);
    check(sd_bus_message_enter_container(in, SD_BUS_TYPE_ARRAY, contents.c_str()));
    while (sd_bus_message_at_end(in, 0) == 0) {
        auto pair = read_elements(in, SD_BUS_TYPE_DICT_ENTRY, entry.c_str());
        dictionary.entries.push_back({std::move(pair.at(0)), std::move(pair.at(1))});
    }
    check(sd_bus_message_exit_container(in));
    return {std::move(dictionary)};
}

bool is_empty_list(const Data& data) {
    const auto* list = std::get_if<List>(&data.storage);
    const auto* bytes = std::get_if<Bytes>(&data.storage);
    return (list != nullptr && list->elements.empty()) || (bytes != nullptr && bytes->content.empty());
}

Data read_data(sd_bus_message* in) {
    char type = 0;
    const char* peeked = nullptr;
    check(sd_bus_message_peek_type(in, &type, &peeked));
    // What was peeked at may go when the message is read on.
    const std::string contents = peeked != nullptr ? peeked : "";
    switch (type) {
        case SD_BUS_TYPE_VARIANT: {
            auto elements = read_elements(in, type, contents.c_str());
            return is_empty_list(elements.at(0)) ? Data{NoValue{}} : std::move(elements.at(0));
        }
        case SD_BUS_TYPE_ARRAY:
            return read_array(in, contents);
        case SD_BUS_TYPE_STRUCT:
            return {Tuple{read_elements(in, type, contents.c_str())}};
        default:
            return read_basic(in, type);
    }
}

[[noreturn]] void cannot(const Data& data, std::string_view wanted) {
    throw ConversionError(fmt::format("{} is not {}", to_python(data), wanted));
}

// The common type of elements, "v" when there is none.
template <class Elements, class Of>
std::string common_signature(const Elements& elements, Of of) {
    auto first = signature_of(of(elements.front()));
    const auto is_number = [](std::string_view type) { return type == "i" || type == "x" || type == "d"; };
    bool same = true;
    bool numbers = is_number(first);
    bool real = false;
    for (const auto& element : elements) {
        const auto type = signature_of(of(element));
        same = same && type == first;
        numbers = numbers && is_number(type);
        real = real || type == "d";
    }
    if (same) {
        return first;
    }
    return !numbers ? "v" : (real ? "d" : "x");
}

const Data& itself(const Data& data) {
    return data;
}

struct SignatureOf {
    std::string operator()(NoValue) const { return "ai"; }
    std::string operator()(bool) const { return "b"; }
    std::string operator()(std::int64_t number) const {
        return std::in_range<std::int32_t>(number) ? "i" : "x";
    }
    std::string operator()(std::uint64_t) const { return "t"; }
    std::string operator()(double) const { return "d"; }
    std::string operator()(const std::string&) const { return "s"; }
    std::string operator()(const Bytes&) const { return "ay"; }
    std::string operator()(const List& list) const {
        return list.elements.empty() ? "ai" : fmt::format("a{}", common_signature(list.elements, itself));
    }
    std::string operator()(const Tuple& tuple) const {
        std::string types;
        for (const auto& element : tuple.elements) {
            types += signature_of(element);
        }
        return fmt::format("({})", types);
    }
    std::string operator()(const Dictionary& dictionary) const {
        if (dictionary.entries.empty()) {
            return "a{sv}";
        }
        const auto key = [](const auto& entry) -> const Data& { return entry.key; };
        const auto value = [](const auto& entry) -> const Data& { return entry.value; };
        return fmt::format("a{{{}{}}}", common_signature(dictionary.entries, key),
                           common_signature(dictionary.entries, value));
    }
};

std::int64_t integer_of(const Data& data) {
    if (const auto* number = std::get_if<std::int64_t>(&data.storage)) {
        return *number;
    }
    if (const auto* flag = std::get_if<bool>(&data.storage)) {
        return *flag ? 1 : 0;
    }
    const auto* text = std::get_if<std::string>(&data.storage);
    const auto number = text != nullptr ? parse_integer(*text) : std::nullopt;
    return number ? *number : (cannot(data, "an integer"), 0);
}

template <class Number>
void append_integer(sd_bus_message* out, char type, const Data& data) {
    const auto wide = integer_of(data);
    if (!std::in_range<Number>(wide)) {
        cannot(data, fmt::format("within the range of type '{}'", type));
    }
    const auto number = static_cast<Number>(wide);
    check(sd_bus_message_append_basic(out, type, &number));
}

void append_unsigned64(sd_bus_message* out, const Data& data) {
    const auto* large = std::get_if<std::uint64_t>(&data.storage);
    if (large == nullptr) {
        append_integer<std::uint64_t>(out, 't', data);
        return;
    }
    check(sd_bus_message_append_basic(out, 't', large));
}

void append_double(sd_bus_message* out, const Data& data) {
    std::optional<double> number;
    if (const auto* real = std::get_if<double>(&data.storage)) {
        number = *real;
    } else if (const auto* large = std::get_if<std::uint64_t>(&data.storage)) {
        number = static_cast<double>(*large);
    } else if (const auto* text = std::get_if<std::string>(&data.storage)) {
        number = parse_real(*text);
    } else if (std::holds_alternative<std::int64_t>(data.storage)
               || std::holds_alternative<bool>(data.storage)) {
        number = static_cast<double>(integer_of(data));
    }
    if (!number) {
        cannot(data, "a number");
    }
    check(sd_bus_message_append_basic(out, 'd', &*number));
}

void append_bool(sd_bus_message* out, const Data& data) {
    const auto* text = std::get_if<std::string>(&data.storage);
    int flag = 0;
    if (text != nullptr && (*text == "True" || *text == "true" || *text == "1")) {
        flag = 1;
    } else if (text != nullptr && (*text == "False" || *text == "false" || *text == "0")) {
        flag = 0;
    } else if (text == nullptr) {
        flag = integer_of(data) != 0 ? 1 : 0;
    } else {
        cannot(data, "True or False");
    }
    check(sd_bus_message_append_basic(out, 'b', &flag));
}

void append_text(sd_bus_message* out, char type, const Data& data) {
    const auto* text = std::get_if<std::string>(&data.storage);
    if (text == nullptr) {
        cannot(data, "a string");
    }
    if (!is_clean_utf8(*text)) {
        cannot(data, "valid UTF-8");
    }
    if (sd_bus_message_append_basic(out, type, text->c_str()) < 0) {
        cannot(data, type == 'o' ? "an object path" : "a signature");
    }
}

void append_dictionary(sd_bus_message* out, const Data& data, const std::string& entry) {
    const auto* dictionary = std::get_if<Dictionary>(&data.storage);
    if (dictionary == nullptr) {
        cannot(data, "a dictionary");
    }
    const auto types = entry.substr(1, entry.size() - 2);
    const auto key_length = complete_type_length(types);
    check(sd_bus_message_open_container(out, SD_BUS_TYPE_ARRAY, entry.c_str()));
    for (const auto& [key, value] : dictionary->entries) {
        check(sd_bus_message_open_container(out, SD_BUS_TYPE_DICT_ENTRY, types.c_str()));
        append(out, key, std::string_view(types).substr(0, key_length));
        append(out, value, std::string_view(types).substr(key_length));
        check(sd_bus_message_close_container(out));
    }
    check(sd_bus_message_close_container(out));
}

void append_array(sd_bus_message* out, const Data& data, const std::string& contents) {
    if (contents.starts_with('{')) {
        append_dictionary(out, data, contents);
        return;
    }
    std::vector<Data> from_bytes;
    const std::vector<Data>* elements = &from_bytes;
    if (const auto* list = std::get_if<List>(&data.storage)) {
        elements = &list->elements;
    } else if (const auto* tuple = std::get_if<Tuple>(&data.storage)) {
        elements = &tuple->elements;
    } else if (const auto* bytes = std::get_if<Bytes>(&data.storage)) {
        for (const auto byte : bytes->content) {
            from_bytes.push_back({std::int64_t{byte}});
        }
    } else if (!std::holds_alternative<NoValue>(data.storage)) {
        cannot(data, "a list");
    }
    check(sd_bus_message_open_container(out, SD_BUS_TYPE_ARRAY, contents.c_str()));
    for (const auto& element : *elements) {
        append(out, element, contents);
    }
    check(sd_bus_message_close_container(out));
}

void append_structure(sd_bus_message* out, const Data& data, std::string types) {
    const auto* tuple = std::get_if<Tuple>(&data.storage);
    const auto* list = std::get_if<List>(&data.storage);
    if (tuple == nullptr && list == nullptr) {
        cannot(data, "a tuple");
    }
    check(sd_bus_message_open_container(out, SD_BUS_TYPE_STRUCT, types.c_str()));
    std::string_view rest(types);
    for (const auto& element : tuple != nullptr ? tuple->elements : list->elements) {
        const auto length = complete_type_length(rest);
        if (length == 0) {
            cannot(data, fmt::format("of type ({})", types));
        }
        append(out, element, rest.substr(0, length));
        rest.remove_prefix(length);
    }
    if (!rest.empty()) {
        cannot(data, fmt::format("of type ({})", types));
    }
    check(sd_bus_message_close_container(out));
}

void append_basic(sd_bus_message* out, char type, const Data& data) {
    switch (type) {
        case 'y':
            return append_integer<std::uint8_t>(out, type, data);
        case 'n':
            return append_integer<std::int16_t>(out, type, data);
        case 'q':
            return append_integer<std::uint16_t>(out, type, data);
        case 'i':
            return append_integer<std::int32_t>(out, type, data);
        case 'u':
            return append_integer<std::uint32_t>(out, type, data);
        case 'x':
            return append_integer<std::int64_t>(out, type, data);
        case 't':
            return append_unsigned64(out, data);
        case 'd':
            return append_double(out, data);
        case 'b':
            return append_bool(out, data);
        case 's':
        case 'o':
        case 'g':
            return append_text(out, type, data);
        default:
            cannot(data, fmt::format("of type '{}'", type));
    }
}

}  // namespace

std::vector<Data> read_arguments(sd_bus_message* message) {
    std::vector<Data> arguments;
    while (sd_bus_message_at_end(message, 1) == 0) {
        arguments.push_back(read_data(message));
    }
    return arguments;
}

std::string signature_of(const Data& data) {
    return std::visit(SignatureOf{}, data.storage);
}

void append(sd_bus_message* message, const Data& data, std::string_view signature) {
    if (signature == "v") {
        const auto type = signature_of(data);
        if (sd_bus_message_open_container(message, SD_BUS_TYPE_VARIANT, type.c_str()) < 0) {
            cannot(data, "a value that D-Bus can carry");
        }
        append(message, data, type);
        check(sd_bus_message_close_container(message));
    } else if (signature.starts_with('a')) {
        append_array(message, data, std::string(signature.substr(1)));
    } else if (signature.starts_with('(')) {
        append_structure(message, data, std::string(signature.substr(1, signature.size() - 2)));
    } else {
        append_basic(message, signature.empty() ? '?' : signature.front(), data);
    }
}

}  // namespace velib::cli
