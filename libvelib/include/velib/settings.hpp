#pragma once
// What a driver keeps in com.victronenergy.settings: asked for once, followed live, safe against its absence.
// Facts: docs/object-model.md, "The settings service".

#include "velib/bus.hpp"
#include "velib/value.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

namespace velib {

/// A setting a driver wants: an absolute path below /Settings/, its default (integer, real or text; the type
/// follows), and limits for numbers (both 0: none).
struct SettingSpec {
    std::string path;
    Value default_value;
    double min = 0;
    double max = 0;
    bool secret = false;  ///< a key or password: nobody writes it to a log, the settings service neither
};

/// A client of the settings service with a connection of its own. While the service is away the last known
/// values stay; when it is back everything is asked for again.
class Settings {
  public:
    using Handler = std::function<void(std::string_view path, const Value& value)>;

    /// Ends the handler's life when destroyed.
    class Subscription {
      public:
        Subscription() = default;
        explicit Subscription(std::shared_ptr<void> token) : token_(std::move(token)) {}

      private:
        std::shared_ptr<void> token_;
    };

    explicit Settings(const BusContext& context);
    Settings(const Settings&) = delete;
    Settings& operator=(const Settings&) = delete;
    ~Settings();

    /// Registers settings and returns when their values are known; waits for the service as long as it takes.
    /// A setting that the service refuses is logged and has its default.
    boost::asio::awaitable<void> add(std::vector<SettingSpec> specs);

    /// Forgets settings: they are no longer followed. They stay in the service.
    void forget(std::string_view prefix);

    /// The value of an added setting, of its default's type. Invalid for a path that was never added.
    [[nodiscard]] Value value(std::string_view path) const;
    [[nodiscard]] std::int64_t integer(std::string_view path) const;
    [[nodiscard]] double real(std::string_view path) const;
    [[nodiscard]] std::string text(std::string_view path) const;

    /// Calls `handler` for every later change of a setting whose path begins with `prefix`.
    [[nodiscard]] Subscription subscribe(std::string prefix, Handler handler);

    /// Writes a setting. False when the service refused it or is away; the change comes back to subscribers.
    boost::asio::awaitable<bool> set(std::string path, Value value);

    /// Whether the service answered last time.
    [[nodiscard]] bool available() const;

  private:
    class Client;
    std::shared_ptr<Client> client_;
};

}  // namespace velib
