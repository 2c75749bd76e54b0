#pragma once
// A method that a service offers beside those of com.victronenergy.BusItem, or in place of one of them.

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

struct sd_bus_message;

namespace velib {

/// Offered with Service::offer(); listed in the introspection of every object it answers on.
struct Method {
    enum class Place : std::uint8_t {
        item,  ///< every leaf
        node   ///< every node, "/" included
    };
    /// Reads the arguments from `call` and appends what it returns to `reply`. Throws MethodError to answer
    /// with a D-Bus error instead.
    using Answer = std::function<void(std::string_view path, sd_bus_message* call, sd_bus_message* reply)>;

    Place place = Place::item;
    std::string_view interface;  ///< a literal, as are the others
    std::string_view member;
    std::string_view in;  ///< signature of the arguments; what a client really sends is for `answer` to check
    std::string_view out;
    Answer answer;
};

/// A D-Bus error as the answer to a call.
class MethodError : public std::runtime_error {
  public:
    /// `name` is a literal such as "org.freedesktop.DBus.Error.InvalidArgs".
    MethodError(const char* name, const std::string& text) : std::runtime_error(text), name_(name) {}
    [[nodiscard]] const char* name() const { return name_; }

  private:
    const char* name_;
};

}  // namespace velib
