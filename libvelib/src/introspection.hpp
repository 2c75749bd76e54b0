#pragma once

#include "velib/method.hpp"
#include "velib/tree.hpp"

#include <span>
#include <string>
#include <string_view>

namespace velib {

/// The introspection document of a leaf, a node or "/": exactly the methods that answer there (clients such as
/// the `dbus` tool see a service only through it), out-arguments unnamed, and the children. `offered` are the
/// methods a service has beside those of BusItem.
[[nodiscard]] std::string introspection_xml(const ItemTree& tree, std::string_view path,
                                            std::span<const Method> offered = {});

/// The length of the first complete type of a valid signature: 5 for "a{sv}i".
[[nodiscard]] std::size_t complete_type_length(std::string_view signature);

}  // namespace velib
