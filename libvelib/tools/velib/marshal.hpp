#pragma once
// Values between D-Bus messages and Data.

#include "data.hpp"

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <systemd/sd-bus.h>

namespace velib::cli {

/// Why a value cannot travel as the type that a method wants.
class ConversionError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// All arguments of a message, variants unwrapped. An empty array in a variant is "no value".
/// Throws std::system_error when the message is malformed.
[[nodiscard]] std::vector<Data> read_arguments(sd_bus_message* message);

/// The signature a value gets in a variant: integers are "i" or, when they need it, "x"; a list has the type
/// of its elements ("ad" when whole and broken numbers mix, else "av"); "no value" and an empty list are "ai".
[[nodiscard]] std::string signature_of(const Data& data);

/// Appends `data` as one argument of the given complete type. A text is also taken for a number or a bool
/// that it spells. Throws ConversionError.
void append(sd_bus_message* message, const Data& data, std::string_view signature);

}  // namespace velib::cli
