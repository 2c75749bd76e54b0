#pragma once

#include "velib/tree.hpp"

#include <string>
#include <string_view>

namespace velib {

/// The introspection document of a leaf, a node or "/": exactly the methods that answer there (clients such as
/// the `dbus` tool see a service only through it), out-arguments unnamed, and the children.
[[nodiscard]] std::string introspection_xml(const ItemTree& tree, std::string_view path);

}  // namespace velib
