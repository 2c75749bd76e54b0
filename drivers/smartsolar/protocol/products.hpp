#pragma once
// Names of Victron products by the id they advertise. docs/protocols/victron-ble.md, "Products".

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace smartsolar {

struct ProductName {
    std::uint16_t id;
    std::string_view name;
};

/// Every known product, by id.
[[nodiscard]] std::span<const ProductName> products();

/// The maker's name, nothing for an unknown id.
[[nodiscard]] std::optional<std::string_view> product_name(std::uint16_t id);

/// The maker's name, or "Unknown product 0xA123".
[[nodiscard]] std::string product_text(std::uint16_t id);

/// Solar chargers (MPPT) of every line.
[[nodiscard]] bool is_solar_charger(std::uint16_t id);

/// BMV and SmartShunt: they measure current and know the state of charge.
[[nodiscard]] bool is_battery_monitor(std::uint16_t id);

/// Smart Battery Sense: sends battery monitor records, but knows only voltage and temperature.
[[nodiscard]] bool is_battery_sense(std::uint16_t id);

/// Orion Smart: a single chip, which answers every register on the Bluetooth side (GATT instance 0).
[[nodiscard]] bool is_orion_smart(std::uint16_t id);

}  // namespace smartsolar
