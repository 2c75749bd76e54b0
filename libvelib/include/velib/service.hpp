#pragma once
// A service on the bus: a name, a connection of its own, and a tree of items that answers by itself.
// Facts: docs/object-model.md, "Objects", "Names and connections".

#include "velib/bus.hpp"
#include "velib/method.hpp"
#include "velib/tree.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace velib {

/// Publishes one tree under one name, e.g. com.victronenergy.solarcharger.tsmppt.
///
/// Create all items first, then start(). After stop() the name and the connection are gone while the items
/// stay; start() comes back with a fresh connection, as consumers need it to notice a new instance.
class Service final : private ChangeSink {
  public:
    Service(BusContext context, std::string name);
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;
    ~Service() override;

    [[nodiscard]] const std::string& name() const { return name_; }
    /// Only while stopped: the name to take at the next start().
    void rename(std::string name) { name_ = std::move(name); }
    [[nodiscard]] ItemTree& items() { return tree_; }
    [[nodiscard]] bool running() const { return bus_ != nullptr; }

    /// Before start(): methods beyond BusItem, or in place of a BusItem method of the same name.
    void offer(std::vector<Method> methods) { methods_ = std::move(methods); }
    /// Before start(): changes are announced by `sink` instead of as ItemsChanged and PropertiesChanged.
    void announce_through(ChangeSink& sink) { sink_ = &sink; }
    /// The connection, only while running.
    [[nodiscard]] Bus& bus() { return *bus_; }

    /// Connects and takes the name. Throws std::system_error: no bus, or the name is taken (EEXIST).
    void start();
    /// Leaves the bus: what is queued is sent, then the connection closes and with it the name.
    void stop();

  private:
    void items_changed(std::span<const Item* const> items) override;
    void item_changed(const Item& item) override;
    bool on_message(sd_bus_message* message);
    bool answer(sd_bus_message* call, std::string_view path, std::string_view interface,
                std::string_view member);
    [[nodiscard]] const Method* offered(std::string_view path, std::string_view interface,
                                        std::string_view member) const;
    void answer_set_value(sd_bus_message* call, Item& item);

    BusContext context_;
    std::string name_;
    ItemTree tree_;
    std::vector<Method> methods_;
    ChangeSink* sink_ = this;
    std::unique_ptr<Bus> bus_;
};

/// `text` as an element of a bus name: every character but [A-Za-z0-9_] becomes '_'. Put letters in front of
/// it when it may begin with a digit.
[[nodiscard]] std::string bus_name_element(std::string_view text);

}  // namespace velib
