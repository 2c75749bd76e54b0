#pragma once
// com.victronenergy.ble.smartsolar: every product that was found, with its key and what is wrong with it.
// Its class is one that device lists leave out; it is for setting up and for looking why a product has no values.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <velib/publication.hpp>
#include <velib/service.hpp>

namespace smartsolar {

/// What is said of one product.
struct RegistryEntry {
    std::string name;
    std::string address;
    std::int64_t product_id = 0;
    std::string product_name;
    std::string kind;        // of its record, "" while unknown
    std::string key_status;  // "missing", "wrong", "right", "not needed", or why it is no key
    std::string status;      // one sentence: published, or what keeps it away
    std::optional<std::int64_t> rssi_dbm;

    bool operator==(const RegistryEntry&) const = default;
};

class Registry {
  public:
    explicit Registry(const velib::BusContext& context);

    /// Takes the name.
    void start() { service_.start(); }

    /// A product's items under /Devices/<id>.
    class Entry {
      public:
        /// `on_key` is called when a client writes a key.
        Entry(Registry& registry, const std::string& id, std::function<void(std::string)> on_key);

        void publish(const RegistryEntry& entry, const std::string& key);

      private:
        velib::ItemTree& tree_;
        velib::Publication<RegistryEntry> publication_;
        velib::Item* key_;
    };

  private:
    velib::Service service_;
};

}  // namespace smartsolar
