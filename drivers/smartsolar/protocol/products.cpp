#include "smartsolar/protocol/products.hpp"

#include "smartsolar/protocol/product_table.hpp"

#include <algorithm>
#include <array>

namespace smartsolar {

namespace {

static_assert(std::adjacent_find(kProducts.begin(), kProducts.end(),
                                 [](const ProductName& a, const ProductName& b) { return a.id >= b.id; })
              == kProducts.end());

constexpr bool within(std::uint16_t id, std::uint16_t first, std::uint16_t last) {
    return id >= first && id <= last;
}

}  // namespace

std::span<const ProductName> products() {
    return kProducts;
}

std::optional<std::string_view> product_name(std::uint16_t id) {
    const auto found = std::lower_bound(
        kProducts.begin(), kProducts.end(), id,
        [](const ProductName& product, std::uint16_t wanted) { return product.id < wanted; });
    if (found == kProducts.end() || found->id != id) {
        return std::nullopt;
    }
    return found->name;
}

std::string product_text(std::uint16_t id) {
    if (const auto known = product_name(id)) {
        return std::string(*known);
    }
    if (within(id, 0xA3F0, 0xA3FF)) {
        return "Orion XS";
    }
    static constexpr char kDigits[] = "0123456789ABCDEF";
    std::string text = "Unknown product 0x";
    for (const int shift : {12, 8, 4, 0}) {
        text += kDigits[id >> shift & 15];
    }
    return text;
}

bool is_solar_charger(std::uint16_t id) {
    return within(id, 0xA040, 0xA07F) || within(id, 0xA101, 0xA117);
}

bool is_battery_monitor(std::uint16_t id) {
    return within(id, 0x0203, 0x0205) || within(id, 0xA380, 0xA38E) || within(id, 0xC030, 0xC038);
}

bool is_battery_sense(std::uint16_t id) {
    return within(id, 0xA3A4, 0xA3A5);
}

bool is_orion_smart(std::uint16_t id) {
    return within(id, 0xA3C0, 0xA3D3);
}

}  // namespace smartsolar
