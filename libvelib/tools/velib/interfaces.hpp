#pragma once
// What an object declares in its introspection document: interfaces, methods, children.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace velib::cli {

struct Parameter {
    std::string name;  // often empty
    std::string type;  // a complete type
};

struct MethodDeclaration {
    std::string name;
    std::vector<Parameter> in;
    std::vector<Parameter> out;
};

struct Interface {
    std::string name;
    std::vector<MethodDeclaration> methods;
};

struct ObjectDescription {
    std::vector<Interface> interfaces;
    std::vector<std::string> children;  // names, without the path
};

/// Reads an introspection document; nothing when it is not one.
[[nodiscard]] std::optional<ObjectDescription> parse_introspection(std::string_view xml);

struct ResolvedMethod {
    std::string interface;
    MethodDeclaration method;
};

/// Finds a method by its name, or by "interface.name". The first interface that has it wins.
[[nodiscard]] std::optional<ResolvedMethod> find_method(const ObjectDescription& object,
                                                        std::string_view name);

/// "Variant[] Name(String group, Int32 number)", types by their names in the D-Bus specification.
[[nodiscard]] std::string describe(const MethodDeclaration& method);

}  // namespace velib::cli
