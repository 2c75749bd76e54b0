#pragma once
// Follows the items of other services: what is on the bus, its values and texts, live.

#include "velib/bus.hpp"
#include "velib/value.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace velib {

/// What a monitor knows of one item.
struct MonitoredItem {
    Value value;
    std::string text;
};

/// What a monitor knows of one service.
struct MonitoredService {
    std::string name;
    std::string owner;  ///< unique name of its connection
    std::map<std::string, MonitoredItem, std::less<>> items;

    /// The item's value; invalid when there is no such item.
    [[nodiscard]] Value value(std::string_view path) const;
};

/// Watches every com.victronenergy service whose name begins with one of the prefixes.
class Monitor {
  public:
    struct Handlers {
        /// A service appeared and its items are known.
        std::function<void(const MonitoredService&)> appeared = {};
        std::function<void(const MonitoredService&, std::string_view path, const MonitoredItem&)> changed =
            {};
        /// It left the bus; the argument is what was known last.
        std::function<void(const MonitoredService&)> gone = {};
        /// Every service that was there at the start has been read.
        std::function<void()> settled = {};
    };

    /// `paths`: the items to keep of each service; none: all of them.
    Monitor(const BusContext& context, std::vector<std::string> prefixes, Handlers handlers,
            std::vector<std::string> paths = {});
    Monitor(const Monitor&) = delete;
    Monitor& operator=(const Monitor&) = delete;
    ~Monitor();

    /// All services that have been read, by name.
    [[nodiscard]] const std::map<std::string, MonitoredService, std::less<>>& services() const;

  private:
    class Watcher;
    std::shared_ptr<Watcher> watcher_;
};

}  // namespace velib
