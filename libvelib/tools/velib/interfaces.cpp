#include "interfaces.hpp"

#include "introspection.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <pugixml.hpp>

namespace velib::cli {
namespace {

constexpr std::array<std::pair<char, std::string_view>, 14> kTypeNames{{{'y', "Byte"},
                                                                        {'b', "Boolean"},
                                                                        {'n', "Int16"},
                                                                        {'q', "UInt16"},
                                                                        {'i', "Int32"},
                                                                        {'u', "UInt32"},
                                                                        {'x', "Int64"},
                                                                        {'t', "UInt64"},
                                                                        {'d', "Double"},
                                                                        {'s', "String"},
                                                                        {'o', "ObjectPath"},
                                                                        {'g', "Signature"},
                                                                        {'h', "UnixFd"},
                                                                        {'v', "Variant"}}};

std::string type_name(std::string_view type);

// The names of several complete types, separated by commas.
std::string type_names(std::string_view types) {
    std::string names;
    while (!types.empty()) {
        const auto length = complete_type_length(types);
        names += names.empty() ? "" : ", ";
        names += type_name(types.substr(0, length));
        types.remove_prefix(length);
    }
    return names;
}

std::string type_name(std::string_view type) {
    if (type.starts_with("a{") && type.size() > 3) {
        return fmt::format("Dictionary {{{}}}", type_names(type.substr(2, type.size() - 3)));
    }
    if (type.starts_with('a')) {
        return type_name(type.substr(1)) + "[]";
    }
    if (type.starts_with('(') && type.size() > 2) {
        return fmt::format("Struct {{{}}}", type_names(type.substr(1, type.size() - 2)));
    }
    const auto row = std::ranges::find(kTypeNames, type.empty() ? '\0' : type.front(),
                                       &std::pair<char, std::string_view>::first);
    return row != kTypeNames.end() ? std::string(row->second) : fmt::format("'{}'", type);
}

std::string parameter_list(const std::vector<Parameter>& parameters) {
    std::string text;
    for (const auto& parameter : parameters) {
        text += text.empty() ? "" : ", ";
        text += type_name(parameter.type);
        text += parameter.name.empty() ? "" : " ";
        text += parameter.name;
    }
    return text;
}

MethodDeclaration read_method(const pugi::xml_node& node) {
    MethodDeclaration method{node.attribute("name").value(), {}, {}};
    for (const auto& argument : node.children("arg")) {
        const bool out = std::string_view(argument.attribute("direction").value()) == "out";
        (out ? method.out : method.in)
            .push_back({argument.attribute("name").value(), argument.attribute("type").value()});
    }
    return method;
}

}  // namespace

std::optional<ObjectDescription> parse_introspection(std::string_view xml) {
    pugi::xml_document document;
    if (!document.load_buffer(xml.data(), xml.size()) || !document.child("node")) {
        return std::nullopt;
    }
    ObjectDescription object;
    const auto root = document.child("node");
    for (const auto& node : root.children("interface")) {
        auto& interface = object.interfaces.emplace_back(Interface{node.attribute("name").value(), {}});
        for (const auto& method : node.children("method")) {
            interface.methods.push_back(read_method(method));
        }
    }
    for (const auto& node : root.children("node")) {
        object.children.emplace_back(node.attribute("name").value());
    }
    return object;
}

std::optional<ResolvedMethod> find_method(const ObjectDescription& object, std::string_view name) {
    const auto dot = name.rfind('.');
    const auto interface_name = dot != std::string_view::npos ? name.substr(0, dot) : std::string_view();
    const auto method_name = dot != std::string_view::npos ? name.substr(dot + 1) : name;
    for (const auto& interface : object.interfaces) {
        if (!interface_name.empty() && interface.name != interface_name) {
            continue;
        }
        const auto method = std::ranges::find(interface.methods, method_name, &MethodDeclaration::name);
        if (method != interface.methods.end()) {
            return ResolvedMethod{interface.name, *method};
        }
    }
    return std::nullopt;
}

std::string describe(const MethodDeclaration& method) {
    std::string result = "void";
    if (method.out.size() == 1 && method.out.front().name.empty()) {
        result = type_name(method.out.front().type);
    } else if (!method.out.empty()) {
        result = fmt::format("({})", parameter_list(method.out));
    }
    return fmt::format("{} {}({})", result, method.name, parameter_list(method.in));
}

}  // namespace velib::cli
