#include "commands.hpp"

#include "literal.hpp"
#include "output.hpp"
#include "utf8.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace velib::cli {
namespace asio = boost::asio;

namespace {

using Json = nlohmann::ordered_json;

void print_lines(const std::vector<std::string>& lines, bool json) {
    if (json) {
        print_json(lines);
        return;
    }
    for (const auto& line : lines) {
        print_line(line);
    }
}

std::string child_path(const std::string& path, const std::string& name) {
    return fmt::format("{}/{}", path == "/" ? "" : path, name);
}

// Deeper than any service goes; one that invents children without end must not keep us forever.
constexpr int kDeepest = 16;

asio::awaitable<void> collect_objects(Client& client, std::string service, std::string path, int depth,
                                      std::vector<std::string>& paths) {
    const auto object = co_await client.introspect(service, path);
    paths.push_back(path);
    if (depth == kDeepest) {
        co_return;
    }
    for (const auto& name : object.children) {
        co_await collect_objects(client, service, child_path(path, name), depth + 1, paths);
    }
}

Json describe_json(const ObjectDescription& object) {
    auto all = Json::object();
    const auto parameters = [](const std::vector<Parameter>& list) {
        auto types = Json::array();
        for (const auto& parameter : list) {
            types.push_back(parameter.type);
        }
        return types;
    };
    for (const auto& interface : object.interfaces) {
        auto& methods = all[interface.name] = Json::object();
        for (const auto& method : interface.methods) {
            methods[method.name] = {{"in", parameters(method.in)}, {"out", parameters(method.out)}};
        }
    }
    return all;
}

void print_object(const ObjectDescription& object, bool json) {
    if (json) {
        print_json(describe_json(object));
        return;
    }
    for (const auto& interface : object.interfaces) {
        print_line(fmt::format("Interface {}:", interface.name));
        for (const auto& method : interface.methods) {
            print_line(fmt::format(" {}", describe(method)));
        }
        print_line("");
    }
}

void print_reply(const std::vector<Data>& reply, const MethodDeclaration& method, bool json) {
    if (json) {
        print_json(reply.size() == 1 ? to_json(reply.front()) : to_json({List{reply}}));
        return;
    }
    for (std::size_t i = 0; i < reply.size(); ++i) {
        const bool named = i < method.out.size() && !method.out[i].name.empty();
        print_line(fmt::format("{}{}{}", named ? method.out[i].name : "", named ? " = " : "",
                               to_pretty_python(reply[i])));
    }
}

// A method that changes something answers 0, or a code for why it did not.
struct Code {
    std::int64_t code;
    std::string_view meaning;
};
constexpr Code kWriteCodes[] = {{1, "it is read-only, or the value does not fit its type"},
                                {2, "the value is out of range, or the device did not take it"},
                                {-1, "the value is out of range, or does not fit the setting's type"}};
constexpr Code kDefaultCodes[] = {{-1, "it has no default"}};
constexpr Code kAddCodes[] = {{-1, "the group cannot have settings"},
                              {-2, "an element of the path begins with '_'"},
                              {-3, "the type must be i, f or s"},
                              {-4, "the path is missing"},
                              {-5, "the setting exists with another type"},
                              {-6, "the default does not fit the type"},
                              {-7, "the default is outside of minimum and maximum"},
                              {-8, "there are settings below that path"},
                              {-9, "the path must begin with /Settings/"}};

template <std::size_t N>
std::string meaning_of(const Code (&codes)[N], std::int64_t code) {
    const auto row = std::ranges::find(codes, code, &Code::code);
    return row != std::end(codes) ? std::string(row->meaning) : "the service refused it";
}

std::optional<std::string> refusal_of_entry(const Data& entry) {
    const auto* fields = std::get_if<Dictionary>(&entry.storage);
    if (fields == nullptr) {
        return std::nullopt;
    }
    std::int64_t code = 0;
    std::string path = "a setting";
    for (const auto& [key, value] : fields->entries) {
        const auto* name = std::get_if<std::string>(&key.storage);
        const auto* number = std::get_if<std::int64_t>(&value.storage);
        const auto* text = std::get_if<std::string>(&value.storage);
        if (name != nullptr && *name == "error" && number != nullptr) {
            code = *number;
        } else if (name != nullptr && *name == "path" && text != nullptr) {
            path = *text;
        }
    }
    return code == 0 ? std::nullopt
                     : std::optional(
                         fmt::format("{} refused with {}: {}", path, code, meaning_of(kAddCodes, code)));
}

// What a code of this method means; nothing for a method whose integer is no code.
std::optional<std::string> meaning_of_code(const std::string& member, std::int64_t code) {
    if (member == "SetValue") {
        return meaning_of(kWriteCodes, code);
    }
    if (member == "SetDefault") {
        return meaning_of(kDefaultCodes, code);
    }
    return member == "AddSetting" || member == "AddSilentSetting" ? std::optional(meaning_of(kAddCodes, code))
                                                                  : std::nullopt;
}

// The answer of RemoveSettings: a code for each of the paths that were given.
std::optional<std::string> refusal_of_removal(const List& codes, const std::vector<Data>& arguments) {
    const auto* paths = arguments.size() == 1 ? std::get_if<List>(&arguments.front().storage) : nullptr;
    for (std::size_t i = 0; i < codes.elements.size(); ++i) {
        const auto* code = std::get_if<std::int64_t>(&codes.elements[i].storage);
        if (code != nullptr && *code != 0) {
            const bool known = paths != nullptr && i < paths->elements.size();
            return fmt::format("there is no setting {} to remove",
                               known ? to_python(paths->elements[i]) : fmt::format("number {}", i + 1));
        }
    }
    return std::nullopt;
}

// One line about a value or a setting that was not taken; nothing when all went well.
std::optional<std::string> refusal(const std::string& member, const std::string& path,
                                   const std::vector<Data>& arguments, const std::vector<Data>& reply) {
    if (reply.size() != 1) {
        return std::nullopt;
    }
    if (const auto* code = std::get_if<std::int64_t>(&reply.front().storage); code != nullptr && *code != 0) {
        const auto meaning = meaning_of_code(member, *code);
        return meaning ? std::optional(fmt::format("{} refused with {}: {}", path, *code, *meaning))
                       : std::nullopt;
    }
    const auto* list = std::get_if<List>(&reply.front().storage);
    if (list != nullptr && member == "RemoveSettings") {
        return refusal_of_removal(*list, arguments);
    }
    if (list != nullptr && member == "AddSettings") {
        for (const auto& entry : list->elements) {
            if (auto text = refusal_of_entry(entry)) {
                return text;
            }
        }
    }
    return std::nullopt;
}

std::string offered_methods(const ObjectDescription& object) {
    std::string names;
    for (const auto& interface : object.interfaces) {
        for (const auto& method : interface.methods) {
            names += names.empty() ? "" : ", ";
            names += method.name;
        }
    }
    return names;
}

asio::awaitable<int> run_call(Client& client, std::vector<std::string> words, bool json) {
    const auto& service = words[0];
    const auto& path = words[1];
    const auto& member = words[2];
    std::vector<Data> arguments;
    for (auto word = words.begin() + 3; word != words.end(); ++word) {
        try {
            arguments.push_back(parse_argument(*word));
        } catch (const LiteralError& error) {
            throw Failure(fmt::format("argument '{}': {}", *word, error.what()));
        }
    }
    const auto object = co_await client.introspect(service, path);
    const auto method = find_method(object, member);
    if (!method) {
        throw Failure(object.interfaces.empty() ? fmt::format("{} has no {}", service, path)
                                                : fmt::format("{} {} has no method {}; it has: {}", service,
                                                              path, member, offered_methods(object)));
    }
    const auto reply = co_await client.call(service, path, *method, arguments);
    print_reply(reply, method->method, json);
    if (const auto why = refusal(method->method.name, path, arguments, reply)) {
        std::fflush(stdout);
        fmt::print(stderr, "velib: {}\n", *why);
        co_return 1;
    }
    co_return 0;
}

// What `list` shows of a service.
struct Entry {
    std::string service;
    Data instance = {NoValue{}};
    Data name = {NoValue{}};
    Data connected = {NoValue{}};
    std::optional<std::size_t> items;  // nothing: it does not answer
};

asio::awaitable<Entry> describe_service(Client& client, std::string service) {
    // A service that hangs must not keep the others from being listed.
    constexpr std::chrono::seconds kPatience{3};
    const ResolvedMethod method{"com.victronenergy.BusItem", {"GetItems", {}, {{"", "a{sa{sv}}"}}}};
    Entry entry{service};
    std::vector<Data> reply;
    try {
        reply = co_await client.call(service, "/", method, {}, kPatience);
    } catch (const Failure&) {
        co_return entry;
    }
    const auto* items = reply.empty() ? nullptr : std::get_if<Dictionary>(&reply.front().storage);
    if (items == nullptr) {
        co_return entry;
    }
    entry.items = items->entries.size();
    Data custom_name{NoValue{}};
    for (const auto& [path, fields] : items->entries) {
        const auto* text = std::get_if<std::string>(&path.storage);
        const auto* dictionary = std::get_if<Dictionary>(&fields.storage);
        if (text == nullptr || dictionary == nullptr) {
            continue;
        }
        auto* wanted = *text == "/DeviceInstance" ? &entry.instance
                       : *text == "/ProductName"  ? &entry.name
                       : *text == "/CustomName"   ? &custom_name
                       : *text == "/Connected"    ? &entry.connected
                                                  : nullptr;
        for (const auto& [key, value] : dictionary->entries) {
            const auto* name = std::get_if<std::string>(&key.storage);
            if (wanted != nullptr && name != nullptr && *name == "Value") {
                *wanted = value;
            }
        }
    }
    if (const auto* custom = std::get_if<std::string>(&custom_name.storage);
        custom != nullptr && !custom->empty()) {
        entry.name = custom_name;
    }
    co_return entry;
}

std::string cell(const Data& data) {
    if (std::holds_alternative<NoValue>(data.storage)) {
        return "-";
    }
    const auto* text = std::get_if<std::string>(&data.storage);
    return for_terminal(text != nullptr ? *text : to_python(data), 60, true);
}

using Row = std::vector<std::string>;

void print_table(const std::vector<Row>& rows) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], display_width(row[i]));
        }
    }
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            if (i + 1 < row.size()) {
                line.append(widths[i] - display_width(row[i]) + 2, ' ');
            }
        }
        print_line(line);
    }
}

}  // namespace

asio::awaitable<int> run_words(BusContext context, std::vector<std::string> words, bool json) {
    Client client(context);
    if (words.empty()) {
        const auto names = co_await client.names();
        print_lines(names, json);
        co_return 0;
    }
    if (words.size() == 1) {
        std::vector<std::string> paths;
        co_await collect_objects(client, words[0], "/", 0, paths);
        print_lines(paths, json);
        co_return 0;
    }
    if (words.size() == 2) {
        const auto object = co_await client.introspect(words[0], words[1]);
        print_object(object, json);
        co_return 0;
    }
    co_return co_await run_call(client, std::move(words), json);
}

asio::awaitable<int> run_list(BusContext context, bool json) {
    Client client(context);
    std::vector<Row> rows;
    auto all = Json::array();
    if (isatty(STDOUT_FILENO) != 0) {
        rows.push_back({"SERVICE", "INSTANCE", "NAME", "CONNECTED", "ITEMS"});
    }
    const auto names = co_await client.names();
    for (const auto& name : names) {
        if (!name.starts_with("com.victronenergy.")) {
            continue;
        }
        const auto entry = co_await describe_service(client, name);
        rows.push_back({name, cell(entry.instance), cell(entry.name), cell(entry.connected),
                        entry.items ? fmt::format("{}", *entry.items) : "no answer"});
        all.push_back({{"service", name},
                       {"instance", to_json(entry.instance)},
                       {"name", to_json(entry.name)},
                       {"connected", to_json(entry.connected)},
                       {"items", entry.items ? Json(*entry.items) : Json(nullptr)}});
    }
    if (json) {
        print_json(all);
    } else {
        print_table(rows);
    }
    co_return 0;
}

}  // namespace velib::cli
