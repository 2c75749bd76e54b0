#include "contestants.hpp"

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <sdbus-c++/sdbus-c++.h>

namespace bench {
namespace {

const sdbus::InterfaceName kBusItem{"com.victronenergy.BusItem"};
using Entry = std::map<std::string, sdbus::Variant>;
using Entries = std::map<std::string, Entry>;

struct NaiveItem {
    double value = 0;
    std::unique_ptr<sdbus::IObject> object;

    [[nodiscard]] std::string text() const { return fmt::format("{:.2f}V", value); }
    [[nodiscard]] Entry entry() const {
        return {{"Value", sdbus::Variant(value)}, {"Text", sdbus::Variant(text())}};
    }
};

class Naive final : public Contestant {
  public:
    void start(const std::string& name, int items) override {
        connection_ = sdbus::createSessionBusConnection();
        root_ = sdbus::createObject(*connection_, sdbus::ObjectPath("/"));
        root_
            ->addVTable(sdbus::registerMethod("GetItems").implementedAs([this] { return all(); }),
                        sdbus::registerMethod("GetValue").implementedAs([this] { return values(); }),
                        sdbus::registerSignal("ItemsChanged").withParameters<Entries>())
            .forInterface(kBusItem);
        for (int i = 0; i < items; ++i) {
            add(item_path(i), 12.0 + i);
        }
        connection_->requestName(sdbus::ServiceName(name));
        serve(0);
    }

    void change(int count, double base) override {
        Entries changed;
        for (int i = 0; i < count; ++i) {
            auto& [path, item] = *order_[static_cast<std::size_t>(i)];
            if (item.value != base + i) {
                item.value = base + i;
                changed.emplace(path, item.entry());
            }
        }
        root_->emitSignal("ItemsChanged").onInterface(kBusItem).withArguments(changed);
        serve(0);
    }

    void serve(int milliseconds) override {
        using Clock = std::chrono::steady_clock;
        const auto end = Clock::now() + std::chrono::milliseconds(milliseconds);
        for (;;) {
            while (connection_->processPendingEvent()) {
            }
            const auto left =
                std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
            const auto data = connection_->getEventLoopPollData();
            if (left <= 0 && (data.events & POLLOUT) == 0) {
                return;
            }
            pollfd wait[2] = {{data.fd, data.events, 0}, {data.eventFd, POLLIN, 0}};
            poll(wait, 2, static_cast<int>(std::max<std::int64_t>(left, 1)));
        }
    }

  private:
    void add(const std::string& path, double value) {
        const auto place = items_.emplace(path, NaiveItem{value, nullptr}).first;
        order_.push_back(place);
        auto& item = place->second;
        item.object = sdbus::createObject(*connection_, sdbus::ObjectPath(path));
        item.object
            ->addVTable(
                sdbus::registerMethod("GetValue").implementedAs([&item] {
                    return sdbus::Variant(item.value);
                }),
                sdbus::registerMethod("GetText").implementedAs([&item] { return item.text(); }),
                sdbus::registerMethod("SetValue").implementedAs([](const sdbus::Variant&) -> std::int32_t {
                    return 1;
                }),
                sdbus::registerSignal("PropertiesChanged").withParameters<Entry>())
            .forInterface(kBusItem);
    }

    Entries all() const {
        Entries entries;
        for (const auto& [path, item] : items_) {
            entries.emplace(path, item.entry());
        }
        return entries;
    }

    sdbus::Variant values() const {
        Entry entries;
        for (const auto& [path, item] : items_) {
            entries.emplace(path.substr(1), sdbus::Variant(item.value));
        }
        return sdbus::Variant(entries);
    }

    std::unique_ptr<sdbus::IConnection> connection_;
    std::unique_ptr<sdbus::IObject> root_;
    std::map<std::string, NaiveItem> items_;
    std::vector<std::map<std::string, NaiveItem>::iterator> order_;
};

}  // namespace

std::unique_ptr<Contestant> make_naive() {
    return std::make_unique<Naive>();
}

}  // namespace bench
