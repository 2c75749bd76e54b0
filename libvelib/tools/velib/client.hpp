#pragma once
// The questions that the commands ask a bus.

#include "data.hpp"
#include "interfaces.hpp"
#include "velib/bus.hpp"

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

namespace velib::cli {

/// Why a command could not be carried out: one line for the user.
class Failure : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class Client {
  public:
    /// Long enough for a service that asks a slow device before it answers.
    static constexpr std::chrono::seconds kTimeout{25};

    explicit Client(const BusContext& context) : bus_(context) {}

    /// Well-known names on the bus, sorted.
    boost::asio::awaitable<std::vector<std::string>> names();

    /// Throws Failure: no such service, no such object, no introspection.
    boost::asio::awaitable<ObjectDescription> introspect(std::string service, std::string path);

    /// Calls a method with arguments converted to the types it declares. Throws Failure: arguments that do not
    /// convert, or the error that came back.
    boost::asio::awaitable<std::vector<Data>> call(std::string service, std::string path,
                                                   ResolvedMethod method, std::vector<Data> arguments,
                                                   std::chrono::milliseconds timeout = kTimeout);

  private:
    Bus bus_;
};

}  // namespace velib::cli
